"""Device keys: the part that is sent to the server, and the signing key that it pins."""

from __future__ import annotations

from nearwise.errors import SettingsInvalid
from nearwise.settings import Settings
from nearwise_rules import Trust

_API_PARTS = 3


def split_key(key: str | None) -> tuple[str, str | None]:
    """A device key `nw1.<id>.<secret>.<public signing key>` as (what is sent, what is pinned).

    Raises:
        SettingsInvalid: not the text of a key.
    """
    if key is None:
        return "", None
    parts = key.strip().split(".")
    if parts[0] != "nw1" or not _API_PARTS <= len(parts) <= _API_PARTS + 1 or not all(parts):
        raise SettingsInvalid("key is not a Nearwise key: expected nw1.<id>.<secret>[.<signing key>]")
    return ".".join(parts[:_API_PARTS]), parts[_API_PARTS] if len(parts) > _API_PARTS else None


def pinned_trust(public_key: str | None, settings: Settings) -> Trust | None:
    """The trust in one signing key, within the scope that the settings name.

    Raises:
        SettingsInvalid: not the text of a public key.
    """
    if public_key is None:
        return None
    try:
        keys = Trust.pinned(public_key).keys
    except ValueError as error:
        raise SettingsInvalid(f"trust: {error}") from error
    return Trust(keys=keys, tenant=settings.tenant, environment=settings.environment, audience=settings.audience)

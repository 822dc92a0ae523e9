"""Where a client lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nearwise.errors import SettingsInvalid

if TYPE_CHECKING:
    from nearwise.transport import Transport
    from nearwise_rules import Trust


class Place(NamedTuple):
    """Where a client lives: the server's address or a transport, its key, its folder, the pinned signing key."""

    url: str | Transport | None = None
    api_key: str = ""
    storage: str | None = None
    seed: str | None = None
    trust: Trust | None = None


def check_place(place: Place) -> None:
    """Refuse what can be no place.

    Raises:
        SettingsInvalid: an address without http:// or https://, or an empty path.
    """
    if isinstance(place.url, str) and not _is_address(place.url):
        raise SettingsInvalid(
            f"url is not the address of a server, such as https://nearwise.example.com: {place.url!r}"
        )
    for name in ("storage", "seed"):
        if getattr(place, name) == "":
            raise SettingsInvalid(
                f"{name} is an empty path: name a {'folder' if name == 'storage' else 'file'}, or pass None"
            )


def _is_address(url: str) -> bool:
    scheme, separator, rest = url.partition("://")
    return scheme.lower() in ("http", "https") and bool(separator) and rest[:1] not in ("", "/", ":")

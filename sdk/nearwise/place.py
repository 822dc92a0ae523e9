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
        SettingsInvalid: an address without http:// or https:// and a host, what is no transport, or an empty path.
    """
    url: object = place.url
    if isinstance(url, str):
        if not _is_address(url):
            raise SettingsInvalid(f"url is not the address of a server, such as https://nearwise.example.com: {url!r}")
    elif url is not None and not hasattr(url, "send"):
        raise SettingsInvalid(f"url is an address or a Transport, not {url!r:.100}")
    for name, path in (("storage", place.storage), ("seed", place.seed)):
        if path is not None and (not isinstance(path, str) or not path.strip()):  # pyright: ignore[reportUnnecessaryIsInstance]
            kind = "folder" if name == "storage" else "file"
            raise SettingsInvalid(f"{name} is the path of a {kind} as a text, or None, not {path!r:.100}")


def _is_address(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    host, _, port = rest.partition("/")[0].partition("?")[0].rpartition("@")[2].partition(":")
    bracketed = host.startswith("[")  # an IPv6 address has colons of its own
    return (
        scheme.lower() in ("http", "https")
        and not any(each.isspace() or not each.isprintable() for each in url)
        and (bracketed or (any(each.isalnum() for each in host) and (not port or port.isdecimal())))
    )

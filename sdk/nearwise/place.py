"""Where a client lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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

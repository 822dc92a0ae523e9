"""Where deliveries may go: the rules for a channel's URL, and for the addresses that its host name turns out to have.

A channel makes this server send a request, so an address decides what others could reach through it. Public addresses
are open; loopback is for a URL that says so itself; private networks need a setting; link-local addresses, the
metadata services of clouds and everything else are closed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from nearwise_server.errors import ChannelRefused
from nearwise_server.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MOST_CHARACTERS = 2_000
_PRIVATE = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
_CLOSED = tuple(
    map(ipaddress.ip_network, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fec0::/10"))
)
"""Metadata services of Alibaba, Azure, Oracle and AWS that lie elsewhere than link-local; site-local addresses."""
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """Which destinations are open."""

    plain_http: bool = False
    private_networks: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings say."""
        return cls(plain_http=settings.webhook_plain_http, private_networks=settings.webhook_private_networks)

    def check_url(self, url: str) -> None:
        """Let a URL pass that a channel may have.

        Raises:
            ChannelRefused: it may not, with the reason.
        """
        parts = _split(url)
        host = parts.hostname or ""
        address = _address(host)
        if parts.scheme not in ("http", "https") or not host:
            raise ChannelRefused("the URL of a channel begins with https://")
        if parts.username is not None or parts.fragment:
            raise ChannelRefused("the URL of a channel has neither a user name nor a fragment")
        if parts.scheme == "http" and not (self.plain_http or is_loopback(host)):
            raise ChannelRefused("the URL of a channel begins with https:// (webhook_plain_http allows others)")
        if address is not None and not self.is_open(host, address):
            raise ChannelRefused(closed(address))

    def is_open(self, host: str, address: Address) -> bool:
        """True when a connection may go to an address that `host` has."""
        embedded = _embedded(address)
        if embedded is not None:
            return self.is_open(host, embedded)
        if address.is_loopback:
            return is_loopback(host)
        if _within(address, _CLOSED) or address.is_multicast or address.is_reserved:
            return False
        return address.is_global or (self.private_networks and _within(address, _PRIVATE))


def closed(address: Address) -> str:
    """Why an address is not called."""
    return f"{address} is no public address (webhook_private_networks opens private ones)"


def is_loopback(host: str) -> bool:
    """True for a host that names this machine itself; a name that only resolves to it does not."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _split(url: str) -> SplitResult:
    if len(url) > _MOST_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ChannelRefused(f"the URL of a channel has at most {_MOST_CHARACTERS} characters of ASCII and no space")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ChannelRefused("the URL of a channel cannot be read") from None
    return parts


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _embedded(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)

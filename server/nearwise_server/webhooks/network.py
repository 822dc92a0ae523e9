"""Connections of deliveries: the address that is called is the very one that was checked, whatever DNS says next."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import cast

import httpcore

from nearwise_server.webhooks.destinations import Destinations, closed

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host name, best first."""


class AddressClosed(Exception):
    """A host name has an address that no delivery may go to."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host name as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to open addresses only."""

    def __init__(self, destinations: Destinations, resolve_name: Resolve = resolve) -> None:
        self._destinations = destinations
        self._resolve = resolve_name
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that takes the connection.

        Raises:
            AddressClosed: one of the addresses is not open.
        """
        addresses = await self._resolve(host, port)
        for each in map(ipaddress.ip_address, addresses):
            if not self._destinations.is_open(host, each):
                raise AddressClosed(closed(each))
        failure = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
        raise failure

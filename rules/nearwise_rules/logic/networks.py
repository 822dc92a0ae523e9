"""The operator `cidr`: whether an IP address lies in a network. An IPv4 address written as IPv6 counts as IPv4."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from nearwise_rules.errors import DocumentError, EvaluationError, Problem

from .operators import Operator
from .run import INVALID_ARGUMENTS, Run

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network


def cidr(run: Run, address: object, networks: object) -> bool:
    """Answer whether an address lies in a network (`"10.0.0.0/8"`) or in one of a list; null lies nowhere.

    Raises:
        EvaluationError: not an address, or not networks.
    """
    if address is None or networks is None:
        return False
    try:
        texts = network_texts(networks)
        run.spend(len(texts) << 2)
        wanted = networks_of(texts)
    except DocumentError as error:
        raise EvaluationError(INVALID_ARGUMENTS, error.problems[0].message) from None
    return lies_in(address, wanted)


def network_texts(networks: object) -> tuple[str, ...]:
    """Give the texts of one network or of a list of them.

    Raises:
        DocumentError: something else.
    """
    texts = (networks,) if isinstance(networks, str) else networks
    if not isinstance(texts, (list, tuple)):
        raise _refusal("cidr needs a network such as 10.0.0.0/8, or a list of them")
    items = tuple(cast("Sequence[object]", texts))
    if not all(isinstance(item, str) for item in items):
        raise _refusal("cidr needs its networks as text")
    return cast("tuple[str, ...]", items)


@lru_cache(maxsize=256)
def networks_of(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Parse networks; the last 256 lists are remembered.

    Raises:
        DocumentError: the first text that is no network, or has bits set behind its prefix.
    """
    from ipaddress import ip_network

    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise _refusal(str(error)) from None


def lies_in(address: object, networks: tuple[Network, ...]) -> bool:
    """Answer whether an address, given as text, lies in one of the networks.

    Raises:
        EvaluationError: not an address.
    """
    if not isinstance(address, str):
        raise EvaluationError(INVALID_ARGUMENTS, f"cidr needs an address as text, got {type(address).__name__}")
    wanted = _address(str(address))
    if wanted is None:
        raise EvaluationError(INVALID_ARGUMENTS, "cidr needs an IP address")
    return any(wanted in network for network in networks)


@lru_cache(maxsize=256)
def _address(text: str) -> Address | None:
    from ipaddress import ip_address

    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address


def _refusal(message: str) -> DocumentError:
    return DocumentError([Problem("bad_network", "", message)])


OPERATORS = (Operator(name="cidr", safe=cidr, least=2, most=2),)

"""Where deliveries may go: rules for URLs, and for the addresses behind them."""

from __future__ import annotations

import ipaddress

import pytest

from nearwise_server.errors import ChannelRefused
from nearwise_server.webhooks.destinations import Destinations


@pytest.mark.parametrize(
    "url", ["https://crm.example/in?a=1", "https://crm.example:8443", "https://93.184.216.34/", "http://localhost:9/x"]
)
def test_urls_of_channels(url: str) -> None:
    Destinations().check_url(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://crm.example/", "webhook_plain_http"),
        ("http://127.0.0.1.crm.example/", "webhook_plain_http"),
        ("ftp://crm.example/", "begins with https"),
        ("https:///in", "begins with https"),
        ("crm.example", "begins with https"),
        ("https://me:secret@crm.example/", "user name"),
        ("https://crm.example/#x", "fragment"),
        ("https://crm.example:99999/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https://crm.example/\r\nX: y", "ASCII and no space"),
        ("https://crm.example\\@10.0.0.1/", "ASCII and no space"),
        ("https://käse.example/", "ASCII and no space"),
        ("https://crm.example/" + "x" * 2_000, "2000 characters"),
        ("https://10.0.0.1/", "no public address"),
        ("https://[fd00::1]/", "no public address"),
        ("https://169.254.169.254/latest", "no public address"),
    ],
)
def test_urls_that_no_channel_has(url: str, why: str) -> None:
    with pytest.raises(ChannelRefused, match=why):
        Destinations().check_url(url)


def test_plain_http_is_a_setting() -> None:
    Destinations(plain_http=True).check_url("http://crm.example/")
    with pytest.raises(ChannelRefused):
        Destinations(plain_http=True).check_url("http://10.0.0.1/")


PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
PRIVATE = ["10.1.2.3", "172.31.0.1", "192.168.0.9", "100.64.0.1", "fd12::1", "::ffff:10.1.2.3", "64:ff9b::a01:203"]
CLOSED = [
    *("169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe"),
    *("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"),
    *("0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "fec0::1", "::7f00:1"),
]
LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]


@pytest.mark.parametrize(
    ("addresses", "by_default", "with_setting"),
    [(PUBLIC, True, True), (PRIVATE, False, True), (CLOSED, False, False), (LOOPBACK, False, False)],
)
def test_addresses_that_a_name_may_have(addresses: list[str], by_default: bool, with_setting: bool) -> None:
    for address in map(ipaddress.ip_address, addresses):
        assert Destinations().is_open("crm.example", address) is by_default
        assert Destinations(private_networks=True).is_open("crm.example", address) is with_setting


def test_loopback_is_open_to_a_url_that_says_so() -> None:
    for host in ("localhost", "127.0.0.1", "::1"):
        assert Destinations().is_open(host, ipaddress.ip_address("127.0.0.1"))

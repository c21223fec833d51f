"""Addresses of the public Internet are distinguished from all others."""

from __future__ import annotations

import pytest

from mockserver.remote.addresses import is_public


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "192.1.0.1", "2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "192.0.0.1",
        "192.0.0.8",
        "192.88.99.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "3fff::1",
        "3fff:fff::1",
        "2001::1",
        "100::1",
        "5f00::1",
        "4000::1",
        "febf::1",
        "feff::1",
        "8.8.8.8%eth0",
    ],
)
def test_an_address_of_this_machine_its_networks_or_none_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "64:ff9b:1::808:808",
        "2002:7f00:1::",
        "2002:808:808::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "::ffff:0:127.0.0.1",
        "::8.8.8.8",
        "2606:4700::5efe:7f00:1",
        "2606:4700::200:5efe:a00:1",
        "fe80::5efe:808:808",
        "::ffff:192.0.0.8",
    ],
)
def test_an_address_that_leads_to_such_a_one_is_not(address: str) -> None:
    assert not is_public(address)


def test_what_is_no_address_is_not() -> None:
    assert not is_public("localhost")

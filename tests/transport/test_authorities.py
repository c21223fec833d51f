"""Hosts and origins are parsed strictly; tests/data/control_access.toml has the access that follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.settings.hosts import is_loopback
from mockserver.transport.authorities import Authority, Origin, parse_authority, parse_origin


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("localhost", "localhost", None),
        ("Mock.Example.:80", "mock.example", 80),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ("3com.example", "3com.example", None),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[2001:DB8:0::1]:65535", "2001:db8::1", 65_535),
    ],
)
def test_an_authority_is_a_host_and_perhaps_a_port(text: str, host: str, port: int | None) -> None:
    assert parse_authority(text) == Authority(host, port)


@pytest.mark.parametrize(
    "text", ["", "a_b", "a b", "127.1", "[::1%lo]", "localhost:", "u@localhost", "a" * 64]
)
def test_what_is_written_otherwise_is_none(text: str) -> None:
    assert parse_authority(text) is None
    assert parse_origin(f"http://{text}") is None


def test_an_origin_is_a_scheme_and_an_authority() -> None:
    origin = parse_origin("https://mock.example")
    assert origin == Origin("https", Authority("mock.example", None))
    assert origin.is_of(Authority("mock.example", 443))
    assert origin.is_of(Authority("mock.example", None))
    assert not origin.is_of(Authority("mock.example", 80))
    assert not origin.is_of(Authority("other.example", None))


@given(st.text(st.characters(max_codepoint=0x17F), max_size=30))
def test_any_text_is_read_without_an_error_and_comes_out_canonical(text: str) -> None:
    found = parse_authority(text)
    if found is not None:
        written = f"[{found.host}]" if ":" in found.host else found.host
        again = written if found.port is None else f"{written}:{found.port}"
        assert parse_authority(again) == found
        assert parse_origin(f"http://{again}") == Origin("http", found)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("app.localhost.", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost.evil.example", False),
    ],
)
def test_loopback_is_distinguished_from_other_addresses(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback

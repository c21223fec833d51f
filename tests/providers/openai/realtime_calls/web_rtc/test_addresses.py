"""Where the sockets of a connection are opened."""

from __future__ import annotations

import pytest

from mockserver.providers.openai.realtime_calls.web_rtc.addresses import addresses_for

OTHERS = ["192.0.2.2", "fd00::2"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
@pytest.mark.parametrize(("system", "expected"), [("linux", []), ("win32", OTHERS)])
def test_loopback(monkeypatch: pytest.MonkeyPatch, host: str, system: str, expected: list[str]) -> None:
    monkeypatch.setattr("sys.platform", system)
    assert addresses_for(host, OTHERS) == [*expected, "127.0.0.1"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "build.example.com"])
def test_all_addresses(host: str) -> None:
    assert addresses_for(host, OTHERS) == [*OTHERS, "127.0.0.1"]


@pytest.mark.parametrize("host", ["192.0.2.2", "fd00::2"])
def test_one_address(host: str) -> None:
    assert addresses_for(host, OTHERS) == [host]

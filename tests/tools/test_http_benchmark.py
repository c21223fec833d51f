"""The benchmark `http`: its clients, and its rows; `python -m benchmarks http` measures."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("the benchmarks read /proc", allow_module_level=True)

from benchmarks import java_mocks, npm
from benchmarks.client import get, post
from benchmarks.http import _loads, _rows
from benchmarks.load import NUMBER, Load, by_processes, by_wrk, read_wrk, send_mix
from mockserver.testing.mock_server import MockServer

PRINTED = """Running 2s test @ http://127.0.0.1:4010/
  1 threads and 16 connections
  Latency Distribution
     50%    2.41ms
     99%  950.00us
  4752 requests in 2.04s, 561.52KB read
Requests/sec:   1564.35
"""


def address(server: MockServer) -> tuple[str, int]:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def test_what_wrk_prints_is_read() -> None:
    assert read_wrk(PRINTED) == Load(4752, 2.04, 950e-6)


@pytest.mark.parametrize("problem", ["Non-2xx or 3xx responses: 7", "Socket errors: connect 0, read 3"])
def test_a_load_that_is_not_answered_fails(problem: str) -> None:
    with pytest.raises(RuntimeError, match=problem):
        read_wrk(f"{PRINTED}  {problem}\n")


@pytest.mark.slow
def test_a_load_is_sent_by_processes(server: MockServer) -> None:
    found = by_processes(address(server), get("/v1/models"), 4, 0.1)
    assert found.count >= 4
    assert found.p99 > 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_a_load_is_sent_by_wrk(server: MockServer) -> None:
    found = by_wrk(address(server), get("/v1/models"), 4, 1)
    assert found.count >= 4
    assert found.p99 > 0


@pytest.mark.slow
@pytest.mark.parametrize("sender", ["wrk", "own"])
def test_the_requests_of_a_mix_are_sent_in_turn_and_numbered(
    sender: str, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sender == "own":
        monkeypatch.setenv("PATH", str(tmp_path))
    elif shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    messages = f'[{{"role": "user", "content": "Request {NUMBER.decode()}"}}]'.encode()
    chat = post("/v1/chat/completions", "application/json", b'{"model": "gpt-4o", "messages": %b}' % messages)
    for seconds in (1, 2, 4, 8, 16, 32):  # on a busy machine few are answered in a second
        count, refused = send_mix(address(server), [chat, get("/v1/models/none")], 4, seconds, sent=5_000)
        if count >= 40:
            break
    assert count / 2 - 4 <= refused <= count / 2 + 4
    api = server.account("sk-mock-tier-5-benchmark")
    api.verify_chat(user_text={"contains": "Request 0000502"})


def test_only_aimock_has_targets() -> None:
    figures = {name: _Same() for name in ("ours", "aimock", "wiremock")}
    rows = list(_rows(_loads(b"RIFF"), figures, {"aimock": "aimock 1.0", "wiremock": "WireMock 3.0"}))
    *compared, last = rows
    assert {row.note for row in compared if row.target is not None} == {"aimock 1.0"}
    throughput = [row for row in compared if row.note.startswith("1 against 1 requests a second, ")]
    assert {row.note for row in compared if row.target is None and row not in throughput} == {"WireMock 3.0"}
    assert len(throughput) == 12
    assert len(compared) == 28
    assert last.verdict == "pass"


def test_without_a_rival_only_our_figures_are_printed() -> None:
    rows = list(_rows(_loads(b"RIFF"), {"ours": _Same()}, {}))
    assert all(row.ours is not None for row in rows)
    assert all(row.rival is None for row in rows[:-1])


def test_a_rival_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(npm.NotThere, match="Java is not installed"):
        java_mocks.find("wiremock", tmp_path, tmp_path)
    with pytest.raises(npm.NotThere, match=r"wiremock is missing. Install it with: npm install"):
        npm.find("wiremock", tmp_path, tmp_path)


class _Same(dict[str, list[float]]):
    """The figures of a server of which each is the same."""

    def __missing__(self, _: str) -> list[float]:
        return [1.0]

"""The dashboard: the list of 10,000 exchanges, and what pages that listen cost the requests that they show."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import statistics
import threading
import time
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from benchmarks.client import exchange, get, post
from benchmarks.load import load
from benchmarks.processes import HIGH_LIMITS, clean_environment, mockserver
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Server
    from benchmarks.report import Options

PARTS = ("list", "live")

_ENTRIES = 10_000
_SHOWN = 200  # entries that the page lists at first
_MOST = 300  # milliseconds of the server for what the page asks at first
_ROUNDS = 10
_PAGES = (0, 1, 10)
_LOAD_SECONDS = 2
_PACED = 100  # requests of a round
_PACE = 0.02  # seconds between two of them
_TARGETS = {1: 1.2, 10: 2.0}  # of a request while so many pages listen

# The members that the page asks for.
FIELDS = (
    "id,time,account,project,endpoint,method,path,model,status,error,answered_by,stub,fault,cost_usd,timing,in_flight,"
    "hung_up"
)
_QUESTION = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello there"}]}
_CHAT = post("/v1/chat/completions", "application/json", json.dumps(_QUESTION).encode())
_LISTS = {
    "the shell of the page": "/_mock/dashboard/exchanges",
    f"the latest {_SHOWN}": f"/_mock/journal?limit={_SHOWN}&fields={FIELDS}",
    "a search without results": f"/_mock/journal?limit={_SHOWN}&fields={FIELDS}&model=none",
    "a page of 1,000 older ones": f"/_mock/journal?limit=1000&fields={FIELDS}",
}


def run(options: Options) -> Iterator[Row]:
    """Measure the calls of the page with a full journal, then requests while 0, 1 and 10 pages listen, in turn."""
    with _served() as server:
        exchange(server.address, _CHAT, count=_ENTRIES, connections=4)
        if options.part in ("", "list"):
            yield from _lists(server)
        if options.part in ("", "live"):
            yield from _live(server)


def _served() -> Server:
    arguments = ("--journal-entries", str(_ENTRIES), "--log-level", "warning", "--whisper-model", "none")
    return mockserver(*arguments, *HIGH_LIMITS, environment=clean_environment())


def _lists(server: Server) -> Iterator[Row]:
    for what, path in _LISTS.items():
        exchange(server.address, get(path))  # warms up
        before = server.cpu_seconds()
        took = [reply.seconds for reply in exchange(server.address, get(path), count=_ROUNDS)]
        cpu = (server.cpu_seconds() - before) / _ROUNDS
        note = f"latency {statistics.median(took) * 1000:.0f} ms"
        yield Row(f"{what}, {_ENTRIES:,} exchanges, CPU", "ms", cpu * 1000, _MOST, 1.0, note)


def _live(server: Server) -> Iterator[Row]:
    costs = defaultdict[tuple[str, int], list[float]](list)  # by what and pages
    for turn in range(1 + _ROUNDS):
        for pages in _PAGES:
            with ExitStack() as stack:
                for _ in range(pages):
                    stack.enter_context(_listening(server))
                paced, loaded = _cpu_paced(server), _cpu_loaded(server)
            if turn:  # the first one warms up
                costs["50 a second", pages].append(paced)
                costs["at full speed", pages].append(loaded)
    for what in ("50 a second", "at full speed"):
        alone = statistics.median(costs[what, 0])
        for pages in _PAGES[1:]:
            ours = statistics.median(costs[what, pages])
            name = f"small chat, CPU, {what}, {pages} page{'' if pages == 1 else 's'} open"
            yield Row(name, "us", ours, alone, _TARGETS[pages] if what == "at full speed" else None)


def _cpu_paced(server: Server) -> float:
    """Return the CPU time of a request in microseconds, 50 of which are sent in a second."""
    before = server.cpu_seconds()
    for _ in range(_PACED):
        exchange(server.address, _CHAT)
        time.sleep(_PACE)
    return (server.cpu_seconds() - before) / _PACED * 1e6


def _cpu_loaded(server: Server) -> float:
    """Return the CPU time of a request in microseconds, of as many as the server can answer."""
    before = server.cpu_seconds()
    count = load(server.address, _CHAT, 16, _LOAD_SECONDS).count
    return (server.cpu_seconds() - before) / count * 1e6


@contextlib.contextmanager
def _listening(server: Server) -> Iterator[None]:
    """Read the events that a page asks for, and throw them away."""
    ended = threading.Event()
    with socket.create_connection(server.address) as connection, selectors.DefaultSelector() as selector:
        connection.sendall(get("/_mock/journal/events?" + urlencode({"fields": FIELDS})))
        selector.register(connection, selectors.EVENT_READ)

        def read() -> None:
            while not ended.is_set():
                if selector.select(0.1):
                    connection.recv(1 << 16)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield
        finally:
            ended.set()
            reader.join()

"""``kill -9`` of a worker under load, two hundred times: compares what was acknowledged with what is there."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.kills import DONE, PATIENCE, WRONG, Account, done, wrong
from benchmarks.processes import children, clean_environment, mockserver
from benchmarks.report import Row, print_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.processes import Server
    from benchmarks.report import Options

_KILLS = 200
_CALLERS = 4
_WORKERS = 2
_LINES = 3_000  # of a batch
_MIN_LOAD, _MAX_LOAD = 0.1, 0.8  # seconds of load before a kill
_STEP = 10  # kills between two comparisons
_FOUND = tuple(each for each in WRONG if each != "left over after the next start")


def run(options: Options) -> Iterator[Row]:
    """Run ``worker_kills`` and return its counts as rows."""
    found = worker_kills(_KILLS, report=partial(print_progress, "worker_kills"))
    for name in DONE:
        yield Row(f"acknowledged {name}", "", float(found[name]))
    for name in _FOUND:
        yield Row(name, "", float(found[name]), float(done(found)), 0.0, "against all that was acknowledged")
    yield Row("workers killed", "", float(found["kills"]))
    yield Row("longest time until another worker has begun", "ms", float(found["longest gap, ms"]))


def worker_kills(
    count: int,
    *,
    callers: int = _CALLERS,
    lines: int = _LINES,
    seed: int = 1,
    report: Callable[[str], None] = lambda progress: None,
) -> Counter[str]:
    """Start a server with workers, and kill one of them under load, ``count`` times; return its counts by name.

    Each of the ``callers`` has a batch of ``lines`` lines in progress. ``report`` gets the progress now and then.
    """
    found: Counter[str] = Counter(dict.fromkeys((*DONE, *WRONG, "kills"), 0))
    dice = random.Random(seed)
    accounts = [Account(f"sk-mock-tier-5-{number}", found, lines) for number in range(callers)]
    arguments = ("--workers", str(_WORKERS), "--whisper-model", "none", "--log-level", "error")
    with mockserver(*arguments, environment=clean_environment()) as server:
        for number in range(1, count + 1):
            _kill_under_load(server, accounts, found, dice)
            if number % _STEP == 0 or number == count:
                for account in accounts:
                    account.check(server)
                report(f"{number} of {count} kills; {done(found):,} acknowledged, {wrong(found):,} wrong")
        for account in accounts:
            account.finish(server)
    return found


def _kill_under_load(
    server: Server, accounts: list[Account], found: Counter[str], dice: random.Random
) -> None:
    stop = threading.Event()
    threads = [threading.Thread(target=account.work, args=(server, stop)) for account in accounts]
    for thread in threads:
        thread.start()
    time.sleep(dice.uniform(_MIN_LOAD, _MAX_LOAD))
    before = set(children(server.pid))
    os.kill(dice.choice(sorted(before)), signal.SIGKILL)
    began = time.monotonic()
    while not set(children(server.pid)) - before and time.monotonic() < began + PATIENCE:
        time.sleep(0.002)
    found["longest gap, ms"] = max(found["longest gap, ms"], round((time.monotonic() - began) * 1000))
    found["kills"] += 1
    stop.set()
    for thread in threads:
        thread.join()

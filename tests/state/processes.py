"""Runs functions in several processes at the same time, and has parts that behave as if in different ones."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar

from mockserver.state.held_leases import HeldLeases
from mockserver.state.shared import open_shared

T = TypeVar("T")


def in_processes(number: int, function: Callable[..., T], *arguments: object) -> list[T]:
    """Call ``function`` in new processes, all at the same time. Return the results."""
    with multiprocessing.get_context("spawn").Pool(number) as pool:
        return pool.starmap(function, [arguments] * number, chunksize=1)


@contextmanager
def two_processes(folder: Path) -> Iterator[tuple[HeldLeases, HeldLeases]]:
    """Yield the leases of two processes, which share a store in ``folder``."""
    with ExitStack() as stack:
        shared = [open_shared(f"sqlite:{folder / 'shared.db'}") for _ in range(2)]
        for each in shared:
            stack.callback(each.close)
        one, other = (
            stack.enter_context(closing(HeldLeases(each.leases, is_alone=False))) for each in shared
        )
        yield one, other

"""Runs functions in several processes at the same time."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_processes(number: int, function: Callable[..., T], *arguments: object) -> list[T]:
    """Call ``function`` in new processes, all at the same time. Return the results."""
    with multiprocessing.get_context("spawn").Pool(number) as pool:
        return pool.starmap(function, [arguments] * number, chunksize=1)

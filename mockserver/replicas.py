"""Copies of the same object in every process, which all make the same changes in the same order.

What each request reads and only the control API changes (stubs, faults, settings, limits, the clock) is in the memory
of every process. A change is the call of a method: it is appended to a log, and each process calls the method on its
copy when it comes to that place of the log. With one process there is no log, and a method is just called.
"""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    Method = TypeVar("Method", bound=Callable[..., Any])

log = logging.getLogger(__name__)

_LOOKS = 0.5  # seconds between two looks of a thread that waits for changes, to notice that the server closes


class Changes(Protocol):
    """The log of the changes, which all processes share. They are numbered from 1."""

    def append(self, change: bytes) -> int:
        """Append a change, and return its number."""
        ...

    def latest(self) -> int:
        """Return the number of the latest change; 0 if there is none. Fast: every request asks."""
        ...

    def after(self, number: int) -> list[tuple[int, bytes]] | None:
        """Return the changes after ``number`` with their numbers; ``None`` if some of them were dropped."""
        ...

    def snapshot(self) -> tuple[int, bytes] | None:
        """Return the latest snapshot, and the number of the last change that it includes; ``None`` without one."""
        ...

    def compact(self, number: int, snapshot: bytes) -> None:
        """Replace the changes up to ``number`` by a snapshot."""
        ...

    def wait(self, number: int, seconds: float) -> None:
        """Wait until there is a change after ``number``, or for ``seconds``."""
        ...


class Replicated:
    """An object of which every process has a copy. Only methods marked with ``replicated`` change it."""

    _replicas: Replicas | None = None
    _replica_name = ""


def replicated(method: Method) -> Method:
    """Mark a method of a ``Replicated`` class that changes it: every process calls it, in the same order.

    Its effect must depend on the copy and the arguments only, which must be JSON values.
    """
    name = method.__name__

    @functools.wraps(method)
    def change(self: Replicated, *args: Any, **kwargs: Any) -> Any:
        if self._replicas is None:
            return method(self, *args, **kwargs)
        return self._replicas.change(self._replica_name, name, args, kwargs)

    return cast("Method", change)


class _Change(msgspec.Struct, array_like=True):
    part: str
    method: str
    args: list[Any]
    kwargs: dict[str, Any]


class Replicas:
    """The copies of this process, kept equal to those of the other processes by the log of changes. Thread-safe."""

    def __init__(self, changes: Changes, parts: dict[str, Replicated]) -> None:
        self._changes = changes
        self._parts = parts
        self._lock = threading.RLock()
        self._applied = 0
        for name, part in parts.items():
            part._replicas, part._replica_name = self, name
        self.refresh()

    def refresh(self) -> None:
        """Make the changes that other processes have made until now."""
        if self._changes.latest() != self._applied:
            with self._lock:
                self._apply()

    def change(self, part: str, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method of a part in every process. Return what it returns here, or raise what it raises here."""
        encoded = msgspec.json.encode(_Change(part, method, list(args), kwargs))
        with self._lock:
            return self._apply(own=self._changes.append(encoded))

    def follow(self, closing: threading.Event) -> None:
        """Make the changes of others as they come, until ``closing`` is set. For a thread of its own."""
        while not closing.is_set():
            self._changes.wait(self._applied, _LOOKS)
            self.refresh()

    def _apply(self, own: int = 0) -> Any:
        """Make the changes that are not made yet. Return or raise the result of the one with the number ``own``."""
        result: Any = None
        raised: Exception | None = None
        for number, encoded in self._changes.after(self._applied) or ():
            change = msgspec.json.decode(encoded, type=_Change)
            self._applied = number
            part = self._parts[change.part]
            method = getattr(type(part), change.method).__wrapped__
            try:
                done = method(part, *change.args, **change.kwargs)
            except Exception as error:  # noqa: BLE001 - raised below, if it is this process's own
                if number == own:
                    raised = error
                else:
                    log.debug("a change of another process failed: %s", error)
            else:
                result = done if number == own else result
        if raised is not None:
            raise raised
        return result

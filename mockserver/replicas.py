"""Copies of the same object in every process, which all make the same changes in the same order.

What each request reads and only the control API changes (stubs, faults, settings, limits, the clock) is in the memory
of every process. A change is the call of a method: it is appended to a log, and each process calls the method on its
copy when it comes to that place of the log. With one process there is no log, and a method is just called.
"""

from __future__ import annotations

import functools
import json
import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Method = TypeVar("Method", bound=Callable[..., Any])

log = logging.getLogger(__name__)

_LOOKS = 0.2  # seconds between two looks of a thread that waits for changes, to notice that the server closes
_MIN_COMPACTED = 1 << 20  # bytes of changes that are replaced by a snapshot; more if the snapshot is larger
_BEGIN = ""  # the part of the first change of a log, which contains the states of all parts


class Changes(Protocol):
    """The log of the changes, which all processes share. Their numbers are positive, and consecutive."""

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
        """Replace the changes up to ``number`` by a snapshot, unless there is a later one."""
        ...

    def wait(self, number: int, seconds: float) -> None:
        """Wait until there is a change after ``number``, or for ``seconds``."""
        ...


class Replicated:
    """An object of which every process has a copy. Only methods marked with ``replicated`` change it.

    After each change of this copy, ``version`` is another object.
    """

    version: object = None
    _replicas: Replicas | None = None
    _replica_name = ""

    def note_change(self) -> None:
        """Note a change of this copy. Those of replicated methods are noted by themselves."""
        self.version = object()

    def replica_state(self) -> Any:
        """Return everything that the changes have made, as a JSON value."""
        raise NotImplementedError

    def set_replica_state(self, state: Any) -> None:
        """Become equal to the copy that returned ``state``."""
        raise NotImplementedError


def replicated(method: Method) -> Method:
    """Mark a method of a ``Replicated`` class that changes it: every process calls it, in the same order.

    Its effect must depend on the copy and the arguments only, which must be JSON values. The methods that it calls are
    a part of the same change.
    """
    name = method.__name__

    def make(self: Replicated, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        finally:
            self.note_change()

    @functools.wraps(method)
    def change(self: Replicated, *args: Any, **kwargs: Any) -> Any:
        if self._replicas is None:
            return make(self, *args, **kwargs)
        return self._replicas.change(self._replica_name, name, args, kwargs)

    change.__wrapped__ = make
    return cast("Method", change)


class Watch:
    """Reports which of some copies have changed."""

    def __init__(self, copies: Mapping[str, Replicated]) -> None:
        self._copies = copies
        self._seen: dict[str, object] = {}

    def changed(self) -> list[str]:
        """Return the names of the copies that have changed since the last call; at first, of all."""
        versions = {name: copy.version for name, copy in self._copies.items()}
        seen, self._seen = self._seen, versions
        return [name for name, version in versions.items() if name not in seen or version is not seen[name]]


class Replicas:
    """The copies of this process, kept equal to those of the other processes by the log of changes. Thread-safe.

    A log that cannot be reached raises its own error; then nothing has changed, and a later call catches up.
    """

    def __init__(self, changes: Changes, parts: Mapping[str, Replicated]) -> None:
        self._changes = changes
        self._parts = parts
        self._lock = threading.RLock()
        self._applied = 0  # the number of the last change that this process has made
        self._changer: int | None = None  # the thread that makes a change
        self._bytes = self._snapshot_bytes = 0  # of the changes since the last snapshot, and of that
        self._closing = threading.Event()
        self._follower: threading.Thread | None = None
        self.refresh()
        for name, part in parts.items():
            part._replicas, part._replica_name = self, name

    def refresh(self) -> None:
        """Make the changes that other processes have made until now."""
        if self._changes.latest() != self._applied or not self._applied:
            with self._lock:
                self._catch_up()

    def change(self, part: str, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call a method of a part in every process. Return what it returns here, or raise what it raises here."""
        if self._changer == threading.get_ident():
            return _method(self._parts[part], method)(*args, **kwargs)
        change = _encoded([part, method, args, kwargs])
        with self._lock:
            number = self._changes.append(change)
            if number <= self._applied:
                self._begin_again()
            follows = number == self._applied + 1
            result = self._make([(number, change)] if follows else self._missing(), own=number)
            if self._bytes > max(_MIN_COMPACTED, self._snapshot_bytes):
                self._compact()
            return result

    def start(self) -> None:
        """Start a thread that makes the changes of others as they come, also between the requests."""
        self._follower = threading.Thread(target=self._follow, name="changes", daemon=True)
        self._follower.start()

    def close(self) -> None:
        """Stop the thread."""
        self._closing.set()
        if self._follower is not None:
            self._follower.join()

    def _follow(self) -> None:
        failure = ""
        while not self._closing.is_set():
            try:
                self._changes.wait(self._applied, _LOOKS)
                self.refresh()
                failure = ""
            except Exception as error:  # noqa: BLE001 - the next look may succeed
                if str(error) != failure:
                    log.error("The changes of other processes cannot be read: %s. Trying again.", error)
                failure = str(error)
                self._closing.wait(_LOOKS)

    def _catch_up(self) -> None:
        """Make the missing changes. A log without any begins with the copies of this process."""
        latest = self._changes.latest()
        if latest < self._applied:
            self._begin_again()
        if latest == 0:
            self._changes.append(_encoded([_BEGIN, "", [self._states()], {}]))
        self._make(self._missing())

    def _missing(self) -> list[tuple[int, bytes]]:
        """Return the changes that are not made yet, after making those of a snapshot if they were dropped."""
        changes = self._changes.after(self._applied)
        while changes is None:
            found = self._changes.snapshot()
            if found is not None:
                self._set_states(json.loads(found[1]))
                self._applied, self._bytes, self._snapshot_bytes = found[0], 0, len(found[1])
            else:
                self._begin_again()
            changes = self._changes.after(self._applied)
        return changes

    def _begin_again(self) -> None:
        """Note that the store has lost its content, and its log begins again."""
        if not self._applied:
            raise LookupError("The log of changes has no beginning. Restart the server with an empty store.")
        log.error(
            "The store has lost its content. What the first process finds in its memory is put into it."
        )
        self._applied = 0

    def _make(self, changes: list[tuple[int, bytes]], own: int = 0) -> Any:
        """Make changes in their order. Return or raise the result of the one with the number ``own``."""
        outcome: Callable[[], Any] = _unknown if own else lambda: None
        for number, change in changes:
            made = self._outcome(change)
            self._applied = number
            self._bytes += len(change)
            if number == own:
                outcome = made
        return outcome()

    def _outcome(self, change: bytes) -> Callable[[], Any]:
        """Make a change, and return a function that returns or raises its result."""
        part, method, args, kwargs = json.loads(change)
        self._changer = threading.get_ident()
        try:
            if part == _BEGIN:
                if not self._applied:  # else another process was faster
                    self._set_states(*args)
                return lambda: None
            result = _method(self._parts[part], method)(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - every process fails in the same way
            log.debug("The change %s.%s failed: %r", part, method, error)
            return functools.partial(_raise, error)
        finally:
            self._changer = None
        return lambda: result

    def _compact(self) -> None:
        """Replace the changes until now by the states that they have led to. If it fails, it is tried again later."""
        snapshot = _encoded(self._states())
        try:
            self._changes.compact(self._applied, snapshot)
        except Exception as error:  # noqa: BLE001 - the change itself is made
            log.warning("The log of changes cannot be compacted: %s", error)
        self._bytes, self._snapshot_bytes = 0, len(snapshot)

    def _states(self) -> dict[str, Any]:
        return {name: part.replica_state() for name, part in self._parts.items()}

    def _set_states(self, states: Mapping[str, Any]) -> None:
        for name, state in states.items():
            self._parts[name].set_replica_state(state)
            self._parts[name].note_change()


def _method(part: Replicated, name: str) -> Callable[..., Any]:
    """Return a replicated method, which only changes this copy."""
    return functools.partial(getattr(type(part), name).__wrapped__, part)


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def _raise(error: Exception) -> Any:
    raise error


def _unknown() -> Any:
    raise LookupError(
        "The change was made, but so many followed that its result is not known. Read what it changed."
    )

"""The state of a server as a whole: reset, snapshots, and their restoration.

A part has definitions (stubs, faults, settings, …), of which every process has a copy, or what requests have left
(their uses, costs, the journal, …), which the processes share, or both. The definitions of all parts are reset and
restored as one change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mockserver.clock import moment
from mockserver.replicas import Replicated, replicated
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.clock import Clock, Moment

CLOCK = "clock"


class NotRestored(Exception):
    """The state of a part cannot be restored. The message gives the reason."""

    def __init__(self, part: str, error: Exception) -> None:
        super().__init__(str(error) if isinstance(error, ValueError) else repr(error))
        self.part = part


class Snapshotted(Protocol):
    """A part of the server with state by account. An account id of ``None`` means every account."""

    def snapshot(self, account_id: str | None) -> Any:
        """Return the account's state as a JSON value, which can be restored to another account."""
        ...


class Defined(NamedTuple):
    """How the definitions of a part are reset and restored; the latter at a time of ``Clock.steady``."""

    reset: Callable[[str | None], None]
    restore: Callable[[Any, str | None, int], None]


class Left(NamedTuple):
    """How what requests have left in a part is reset and restored."""

    reset: Callable[[str | None], None]
    restore: Callable[[Any, str | None], None]


class Definitions(Replicated):
    """The definitions of all parts. They are reset and restored at once: all of them, or none."""

    def __init__(self, clock: Clock, parts: Mapping[str, Defined], copies: Mapping[str, Replicated]) -> None:
        """``copies`` are all objects, including the clock, that the ``parts`` change, by unique names."""
        self.copies = copies
        self._clock = clock
        self._parts = parts

    @replicated
    def reset(self, names: Sequence[str], account_id: str | None, at: Moment) -> None:
        """Reset the definitions of an account, or of all, in the parts with these names, and the clock if it is one."""
        for name in names:
            if name == CLOCK:
                self._clock.reset(at)
            elif name in self._parts:
                self._parts[name].reset(account_id)

    @replicated
    def restore(self, state: Mapping[str, Any], account_id: str | None, at: Moment) -> None:
        """Restore the definitions of an account, or all and the clock. Raises ``NotRestored`` and changes nothing."""
        before = [(copy, copy.replica_state()) for copy in self.copies.values()]
        name = CLOCK
        try:
            if account_id is None:
                self._clock.restore(state[CLOCK], at)
            now = self._clock.steady(at)
            for name, part in self._parts.items():
                if name in state:
                    part.restore(state[name], account_id, now)
        except Exception as error:
            for copy, its_state in before:
                copy.set_replica_state(its_state)
            raise NotRestored(name, error) from error

    def replica_state(self) -> None:
        """Return nothing: the state is that of the other copies."""

    def set_replica_state(self, state: None) -> None:
        """Do nothing."""


class ServerState:
    """The state of a server. ``parts`` are those of a snapshot, by name, in the order of the control API.

    ``left`` are those with what requests have left, in the order in which they are restored.
    """

    def __init__(
        self,
        clock: Clock,
        parts: Mapping[str, Snapshotted],
        definitions: Definitions,
        left: Mapping[str, Left],
    ) -> None:
        self.definitions = definitions
        self._clock = clock
        self._parts = parts
        self._left = left

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the parts with state by account."""
        return tuple(self._parts)

    def reset(self, account_id: str | None, names: Sequence[str] | None = None) -> None:
        """Reset the state of an account, or of all, in the parts with these names, or in all parts but the clock."""
        wanted = self.names if names is None else names
        self.definitions.reset(wanted, account_id, moment())
        for name in wanted:
            if name in self._left:
                self._left[name].reset(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return the state of an account, or of all, with the clock."""
        return self._snapshot(account_id, self.names)

    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the state of an account, or of all and the clock, by a ``snapshot``: entirely or not at all.

        Raises ``NotRestored``, and ``StateFailed`` if the store or the disk fails.
        """
        before = self._snapshot(account_id, [name for name in self.names if name != "store"])
        self.definitions.restore(state, account_id, moment())
        try:
            self._restore_left(state, account_id)
        except Exception:
            self.definitions.restore(before, account_id, moment())
            self._restore_left(before, account_id)
            raise

    def _snapshot(self, account_id: str | None, names: Sequence[str]) -> dict[str, Any]:
        return {CLOCK: self._clock.state()} | {name: self._parts[name].snapshot(account_id) for name in names}

    def _restore_left(self, state: Mapping[str, Any], account_id: str | None) -> None:
        for name, part in self._left.items():
            if name in state:
                try:
                    part.restore(state[name], account_id)
                except StateFailed:
                    raise
                except Exception as error:
                    raise NotRestored(name, error) from error

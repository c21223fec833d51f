"""The kinds of faults of Realtime sessions.

A kind acts once, after a number of events or seconds of audio (``acts``), or changes the events that follow
(``changes``). Those of responses act when one begins. The order is that of the guide, ``docs/faults.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.scripting.faults.fault import Fault

FAILED_RESPONSE = "realtime_failed"
REFUSED_UPGRADE = "upgrade_refused"
REORDER = "realtime_reorder"

_RESET = 1006  # the code of a connection that ends without a close frame
CLOSABLE = (*range(1000, 1004), _RESET, *range(1007, 1015), *range(3000, 5000))  # codes (RFC 6455; IANA)
_DELAY = 1.0  # seconds, unless the fault sets them
_SLOW = 0.1

Event = Mapping[str, Any]


class SessionTarget(Protocol):
    """A session that a fault breaks. Waits are on its timeline, and in real time."""

    def close(self, code: int, reason: str) -> None:
        """Close the connection; nothing more is sent."""
        ...

    def reset(self) -> None:
        """End the connection without a close frame. Raises ``ConnectionResetError``."""
        ...

    def report(self, code: str, message: str | None) -> None:
        """Send an ``error``."""
        ...

    def expire(self) -> None:
        """End the session as if it had reached its greatest age."""
        ...

    def hold(self, seconds: float | None) -> None:
        """Hold back what is sent from now on (``None``: for ever)."""
        ...

    def slow(self, seconds: float) -> None:
        """Wait for so many seconds before each event from now on."""
        ...

    def deliver(self, event: Event) -> None:
        """Send an event."""
        ...

    def garble(self, event: Event) -> None:
        """Send the first half of an event's JSON."""
        ...

    def postpone(self, event: Event) -> None:
        """Send an event after the next one."""
        ...


Act = Callable[[SessionTarget, "Fault"], None]
Change = Callable[[SessionTarget, "Fault", Event], None]


class SessionKind(Struct, frozen=True):
    """A kind of fault of sessions: the parameters that it ``takes``, and one of the functions that apply it."""

    name: str
    takes: tuple[str, ...]
    act: Act | None = None
    change: Change | None = None


SESSION_KINDS: dict[str, SessionKind] = {}
_WHEN = ("after", "event", "audio_seconds")


def acts(name: str, *takes: str) -> Callable[[Act], Act]:
    """Register what a kind does once its time has come."""

    def register(function: Act) -> Act:
        SESSION_KINDS[name] = SessionKind(name, (*takes, *_WHEN), act=function)
        return function

    return register


def changes(name: str, *takes: str) -> Callable[[Change], Change]:
    """Register what a kind does with ``count`` events after the first ``after`` ones, in place of sending them."""

    def register(function: Change) -> Change:
        SESSION_KINDS[name] = SessionKind(name, (*takes, "after", "event", "count"), change=function)
        return function

    return register


@acts("realtime_close", "close", "message")
def _close(target: SessionTarget, fault: Fault) -> None:
    if fault.close == _RESET:
        target.reset()
    else:
        target.close(fault.close, fault.message or "")


@acts("realtime_error", "code", "message")
def _report(target: SessionTarget, fault: Fault) -> None:
    target.report(fault.code, fault.message)


@acts("realtime_expired")
def _expire(target: SessionTarget, fault: Fault) -> None:
    target.expire()


@acts("realtime_silence", "seconds")
def _fall_silent(target: SessionTarget, fault: Fault) -> None:
    target.hold(fault.seconds)


@acts("realtime_slow", "seconds")
def _slow_down(target: SessionTarget, fault: Fault) -> None:
    target.slow(_SLOW if fault.seconds is None else fault.seconds)


@changes("realtime_delay", "seconds")
def _delay(target: SessionTarget, fault: Fault, event: Event) -> None:
    target.hold(_DELAY if fault.seconds is None else fault.seconds)
    target.deliver(event)


@changes("realtime_duplicate")
def _duplicate(target: SessionTarget, fault: Fault, event: Event) -> None:
    target.deliver(event)
    target.deliver(event)


@changes("realtime_drop")
def _drop(target: SessionTarget, fault: Fault, event: Event) -> None:
    """Do not send it."""


@changes(REORDER)
def _reorder(target: SessionTarget, fault: Fault, event: Event) -> None:
    target.postpone(event)


@changes("realtime_garble")
def _garble(target: SessionTarget, fault: Fault, event: Event) -> None:
    target.garble(event)

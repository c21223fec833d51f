"""Breaks a session: what faults do with its events and its connection."""

from __future__ import annotations

from collections import deque
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver import json_styles
from mockserver.providers.openai.realtime.turns.turn import FAILED
from mockserver.scripting.faults.session_kinds import REORDER, SESSION_KINDS
from mockserver.transport.connection import lost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.providers.openai.realtime.outlet import Outlet
    from mockserver.providers.openai.realtime.timeline import Task, Timeline
    from mockserver.scripting.faults.fault import Fault

_RESET = "connection_reset"
_NONE_BEFORE = 1  # events that are sent before a fault, unless it says how many
_MAX_REASON = 123  # bytes of the reason of a close frame


class _Active(Struct, eq=False):
    """A fault of the session, and how many of the events that it is about were sent and hit since it began."""

    fault: Fault
    passed: int = 0
    hit: int = 0

    @property
    def is_due(self) -> bool:
        """Return whether enough events were sent before it."""
        after = self.fault.after
        return self.passed >= (_NONE_BEFORE if after is None else after)

    def is_about(self, event: Mapping[str, Any]) -> bool:
        """Return whether it counts an event."""
        return fnmatchcase(event["type"], self.fault.event)


class SessionFaults:
    """The faults that hit a session, between its parts and the way to the client; a ``SessionTarget``.

    ``end`` closes the connection with a code and a reason, ``cut`` ends it without any, ``expire`` ends a session that
    is too old.
    """

    def __init__(
        self,
        outlet: Outlet,
        timeline: Timeline,
        end: Callable[[int, str], None],
        cut: Callable[[], None],
        expire: Callable[[], None],
    ) -> None:
        self._outlet = outlet
        self._timeline = timeline
        self._end = end
        self._cut = cut
        self._expire = expire
        self._active: list[_Active] = []
        self._of_audio: list[tuple[float, Fault]] = []  # with the milliseconds of audio at which each acts
        self._heard_ms = 0.0
        self._postponed: list[Mapping[str, Any]] = []
        self._held: deque[tuple[Mapping[str, Any], str | None]] = deque()
        self._is_held = False
        self._release: Task | None = None
        self._pause = 0.0  # seconds before each event
        self._is_closed = False

    def add(self, fault: Fault) -> None:
        """Have a fault hit the session from now on. Raises ``ConnectionResetError`` if it ends the connection."""
        if fault.kind == _RESET:
            self.reset()
        if fault.kind not in SESSION_KINDS:
            return
        self._outlet.deliver = self._intercept
        if fault.audio_seconds is not None:
            self._of_audio.append((self._heard_ms + 1000 * fault.audio_seconds, fault))
            return
        self._active.append(_Active(fault))
        self._act()

    @property
    def wait_for_audio(self) -> bool:
        """Return whether any act at a time of the audio."""
        return bool(self._of_audio)

    def hear_until(self, audio_ms: float) -> None:
        """Note that the session has audio up to a time."""
        self._heard_ms = audio_ms
        if self._of_audio:
            due = [fault for at_ms, fault in self._of_audio if at_ms <= audio_ms]
            self._of_audio = [each for each in self._of_audio if each[0] > audio_ms]
            for fault in due:
                self._do(fault)

    def close(self, code: int, reason: str) -> None:
        """Close the connection; nothing more is sent."""
        self._is_closed = True
        self._end(code, reason.encode()[:_MAX_REASON].decode("utf-8", "ignore"))

    def reset(self) -> None:
        """End the connection without a close frame. Raises ``ConnectionResetError``."""
        self._cut()
        raise lost("fault: the connection was reset")

    def report(self, code: str, message: str | None) -> None:
        """Send an ``error``."""
        kind = "server_error" if code == "server_error" else "invalid_request_error"
        error = {
            "type": kind,
            "code": None if code == kind else code,
            "message": message or FAILED,
            "param": None,
            "event_id": None,
        }
        self._outlet.send("error", error=error)

    def expire(self) -> None:
        """End the session as if it had reached its greatest age."""
        self._expire()
        self._is_closed = True

    def hold(self, seconds: float | None) -> None:
        """Hold back what is sent from now on; events that are held already keep their order."""
        self._is_held = True
        if self._release is not None:
            self._release.cancel()
        self._release = None
        if seconds is not None:
            self._release = self._timeline.after(1000 * seconds, self._let_go, gap=seconds)

    def slow(self, seconds: float) -> None:
        """Wait for so many seconds before each event from now on."""
        self._pause = seconds

    def deliver(self, event: Mapping[str, Any], text: str | None = None) -> None:
        """Send an event, or hold it back."""
        if self._is_closed:
            return
        if self._is_held:
            self._held.append((event, text))
        elif self._pause:
            self._held.append((event, text))
            self.hold(self._pause)
        else:
            self._outlet.transmit(event, text)

    def garble(self, event: Mapping[str, Any]) -> None:
        """Send the first half of an event's JSON."""
        whole = json_styles.streamed(event).decode("utf-8", "replace")
        self.deliver(event, whole[: len(whole) // 2])

    def postpone(self, event: Mapping[str, Any]) -> None:
        """Send an event after the next one."""
        self._postponed.append(event)

    def _intercept(self, event: Mapping[str, Any]) -> None:
        """Send an event as the faults want it."""
        postponed, self._postponed = self._postponed, []
        swaps = bool(postponed)  # with the event before it, so it is not postponed itself
        hit = next((each for each in self._active if self._hits(each, event, swaps=swaps)), None)
        if hit is None:
            self.deliver(event)
        else:
            change = SESSION_KINDS[hit.fault.kind].change
            assert change is not None
            change(self, hit.fault, event)
        for each in postponed:
            self.deliver(each)
        self._act()

    def _hits(self, active: _Active, event: Mapping[str, Any], *, swaps: bool) -> bool:
        """Count an event for a fault. Return whether the fault changes it."""
        if not active.is_about(event):
            return False
        if not active.is_due:
            active.passed += 1
            return False
        kind = active.fault.kind
        if SESSION_KINDS[kind].change is None or active.hit >= active.fault.count:
            return False
        if swaps and kind == REORDER:
            return False
        active.hit += 1
        return True

    def _act(self) -> None:
        """Do what faults do once enough events were sent."""
        due = [each for each in self._active if each.is_due and not self._changes(each.fault)]
        self._active = [each for each in self._active if each not in due and not self._is_over(each)]
        for each in due:
            self._do(each.fault)

    def _changes(self, fault: Fault) -> bool:
        return SESSION_KINDS[fault.kind].change is not None

    def _is_over(self, active: _Active) -> bool:
        return active.hit >= active.fault.count

    def _do(self, fault: Fault) -> None:
        act = SESSION_KINDS[fault.kind].act
        if act is not None:
            act(self, fault)

    def _let_go(self) -> None:
        """Send what was held back: all of it, or the first event of a slow session."""
        self._is_held, self._release = False, None
        while self._held and not self._is_closed:
            event, text = self._held.popleft()
            self._outlet.transmit(event, text)
            if self._pause and self._held:
                self.hold(self._pause)
                return

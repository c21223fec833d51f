"""The output buffer of a call: what is played to the caller, when it begins and ends, and what is cut off."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.providers.openai.realtime_calls.media_formats import RATE, Decoder

if TYPE_CHECKING:
    from mockserver.providers.openai.realtime.configuration.parts import AudioFormat
    from mockserver.providers.openai.realtime.outlet import Outlet
    from mockserver.providers.openai.realtime.timeline import Task, Timeline
    from mockserver.providers.openai.realtime_calls.lines import Line

_SAMPLE_BYTES = 2
_LAST_MS = 50.0  # from the end of a response to the end of its playback, at least


class Playback(Struct, eq=False):
    """A response that is played, from ``start_ms`` on, in pieces: the id of an item and its milliseconds."""

    response_id: str
    start_ms: float
    pieces: list[tuple[str, float]] = []
    has_started: bool = False
    task: Task | None = None  # which starts or stops it

    @property
    def end_ms(self) -> float:
        """Return when it ends."""
        return self.start_ms + sum(ms for _, ms in self.pieces)

    def add(self, item_id: str, ms: float) -> None:
        """Add audio of an item."""
        if self.pieces and self.pieces[-1][0] == item_id:
            ms += self.pieces.pop()[1]
        self.pieces.append((item_id, ms))

    def unheard(self, now_ms: float) -> list[tuple[str, int]]:
        """Return the items that were not heard to their end, and how much was heard of each, in milliseconds."""
        found, position = [], now_ms - self.start_ms
        for item_id, ms in self.pieces:
            if position < ms:
                found.append((item_id, int(max(0.0, position))))
            position -= ms
        return found


class OutputBuffer:
    """The output buffer. ``truncate`` cuts the sound of an item at a number of milliseconds.

    ``in_progress`` is the response whose audio is being made; empty if there is none.
    """

    def __init__(
        self,
        line: Line,
        timeline: Timeline,
        outlet: Outlet,
        truncate: Callable[[str, int], None],
        read_format: Callable[[], AudioFormat],
    ) -> None:
        self._line = line
        self._timeline = timeline
        self._outlet = outlet
        self._truncate = truncate
        self._read_format = read_format
        self._playing: deque[Playback] = deque()
        self._decoder = Decoder()
        self.in_progress = ""
        self._cut = ""  # the response of which nothing more is played
        outlet.listeners.append(self._note)

    def play(self, response_id: str, item_id: str, audio: bytes) -> None:
        """Play audio after what is played already."""
        if response_id == self._cut:
            return
        pcm = self._decoder.samples(audio, self._read_format().type)
        self._line.play(pcm)
        self.in_progress = response_id
        now = self._timeline.now_ms
        last = self._playing[-1] if self._playing else None
        if last is None or last.response_id != response_id:
            start = max(now, last.end_ms) if last else now
            last = Playback(response_id, start)
            self._playing.append(last)
            if start <= now:
                self._start(last)
            else:
                last.task = self._timeline.at(start, partial(self._start, last))
        elif last.end_ms < now:  # it was made too slowly
            last.start_ms += now - last.end_ms
        last.add(item_id, len(pcm) / _SAMPLE_BYTES * 1000 / RATE)

    def clear(self) -> None:
        """Cut off what is played, and truncate the items of which something was not heard."""
        playing, now = tuple(self._playing), self._timeline.now_ms
        self._playing.clear()
        self._line.stop_playing(max(0.0, playing[-1].end_ms - now) if playing else 0.0)
        self._cut = self.in_progress
        for each in playing:
            if each.task is not None:
                each.task.cancel()
            if each.has_started:
                self._outlet.send_of_buffer("cleared", each.response_id)
            for item_id, heard_ms in each.unheard(now):
                self._truncate(item_id, heard_ms)

    def _note(self, event: Mapping[str, Any]) -> None:
        """Take note of the end of a response: its playback ends when it was heard."""
        if event["type"] != "response.done":
            return
        response = event.get("response")
        response_id = response.get("id") if isinstance(response, dict) else None  # a stub can send anything
        if response_id == self.in_progress:
            self.in_progress = ""
        for playing in self._playing:
            if playing.response_id == response_id:
                if playing.has_started:
                    self._end(playing)
                else:
                    due = playing.start_ms
                    if playing.task is not None:
                        playing.task.cancel()
                    playing.task = self._timeline.at(due, partial(self._start, playing, is_done=True))

    def _start(self, playing: Playback, *, is_done: bool = False) -> None:
        playing.has_started = True
        playing.task = None
        self._outlet.send_of_buffer("started", playing.response_id)
        if is_done:
            self._end(playing)

    def _end(self, playing: Playback) -> None:
        due = max(playing.end_ms, self._timeline.now_ms + _LAST_MS)
        playing.task = self._timeline.at(due, partial(self._stop, playing))

    def _stop(self, playing: Playback) -> None:
        self._playing.remove(playing)
        self._outlet.send_of_buffer("stopped", playing.response_id)

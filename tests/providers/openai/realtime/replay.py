"""Replays recorded sessions: sends what the client sent, and compares what comes with what the real API sent.

A recording is a table in ``tests/data/recorded/realtime``; those in ``derived`` were not recorded, but follow from the
facts of others. The numbers of deltas in a row depend on the words, which are
others than those of the recording: a run of them is as good as another.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from tests.conftest import DATA
from tests.providers.openai.realtime.conftest import Body, Talk

_ANYTHING, _NULL = "*", "null"
_APPEND = "input_audio_buffer.append"
_SERVER_ID = "#"

Append = Callable[[int], None]


class Replay:
    """A recording that is replayed in a session. ``append`` sends some chunks of 100 ms of audio.

    ``beside`` are the types of events that may come anywhere: they are compared in their own order.
    """

    def __init__(
        self,
        name: str,
        talk: Talk,
        *,
        append: Append = lambda times: None,
        beside: str = "",
        folder: str = "recorded",
    ) -> None:
        file = DATA / folder / "realtime" / f"{name}.toml"
        self._frames = tomllib.loads(file.read_text("utf-8"))["events"]
        self._talk = talk
        self._append = append
        self._beside = beside
        self._ids: dict[str, str] = {}
        self._last = {"main": "", "beside": ""}  # the types of the last events

    def run(self) -> None:
        """Replay all of it; ``session.created`` is received already. Raises ``AssertionError``."""
        frames = self._frames
        if frames[0]["from"] == "server":  # a second connection gets no session.created
            self._compare(frames[0], self._talk.events[0])
            frames = frames[1:]
        if self._beside:
            aside = [frame for frame in frames if self._is_beside(frame)]
            frames = [frame for frame in frames if not self._is_beside(frame)]
            self._aside = iter(_folded(aside))
        for frame in _folded(frames):
            if frame["from"] == "server":
                self._compare(frame, self._next_of_main())
            elif frame["type"] == _APPEND:
                self._append(frame.get("times", 1))
            else:
                self._talk.send(frame["type"], **self._filled(frame["members"]))

    def _is_beside(self, frame: Body) -> bool:
        return frame["from"] == "server" and str(frame["type"]).startswith(self._beside)

    def _next_of_main(self) -> Body:
        """Return the next event, of each run of deltas the first; what may come anywhere is compared on the way."""
        while True:
            event = self._talk.receive()
            stream = "beside" if self._beside and event["type"].startswith(self._beside) else "main"
            is_more = event["type"] == self._last[stream] and event["type"].endswith(".delta")
            self._last[stream] = event["type"]
            if is_more:
                continue
            if stream == "main":
                return event
            self._compare(next(self._aside), event)

    def _compare(self, frame: Body, event: Body) -> None:
        kind = frame["type"]
        assert event["type"] == kind, (kind, event)
        self._same(kind, frame["members"], {name: event[name] for name in list(event)[1:]})

    def _same(self, place: str, wanted: Any, got: Any) -> None:
        if wanted == _ANYTHING:
            assert got is not None, place
        elif wanted == _NULL:
            assert got is None, (place, got)
        elif isinstance(wanted, dict):
            assert list(got) == list(wanted), (place, got)
            for name, value in wanted.items():
                self._same(f"{place}.{name}", value, got[name])
        elif isinstance(wanted, list):
            assert len(got) == len(wanted), (place, got)
            for number, value in enumerate(wanted):
                self._same(f"{place}[{number}]", value, got[number])
        elif isinstance(wanted, str) and _SERVER_ID in wanted:
            assert self._ids.setdefault(wanted, got) == got, (place, wanted, got)
        else:
            assert (type(got), got) == (type(wanted), wanted), place

    def _filled(self, given: Any) -> Any:
        """Return what the client sends, with the ids of this session."""
        if isinstance(given, dict):
            return {name: self._filled(value) for name, value in given.items()}
        if isinstance(given, list):
            return [self._filled(value) for value in given]
        if given == _NULL:
            return None
        return self._ids.get(given, given) if isinstance(given, str) else given


def _folded(frames: list[Body]) -> Iterator[Body]:
    """Yield the frames, of each run of deltas the first."""
    last = ""
    for frame in frames:
        if frame["type"] != last or not last.endswith(".delta"):
            yield frame
        if frame["from"] == "server":
            last = frame["type"]

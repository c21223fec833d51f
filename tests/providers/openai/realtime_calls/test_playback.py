"""The output buffer: when playback begins and ends, what is cut off, and what was heard then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mockserver.errors import ErrorTable
from mockserver.ids import Ids
from mockserver.providers.openai.realtime.configuration.parts import AudioFormat
from mockserver.providers.openai.realtime.identifiers import RealtimeIds
from mockserver.providers.openai.realtime.outlet import Outlet
from mockserver.providers.openai.realtime.timeline import Fast, Timeline
from mockserver.providers.openai.realtime_calls.playback import OutputBuffer

PCM = AudioFormat("audio/pcm", 24_000)
ULAW = AudioFormat("audio/pcmu", 8_000)


class Player:
    """A line that notes what it plays, in milliseconds."""

    def __init__(self) -> None:
        self.played = 0.0
        self.unheard: list[float] = []

    def send(self, text: str) -> None:
        """Send nothing."""

    def play(self, pcm: bytes) -> None:
        self.played += len(pcm) / 48

    def stop_playing(self, unheard_ms: float) -> None:
        self.unheard.append(unheard_ms)

    def close(self) -> None:
        """Do nothing."""


class Playing:
    """An output buffer, whose events and truncations are noted with their times."""

    def __init__(self, format_: AudioFormat = PCM) -> None:
        self.line = Player()
        self.timeline = Timeline(Fast())
        self.outlet = Outlet(lambda text: None, RealtimeIds(Ids(), 1.8e9), ErrorTable())
        self.events: list[tuple[float, str, str]] = []
        self.outlet.listeners.append(self._note)
        self.buffer = OutputBuffer(self.line, self.timeline, self.outlet, self._truncate, lambda: format_)

    def _note(self, event: Mapping[str, Any]) -> None:
        if event["type"].startswith("output"):
            name = event["type"].removeprefix("output_audio_buffer.")
            self.events.append((self.timeline.now_ms, name, event["response_id"]))

    def _truncate(self, item_id: str, ms: int) -> None:
        self.events.append((self.timeline.now_ms, f"truncated at {ms}", item_id))

    def play(self, response_id: str, ms: int, item_id: str = "item_1") -> None:
        self.buffer.play(response_id, item_id, bytes(ms * 48))

    def finish(self, response_id: str) -> None:
        self.outlet.send("response.done", response={"id": response_id})

    def until(self, ms: float) -> None:
        """Let time pass."""
        self.timeline.hear_until(ms)


@pytest.fixture
def playing() -> Playing:
    return Playing()


def test_playback_ends_when_all_was_heard(playing: Playing) -> None:
    playing.play("resp_1", 250)
    playing.until(50)
    playing.play("resp_1", 250)
    playing.finish("resp_1")
    playing.until(1000)
    assert playing.events == [(0, "started", "resp_1"), (500, "stopped", "resp_1")]
    assert playing.line.played == 500


def test_a_short_sound_ends_after_its_response(playing: Playing) -> None:
    playing.play("resp_1", 10)
    playing.until(200)
    playing.finish("resp_1")
    playing.until(1000)
    assert playing.events[-1] == (250, "stopped", "resp_1")


def test_the_next_response_is_played_after_the_first(playing: Playing) -> None:
    playing.play("resp_1", 500)
    playing.finish("resp_1")
    playing.play("resp_2", 300, "item_2")
    playing.finish("resp_2")
    playing.until(2000)
    assert playing.events == [
        (0, "started", "resp_1"),
        (500, "stopped", "resp_1"),
        (500, "started", "resp_2"),
        (800, "stopped", "resp_2"),
    ]


def test_what_is_cut_off_is_truncated_at_what_was_heard(playing: Playing) -> None:
    playing.play("resp_1", 500, "item_1")
    playing.play("resp_1", 500, "item_2")
    playing.play("resp_1", 500, "item_3")
    playing.until(700)
    playing.buffer.clear()
    assert playing.events[1:] == [
        (700, "cleared", "resp_1"),
        (700, "truncated at 200", "item_2"),
        (700, "truncated at 0", "item_3"),
    ]
    assert playing.line.unheard == [800]
    playing.play("resp_1", 500, "item_3")  # is made still
    playing.finish("resp_1")
    playing.until(3000)
    assert len(playing.events) == 4
    assert playing.line.played == 1500
    playing.play("resp_2", 100, "item_4")
    assert playing.events[-1] == (3000, "started", "resp_2")


def test_a_response_that_had_not_begun_is_dropped_silently(playing: Playing) -> None:
    playing.play("resp_1", 500)
    playing.finish("resp_1")
    playing.play("resp_2", 300, "item_2")
    playing.until(100)
    playing.buffer.clear()
    assert playing.events[1:] == [
        (100, "cleared", "resp_1"),
        (100, "truncated at 100", "item_1"),
        (100, "truncated at 0", "item_2"),
    ]


def test_nothing_to_clear_is_nothing_to_say(playing: Playing) -> None:
    playing.buffer.clear()
    playing.play("resp_1", 100)
    playing.finish("resp_1")
    playing.until(500)
    playing.buffer.clear()
    assert [name for _, name, _ in playing.events] == ["started", "stopped"]


def test_speech_that_is_made_slowly_has_pauses(playing: Playing) -> None:
    playing.play("resp_1", 100)
    playing.until(400)
    playing.play("resp_1", 100)
    playing.finish("resp_1")
    playing.until(1000)
    assert playing.events[-1] == (500, "stopped", "resp_1")


def test_a_format_of_telephony_lasts_as_long() -> None:
    playing = Playing(ULAW)
    playing.buffer.play("resp_1", "item_1", b"\xff" * 800)
    playing.finish("resp_1")
    playing.until(1000)
    assert playing.events[-1] == (100, "stopped", "resp_1")
    assert playing.line.played == 100


def test_events_of_stubs_can_be_anything(playing: Playing) -> None:
    playing.outlet.forward({"type": "response.done", "response": "nonsense"})
    playing.outlet.forward({"type": "response.done"})

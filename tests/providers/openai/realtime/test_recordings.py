"""Recorded sessions, replayed."""

from __future__ import annotations

from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.realtime.conftest import Talk
from tests.providers.openai.realtime.replay import Replay


def test_a_written_message_is_answered_with_speech(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("Hello there!")
    Replay("ga_text_in_audio_out", talk).run()


def test_a_tool_is_called_and_its_result_is_used(talk: Talk, api: AudioApi) -> None:
    arguments = '{"city": "Paris", "unit": "degrees"}'
    api.on("realtime").reply(tool_calls=[{"name": "get_weather", "arguments": arguments}]).then.reply(
        text="It is sunny in Paris."
    )
    Replay("ga_tool_round", talk).run()

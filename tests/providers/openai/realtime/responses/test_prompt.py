"""What the model reads: turns, and tokens as recorded."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mockserver.audio.content import Content
from mockserver.catalog.tables import Catalog
from mockserver.engines.dialogue import Turn
from mockserver.providers.openai.realtime.conversation.items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    Part,
)
from mockserver.providers.openai.realtime.responses import prompt
from mockserver.providers.openai.realtime.responses.prompt import Made, PromptReader
from mockserver.providers.openai.realtime.responses.settings import ResponseSettings
from mockserver.providers.openai.realtime.responses.usage import Tokens, total
from mockserver.providers.openai.realtime.sounds import Sound
from tests.providers.openai.realtime.responses.test_settings import config

WORDS = {"said": "What is the weather?", "before": "Hello."}


def reader(*, hear_all: bool = False) -> PromptReader:
    model = Catalog().model("gpt-realtime")
    assert model is not None
    return PromptReader(model, WORDS.__getitem__, hear_all=hear_all)


def settings(**given: Any) -> ResponseSettings:
    return ResponseSettings.of(config(), {"instructions": "", **given})


def sound(ms: int) -> Sound:
    return Sound(Content(bytes(48 * ms)), 24_000, 24 * ms)


def spoken(name: str, ms: int) -> Message:
    return Message(name, "user", [Part("input_audio", sound=sound(ms))])


def written(name: str, text: str) -> Message:
    return Message(name, "user", [Part("input_text", text)])


def reply(name: str, transcript: str, ms: int) -> Message:
    return Message(name, "assistant", [Part("output_audio", transcript=transcript, sound=sound(ms))])


def test_only_the_last_words_of_the_user_are_transcribed() -> None:
    items: list[Item] = [spoken("before", 500), reply("reply", "Hi.", 500), spoken("said", 500)]
    turns = reader().dialogue(settings(), items).turns
    assert turns == (
        Turn("user", transcript=""),
        Turn("assistant", "Hi."),
        Turn("user", transcript=WORDS["said"]),
    )
    everything = reader(hear_all=True).dialogue(settings(instructions="Be brief."), items).turns
    assert everything[:2] == (Turn("system", "Be brief."), Turn("user", transcript="Hello."))


def test_calls_and_results_are_turns() -> None:
    items: list[Item] = [
        FunctionCall("a", "look", "call_1", "{}"),
        FunctionCallOutput("b", "call_1", "sunny"),
    ]
    call, result = reader().dialogue(settings(), items).turns
    assert (call.role, call.calls["call_1"].name) == ("assistant", "look")
    assert result == Turn("tool", "sunny", answers="call_1")


def test_a_named_tool_is_demanded() -> None:
    tools = [{"type": "function", "name": name, "parameters": {"type": "object"}} for name in ("a", "b")]
    named = settings(tools=tools, tool_choice={"type": "function", "name": "b"})
    assert [tool.name for tool in reader().dialogue(named, []).demanded] == ["b"]
    assert not reader().dialogue(settings(tools=tools, tool_choice="none"), []).tools


def test_what_was_said_is_known_without_transcribing_it() -> None:
    said = reader().said([written("a", "Look at this."), spoken("said", 100)])
    assert (said.text, len(said.pcm), said.rate) == ("Look at this.", 4800, 24_000)
    assert said.heard() == WORDS["said"]
    assert reader().said([written("a", "Look at this.")]).text == "Look at this."


@pytest.mark.parametrize(("ms", "tokens"), [(2796, 27), (2668, 26), (99, 0)])
def test_speech_of_the_user_takes_ten_tokens_a_second(ms: int, tokens: int) -> None:
    assert total(reader().segments(settings(), [spoken("said", ms)])).audio == tokens


def test_a_short_prompt_takes_as_much_as_recorded() -> None:
    counted = total(
        reader().segments(settings(instructions="Be brief and polite."), [written("a", "Say hello.")])
    )
    assert counted == Tokens(12)


def test_only_the_last_spoken_reply_counts_with_its_audio_as_recorded() -> None:
    tested = reader()
    tested.made = {"2": Made(Tokens(18, 42), 8, 2000), "4": Made(Tokens(18, 43), 8, 2050)}
    words = "It is sunny in Paris today."
    items: list[Item] = [spoken("before", 2796), reply("2", words, 2000), spoken("said", 2796)]
    assert total(tested.segments(settings(), items)).audio == 27 + 42 + 27
    items += [reply("4", words, 2050), spoken("said", 2796)]
    assert total(tested.segments(settings(), items)).audio == 27 * 3 + 43


def test_of_a_reply_that_was_cut_only_the_rest_counts() -> None:
    tested = reader()
    tested.made = {"2": Made(Tokens(18, 102), 8, 5000)}
    assert total(tested.segments(settings(), [reply("2", "", 1860)])).audio == 37


def test_images_count() -> None:
    png = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    image = Message("a", "user", [Part("input_image", image_url=url)])
    assert total(reader().segments(settings(), [image])).image > 0
    broken = Message("a", "user", [Part("input_image", image_url="data:image/png;base64,?")])
    assert total(reader().segments(settings(), [broken])).image == 0


def test_an_image_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []

    def size(data: bytes) -> tuple[int, int]:
        calls.append(data)
        return 512, 512

    monkeypatch.setattr(prompt, "image_size", size)
    tested, image = (
        reader(),
        Message("a", "user", [Part("input_image", image_url="data:image/png;base64,AAAA")]),
    )
    first, second = (total(tested.segments(settings(), [image])).image for _ in range(2))
    assert first == second > 0
    assert len(calls) == 1


def test_a_turn_has_all_that_the_user_did_since_the_last_response() -> None:
    items: list[Item] = [
        written("a", "Look."),
        reply("b", "Yes?", 100),
        written("c", "And"),
        written("d", "that!"),
    ]
    assert reader().said(items).text == "And that!"
    spoken_twice = reader().said([*items, spoken("before", 100), spoken("said", 200)])
    assert (spoken_twice.heard(), len(spoken_twice.pcm)) == ("Hello. What is the weather?", 48 * 300)


def test_after_the_result_of_a_tool_the_user_has_last_said_the_same() -> None:
    items: list[Item] = [
        written("a", "Weather?"),
        FunctionCall("b", "look", "call_1", "{}"),
        FunctionCallOutput("c", "call_1", "sunny"),
    ]
    assert reader().said(items).text == "Weather?"

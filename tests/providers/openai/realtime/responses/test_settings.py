"""The parameters of a response: those of the session, and those of ``response.create``."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.catalog.tables import Catalog
from mockserver.providers.openai.realtime.configuration.rules import Basis
from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig
from mockserver.providers.openai.realtime.responses.settings import ResponseSettings


def config(model: str = "gpt-realtime", **changes: Any) -> SessionConfig:
    catalog = Catalog()
    card, transcriber = catalog.model(model), catalog.model("whisper-1")
    assert card is not None
    assert transcriber is not None
    basis = Basis(
        catalog.model,
        transcriber,
        instructions="Be nice.",
        languages=("en",),
        accepts_hint=lambda code: True,
        check_voice=lambda voice, place: None,
        strict=True,
    )
    made = SessionConfig.of_conversation(model, card, basis)
    if changes:
        made.update({"type": "realtime", **changes})
    return made


def test_the_session_decides_what_the_event_leaves_open() -> None:
    tool = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
    changed = config(instructions="Be brief.", tools=[tool], max_output_tokens=50, output_modalities=["text"])
    settings = ResponseSettings.of(changed, {})
    assert (settings.modality, settings.instructions, settings.max_output_tokens) == ("text", "Be brief.", 50)
    assert [each["name"] for each in settings.tools] == ["look"]
    assert (settings.is_apart, settings.input, settings.metadata) == (False, None, None)


def test_the_event_decides_for_its_response() -> None:
    given = {
        "conversation": "none",
        "input": [],
        "instructions": "",
        "output_modalities": ["text"],
        "audio": {"output": {"format": {"type": "audio/pcma"}, "voice": {"id": "voice_1"}}},
        "tools": [],
        "tool_choice": "none",
        "max_output_tokens": "inf",
        "metadata": {"a": "b"},
    }
    settings = ResponseSettings.of(config(max_output_tokens=50), given)
    assert settings.audio_format.shown() == {"type": "audio/pcma"}
    assert (settings.voice, settings.max_output_tokens) == ({"id": "voice_1"}, "inf")
    assert (settings.instructions, settings.tool_choice, settings.input) == ("", "none", [])
    assert (settings.is_apart, settings.metadata, settings.is_spoken) == (True, {"a": "b"}, False)


@pytest.mark.parametrize(
    ("model", "given", "parallel"),
    [
        ("gpt-realtime", {}, False),
        ("gpt-realtime-2.1", {}, True),
        ("gpt-realtime-2.1", {"parallel_tool_calls": False}, False),
    ],
)
def test_newer_models_call_tools_in_parallel(model: str, given: Any, parallel: bool) -> None:
    assert ResponseSettings.of(config(model), given).parallel_tool_calls is parallel


def test_the_effort_is_that_of_the_event_or_the_session() -> None:
    changed = config("gpt-realtime-2.1", reasoning={"effort": "high"})
    assert ResponseSettings.of(changed, {}).effort == "high"
    assert ResponseSettings.of(changed, {"reasoning": {"effort": "low"}}).effort == "low"

"""guidance sends every option that it knows, null where it is not given."""

from __future__ import annotations

from guidance import assistant, gen, user
from guidance.models import OpenAI

from mockserver.testing.audio_api import AudioApi


def test_tools_that_are_null_are_none(audio_api: AudioApi) -> None:
    audio_api.on_chat(user_text="capital of France").reply("Paris.")
    talk = OpenAI("gpt-4o-mini", echo=False)
    with user():
        talk += "What is the capital of France?"
    with assistant():
        talk += gen("answer")
    assert talk["answer"] == "Paris."
    audio_api.verify_chat(fields={"tools": None}, times=1)

"""instructor validates answers with a model of pydantic, and asks again if they do not fit."""

from __future__ import annotations

import instructor
import openai
from pydantic import BaseModel, Field

from mockserver.testing.audio_api import AudioApi


class Speaker(BaseModel):
    name: str
    age: int


class Adult(BaseModel):
    name: str
    age: int = Field(ge=18)


def test_an_iterable_whose_schema_requires_nothing_has_its_items(audio_api: AudioApi) -> None:
    asking = instructor.from_openai(openai.OpenAI(), mode=instructor.Mode.TOOLS)
    found = asking.create_iterable(
        model="gpt-4o-mini", response_model=Speaker, messages=[{"role": "user", "content": "Who spoke?"}]
    )
    speakers = list(found)
    assert speakers
    assert all(isinstance(speaker, Speaker) for speaker in speakers)


def test_an_answer_that_does_not_fit_is_asked_for_again(audio_api: AudioApi) -> None:
    audio_api.on_chat().call_tool("Adult", name="Ann", age=7).then.call_tool("Adult", name="Ann", age=27)
    asking = instructor.from_openai(openai.OpenAI(), mode=instructor.Mode.TOOLS)
    adult = asking.create(
        model="gpt-4o-mini", response_model=Adult, messages=[{"role": "user", "content": "Who spoke?"}]
    )
    assert (adult.name, adult.age) == ("Ann", 27)
    audio_api.verify_chat(times=2)

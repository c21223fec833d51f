"""Hearing the audio of conversations, in chats and in responses."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest

from mockserver.testing.mock_server import MockServer
from tests.conftest import FIXTURES

CLIP = base64.b64encode((FIXTURES / "hello.wav").read_bytes()).decode()
PART: dict[str, Any] = {"type": "input_audio", "input_audio": {"data": CLIP, "format": "wav"}}


@pytest.mark.parametrize("strictness", ["schema", "off"])
def test_responses_hear_audio_unless_they_are_strict(
    server: MockServer, client: openai.OpenAI, strictness: str
) -> None:
    api = server.account(client.api_key)
    asked: Any = [{"role": "user", "content": [{"type": "input_text", "text": "Listen."}, PART]}]
    headers = {"x-mock-strictness": strictness}
    response = client.responses.create(model="gpt-4o", input=asked, extra_headers=headers)
    assert response.output_text.startswith("You wrote: Listen. And I heard you say: ")
    (entry,) = api.journal
    assert entry["audio"][0]["place"] == "input[0].content[1].input_audio"
    assert entry["heard"] in response.output_text
    assert "fixture" in entry["answered_by"]
    api.on_response(heard="hello").say("Heard.")
    again = client.responses.create(model="gpt-4o", input=asked, extra_headers=headers)
    assert again.output_text == "Heard."
    assert again.usage
    assert response.usage
    assert again.usage.input_tokens == response.usage.input_tokens > 15


def test_responses_refuse_audio_if_they_are_strict(client: openai.OpenAI) -> None:
    asked: Any = [{"role": "user", "content": [PART]}]
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="gpt-4o", input=asked)

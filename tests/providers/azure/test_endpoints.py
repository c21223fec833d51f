"""The names of Azure's endpoints in stubs and verifications."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.testing.audio_api import AudioApi
from tests.providers.azure.conftest import Post, chat_path

AZURE = "/openai/deployments/prod/chat/completions"


def ask_both(api: AudioApi, post: Post) -> list[Any]:
    """Return the texts of a chat at Azure's paths and of one at OpenAI's."""
    at_azure = post(chat_path()).json()["choices"][0]["message"]["content"]
    at_openai = api.client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Hi"}]
    )
    return [at_azure, at_openai.choices[0].message.content]


@pytest.mark.parametrize(
    ("endpoint", "at_azure", "at_openai"),
    [
        ("chat", 1, 1),
        ("create_chat_completion", 1, 1),
        ("/openai/*", 1, 0),
        (AZURE, 1, 0),
        ("/openai/deployments/{deployment}/chat/completions", 1, 0),
        ("/openai/deployments/other/chat/completions", 0, 0),
        ("/v1/*", 0, 1),
        ("/v1/openai/*", 0, 0),
        ("/v1/chat/completions", 0, 1),
        ("/chat/completions", 0, 1),
    ],
)
def test_a_path_tells_azure_and_openai_apart(
    api: AudioApi, post: Post, endpoint: str, at_azure: int, at_openai: int
) -> None:
    api.on(endpoint).say("Scripted.")
    assert [text == "Scripted." for text in ask_both(api, post)] == [bool(at_azure), bool(at_openai)]
    api.verify(endpoint, times=at_azure + at_openai)


def test_a_difference_shows_the_path_as_it_was_requested(api: AudioApi, post: Post) -> None:
    ask_both(api, post)
    with pytest.raises(AssertionError, match=rf"got '{AZURE}'"):
        api.verify("/openai/v1/*")
    with pytest.raises(AssertionError, match="got '/v1/chat/completions'"):
        api.verify("/openai/v1/*")

"""The facts that matchers find in the JSON of a chat, whatever else it contains."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.audio.uploads import AudioPlace
from mockserver.providers.openai.chat.document import ChatDocument

SOUND = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}


def test_system_messages_are_the_prompt_and_the_last_user_message_is_the_text() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "In French."}]},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Bonjour."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "And"}, SOUND, {"type": "text", "text": "now?"}],
        },
        {"role": "assistant", "content": "Non."},
    ]
    facts = ChatDocument({"messages": messages})
    assert (facts.prompt, facts.user_text, facts.latest) == ("Be brief.\nIn French.", "And now?", 4)


def test_audio_has_the_place_of_its_message_and_part() -> None:
    messages = [{"role": "user", "content": [SOUND]}, {"role": "user", "content": [{"type": "text"}, SOUND]}]
    found = list(ChatDocument({"messages": messages}).audio)
    assert found == [(AudioPlace(0, 0), SOUND["input_audio"]), (AudioPlace(1, 1), SOUND["input_audio"])]


@pytest.mark.parametrize(
    "messages",
    [None, "text", [], ["text", 1, None], [{"role": "user", "content": [1, {"input_audio": {"data": 1}}]}]],
    ids=str,
)
def test_what_is_no_chat_has_no_text_and_no_audio(messages: object) -> None:
    facts = ChatDocument({"messages": messages})
    assert (facts.prompt, facts.user_text, list(facts.audio)) == ("", "", [])


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        ({"modalities": ["text"]}, set()),
        ({"modalities": "audio"}, set()),
        ({"modalities": ["text", "audio"]}, {"sound"}),
        ({"modalities": ["text", "audio"], "stream": True}, {"sound", "events"}),
    ],
)
def test_sound_is_asked_for_by_modality(document: dict[str, Any], asked: set[str]) -> None:
    assert ChatDocument(document).asks_for == asked

"""Events with odd values at any place are answered or refused: the session never fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.providers.openai.realtime.conftest import Body, Connect

ODD: list[Any] = [None, True, -1, 0.5, 10**30, "", "x", "\ud83d", [], [[]], ["text"], {}, {"type": "x"}]
TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
FORMAT = {"type": "audio/pcm", "rate": 24000}
SESSION = {
    "type": "realtime",
    "output_modalities": ["text"],
    "instructions": "Be brief.",
    "tools": [TOOL, {"type": "mcp", "server_label": "a", "allowed_tools": ["b"]}],
    "tool_choice": {"type": "function", "name": "f"},
    "max_output_tokens": 10,
    "truncation": {
        "type": "retention_ratio",
        "retention_ratio": 0.5,
        "token_limits": {"post_instructions": 9},
    },
    "tracing": {"workflow_name": "a"},
    "prompt": {"id": "pmpt_1", "variables": {"a": "b"}},
    "include": ["item.input_audio_transcription.logprobs"],
    "reasoning": {"effort": "low"},
    "audio": {
        "input": {
            "format": FORMAT,
            "transcription": {
                "model": "gpt-live-transcribe",
                "languages": ["de"],
                "keywords": ["a"],
                "delay": "low",
            },
            "noise_reduction": {"type": "near_field", "strength": 1},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "idle_timeout_ms": 6000},
        },
        "output": {"format": FORMAT, "voice": {"id": "voice_1"}, "speed": 1.5},
    },
}
MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
RESPONSE = {
    "conversation": "none",
    "input": [MESSAGE, {"type": "item_reference", "id": "item_1"}],
    "output_modalities": ["text"],
    "audio": {"output": {"format": FORMAT, "voice": "alloy"}},
    "tools": [TOOL],
    "tool_choice": "none",
    "max_output_tokens": 10,
    "metadata": {"a": "b"},
}
EVENTS: list[Body] = [
    {"type": "session.update", "session": SESSION},
    {"type": "conversation.item.create", "previous_item_id": "root", "item": MESSAGE},
    {"type": "conversation.item.create", "item": {"type": "function_call", "name": "f", "arguments": "{}"}},
    {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 1},
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "response.cancel", "response_id": "resp_1"},
    {"type": "response.create", "response": RESPONSE},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all members and items in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in inner:
        yield (*path, step)
        yield from places(member, (*path, step))


def changed(event: Body, path: tuple[Any, ...], value: Any) -> Body:
    """Return an event with another value at a path."""
    document = deepcopy(event)
    at: Any = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return document


@pytest.mark.slow
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["type"])
@pytest.mark.parametrize("strictness", ["real", "schema", "off"])
def test_a_session_survives_odd_values_everywhere(connect: Connect, strictness: str, event: Body) -> None:
    talk = connect("model=gpt-realtime-2.1", headers={"x-mock-strictness": strictness})
    sent = [changed(event, path, value) for path in places(event) if path != ("type",) for value in ODD]
    for each in sent:
        talk.socket.send(json.dumps(each))
    talk.send("conversation.item.delete", item_id="the last")
    answers: list[Body] = []
    while not answers or "the last" not in json.dumps(answers[-1]):
        answers.append(talk.receive())
    assert not [
        each for each in answers if each["type"] == "error" and each["error"]["type"] == "server_error"
    ]

"""Chat requests with invalid values at any depth are answered or refused, never with a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.providers.openai.chat.chat_refusals import CALL, SHELL, TEXT_PART, WAV
from tests.providers.openai.conftest import Body, Chat, speech, text, user
from tests.spoilt_documents import spoilt

STRICT: Body = {
    "type": "object",
    "properties": {
        "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
        "mood": {"anyOf": [{"type": "string", "enum": ["sunny"]}, {"type": "null"}]},
    },
    "required": ["steps", "mood"],
    "additionalProperties": False,
    "$defs": {"step": {"type": "object", "properties": {}, "required": [], "additionalProperties": False}},
}
FUNCTION: Body = {"name": "f", "parameters": STRICT, "strict": True}
TOOLS: list[Body] = [{"type": "function", "function": FUNCTION}, SHELL]
CHOICE: Body = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": TOOLS}}
HISTORY: list[Any] = [
    {"role": "system", "content": "Answer in JSON.", "name": "x"},
    {"role": "developer", "content": [TEXT_PART]},
    user([TEXT_PART]),
    {"role": "assistant", "content": None, "refusal": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "x"},
    "And now?",
]
SOUND: list[Body] = [
    text(*HISTORY, tools=TOOLS, tool_choice=CHOICE, parallel_tool_calls=True, n=2),
    text(
        "Hi",
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": STRICT, "strict": True},
        },
    ),
    text("Hi", functions=[{"name": "f", "parameters": STRICT}], function_call={"name": "f"}, stream=True),
    text("Hi", logprobs=True, top_logprobs=2, stop=["a"], store=True, metadata={"a": "b"}, seed=1, user="me"),
    text(
        "Hi", prediction={"type": "content", "content": [TEXT_PART]}, moderation={"model": "m", "policy": {}}
    ),
    speech(user([TEXT_PART, WAV])),
]
STRAY: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    st.sampled_from(["function", "object", "array", "#/$defs/none", "assistant", "json_schema"]),
    st.sampled_from(
        [
            [],
            [None],
            [[]],
            {},
            {"type": "text"},
            {"type": "object"},
            {"$ref": "#"},
            {"anyOf": [{}]},
            {"role": "user"},
        ]
    ),
)
MEMBERS = [
    "type",
    "role",
    "content",
    "name",
    "tool_calls",
    "tool_call_id",
    "function",
    "custom",
    "strict",
    "parameters",
    "schema",
    "properties",
    "items",
    "required",
    "enum",
    "const",
    "anyOf",
    "$ref",
    "$defs",
    "format",
    "pattern",
    "audio",
    "refusal",
    "json_schema",
    "stream",
    "tools",
    "unheard_of",
]


@pytest.mark.parametrize("strictness", ["real", "schema", "off"])
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=spoilt(SOUND, MEMBERS, STRAY, least=1))
def test_what_is_spoilt_is_answered_or_refused(chat: Chat, document: Body, strictness: str) -> None:
    response = chat.post(document, x_mock_strictness=strictness)
    is_other_model = document.get("model") not in [sound["model"] for sound in SOUND]
    assert response.status in ((200, 400, 404) if is_other_model else (200, 400)), response.body
    if strictness == "off" and response.status == 400:
        assert "no value fits the schema" in json.loads(response.body)["error"]["message"]

"""Chat requests that the real service refuses for their structure, although the documented schema admits them."""

from __future__ import annotations

from typing import Any

from tests.providers.openai.chat.chat_refusals import CALL, IMAGE, TEXT_PART, WAV, Refusal
from tests.providers.openai.chat.chat_tool_refusals import not_a_name, too_long
from tests.providers.openai.conftest import Body, speech, text, user

FUNCTION: Body = {"name": "f", "parameters": {"type": "object", "properties": {}}}
TOOL: Body = {"type": "function", "function": FUNCTION}
SHELL: Body = {"type": "custom", "custom": {"name": "shell"}}
GRAMMAR: Body = {"type": "grammar", "grammar": {"definition": "a", "syntax": "regex"}}
ANSWER: Body = {"name": "x", "schema": {"type": "object"}}
PLACE: Body = {"type": "approximate", "approximate": {"country": "DE"}}


def unknown(place: str) -> Refusal:
    return f"Unknown parameter: '{place}'.", place, "unknown_parameter"


def missing(place: str) -> Refusal:
    return f"Missing required parameter: '{place}'.", place, "missing_required_parameter"


def empty(place: str, sort: str = "string") -> Refusal:
    article = "an" if sort == "array" else "a"
    return (
        (
            f"Invalid '{place}': empty {sort}. Expected {article} {sort} with minimum length 1, "
            f"but got an empty {sort} instead."
        ),
        place,
        f"empty_{sort}",
    )


def no_participant(place: str) -> Refusal:
    return (
        (
            f"Invalid '{place}': string does not match pattern. "
            r"Expected a string that matches the pattern '^[^\s<|\\/>]+$'."
        ),
        place,
        "invalid_value",
    )


def no_content(number: int) -> Refusal:
    return "Invalid value for 'content': expected a string, got null.", f"messages.[{number}].content", None


def called(**changes: Any) -> list[Any]:
    """Return a user's message, a call of ``f`` with ``changes``, its result, and another user's message."""
    call = {**CALL, **changes}
    answer = {"role": "tool", "tool_call_id": call.get("id"), "content": "x"}
    return ["Hi", {"role": "assistant", "content": None, "tool_calls": [call]}, answer, "Well?"]


def answered_by(answer: Body) -> Body:
    return text("Hi", {"role": "assistant", "tool_calls": [CALL]}, answer)


UNKNOWN_MEMBERS: dict[str, tuple[Body, Refusal]] = {
    "the index of a streamed tool call": (
        text(*called(index=0)),
        unknown("messages[1].tool_calls[0].index"),
    ),
    "a custom call with a function": (
        text(
            "Hi",
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "c", "type": "custom", "custom": {"name": "x", "input": ""}, "function": {}}
                ],
            },
        ),
        unknown("messages[1].tool_calls[0].function"),
    ),
    "a text part": (
        text("Hi", user([{**TEXT_PART, "cache_control": {"type": "ephemeral"}}])),
        unknown("messages[1].content[0].cache_control"),
    ),
    "an image": (
        text(user([{**IMAGE, "image_url": {**IMAGE["image_url"], "format": "png"}}])),
        unknown("messages[0].content[0].image_url.format"),
    ),
    "input audio": (
        speech(user([{**WAV, "input_audio": {**WAV["input_audio"], "id": "x"}}])),
        unknown("messages[0].content[0].input_audio.id"),
    ),
    "a file": (
        text(user([TEXT_PART, {"type": "file", "file": {"data": "AA=="}}])),
        unknown("messages[0].content[1].file.data"),
    ),
    "a developer's message": (
        text({"role": "developer", "content": "x", "id": "msg_1"}, "Hi"),
        unknown("messages[0].id"),
    ),
    "a developer's text": (
        text({"role": "developer", "content": [{**TEXT_PART, "cache_control": {}}]}, "Hi"),
        unknown("messages[0].content[0].cache_control"),
    ),
    "a tool": (text("Hi", tools=[{**TOOL, "strict": True}]), unknown("tools[0].strict")),
    "a tool's function": (
        text("Hi", tools=[TOOL, {**TOOL, "function": {**FUNCTION, "input_schema": {}}}]),
        unknown("tools[1].function.input_schema"),
    ),
    "a custom tool": (
        text("Hi", tools=[{**SHELL, "custom": {"name": "shell", "strict": True}}]),
        unknown("tools[0].custom.strict"),
    ),
    "a grammar": (
        text(
            "Hi",
            tools=[
                {
                    "type": "custom",
                    "custom": {
                        "name": "x",
                        "format": GRAMMAR | {"grammar": {"definition": "a", "syntax": "regex", "flags": "i"}},
                    },
                }
            ],
        ),
        unknown("tools[0].custom.format.grammar.flags"),
    ),
    "a function": (text("Hi", functions=[{**FUNCTION, "strict": True}]), unknown("functions[0].strict")),
    "a choice": (
        text("Hi", tools=[TOOL], tool_choice={"type": "function", "function": {"name": "f"}, "mode": "any"}),
        unknown("tool_choice.mode"),
    ),
    "a chosen function": (
        text("Hi", tools=[TOOL], tool_choice={"type": "function", "function": {"name": "f", "strict": True}}),
        unknown("tool_choice.function.strict"),
    ),
    "a function call": (
        text("Hi", functions=[FUNCTION], function_call={"name": "f", "arguments": "{}"}),
        unknown("function_call.arguments"),
    ),
    "the schema of an answer in its place of old": (
        text("Hi", response_format={"type": "json_object", "schema": {}}),
        unknown("response_format.schema"),
    ),
    "a schema in JSON mode": (
        text("Hi", response_format={"type": "json_object", "json_schema": ANSWER}),
        unknown("response_format.json_schema"),
    ),
    "a response format": (
        text("Hi", response_format={"type": "json_schema", "json_schema": ANSWER, "strict": True}),
        unknown("response_format.strict"),
    ),
    "a named schema": (
        text("Hi", response_format={"type": "json_schema", "json_schema": {**ANSWER, "title": "x"}}),
        unknown("response_format.json_schema.title"),
    ),
    "a voice": (
        speech("Hi", audio={"voice": "alloy", "format": "wav", "speed": 2}),
        unknown("audio.speed"),
    ),
    "a prediction": (
        text("Hi", prediction={"type": "content", "content": "x", "weight": 1}),
        unknown("prediction.weight"),
    ),
    "a place to search from": (
        text("Hi", web_search_options={"user_location": {**PLACE, "zip": "1"}}),
        unknown("web_search_options.user_location.zip"),
    ),
    "an approximate place": (
        text("Hi", web_search_options={"user_location": {**PLACE, "approximate": {"zip": "1"}}}),
        unknown("web_search_options.user_location.approximate.zip"),
    ),
    "moderation": (
        text("Hi", moderation={"model": "omni-moderation-latest", "input": True}),
        unknown("moderation.input"),
    ),
}

NAMES_AND_LENGTHS: dict[str, tuple[Body, Refusal]] = {
    "a participant with a space": (
        text("Hi", user("Hi") | {"name": "Jane Doe"}),
        no_participant("messages[1].name"),
    ),
    "a participant in angle brackets": (
        text({"role": "system", "content": "x", "name": "<bot>"}, "Hi"),
        no_participant("messages[0].name"),
    ),
    "an assistant whose name ends its line": (
        text("Hi", {"role": "assistant", "content": "x", "name": "bot\n"}, "Hi"),
        no_participant("messages[1].name"),
    ),
    "a participant without a name": (text(user("Hi") | {"name": ""}), empty("messages[0].name")),
    "a participant with a long name": (
        text(user("Hi") | {"name": "ä" * 65}),
        too_long("messages[0].name", 64),
    ),
    "a tool without a name": (
        text("Hi", tools=[TOOL, {"type": "function", "function": {"name": ""}}]),
        empty("tools[1].function.name"),
    ),
    "a call of a tool with a dot in its name": (
        text(*called(function={"name": "a.b", "arguments": "{}"})),
        not_a_name("messages[1].tool_calls[0].function.name"),
    ),
    "a call of a tool with a long name": (
        text(*called(function={"name": "f" * 65, "arguments": "{}"})),
        too_long("messages[1].tool_calls[0].function.name", 64),
    ),
    "a choice of a tool with a dot in its name": (
        text("Hi", tools=[TOOL], tool_choice={"type": "function", "function": {"name": "a.b"}}),
        not_a_name("tool_choice.function.name"),
    ),
    "no tool calls": (
        text("Hi", {"role": "assistant", "content": "Hello.", "tool_calls": []}, "Hi"),
        empty("messages[1].tool_calls", "array"),
    ),
    "a call with an empty id": (text(*called(id="")), empty("messages[1].tool_calls[0].id")),
    "a call with a long id": (text(*called(id="c" * 41)), too_long("messages[1].tool_calls[0].id", 40)),
    "an answer with an empty id": (
        answered_by({"role": "tool", "tool_call_id": "", "content": "x"}),
        empty("messages[2].tool_call_id"),
    ),
    "a long user": (text("Hi", user="u" * 65), too_long("user", 64)),
    "a long cache key": (text("Hi", prompt_cache_key="k" * 65), too_long("prompt_cache_key", 64)),
}

CONTENTS: dict[str, tuple[Body, Refusal]] = {
    "a user who says nothing": (text("Hi", {"role": "user"}), no_content(1)),
    "a user who says null": (text({"role": "user", "content": None}, "Hi"), no_content(0)),
    "a system that says nothing but audio": (text({"role": "system", "name": "x"}, "Hi"), no_content(0)),
    "a tool that answers null": (
        answered_by({"role": "tool", "tool_call_id": "call_1", "content": None}),
        no_content(2),
    ),
    "nothing but a refusal that is null": (
        text("Hi", {"role": "assistant", "refusal": None, "content": None}, "Hi"),
        no_content(1),
    ),
    "no schema to answer by": (
        text("Hi", response_format={"type": "json_schema", "json_schema": {"name": "x"}}),
        missing("response_format.json_schema.schema"),
    ),
}

# Requests that the documented schema refuses, too, but at another place or in another order.
ORDER: dict[str, tuple[Body, Refusal]] = {
    "a choice of an unknown type": (
        text("Hi", tools=[TOOL], tool_choice={"type": "bogus"}),
        missing("tool_choice.function"),
    ),
    "a choice of an unknown type that names a function": (
        text("Hi", tools=[TOOL], tool_choice={"type": "bogus", "function": {"name": "f"}}),
        (
            "Invalid value: 'bogus'. Supported values are: 'function', 'allowed_tools', and 'custom'.",
            "tool_choice.type",
            "invalid_value",
        ),
    ),
    "a developer who says nothing": (
        text("Hi", {"role": "developer", "refusal": "no"}),
        missing("messages[1].content"),
    ),
    "a developer who says null": (
        text("Hi", {"role": "developer", "content": None}),
        (
            (
                "Invalid type for 'messages[1].content': expected one of a string or array of objects, "
                "but got null instead."
            ),
            "messages[1].content",
            "invalid_type",
        ),
    ),
    "content of a wrong type before no tool calls": (
        text("Hi", {"role": "assistant", "tool_calls": [], "content": 7}),
        (
            (
                "Invalid type for 'messages[1].content': expected one of a string or array of objects, "
                "but got an integer instead."
            ),
            "messages[1].content",
            "invalid_type",
        ),
    ),
    "content of a wrong type before none, though it comes later": (
        text({"role": "user"}, {"role": "user", "content": 7}),
        (
            (
                "Invalid type for 'messages[1].content': expected one of a string or array of objects, "
                "but got an integer instead."
            ),
            "messages[1].content",
            "invalid_type",
        ),
    ),
    "a slip of the pen": (
        text("Hi", stor=True),
        ("Unknown parameter: 'stor'. Did you mean 'stop' or 'store'?", "stor", "unknown_parameter"),
    ),
    "a slip of the pen beside the right word": (
        text("Hi", messagess=[]),
        ("Unknown parameter: 'messagess'.", "messagess", "unknown_parameter"),
    ),
}

STRUCTURE = UNKNOWN_MEMBERS | NAMES_AND_LENGTHS

"""Chat requests that are refused for their tools, schemas and bounds, each with its error."""

from __future__ import annotations

from tests.providers.openai.chat.chat_refusals import SHELL, Refusal
from tests.providers.openai.conftest import Body, text

TOOL: Body = {"type": "function", "function": {"name": "f"}}


def function(parameters: Body, name: str = "f") -> Body:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TO: Body = {
    "type": "object",
    "properties": {"to": {"type": "string"}},
    "required": ["to"],
    "additionalProperties": False,
}


def strict(parameters: Body) -> Body:
    return {"type": "function", "function": {"name": "f", "parameters": parameters, "strict": True}}


def answer(schema: Body, **more: object) -> Body:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, **more}}


def choice_of(*tools: Body) -> Body:
    return {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": list(tools)}}


def too_long(name: str, most: int) -> Refusal:
    return (
        (
            f"Invalid '{name}': string too long. Expected a string with maximum length {most}, "
            f"but got a string with length {most + 1} instead."
        ),
        name,
        "string_above_max_length",
    )


def not_a_name(place: str) -> Refusal:
    return (
        (
            f"Invalid '{place}': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        ),
        place,
        "invalid_value",
    )


def malformed(reason: str, place: str = "tools[0].function.parameters") -> Refusal:
    return f"Invalid schema for function 'f': {reason}", place, "invalid_function_parameters"


TOOL_RULES: dict[str, tuple[Body, Refusal]] = {
    "a choice of no tools": (
        text("Hi", tools=[], tool_choice="auto"),
        (
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            "tool_choice",
            None,
        ),
    ),
    "too many tools": (
        text("Hi", tools=[TOOL] * 129),
        (
            (
                "Invalid 'tools': array too long. Expected an array with maximum length 128, "
                "but got an array with length 129 instead."
            ),
            "tools",
            "array_above_max_length",
        ),
    ),
    "a tool with a space in its name": (
        text("Hi", tools=[TOOL, function({}, "get weather")]),
        not_a_name("tools[1].function.name"),
    ),
    "a custom tool with a dot in its name": (
        text("Hi", tools=[{"type": "custom", "custom": {"name": "a.b"}}]),
        not_a_name("tools[0].custom.name"),
    ),
    "a tool whose name ends its line": (
        text("Hi", tools=[function({}, "f\n")]),
        not_a_name("tools[0].function.name"),
    ),
    "a long name of a tool": (
        text("Hi", tools=[function({}, "f" * 65)]),
        too_long("tools[0].function.name", 64),
    ),
    "a function of old with a bad name": (
        text("Hi", functions=[{"name": "f()"}]),
        not_a_name("functions[0].name"),
    ),
    "a schema with a bad name": (
        text("Hi", response_format={"type": "json_schema", "json_schema": {"name": "my plan", "schema": {}}}),
        not_a_name("response_format.json_schema.name"),
    ),
    "a function call without functions": (
        text("Hi", function_call="auto"),
        (
            "Invalid value for 'function_call': 'function_call' is only allowed when 'functions' are specified.",
            "function_call",
            None,
        ),
    ),
    "a function call of an unknown function": (
        text("Hi", functions=[{"name": "f"}], function_call={"name": "g"}),
        (
            "Invalid value for 'function_call': no function named 'g' was specified in the 'functions' parameter.",
            "function_call",
            None,
        ),
    ),
    "an unknown one of the allowed tools": (
        text("Hi", tools=[TOOL], tool_choice=choice_of(TOOL, SHELL)),
        ("Tool choice 'shell' not found in 'tools' parameter.", "tool_choice", None),
    ),
    "an allowed tool that is none": (
        text("Hi", tools=[TOOL], tool_choice=choice_of({"type": "function", "function": "f"})),
        (
            (
                "Invalid type for 'tool_choice.allowed_tools.tools[0].function': expected an object, "
                "but got a string instead."
            ),
            "tool_choice.allowed_tools.tools[0].function",
            "invalid_type",
        ),
    ),
    "arguments that are an array": (
        text("Hi", tools=[function({"type": "array"})]),
        malformed("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'."),
    ),
    "arguments of no type": (
        text("Hi", functions=[{"name": "f", "parameters": {"properties": {}}}]),
        malformed(
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
            "functions[0].parameters",
        ),
    ),
    "arguments that are no schema": (
        text("Hi", tools=[TOOL, function({"type": "object", "properties": {"city": {"type": "strin"}}})]),
        malformed("'strin' is not valid under any of the given schemas.", "tools[1].function.parameters"),
    ),
    "a strict function that is open": (
        text("Hi", tools=[TOOL, strict({**TO, "additionalProperties": True})]),
        malformed(
            "In context=(), 'additionalProperties' is required to be supplied and to be false.",
            "tools[1].function.parameters",
        ),
    ),
    "a strict function with an argument that is optional": (
        text("Hi", tools=[strict({**TO, "required": []})]),
        malformed(
            "In context=(), 'required' is required to be supplied and to be an array including every key in "
            "properties. Missing 'to'."
        ),
    ),
    "a list of what nobody says": (
        text("Hi", tools=[function({"type": "object", "properties": {"x": {"type": "array"}}})]),
        malformed("In context=('properties', 'x'), array schema missing items."),
    ),
    "a function that does not say that it takes nothing": (
        text("Hi", functions=[{"name": "f", "parameters": {"type": "object"}}]),
        malformed("In context=(), object schema missing properties.", "functions[0].parameters"),
    ),
    "a strict answer that is open": (
        text("Hi", response_format=answer({"type": "object", "properties": {}}, strict=True)),
        (
            (
                "Invalid schema for response_format 'x': In context=(), 'additionalProperties' is required to be "
                "supplied and to be false."
            ),
            "response_format",
            None,
        ),
    ),
    "a strict function with an argument of any kind": (
        text("Hi", tools=[strict({**TO, "properties": {"to": True}})]),
        malformed("In context=('properties', 'to'), schema must have a 'type' key."),
    ),
    "an answer that is no object": (
        text(
            "Hi",
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"type": "array"}},
            },
        ),
        (
            (
                "Invalid schema for response_format 'x': schema must be a JSON Schema of 'type: \"object\"', "
                "got 'type: \"array\"'."
            ),
            "response_format",
            None,
        ),
    ),
}

LONG = "hi " * 9000

BOUNDS: dict[str, tuple[Body, Refusal]] = {
    "more tools than the window holds beside the messages": (
        text(
            LONG, model="gpt-4", tools=[function({"type": "object", "properties": {"a": {"type": "string"}}})]
        ),
        (
            (
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 9037 tokens "
                "(9008 in the messages, 29 in the functions). Please reduce the length of the messages or functions."
            ),
            "messages",
            "context_length_exceeded",
        ),
    ),
    "a limit and the old one": (
        text("Hi", max_tokens=5, max_completion_tokens=5),
        (
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "max_tokens",
            "invalid_parameter_combination",
        ),
    ),
    "a long key of metadata": (
        text("Hi", metadata={"k" * 70: "v"}),
        (
            (
                "Invalid property name in 'metadata': 'kkk...kkk' is too long. Expected a string with maximum "
                "length 64, but got a string with length 70 instead."
            ),
            "metadata." + "k" * 70,
            "property_name_above_max_length",
        ),
    ),
    "a long value of metadata": (text("Hi", metadata={"k": "v" * 513}), too_long("metadata.k", 512)),
    "a bias of a word": (
        text("Hi", logit_bias={"50256": 1, "hello": 1}),
        (
            "Invalid key in 'logit_bias': hello. You should only be submitting non-negative integers.",
            "logit_bias",
            None,
        ),
    ),
    "a bias above 100": (
        text("Hi", logit_bias={"50256": 101}),
        (
            (
                "Invalid 'logit_bias.50256': integer above maximum value. "
                "Expected a value <= 100, but got 101 instead."
            ),
            "logit_bias.50256",
            "integer_above_max_value",
        ),
    ),
}

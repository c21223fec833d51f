"""Chat requests that are refused, each with the message, ``param`` and ``code`` of the error."""

from __future__ import annotations

import copy
from typing import Any

from tests.conftest import FIXTURES
from tests.providers.openai.conftest import Body, sound, speech, text, user

Refusal = tuple[str, str | None, str | None]  # message, param, code

HELLO = (FIXTURES / "hello.wav").read_bytes()
WAV = sound(HELLO)
IMAGE: Body = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
TEXT_PART: Body = {"type": "text", "text": "x"}
SHELL: Body = {"type": "custom", "custom": {"name": "shell"}}
CALL: Body = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
JSON_SCHEMA: Body = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}


def audio_part(**changes: Any) -> Body:
    part = copy.deepcopy(WAV)
    part["input_audio"].update(changes)
    return part


def unsupported(name: str, model_hint: str = "") -> Refusal:
    return (
        f"Unsupported parameter: '{name}' is not supported with this model.{model_hint}",
        name,
        "unsupported_parameter",
    )


AUDIO_RULES: dict[str, tuple[Body, Refusal]] = {
    "audio on neither side": (
        text("Hi", model="gpt-4o-mini-audio-preview"),
        (
            "This model requires that either input content or output modality contain audio.",
            "model",
            "invalid_value",
        ),
    ),
    "another format while streaming": (
        speech("Hi", audio_format="wav", stream=True),
        (
            (
                "Unsupported value: 'audio.format' does not support 'wav' when stream=true. "
                "Supported values are: 'pcm16'."
            ),
            "audio.format",
            "unsupported_value",
        ),
    ),
    "structured outputs": (
        speech("Hi", response_format=JSON_SCHEMA),
        (
            (
                "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. "
                "Learn more about supported models at the Structured Outputs guide: "
                "https://platform.openai.com/docs/guides/structured-outputs"
            ),
            None,
            None,
        ),
    ),
    "audio for a text model": (
        text("Hi", user([WAV])),
        (
            "Invalid 'messages[1]'. Content blocks are expected to be either text or image_url type.",
            "messages[1]",
            "invalid_value",
        ),
    ),
    "earlier speech for a text model": (
        text("Hi", {"role": "assistant", "audio": {"id": "audio_x"}}, "And?"),
        (
            "Invalid 'messages[1]'. Content blocks are expected to be either text or image_url type.",
            "messages[1]",
            "invalid_value",
        ),
    ),
    "an image": (
        speech(*["Hi"] * 7, user([IMAGE])),
        ("This model does not support image_url content.", "messages[7].content", "invalid_value"),
    ),
    "a wav called mp3": (
        speech(user([TEXT_PART, sound(HELLO, "mp3")])),
        (
            "The data provided for 'input_audio' is not of valid mp3 format.",
            "messages[0].content[1].input_audio",
            "invalid_value",
        ),
    ),
    "no sound at all": (
        speech(user([sound(b"notes")])),
        (
            "The data provided for 'input_audio' is not of valid wav format.",
            "messages[0].content[0].input_audio",
            "invalid_value",
        ),
    ),
    "what is not base64": (
        speech(user([audio_part(data="@@@")])),
        (
            "Invalid 'messages[0].content[0].input_audio.data': expected a base64-encoded string.",
            "messages[0].content[0].input_audio.data",
            "invalid_base64",
        ),
    ),
    "speech without saying how": (
        text("Hi", model="gpt-audio", modalities=["text", "audio"]),
        ("Missing required parameter: 'audio'.", "audio", "missing_required_parameter"),
    ),
    "speech without a voice": (
        speech("Hi", audio={"format": "wav"}),
        ("Missing required parameter: 'audio.voice'.", "audio.voice", "missing_required_parameter"),
    ),
    "an unknown voice": (
        speech("Hi", audio={"voice": "bob", "format": "wav"}),
        (
            (
                "Invalid value: 'bob'. Supported values are: 'alloy', 'ash', 'ballad', 'coral', 'echo', 'fable', "
                "'nova', 'onyx', 'sage', 'shimmer', 'verse', 'marin', and 'cedar'."
            ),
            "audio.voice",
            "invalid_value",
        ),
    ),
    "speech of a text model": (
        speech("Hi", model="gpt-4o"),
        (
            "Unsupported value: 'modalities' does not support 'audio' with this model.",
            "modalities",
            "unsupported_value",
        ),
    ),
    "a prediction": (
        speech("Hi", prediction={"type": "content", "content": "x"}),
        unsupported("prediction"),
    ),
    "log probabilities": (speech("Hi", logprobs=True), unsupported("logprobs")),
    "more than the window holds": (
        speech("a " * 128_000),
        (
            (
                "This model's maximum context length is 128000 tokens. However, your messages resulted in "
                "128008 tokens. Please reduce the length of the messages."
            ),
            "messages",
            "context_length_exceeded",
        ),
    ),
    "an unknown audio id": (
        speech("Hi", {"role": "assistant", "audio": {"id": "audio_x"}}, "And?"),
        (
            "Invalid 'messages[1].audio.id': no audio with id 'audio_x' was found.",
            "messages[1].audio.id",
            "invalid_value",
        ),
    ),
}

GENERAL_RULES: dict[str, tuple[Body, Refusal]] = {
    "no messages": (
        {"model": "gpt-4o"},
        ("Missing required parameter: 'messages'.", "messages", "missing_required_parameter"),
    ),
    "an empty conversation": (
        text(),
        (
            (
                "Invalid 'messages': empty array. Expected an array with minimum length 1, "
                "but got an empty array instead."
            ),
            "messages",
            "empty_array",
        ),
    ),
    "an unknown parameter": (
        text("Hi", mood="sunny"),
        ("Unknown parameter: 'mood'.", "mood", "unknown_parameter"),
    ),
    "a wrong type": (
        text("Hi", metadata={"modified": True}),
        (
            "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
            "metadata.modified",
            "invalid_type",
        ),
    ),
    "a wrong type deep inside": (
        speech("Hi", user([audio_part(data=7)])),
        (
            (
                "Invalid type for 'messages[1].content[0].input_audio.data': expected a string, "
                "but got an integer instead."
            ),
            "messages[1].content[0].input_audio.data",
            "invalid_type",
        ),
    ),
    "a wrong value deep inside": (
        speech("Hi", "Hi", user([TEXT_PART, audio_part(format="ogg")])),
        (
            "Invalid value: 'ogg'. Supported values are: 'wav' and 'mp3'.",
            "messages[2].content[1].input_audio.format",
            "invalid_value",
        ),
    ),
    "a temperature below zero": (
        text("Hi", temperature=-1),
        (
            "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
            "temperature",
            "decimal_below_min_value",
        ),
    ),
    "a temperature for a reasoning model": (
        text("Hi", model="gpt-5", temperature=0.5),
        (
            (
                "Unsupported value: 'temperature' does not support 0.5 with this model. "
                "Only the default (1) value is supported."
            ),
            "temperature",
            "unsupported_value",
        ),
    ),
    "the old limit for a reasoning model": (
        text("Hi", model="gpt-5-mini", max_tokens=5),
        unsupported("max_tokens", " Use 'max_completion_tokens' instead."),
    ),
    "more tokens than the model gives": (
        speech("Hi", max_tokens=16_385),
        (
            (
                "max_tokens is too large: 16385. This model supports at most 16384 completion tokens, "
                "whereas you provided 16385."
            ),
            "max_tokens",
            "invalid_value",
        ),
    ),
    "no tokens": (
        text("Hi", max_completion_tokens=0),
        (
            (
                "Invalid 'max_completion_tokens': integer below minimum value. "
                "Expected a value >= 1, but got 0 instead."
            ),
            "max_completion_tokens",
            "integer_below_min_value",
        ),
    ),
    "alternatives without log probabilities": (
        text("Hi", top_logprobs=3),
        (
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
            "top_logprobs",
            None,
        ),
    ),
    "options of a stream without a stream": (
        text("Hi", stream_options={"include_usage": True}),
        ("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options", None),
    ),
    "JSON mode without a word of it": (
        text("Hi", response_format={"type": "json_object"}),
        (
            (
                "'messages' must contain the word 'json' in some form, "
                "to use 'response_format' of type 'json_object'."
            ),
            "messages",
            None,
        ),
    ),
    "a choice without tools": (
        text("Hi", tool_choice="auto"),
        (
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            "tool_choice",
            None,
        ),
    ),
    "a choice of a tool that is not there": (
        text("Hi", tools=[SHELL], tool_choice={"type": "function", "function": {"name": "shell"}}),
        (
            "Invalid value for 'function_call': no function named 'shell' was specified in the 'functions' parameter.",
            "function_call",
            None,
        ),
    ),
    "a tool message that nobody asked for": (
        text("Hi", {"role": "tool", "tool_call_id": "call_1", "content": "x"}),
        (
            (
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                "with 'tool_calls'."
            ),
            "messages.[1].role",
            None,
        ),
    ),
    "a tool call without its answer": (
        text("Hi", {"role": "assistant", "tool_calls": [CALL, {**CALL, "id": "call_2"}]}, "Well?"),
        (
            (
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'. The following tool_call_ids did not have response messages: call_1, call_2"
            ),
            "messages",
            None,
        ),
    ),
    "an assistant who says nothing": (
        text("Hi", {"role": "assistant"}, "Well?"),
        ("Invalid value for 'content': expected a string, got null.", "messages.[1].content", None),
    ),
    "too much metadata": (
        text("Hi", metadata={str(number): "x" for number in range(17)}),
        (
            (
                "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
                "but got an object with 17 properties instead."
            ),
            "metadata",
            "object_above_max_properties",
        ),
    ),
}

"""What chat completions refuse, with the very bytes of the real API where they are known."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mockserver.app import services_of
from mockserver.audio.encode import write_wav
from mockserver.double.clock import Clock
from mockserver.gateway.validation import Schemas
from mockserver.server import MockServer
from mockserver.settings import Settings
from tests.conftest import FIXTURES, RawResponse
from tests.endpoints.conftest import JSON, Body, Chat, sound, speech, text, user

Send = Callable[..., RawResponse]
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


def document(error: Refusal) -> Body:
    message, param, code = error
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


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
            "Unsupported value: 'audio.format' does not support 'wav' when stream=true. "
            "Supported values are: 'pcm16'.",
            "audio.format",
            "unsupported_value",
        ),
    ),
    "structured outputs": (
        speech("Hi", response_format=JSON_SCHEMA),
        (
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. "
            "Learn more about supported models at the Structured Outputs guide: "
            "https://platform.openai.com/docs/guides/structured-outputs",
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
            "Invalid value: 'bob'. Supported values are: 'alloy', 'ash', 'ballad', 'coral', 'echo', 'fable', "
            "'nova', 'onyx', 'sage', 'shimmer', 'verse', 'marin', and 'cedar'.",
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
            "This model's maximum context length is 128000 tokens. However, your messages resulted in "
            "128007 tokens. Please reduce the length of the messages.",
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
            "Invalid 'messages': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
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
            "Invalid type for 'messages[1].content[0].input_audio.data': expected a string, "
            "but got an integer instead.",
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
            "Unsupported value: 'temperature' does not support 0.5 with this model. "
            "Only the default (1) value is supported.",
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
            "max_tokens is too large: 16385. This model supports at most 16384 completion tokens, "
            "whereas you provided 16385.",
            "max_tokens",
            "invalid_value",
        ),
    ),
    "no tokens": (
        text("Hi", max_completion_tokens=0),
        (
            "Invalid 'max_completion_tokens': integer below minimum value. "
            "Expected a value >= 1, but got 0 instead.",
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
            "'messages' must contain the word 'json' in some form, "
            "to use 'response_format' of type 'json_object'.",
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
        ("Tool choice 'shell' not found in 'tools' parameter.", "tool_choice", None),
    ),
    "a tool message that nobody asked for": (
        text("Hi", {"role": "tool", "tool_call_id": "call_1", "content": "x"}),
        (
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
            "with 'tool_calls'.",
            "messages.[1].role",
            None,
        ),
    ),
    "a tool call without its answer": (
        text("Hi", {"role": "assistant", "tool_calls": [CALL, {**CALL, "id": "call_2"}]}, "Well?"),
        (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: call_1, call_2",
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
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
            "but got an object with 17 properties instead.",
            "metadata",
            "object_above_max_properties",
        ),
    ),
}


@pytest.mark.parametrize("case", [*AUDIO_RULES, *GENERAL_RULES])
def test_the_engine_refuses(chat: Chat, case: str) -> None:
    body, refusal = (AUDIO_RULES | GENERAL_RULES)[case]
    response = chat.post(body)
    assert response.status == 400
    assert response.headers["content-type"] == "application/json"
    assert "openai-processing-ms" in response.headers
    assert response.body == json.dumps(document(refusal), indent=2, ensure_ascii=False).encode()


@pytest.mark.parametrize("case", [name for name in AUDIO_RULES if "while streaming" not in name])
def test_a_stream_is_refused_like_a_whole_answer(chat: Chat, case: str) -> None:
    body, (message, *_) = AUDIO_RULES[case]
    status, error = chat.refusal({**body, "audio": body.get("audio") and pcm16(body["audio"]), "stream": True})
    assert (status, error["message"]) == (400, message)


def pcm16(audio: Body) -> Body:
    return audio | {"format": "pcm16"}


def gateway_error(refusal: Refusal) -> bytes:
    return json.dumps(document(refusal), indent=4).encode() + b"\n"


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'{"model": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused_by_the_gateway(send: Send, body: bytes) -> None:
    response = send("POST", "/v1/chat/completions", body, JSON)
    assert response.status == 400
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["vary"] == "Origin"
    assert "openai-processing-ms" not in response.headers
    assert response.body == gateway_error(
        (
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your "
            "HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid "
            "JSON. If you have trouble figuring out how to fix this, please contact us through our help "
            "center at help.openai.com.)",
            None,
            None,
        )
    )


@pytest.mark.parametrize(
    ("body", "status", "refusal"),
    [
        ({"messages": [user("Hi")]}, 400, ("you must provide a model parameter", None, None)),
        (
            text("Hi", model="gpt-9"),
            404,
            (
                "The model `gpt-9` does not exist or you do not have access to it.",
                None,
                "model_not_found",
            ),
        ),
    ],
)
def test_a_model_must_be_named_and_exist(chat: Chat, body: Body, status: int, refusal: Refusal) -> None:
    response = chat.post(body)
    assert (response.status, response.body) == (status, gateway_error(refusal))


def test_a_model_that_only_transcribes_does_not_chat(chat: Chat) -> None:
    assert chat.refusal(text("Hi", model="whisper-1"))[0] == 404


def test_a_missing_key_is_asked_for(send: Send) -> None:
    response = send("POST", "/v1/chat/completions", json.dumps(text("Hi")).encode(), JSON, key=None)
    assert response.status == 401
    assert response.body.startswith(b'{\n    "error": {\n        "message": "You didn\'t provide an API key.')
    assert response.body.endswith(b'"param": null,\n        "code": null\n    }\n}\n')


def test_a_wrong_key_is_shown_redacted(send: Send) -> None:
    body = json.dumps(text("Hi")).encode()
    response = send("POST", "/v1/chat/completions", body, JSON, key="sk-mock-invalid-key0")
    message = (
        "Incorrect API key provided: sk-mock-********key0. "
        "You can find your API key at https://platform.openai.com/account/api-keys."
    )
    assert (response.status, response.body) == (401, gateway_error((message, None, "invalid_api_key")))


def test_only_json_is_accepted(send: Send) -> None:
    response = send("POST", "/v1/chat/completions", b"{}", {"Content-Type": "text/plain"})
    assert response.status == 400
    assert b"only accepts 'application/json' requests" in response.body


def test_a_body_over_25_mebibytes_is_too_large(send: Send) -> None:
    response = send("POST", "/v1/chat/completions", b" " * 26_214_401, JSON)
    assert response.status == 413
    assert b"Maximum content size limit (26214400) exceeded (26214401 bytes read)" in response.body


# --- The ids of earlier speech ----------------------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[MockServer]:
    """A server whose clock may be moved."""
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as running:
        yield running


@pytest.fixture
def clock(own_server: MockServer) -> Clock:
    return services_of(own_server.app).clock


@pytest.fixture
def own_chat(own_server: MockServer, schemas: Schemas, api_key: str) -> Chat:
    http = own_server.app.test_client()

    def send(method: str, path: str, body: bytes, headers: dict[str, str], key: str) -> RawResponse:
        response = http.open(
            path, method=method, data=body, headers=headers | {"Authorization": f"Bearer {key}"}
        )
        return RawResponse(response.status_code, dict(response.headers), response.data, ())

    return Chat(send, schemas, api_key)


@pytest.mark.parametrize(("seconds", "status"), [(3590, 200), (3601, 400)])
def test_speech_is_forgotten_after_an_hour(own_chat: Chat, clock: Clock, seconds: float, status: int) -> None:
    audio_id = own_chat.message(speech("Hi"))["audio"]["id"]
    clock.advance(seconds)
    body = speech("Hi", {"role": "assistant", "audio": {"id": audio_id}}, "And?")
    response = own_chat.post(body)
    assert response.status == status
    if status == 400:
        place = "messages[1].audio.id"
        message = f"Invalid '{place}': the audio with id '{audio_id}' has expired."
        assert response.json() == document((message, place, "invalid_value"))


def test_the_speech_of_another_account_is_unknown(chat: Chat) -> None:
    audio_id = chat.message(speech("Hi"))["audio"]["id"]
    other = Chat(chat.send, chat.schemas, chat.key + "-other")
    body = speech("Hi", {"role": "assistant", "audio": {"id": audio_id}}, "And?")
    assert chat.post(body).status == 200
    assert "no audio with id" in other.refusal(body)[1]["message"]


# --- Strictness -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [name for name in AUDIO_RULES if "window" not in name])
def test_strictness_schema_knows_no_rules_of_models(chat: Chat, case: str) -> None:
    body, (_, param, code) = AUDIO_RULES[case]
    response = chat.post(body, x_mock_strictness="schema")
    assert response.status == (400 if code == "missing_required_parameter" and param != "audio" else 200)


def test_strictness_schema_still_refuses_what_the_schema_forbids(chat: Chat) -> None:
    assert chat.refusal(text("Hi", n=0), x_mock_strictness="schema")[0] == 400


@pytest.mark.parametrize("case", [name for name in AUDIO_RULES | GENERAL_RULES if "window" not in name])
def test_strictness_off_refuses_nothing(chat: Chat, case: str) -> None:
    body, _ = (AUDIO_RULES | GENERAL_RULES)[case]
    assert chat.post(body, x_mock_strictness="off").status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"messages": 7}', b'{"messages": [7, {"role": 1}]}'])
def test_strictness_off_answers_even_nonsense(send: Send, body: bytes) -> None:
    response = send("POST", "/v1/chat/completions", body, JSON | {"x-mock-strictness": "off"})
    assert response.status == 200
    assert b'"content": "Hello! How can I help you today?"' in response.body


def test_long_audio_is_refused_before_it_is_decoded_to_the_end(schemas: Schemas) -> None:
    with MockServer(Settings(port=0, whisper_model="none", max_audio_seconds=1)) as running:
        http = running.app.test_client()
        body = speech(user([sound(write_wav(bytes(2 * 2 * 8_000), 8_000))]))
        response = http.post(
            "/v1/chat/completions", json=body, headers={"Authorization": "Bearer sk-mock-x"}
        )
    assert response.status_code == 400

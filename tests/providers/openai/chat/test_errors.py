"""Refused chat completions, with the exact bytes of the real API where they are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from mockserver.app import services_of
from mockserver.audio.encode import write_wav
from mockserver.clock import Clock
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse
from tests.providers.openai.chat.chat_refusals import AUDIO_RULES, GENERAL_RULES, Refusal
from tests.providers.openai.chat.chat_structure_refusals import (
    CONTENTS,
    NAMES_AND_LENGTHS,
    ORDER,
    UNKNOWN_MEMBERS,
)
from tests.providers.openai.chat.chat_tool_refusals import BOUNDS, TOOL_RULES
from tests.providers.openai.conftest import JSON, Body, Chat, sound, speech, text, user

Send = Callable[..., RawResponse]

STRUCTURE = UNKNOWN_MEMBERS | NAMES_AND_LENGTHS
RULES = AUDIO_RULES | GENERAL_RULES | TOOL_RULES | BOUNDS | STRUCTURE | CONTENTS | ORDER


def document(error: Refusal) -> Body:
    message, param, code = error
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


@pytest.mark.parametrize("case", RULES)
def test_the_engine_refuses(chat: Chat, case: str) -> None:
    body, refusal = RULES[case]
    response = chat.post(body)
    assert response.status == 400
    assert response.headers["content-type"] == "application/json"
    assert "openai-processing-ms" in response.headers
    assert response.body == json.dumps(document(refusal), indent=2, ensure_ascii=False).encode()


@pytest.mark.parametrize("case", [name for name in AUDIO_RULES if "while streaming" not in name])
def test_a_stream_is_refused_like_a_whole_answer(chat: Chat, case: str) -> None:
    body, (message, *_) = AUDIO_RULES[case]
    status, error = chat.refusal(
        {**body, "audio": body.get("audio") and pcm16(body["audio"]), "stream": True}
    )
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
            (
                "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your "
                "HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid "
                "JSON. If you have trouble figuring out how to fix this, please contact us through our help "
                "center at help.openai.com.)"
            ),
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
    """Yield a server whose clock may be moved."""
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


@pytest.mark.parametrize("case", [name for name in RULES if "window" not in name])
def test_strictness_off_refuses_nothing(chat: Chat, case: str) -> None:
    body, _ = RULES[case]
    assert chat.post({**body, "store": True}, x_mock_strictness="off").status == 200


@pytest.mark.parametrize("case", [*TOOL_RULES, *BOUNDS, *STRUCTURE])
def test_strictness_schema_knows_no_more_than_the_schema(chat: Chat, case: str) -> None:
    body, _ = RULES[case]
    assert chat.post(body, x_mock_strictness="schema").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"messages": 7}',
        b'{"messages": [7, {"role": 1}]}',
        b'{"messages": 7, "store": true}',
        b'{"store": true, "stream": false}',
    ],
)
def test_strictness_off_answers_even_nonsense(send: Send, body: bytes) -> None:
    response = send("POST", "/v1/chat/completions", body, JSON | {"x-mock-strictness": "off"})
    assert response.status == 200
    assert b'"content": "Hello! How can I help you today?"' in response.body


def test_strictness_off_calls_a_tool_even_without_a_user_message(chat: Chat) -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    response = chat.post(text(tools=[tool], tool_choice="required"), x_mock_strictness="off")
    assert response.status == 200
    assert json.loads(response.body)["choices"][0]["finish_reason"] == "tool_calls"


def test_long_audio_is_refused_before_it_is_decoded_to_the_end(schemas: Schemas) -> None:
    with MockServer(Settings(port=0, whisper_model="none", max_audio_seconds=1)) as running:
        http = running.app.test_client()
        body = speech(user([sound(write_wav(bytes(2 * 2 * 8_000), 8_000))]))
        response = http.post("/v1/chat/completions", json=body, headers={"Authorization": "Bearer sk-mock-x"})
    assert response.status_code == 400
    assert response.get_json()["error"] == {
        "message": "audio duration over 1.0 seconds is longer than 1 seconds which is the maximum for this model",
        "type": "invalid_request_error",
        "param": "messages[0].content[0].input_audio",
        "code": "invalid_value",
    }


def test_a_name_of_megabytes_of_a_model_is_not_repeated(chat: Chat) -> None:
    response = chat.post(text(user("Hello."), model="x" * 1_000_000))
    message = json.loads(response.body)["error"]["message"]
    assert message.startswith("The model `xxx")
    assert message.endswith("x…` does not exist or you do not have access to it.")
    assert len(message) < 20_000


def test_answers_of_tools_come_in_any_order_and_the_missing_ones_are_named(chat: Chat) -> None:
    def conversation(ids: list[str], answered: list[str]) -> Body:
        calls = [
            {"id": each, "type": "function", "function": {"name": "f", "arguments": "{}"}} for each in ids
        ]
        answers = [{"role": "tool", "tool_call_id": each, "content": "1"} for each in answered]
        return text(user("Hello."), {"role": "assistant", "tool_calls": calls}, *answers)

    assert chat.post(conversation(["a", "b", "a"], ["a", "a", "b"])).status == 200
    for ids, answered, missing in ((["a", "b", "a"], ["a"], "b, a"), (["a", "b", "c"], ["c", "a"], "b")):
        message = json.loads(chat.post(conversation(ids, answered)).body)["error"]["message"]
        assert message.endswith(f": {missing}"), message
    many = [str(number) for number in range(20_000)]
    error = json.loads(chat.post(conversation(many, many[::-1])).body)["error"]
    assert error["code"] == "context_length_exceeded"  # what follows the answers of tools

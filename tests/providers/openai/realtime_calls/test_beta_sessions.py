"""The beta's calls over HTTP: refused, unless the setting ``realtime_beta`` is on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse
from tests.providers.openai.realtime.conftest import Body, Connect, kinds
from tests.providers.openai.realtime_calls.webrtc import Caller

Send = Callable[..., RawResponse]

JSON = {"Content-Type": "application/json"}
BETA = {"x-mock-realtime-beta": "true"}
SESSION_KEYS = [
    *("id", "object", "expires_at", "input_audio_noise_reduction", "turn_detection", "input_audio_format"),
    *("input_audio_transcription", "client_secret", "include", "model", "modalities", "instructions"),
    *("voice", "output_audio_format", "tool_choice", "temperature", "max_response_output_tokens", "speed"),
    "tools",
]


@pytest.fixture
def post(send: Send, api_key: str) -> Callable[..., Body]:
    """Return a function that calls the beta."""

    def ask(path: str, status: int = 200, **body: Any) -> Body:
        response = send("POST", f"/v1/realtime/{path}", json.dumps(body).encode(), JSON | BETA, key=api_key)
        assert response.status == status, response.body
        found: Body = json.loads(response.body)
        return found

    return ask


@pytest.mark.parametrize("path", ["sessions", "transcription_sessions"])
def test_the_beta_is_refused(send: Send, api_key: str, path: str) -> None:
    response = send("POST", f"/v1/realtime/{path}", b"{}", JSON, key=api_key)
    assert response.status == 400
    assert json.loads(response.body)["error"]["code"] == "beta_api_shape_disabled"


def test_a_conversation(post: Callable[..., Body], connect: Connect) -> None:
    body = post("sessions", model="gpt-realtime", voice="coral", temperature=0.7, turn_detection=None)
    assert list(body) == SESSION_KEYS
    assert (body["voice"], body["temperature"], body["turn_detection"]) == ("coral", 0.7, None)
    key, expires_at = body["client_secret"]["value"], body["client_secret"]["expires_at"]
    assert expires_at == int(key[3:11], 16) + 60
    opened = connect("", key=key).events[0]["session"]
    assert opened["audio"]["output"]["voice"] == "coral"
    assert opened["audio"]["input"]["turn_detection"] is None


def test_the_model_is_gpt_realtime_by_default(post: Callable[..., Body]) -> None:
    assert post("sessions")["model"] == "gpt-realtime"


def test_a_transcription_session(post: Callable[..., Body], connect: Connect) -> None:
    heard = {"model": "gpt-4o-transcribe", "language": "en"}
    body = post("transcription_sessions", input_audio_transcription=heard, input_audio_format="g711_ulaw")
    assert body["object"] == "realtime.transcription_session"
    assert body["input_audio_transcription"] == heard | {"prompt": None}
    key = body["client_secret"]["value"]
    assert body["client_secret"]["expires_at"] == int(key[3:11], 16) + 600
    opened = connect("", key=key).events[0]["session"]
    assert opened["audio"]["input"]["format"] == {"type": "audio/pcmu"}


def test_the_secret_expires_when_the_client_wants(post: Callable[..., Body]) -> None:
    expiry = {"expires_after": {"anchor": "created_at", "seconds": 7200}}
    secret = post("sessions", client_secret=expiry)["client_secret"]
    assert secret["expires_at"] == int(secret["value"][3:11], 16) + 7200


def test_what_is_wrong_is_refused(post: Callable[..., Body]) -> None:
    assert post("sessions", 400, bogus=1)["error"]["param"] == "bogus"
    assert post("sessions", 400, modalities=["audio"])["error"]["code"] is not None
    assert post("sessions", 400, model="gpt-nope")["error"]["code"] == "invalid_model"


def test_a_call_of_the_beta(send: Send, api_key: str, server: MockServer) -> None:
    caller = Caller()
    offer = caller.offer().encode()
    sdp = {"Content-Type": "application/sdp"}
    refused = send("POST", "/v1/realtime?model=gpt-realtime", offer, sdp, key=api_key)
    assert json.loads(refused.body)["error"]["code"] == "beta_api_shape_disabled"
    answer = send("POST", "/v1/realtime?model=gpt-realtime", offer, sdp | BETA, key=api_key)
    assert answer.status == 201
    caller.connect(answer.body.decode())
    assert list(caller.receive()["session"]) == SESSION_KEYS
    content = [{"type": "input_text", "text": "Say hi."}]
    caller.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    caller.send("response.create")
    names = kinds(caller.until("output_audio_buffer.stopped"))
    assert names[:3] == ["conversation.item.created", "response.created", "rate_limits.updated"]
    assert names[-2:] == ["response.done", "output_audio_buffer.stopped"]
    assert "response.audio_transcript.delta" in names
    caller.close()

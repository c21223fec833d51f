"""Telephone calls: announced by a webhook, accepted, rejected, referred; heard and spoken in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import openai
import pytest

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import Body, Connect, kinds

SESSION: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime"}

Control = Callable[..., Body]


@pytest.fixture
def control(server: MockServer, api_key: str) -> Control:
    """Return a function that calls ``/_mock/calls``; it fails if the status is not the expected one."""

    def ask(method: str, path: str = "", status: int = 200, **body: Any) -> Body:
        answer = httpx.request(
            method,
            f"{server.url}/_mock/calls{path}",
            json=body or None,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=30,
        )
        assert answer.status_code == status, answer.text
        found: Body = answer.json()
        return found

    return ask


@pytest.fixture
def ringing(control: Control) -> str:
    """Return the id of a call that rings."""
    called = {"from": "sip:+14155550101@example.com", "to": "sip:+18005550102@example.com"}
    found = control("POST", status=201, **called, headers={"X-Plan": "gold"})
    assert found["status"] == "ringing"
    return str(found["id"])


def test_a_call_is_announced_by_a_webhook(api: AudioApi, control: Control) -> None:
    received: list[Body] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        Thread(target=receiver.serve_forever, daemon=True).start()
        api.webhooks.add(url=f"http://127.0.0.1:{receiver.server_port}/", events=["realtime.call.incoming"])
        call = control("POST", status=201, **{"from": "sip:ann@example.com", "to": "sip:bob@example.com"})
        api.webhooks.wait_for("realtime.call.incoming")
        receiver.shutdown()
    [event] = received
    assert event["type"] == "realtime.call.incoming"
    assert event["data"] == {
        "call_id": call["id"],
        "sip_headers": [
            {"name": "From", "value": "sip:ann@example.com"},
            {"name": "To", "value": "sip:bob@example.com"},
            {"name": "Call-ID", "value": call["id"]},
        ],
    }


def test_a_conversation_by_telephone(
    client: openai.OpenAI, api: AudioApi, connect: Connect, control: Control, ringing: str
) -> None:
    api.on("realtime").say("It is sunny in Berlin.")
    client.realtime.calls.accept(ringing, **SESSION)
    assert control("GET", f"/{ringing}")["status"] == "answered"
    talk = connect(f"call_id={ringing}", created=False)
    talk.send("session.update", session={"type": "realtime", "instructions": "Be brief."})
    updated = talk.receive()
    assert (updated["type"], updated["session"]["id"]) == (
        "session.updated",
        ringing.replace("rtc_", "sess_"),
    )
    control("POST", f"/{ringing}/say", text="What is the weather in Berlin today?")
    names = kinds(talk.until("output_audio_buffer.stopped"))
    assert names[:4] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
    ]
    assert 1 < control("GET", f"/{ringing}")["heard_seconds"] < 4
    control("POST", f"/{ringing}/press", digits="4#")
    for digit in "4#":
        event = json.loads(talk.socket.recv(timeout=10))
        assert list(event) == ["type", "event", "received_at"]
        assert (event["type"], event["event"]) == ("input_audio_buffer.dtmf_event_received", digit)
    control("POST", f"/{ringing}/hangup")
    assert talk.closed() == (1000, "")
    assert control("GET", f"/{ringing}")["status"] == "ended"


def test_a_fault_ends_a_call(client: openai.OpenAI, api: AudioApi, connect: Connect, ringing: str) -> None:
    api.break_next("realtime_close", close=4999, event="session.updated", endpoint="realtime.calls")
    client.realtime.calls.accept(ringing, **SESSION)
    talk = connect(f"call_id={ringing}", created=False)
    talk.send("session.update", session={"type": "realtime"})
    assert talk.receive()["type"] == "session.updated"
    assert talk.closed()[0] == 4999


def test_what_the_caller_heard_is_a_file(
    client: openai.OpenAI, server: MockServer, api_key: str, connect: Connect, ringing: str
) -> None:
    client.realtime.calls.accept(ringing, **SESSION)
    talk = connect(f"call_id={ringing}", created=False)
    talk.say("Say hi.")
    talk.until("output_audio_buffer.stopped")
    answer = httpx.get(
        f"{server.url}/_mock/calls/{ringing}/audio", headers={"Authorization": f"Bearer {api_key}"}
    )
    assert answer.headers["content-type"] == "audio/wav"
    assert any(answer.content[44:])


def test_a_call_is_rejected(client: openai.OpenAI, control: Control, ringing: str) -> None:
    client.realtime.calls.reject(ringing)
    found = control("GET", f"/{ringing}")
    assert (found["status"], found["status_code"]) == ("rejected", 603)
    with pytest.raises(openai.BadRequestError, match="was answered already"):
        client.realtime.calls.accept(ringing, **SESSION)


def test_a_call_is_rejected_with_a_code(client: openai.OpenAI, control: Control, ringing: str) -> None:
    client.realtime.calls.reject(ringing, status_code=486)
    assert control("GET", f"/{ringing}")["status_code"] == 486
    assert "rejected" in control("POST", f"/{ringing}/say", 400, text="Hello?")["error"]


def test_a_call_is_referred(client: openai.OpenAI, control: Control, connect: Connect, ringing: str) -> None:
    with pytest.raises(openai.BadRequestError, match="was not answered yet"):
        client.realtime.calls.refer(ringing, target_uri="tel:+14155550123")
    client.realtime.calls.accept(ringing, **SESSION)
    talk = connect(f"call_id={ringing}", created=False)
    client.realtime.calls.refer(ringing, target_uri="tel:+14155550123")
    assert talk.closed()[0] == 1000
    found = control("GET", f"/{ringing}")
    assert (found["status"], found["target_uri"]) == ("referred", "tel:+14155550123")


def test_the_code_under_test_hangs_up(client: openai.OpenAI, control: Control, ringing: str) -> None:
    client.realtime.calls.accept(ringing, **SESSION)
    client.realtime.calls.hangup(ringing)
    assert control("GET", f"/{ringing}")["status"] == "ended"


def test_a_sideband_of_a_call_that_rings_is_refused(connect: Connect, ringing: str) -> None:
    talk = connect(f"call_id={ringing}", created=False)
    assert talk.error()["code"] == "call_not_answered"
    assert talk.closed()[0] == 4000


def test_a_bad_session_leaves_the_call_ringing(client: openai.OpenAI, control: Control, ringing: str) -> None:
    with pytest.raises(openai.BadRequestError, match="gpt-nope"):
        client.realtime.calls.accept(ringing, type="realtime", model="gpt-nope")
    assert control("GET", f"/{ringing}")["status"] == "ringing"
    with pytest.raises(openai.NotFoundError):
        client.realtime.calls.reject("rtc_nope")
    with pytest.raises(openai.BadRequestError, match="status_code"):
        client.realtime.calls.reject(ringing, status_code=200)


def test_what_the_control_api_refuses(server: MockServer, control: Control, ringing: str) -> None:
    assert httpx.post(f"{server.url}/_mock/calls", json={"from": "a", "to": "b"}).status_code == 400
    control("GET", "/rtc_nope", 404)
    control("POST", f"/{ringing}/press", 400, digits="x")
    control("POST", f"/{ringing}/say", 400, text="a", audio="YQ==")
    assert "ringing" in control("POST", f"/{ringing}/say", 400, text="a", timeout=0)["error"]
    assert control("DELETE")["calls"] == []

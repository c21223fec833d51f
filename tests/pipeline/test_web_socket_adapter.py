"""Messages of WebSockets in the pipeline: authentication, faults, stubs, journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.transport.talking_web_sockets import CREATE, answer, ask, open_socket
from tests.waiting import eventually


@pytest.fixture
def api(server: MockServer, api_key: str) -> AudioApi:
    return server.account(api_key)


@pytest.fixture
def raw(server: MockServer, api_key: str) -> Iterator[ClientConnection]:
    with open_socket(server, api_key) as connection:
        yield connection


def test_each_message_is_an_entry_with_the_id_of_its_connection(api: AudioApi, raw: ClientConnection) -> None:
    ask(raw)
    ask(raw, CREATE | {"model": "no-model"})
    assert eventually(lambda: len(api.journal) == 3 and not api.journal[1]["in_flight"])
    handshake, first, second = api.journal
    assert (handshake["operation"], handshake["status"], handshake["connection"]) == (
        "connect_responses",
        101,
        None,
    )
    assert (first["operation"], first["path"], first["status"]) == ("create_response", "/v1/responses", 200)
    assert first["reply"]["text"] == "You wrote: Hi."
    assert first["stream_events"] == 13
    assert (second["status"], second["error"]) == (400, "response_model_unknown")
    assert first["connection"] == second["connection"] == handshake["id"]
    api.verify_response(user_text="Hi.", model="gpt-4o-mini")


def test_stubs_answer_messages_and_no_handshake(server: MockServer, api: AudioApi) -> None:
    api.on("/v1/responses", times=1).reply("scripted")
    with open_socket(server, api.api_key) as connection:
        assert ask(connection)[-1]["response"]["output"][0]["content"][0]["text"] == "scripted"


def test_a_key_in_a_subprotocol(server: MockServer, api: AudioApi) -> None:
    url = server.base_url.replace("http", "ws", 1) + "/responses"
    offered = [Subprotocol("responses"), Subprotocol(f"openai-insecure-api-key.{api.api_key}")]
    with connect(url, subprotocols=offered, proxy=None, origin=Origin("https://example.com")) as connection:
        assert connection.subprotocol == "responses"
        assert ask(connection)[-1]["type"] == "response.completed"
    assert eventually(lambda: api.journal)
    assert all(api.api_key not in json.dumps(entry) for entry in api.journal)


@pytest.mark.parametrize(("error", "status"), [("model_not_allowed", 403), ("server_error", 500)])
def test_a_fault_refuses_the_handshake(server: MockServer, api: AudioApi, error: str, status: int) -> None:
    api.fail_next(error, endpoint="connect_responses")
    with pytest.raises(InvalidStatus) as refused, open_socket(server, api.api_key):
        pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"")["error"]["message"]
    with open_socket(server, api.api_key) as connection:
        assert ask(connection)[-1]["type"] == "response.completed"


def test_errors_are_events(api: AudioApi, raw: ClientConnection) -> None:
    api.fail_next("server_error")
    refused = ask(raw)[-1]
    assert (refused["status"], refused["error"]["type"]) == (500, "server_error")
    assert ask(raw)[-1]["type"] == "response.completed"


@pytest.mark.parametrize(
    ("fault", "options", "count"),
    [
        ("connection_reset", {"at": "before"}, 0),
        ("connection_reset", {"at": "middle"}, 1),
        ("connection_reset", {"at": "after"}, 13),
        ("hang", {"seconds": 0.0}, 0),
        ("truncated_body", {}, 1),
        ("sse_cut", {"after": 4}, 4),
        ("wrong_content_length", {"seconds": 0.0}, 13),
    ],
)
def test_faults_that_end_the_connection(
    api: AudioApi, raw: ClientConnection, fault: str, options: dict[str, Any], count: int
) -> None:
    api.break_next(fault, **options)
    raw.send(json.dumps(CREATE))
    received: list[str | bytes] = []
    with pytest.raises(ConnectionClosed) as closed:
        _receive_all(raw, received)
    assert closed.value.rcvd is None  # no close frame
    assert len(received) == count
    assert eventually(lambda: api.journal[-1]["fault"])["kind"] == fault


def _receive_all(raw: ClientConnection, received: list[str | bytes]) -> None:
    while True:
        received.append(raw.recv(timeout=20))


def test_faults_that_change_events(api: AudioApi, raw: ClientConnection) -> None:
    def types(fault: str, **options: Any) -> list[str]:
        api.break_next(fault, **options)
        return [event["type"] for event in ask(raw)]

    plain = [event["type"] for event in ask(raw)]
    assert types("sse_duplicate", after=2) == [*plain[:3], *plain[2:]]
    assert types("sse_delay", after=2, seconds=0.05) == plain
    assert types("slow_drip", bytes_per_second=1_000_000) == plain
    assert types("latency", seconds=0.05) == plain
    assert types("sse_no_done") == plain
    assert types("sse_error", after=3) == [*plain[:3], "error"]
    assert answer(raw)[-1]["type"] == "response.failed"


@pytest.mark.parametrize("fault", ["sse_garble", "malformed_json"])
def test_a_message_can_be_garbled(api: AudioApi, raw: ClientConnection, fault: str) -> None:
    api.break_next(fault)
    raw.send(json.dumps(CREATE))
    with pytest.raises(json.JSONDecodeError):
        answer(raw)
    assert answer(raw)[-1]["type"] == "response.completed"


def test_a_stub_with_a_whole_body_is_one_message(api: AudioApi, raw: ClientConnection) -> None:
    api.on_response(times=1).reply_json({"type": "anything"})
    raw.send(json.dumps(CREATE))
    assert json.loads(raw.recv(timeout=20)) == {"type": "anything"}


def test_x_mock_headers_of_the_handshake_apply_to_its_messages(server: MockServer, api_key: str) -> None:
    url = server.base_url.replace("http", "ws", 1) + "/responses"
    headers = {"Authorization": f"Bearer {api_key}", "x-mock-strictness": "off"}
    with connect(url, additional_headers=headers, proxy=None) as connection:
        assert ask(connection, CREATE | {"unknown": 1})[-1]["type"] == "response.completed"

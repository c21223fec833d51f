"""Replies from another server on this machine, which may be down or send invalid answers."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator

import httpx
import jsonschema
import pytest

from mockserver.app import create_app
from mockserver.audio.encode import write_wav
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.dialogue import Conversation, Reply, ReplyFailed, Tool, ToolCall, Turn
from mockserver.engines.remote_dialogue import RemoteResponder
from mockserver.settings.model import Settings, SettingsError
from mockserver.testing.mock_server import MockServer

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", SCHEMA)
SHELL = Tool("shell", {}, custom=True)
ASKED = Conversation((Turn("user", "Weather?"),), (WEATHER, SHELL))
HI = Conversation((Turn("system", "Be kind."), Turn("user", "Hi")))


def closed_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def answering(response: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a server that answers one request with ``response``, and what it received."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                received.append(read_request(connection))
                connection.sendall(response)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", received
        thread.join()


def read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = next(
        int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return body


def ok(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def said(content: object) -> bytes:
    return ok(json.dumps({"choices": [{"message": content}]}).encode())


def reply(url: str, conversation: Conversation) -> Reply:
    answer = RemoteResponder(url).reply(conversation)
    assert answer is not None
    return answer


def calling(name: str, arguments: object) -> bytes:
    return said({"content": None, "tool_calls": [{"function": {"name": name, "arguments": arguments}}]})


def test_it_says_what_the_other_server_says(server: MockServer) -> None:
    assert RemoteResponder(server.base_url).reply(HI) == Reply(AnsweredBy("reply_from"), "You wrote: Hi.")


def test_what_was_heard_is_passed_on_as_text(server: MockServer) -> None:
    turns = (Turn("user", "Listen:", "good morning"), Turn("assistant", "Yes?"), Turn("tool", "18 degrees"))
    assert reply(server.base_url, Conversation(turns)).text == ("You wrote: The tool answered: 18 degrees.")
    assert reply(server.base_url, Conversation(turns[:1])).text == ("You wrote: Listen: good morning.")


@pytest.mark.parametrize(("words", "demanded"), [("The weather, please", ()), ("Hi", (WEATHER,))])
def test_its_tool_calls_are_passed_on(server: MockServer, words: str, demanded: tuple[Tool, ...]) -> None:
    conversation = Conversation((Turn("user", words),), (WEATHER, SHELL), demanded)
    (call,) = reply(server.base_url, conversation).tool_calls
    assert call.name == "get_weather"
    jsonschema.validate(json.loads(call.arguments), SCHEMA)


@pytest.mark.parametrize("schema", [{}, SCHEMA])
def test_json_is_asked_for(server: MockServer, schema: dict[str, object]) -> None:
    conversation = Conversation((Turn("user", "Answer in JSON."),), json_schema=schema)
    text = reply(server.base_url, conversation).text
    jsonschema.validate(json.loads(text), schema)


def test_no_key_of_the_client_is_passed_on() -> None:
    with answering(said({"content": "Hello"})) as (url, received):
        assert reply(url, HI).text == "Hello"
    assert json.loads(received[0]) == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
    }


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://203.0.113.1/v1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        ok(b"<html>"),
        ok(b"\xff"),
        ok(b"{}"),
        ok(b"[]"),
        ok(b'{"choices": []}'),
        said("Hi"),
        said(None),
        said({"tool_calls": 7}),
        said({"tool_calls": [{}]}),
        said({"tool_calls": [None]}),
        said({"content": 7}),
        said({"content": [{"text": "Hi"}]}),
        said({"content": float("nan")}),
        ok(b'{"choices": [{"message": {"content": "\\ud800"}}]}'),
        ok(b"[" * 100_000),
        calling("get_weather", "Paris"),
        calling("get_weather", 7),
        calling("launch_missiles", "{}"),
        calling("shell", "{}"),
    ],
)
def test_nonsense_is_a_failure_to_reply(response: bytes) -> None:
    with (
        answering(response) as (url, _),
        pytest.raises(ReplyFailed, match=r"^reply_from: http://127\.0\.0\.1"),
    ):
        RemoteResponder(url).reply(ASKED)


@pytest.mark.parametrize(("arguments", "expected"), [({"city": "Rom"}, '{"city": "Rom"}'), ("", "{}")])
def test_arguments_may_be_the_object_itself_or_none(arguments: object, expected: str) -> None:
    with answering(calling("get_weather", arguments)) as (url, _):
        answer = RemoteResponder(url).reply(ASKED)
    assert answer == Reply(AnsweredBy("reply_from"), tool_calls=(ToolCall("get_weather", expected),))


def test_content_may_come_in_parts() -> None:
    with answering(said({"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]})) as (
        url,
        _,
    ):
        assert RemoteResponder(url).reply(HI) == Reply(AnsweredBy("reply_from"), "Hello")


def test_a_custom_tool_is_left_to_somebody_else() -> None:
    conversation = Conversation((Turn("user", "ls"),), (SHELL,), demanded=(SHELL,))
    assert RemoteResponder("http://127.0.0.1:9/v1").reply(conversation) is None


def test_results_of_tools_are_passed_on_with_their_calls() -> None:
    calls = {"call_1": ToolCall("get_weather", "{}"), "call_2": ToolCall("shell", "ls", custom=True)}
    turns = (
        Turn("user", "Weather?"),
        Turn("assistant", calls=calls),
        Turn("tool", "18 degrees", answers="call_1"),
        Turn("tool", "a.txt", answers="call_2"),
        Turn("assistant", calls={"call_3": ToolCall("get_weather", "{}")}),
    )
    with answering(said({"content": "Fine"})) as (url, received):
        RemoteResponder(url).reply(Conversation(turns))
    function = {"name": "get_weather", "arguments": "{}"}
    assert json.loads(received[0])["messages"] == [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"},
        {"role": "user", "content": "The tool answered: a.txt"},
        {"role": "assistant", "content": ""},
    ]


def test_a_dead_server_is_a_failure_to_reply() -> None:
    port = closed_port()
    with pytest.raises(ReplyFailed, match="gave no reply"):
        RemoteResponder(f"http://127.0.0.1:{port}/v1").reply(HI)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/v1",
        "http://203.0.113.1:8080/v1",
        "http://127.0.0.1.example.com/v1",
        "http://localhost@example.com/v1",
        "https://127.0.0.1/v1",
        "file:///etc/passwd",
        "127.0.0.1:8080",
        "http://",
    ],
)
def test_only_servers_of_this_machine_are_asked(url: str) -> None:
    with pytest.raises(SettingsError, match="is not an http:// URL on this machine"):
        create_app(Settings(whisper_model="none", reply_from=url))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"])
def test_every_name_of_this_machine_is_asked(host: str) -> None:
    url = f"http://{host}:{closed_port()}/v1"
    with pytest.raises(ReplyFailed, match=re.escape(f"{url}/chat/completions gave no reply")):
        RemoteResponder(url).reply(HI)


def test_a_whole_server_speaks_the_words_of_another(server: MockServer) -> None:
    audio = {"data": base64.b64encode(write_wav(bytes(48_000), 24_000)).decode(), "format": "wav"}
    content = [{"type": "text", "text": "Hi"}, {"type": "input_audio", "input_audio": audio}]
    body = {
        "model": "gpt-audio",
        "messages": [{"role": "user", "content": content}],
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "mp3"},
    }
    settings = Settings(port=0, whisper_model="none", log_level="warning", reply_from=server.base_url)
    with MockServer(settings) as front:
        response = httpx.post(
            f"{front.base_url}/chat/completions", json=body, headers={"Authorization": "Bearer sk-mock-x"}
        )
    assert response.headers["x-mock-answered-by"] == "reply_from; voice=alloy; heard-by=placeholder"
    transcript = response.json()["choices"][0]["message"]["audio"]["transcript"]
    assert transcript.startswith("You wrote: Hi [mock transcript of 1.0 seconds of unknown audio")


def test_a_failure_is_reported_to_the_client() -> None:
    port = closed_port()
    app = create_app(Settings(whisper_model="none", reply_from=f"http://127.0.0.1:{port}/v1"))
    response = app.test_client().post(
        "/v1/chat/completions",
        json={"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]},
        headers={"Authorization": "Bearer sk-mock-x"},
    )
    assert response.status_code == 500
    error = response.get_json()["error"]
    assert (error["type"], error["code"]) == ("server_error", "mock_no_reply")
    assert error["message"].startswith(
        f"reply_from: http://127.0.0.1:{port}/v1/chat/completions gave no reply"
    )

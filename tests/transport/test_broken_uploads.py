"""Broken uploads, down to the bytes on the socket. The next client is always served."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import random
import re
import socket
import threading
import time
import types
from collections.abc import Callable, Iterator

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.transport.http_server.workers import Worker
from tests.conftest import RawResponse, multipart, parse_response
from tests.waiting import eventually

Clip = tuple[str, bytes]
Post = Callable[..., RawResponse]
Send = Callable[..., RawResponse]

EXTENSIONS = ["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"]
LIMIT = 26_214_400
ANSWER = b'{"text":"Hello world, this is a test.","usage":{"type":"duration","seconds":3}}'
TOO_LARGE = (
    '{{"error":{{"message":"413: Maximum content size limit (26214400) exceeded ({} bytes read)",'
    '"type":"server_error","param":null,"code":null}},"usage":{{"type":"duration","seconds":0}}}}'
)
NOT_MULTIPART = (
    b'{\n    "error": {\n        "message": "Could not parse multipart form",\n'
    b'        "type": "invalid_request_error",\n        "param": null,\n        "code": null\n    }\n}\n'
)


@pytest.fixture(scope="module")
def hasty() -> Iterator[MockServer]:
    """Yield a server that waits a quarter of a second for a client that stalls."""
    settings = Settings(port=0, whisper_model="none", log_level="error", socket_timeout=0.25)
    with MockServer(settings) as running:
        yield running


@pytest.fixture(autouse=True)
def _healthy_afterwards(send: Send, post_audio: Post, hello: Clip) -> Iterator[None]:
    yield
    assert send("GET", "/_mock/health").status == 200
    assert post_audio(hello, model="whisper-1").body == ANSWER
    assert eventually(lambda: not busy_threads()), "a thread is stuck"


def busy_threads() -> list[threading.Thread]:
    return [
        each for each in threading.enumerate() if isinstance(each, Worker) and each.connection is not None
    ]


def connect(server: MockServer) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def rest_of(connection: socket.socket) -> bytes:
    """Return all bytes until the server closes the connection."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def talk(server: MockServer, *pieces: bytes) -> bytes:
    """Send the pieces; return all bytes until the server closes the connection."""
    with connect(server) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return rest_of(connection)


def head(method: str = "POST", path: str = "/v1/audio/transcriptions", **headers: object) -> bytes:
    """Return the head of a request; ``content_length=5`` is the header ``content-length: 5``."""
    fields = {"host": "localhost", "authorization": "Bearer sk-mock-me", **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()]
    return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


def form(clip: Clip) -> bytes:
    body, _ = multipart([("model", "whisper-1")], clip)
    return body


MULTIPART = "multipart/form-data; boundary=edge"


# The content of the body is wrong.


def test_a_truncated_form_is_no_form(send: Send, hello: Clip) -> None:
    response = send("POST", "/v1/audio/transcriptions", form(hello)[:-20], {"Content-Type": MULTIPART})
    assert (response.status, response.body) == (400, NOT_MULTIPART)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
        f"multipart/form-data; boundary={'e' * 300}",
    ],
)
def test_a_form_without_its_boundary_is_no_form(send: Send, hello: Clip, content_type: str) -> None:
    response = send("POST", "/v1/audio/transcriptions", form(hello), {"Content-Type": content_type})
    assert (response.status, response.body) == (400, NOT_MULTIPART)


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", ""])
def test_what_says_that_it_is_no_form_is_refused(send: Send, hello: Clip, content_type: str) -> None:
    response = send("POST", "/v1/audio/transcriptions", form(hello), {"Content-Type": content_type})
    assert response.status == 400
    assert f"Unsupported content type: '{content_type}'.".encode() in response.body


def test_an_empty_body_is_no_form(send: Send) -> None:
    response = send("POST", "/v1/audio/transcriptions", b"", {"Content-Type": MULTIPART})
    assert (response.status, response.body) == (400, NOT_MULTIPART)


@pytest.mark.parametrize(
    "data",
    [b"", b"Dear Sir or Madam,\n" * 40, bytes(1000), b"RIFF\xff\xff\xff\xffWAVEfmt ", b"\xff\xfb" * 500],
)
def test_whisper_cannot_decode_what_is_no_audio(post_audio: Post, data: bytes) -> None:
    response = post_audio(("voice.wav", data), model="whisper-1")
    assert response.status == 400
    assert response.body == (
        b'{"error":{"message":"The audio file could not be decoded or its format is not supported.",'
        b'"type":"invalid_request_error","param":null,"code":null},"usage":{"type":"duration","seconds":0}}'
    )


def test_gpt_4o_says_that_text_is_no_audio_in_its_own_words(post_audio: Post) -> None:
    response = post_audio(("voice.wav", b"Dear Sir or Madam,\n" * 40), model="gpt-4o-transcribe")
    assert response.status == 400
    assert response.body == (
        b'{\n  "error": {\n    "message": "Audio file might be corrupted or unsupported",\n'
        b'    "type": "invalid_request_error",\n    "param": "file",\n    "code": "invalid_value"\n  }\n}'
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("whisper-1", f"Invalid file format. Supported formats: {EXTENSIONS}"),
        ("gpt-4o-mini-transcribe", "Unsupported file format txt"),
    ],
)
def test_the_file_name_must_promise_audio(post_audio: Post, hello: Clip, model: str, message: str) -> None:
    response = post_audio(("hello.txt", hello[1]), model=model)
    body = response.json()
    assert response.status == 400
    assert isinstance(body, dict)
    assert body["error"]["message"] == message


def test_a_wrong_but_documented_extension_does_not_matter(post_audio: Post, hello: Clip) -> None:
    assert post_audio(("hello.mp3", hello[1]), model="whisper-1").body == ANSWER


# The body is chunked.


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


CHUNKED = head(content_type=MULTIPART, transfer_encoding="chunked", connection="close")


@pytest.mark.parametrize("size", [500, 8192, 1 << 30])
def test_an_upload_may_come_in_chunks_of_any_size(server: MockServer, hello: Clip, size: int) -> None:
    assert parse_response(talk(server, CHUNKED, chunked(form(hello), size))).body == ANSWER


def test_chunks_may_have_extensions_and_trailers(server: MockServer, hello: Clip) -> None:
    body = form(hello)
    request = head(content_type=MULTIPART, transfer_encoding="chunked")
    chunks = b"%X ;name=value\r\n%s\r\n0\r\nx-checksum: 7\r\nx-more: 8\r\n\r\n" % (len(body), body)
    second = head("GET", "/_mock/health", connection="close")
    answers = talk(server, request + chunks + second)
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert ANSWER in answers


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"3\r\nhello\r\n0\r\n\r\n",
        b"f" * 5000 + b"\r\n",
        b"5\r\nhello\r\n0\r\n" + b"x" * 5000 + b"\r\n\r\n",
    ],
)
@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/speech", "/v1/models", "/nowhere"])
def test_malformed_chunks_end_the_connection(server: MockServer, path: str, chunks: bytes) -> None:
    request = head("POST", path, content_type=MULTIPART, transfer_encoding="chunked")
    smuggled = head("GET", "/_mock/health")
    answers = talk(server, request + chunks + smuggled)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert parse_response(answers).status in (400, 404, 405)


def test_a_chunk_that_announces_too_much_is_refused_before_it_comes(server: MockServer) -> None:
    with connect(server) as connection:
        connection.sendall(CHUNKED + b"ffffffffffff\r\n")
        response = parse_response(rest_of(connection))
    assert response.status == 413
    assert response.body.decode() == TOO_LARGE.format(0xFFFFFFFFFFFF)


# The body is too large.


def padded(clip: Clip, size: int) -> bytes:
    """Return a form that is ``size`` bytes long."""
    body, _ = multipart([("model", "whisper-1"), ("padding", "")], clip)
    marker = b'name="padding"\r\n\r\n'
    before, after = body.split(marker)
    return before + marker + b"." * (size - len(body)) + after


def test_a_body_of_just_the_limit_is_taken(send: Send, hello: Clip) -> None:
    response = send("POST", "/v1/audio/transcriptions", padded(hello, LIMIT), {"Content-Type": MULTIPART})
    assert response.body == ANSWER


def test_a_body_over_the_limit_is_refused(send: Send, hello: Clip) -> None:
    response = send("POST", "/v1/audio/transcriptions", padded(hello, LIMIT + 1), {"Content-Type": MULTIPART})
    assert (response.status, response.headers["content-type"]) == (413, "application/json")
    assert response.body.decode() == TOO_LARGE.format(LIMIT + 1)


def test_a_chunked_body_over_the_limit_is_refused_alike(server: MockServer, hello: Clip) -> None:
    body = padded(hello, LIMIT + 100_000)
    response = parse_response(talk(server, CHUNKED, chunked(body, 1 << 20)))
    found = re.search(r"exceeded \((\d+) bytes read\)", response.body.decode())
    assert response.status == 413
    assert found is not None
    assert LIMIT < int(found[1]) <= len(body)  # the server does not wait for the rest
    assert response.body.decode() == TOO_LARGE.format(found[1])


def test_a_client_that_waits_for_100_continue_gets_it(server: MockServer, hello: Clip) -> None:
    body = form(hello)
    request = head(
        content_type=MULTIPART, content_length=len(body), expect="100-continue", connection="close"
    )
    with connect(server) as connection:
        connection.sendall(request)
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert parse_response(rest_of(connection)).body == ANSWER


# The client leaves, or sends no more.


def still_answers(server: MockServer, hello: Clip) -> bool:
    """Return whether the next client is served as usual."""
    body = form(hello)
    with connect(server) as connection:
        connection.sendall(head(content_type=MULTIPART, content_length=len(body), connection="close") + body)
        return parse_response(rest_of(connection)).body == ANSWER


def test_a_client_may_hang_up_half_way(server: MockServer, hello: Clip) -> None:
    body = form(hello)
    for sent in (0, 1, len(body) // 2, len(body) - 1):
        with connect(server) as connection:
            connection.sendall(head(content_type=MULTIPART, content_length=len(body)) + body[:sent])
    assert still_answers(server, hello)


def test_a_client_may_hang_up_in_a_chunk(server: MockServer, hello: Clip) -> None:
    whole = chunked(form(hello), 8192)
    for sent in (0, 2, 5000, len(whole) - 3):
        with connect(server) as connection:
            connection.sendall(CHUNKED + whole[:sent])
    assert still_answers(server, hello)


def test_a_client_may_reset_the_connection(server: MockServer, hello: Clip) -> None:
    body = form(hello)
    with connect(server) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.sendall(head(content_type=MULTIPART, content_length=len(body)) + body[:9000])
    assert still_answers(server, hello)


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/models", "/nowhere"])
@pytest.mark.parametrize("length", [{"content_length": 5000}, {"transfer_encoding": "chunked"}])
def test_a_client_that_stalls_in_the_body_is_let_go(
    hasty: MockServer, path: str, length: dict[str, object]
) -> None:
    answer = talk(hasty, head("POST", path, content_type=MULTIPART, **length) + b"100\r\n--edge")
    assert parse_response(answer).status in (400, 404, 405)


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/models", "/nowhere"])
@pytest.mark.parametrize(
    "length", [{"content_length": 1 << 16}, {"content_length": 1 << 24}, {"transfer_encoding": "chunked"}]
)
def test_a_client_that_trickles_is_let_go(
    server: MockServer, monkeypatch: pytest.MonkeyPatch, path: str, length: dict[str, object]
) -> None:
    hurried = types.SimpleNamespace(monotonic=lambda: 10_000 * time.monotonic())
    monkeypatch.setattr("mockserver.transport.http_server.connections.time", hurried)
    with connect(server) as connection:
        connection.sendall(head("POST", path, content_type=MULTIPART, **length) + b"1000000\r\n")
        connection.settimeout(0.001)
        answer = b""
        for _ in range(60_000):
            with contextlib.suppress(TimeoutError):
                connection.sendall(b"x")
                answer = connection.recv(65536)
                break
    assert parse_response(answer).status in (400, 404, 405)


def test_the_patience_with_one_request_is_not_that_with_the_next(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(time.monotonic(), 8)  # 8 seconds pass with each call
    monkeypatch.setattr(
        "mockserver.transport.http_server.connections.time",
        types.SimpleNamespace(monotonic=lambda: next(clock)),
    )
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    for _ in range(10):
        connection.request("GET", "/_mock/health")
        assert connection.getresponse().read().startswith(b"{")
    connection.close()


def test_a_client_that_stalls_in_the_headers_is_let_go(hasty: MockServer) -> None:
    assert parse_response(talk(hasty, b"POST /v1/audio/speech HTTP/1.1\r\nhost: loc")).status == 408


def test_a_client_that_reads_nothing_is_let_go(hasty: MockServer) -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 90
    body = f'{{"model":"tts-1","voice":"alloy","input":"{text}","response_format":"pcm"}}'.encode()
    with connect(hasty) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = head(path="/v1/audio/speech", content_type="application/json", content_length=len(body))
        connection.sendall(request + body)
        assert connection.recv(17) == b"HTTP/1.1 200 OK\r\n"
        assert eventually(lambda: not busy_threads())


# The request is hardly HTTP.


def test_huge_headers_are_refused(server: MockServer) -> None:
    assert parse_response(talk(server, head("GET", "/_mock/health", x_huge="x" * 70_000))).status == 413


def test_a_huge_request_line_is_refused(server: MockServer) -> None:
    assert parse_response(talk(server, head("GET", "/" + "x" * 70_000))).status == 414


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_answered_or_dropped(hasty: MockServer, seed: int) -> None:
    noise = random.Random(seed)
    begin = [b"", b"\r\n", b"GET ", b"POST /v1/audio/transcriptions HTTP/1.1\r\n"][seed % 4]
    answer = talk(hasty, begin + noise.randbytes(noise.randrange(1, 3000)) + b"\r\n\r\n")
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))
    assert b" 500 " not in answer


@pytest.mark.parametrize("length", ["-5", "five", "1e3"])
def test_a_senseless_content_length_does_no_harm(hasty: MockServer, length: str) -> None:
    answer = talk(hasty, head(content_type=MULTIPART, content_length=length, connection="close"))
    assert parse_response(answer).status == 400


def test_an_unknown_transfer_encoding_is_refused(server: MockServer) -> None:
    assert parse_response(talk(server, head(transfer_encoding="gzip, chunked"))).status == 501


def test_pipelined_requests_are_answered_in_order(server: MockServer, hello: Clip) -> None:
    body = form(hello)
    upload = head(content_type=MULTIPART, content_length=len(body)) + body
    last = head("GET", "/v1/models/whisper-1", connection="close")
    answers = talk(server, upload + head("GET", "/nowhere") + upload + last)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"404", b"200", b"200"]
    assert answers.count(ANSWER) == 2


def test_head_is_get_without_a_body(send: Send) -> None:
    response = send("HEAD", "/_mock/health")
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize("path", ["/v1/models", "/_mock/health", "/nowhere"])
@pytest.mark.parametrize("body", [b"5\r\nhello\r\n0\r\n\r\n", b"hello"])
def test_a_body_nobody_asked_for_is_skipped(server: MockServer, path: str, body: bytes) -> None:
    length = {"content_length": 5} if body == b"hello" else {"transfer_encoding": "chunked"}
    last = head("GET", "/_mock/health", connection="close")
    answers = talk(server, head("GET", path, **length) + body + last)
    assert answers.count(b"HTTP/1.1 ") == 2
    assert answers.count(b"HTTP/1.1 400") == 0


def test_a_body_nobody_asked_for_is_not_read_for_ever(server: MockServer) -> None:
    with connect(server) as connection:
        connection.sendall(head("GET", "/v1/models", content_length=1 << 50) + bytes(1 << 20))
        assert parse_response(rest_of(connection)).status == 200

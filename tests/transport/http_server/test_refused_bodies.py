"""A body is refused at once; a client that is still sending it can read the refusal."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from mockserver.testing.mock_server import MockServer
from tests.conftest import parse_response
from tests.transport.http_server.talking import HEALTH, answer_on, connect, head, rest_of, talk

FORM = "multipart/form-data; boundary=edge"
HUGE = 1 << 33  # bytes
LARGE = 40 << 20  # bytes; the limit is 25 MiB
REFUSED = [
    pytest.param(413, {"path": "/v1/audio/transcriptions", "content_type": FORM}, id="413"),
    pytest.param(413, {"path": "/v1/chat/completions", "content_type": "application/json"}, id="413-json"),
    pytest.param(413, {"path": "/v1/files", "content_type": FORM}, id="413-file"),
    pytest.param(413, {"path": "/_mock/stubs", "content_type": "application/json"}, id="control"),
    pytest.param(401, {"path": "/v1/audio/transcriptions", "authorization": None}, id="401"),
    pytest.param(401, {"path": "/v1/files", "authorization": "Bearer sk-mock-invalid"}, id="401-file"),
    pytest.param(413, {"path": "/v1/nowhere"}, id="nowhere"),
]


@pytest.mark.parametrize(("status", "request_head"), REFUSED)
@pytest.mark.parametrize("expect", [None, "100-continue"])
def test_a_body_is_not_waited_for_to_be_refused(
    server: MockServer, status: int, request_head: dict[str, Any], expect: str | None
) -> None:
    answer = talk(server, head(**request_head, content_length=HUGE, expect=expect))
    assert parse_response(answer).status == status
    assert parse_response(answer).headers["connection"] == "close"


@pytest.mark.parametrize(("status", "request_head"), REFUSED)
@pytest.mark.parametrize("size", [b"FFFFFFFFFFFFFFFF", b"40000000"])
def test_a_chunk_is_not_waited_for_that_announces_too_much(
    server: MockServer, status: int, request_head: dict[str, Any], size: bytes
) -> None:
    answer = talk(server, head(**request_head, transfer_encoding="chunked") + size + b"\r\n")
    assert parse_response(answer).status == status
    assert parse_response(answer).headers["connection"] == "close"


@pytest.mark.parametrize("length", [{"content_length": HUGE}, {"transfer_encoding": "chunked"}])
def test_what_follows_a_body_that_is_refused_is_not_answered(
    server: MockServer, length: dict[str, Any]
) -> None:
    answers = talk(server, head(authorization=None, **length) + b"{}" + HEALTH)
    assert answers.count(b"HTTP/1.1 ") == 1


def test_a_small_body_is_skipped_and_the_connection_kept(server: MockServer) -> None:
    with connect(server) as connection:
        connection.sendall(head(authorization=None, content_length=1000))
        answer = parse_response(answer_on(connection))
        assert (answer.status, answer.headers.get("connection")) == (401, None)
        connection.sendall(bytes(300))
        connection.sendall(bytes(700) + HEALTH)
        assert parse_response(rest_of(connection)).status == 200


def test_a_client_that_was_sent_no_100_is_not_expected_to_send_its_body(server: MockServer) -> None:
    answers = talk(server, head(authorization=None, content_length=5, expect="100-continue") + HEALTH)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert parse_response(answers).headers["connection"] == "close"


def test_a_client_is_sent_a_100_once_its_body_is_read(server: MockServer) -> None:
    body = b'{"model":"tts-1","voice":"alloy","input":"Hi.","response_format":"pcm"}'
    request = head(
        content_type="application/json", content_length=len(body), expect="100-Continue", connection="close"
    )
    with connect(server) as connection:
        connection.sendall(request)
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert rest_of(connection).startswith(b"HTTP/1.1 200 OK")


# Real clients.


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.wav"
    path.write_bytes(b"RIFF" + bytes(LARGE))
    return path


@pytest.fixture(params=["sk-mock-me", "sk-mock-invalid"], ids=["413", "401"])
def key_and_status(request: pytest.FixtureRequest) -> tuple[str, int]:
    return request.param, {"sk-mock-me": 413, "sk-mock-invalid": 401}[request.param]


def test_the_python_sdk_reads_why(
    server: MockServer, large_file: Path, key_and_status: tuple[str, int]
) -> None:
    key, status = key_and_status
    with openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0) as client:
        for _ in range(3):
            with pytest.raises(openai.APIStatusError) as refusal:
                client.audio.transcriptions.create(model="whisper-1", file=large_file)
            assert refusal.value.status_code == status


def test_httpx_reads_why_of_a_body_in_chunks(server: MockServer, key_and_status: tuple[str, int]) -> None:
    key, status = key_and_status

    def pieces() -> Iterator[bytes]:
        for _ in range(LARGE >> 20):
            yield bytes(1 << 20)

    headers = {"Authorization": f"Bearer {key}", "Content-Type": FORM}
    response = httpx.post(f"{server.base_url}/audio/transcriptions", content=pieces(), headers=headers)
    assert response.status_code == status


@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"])
def test_curl_reads_why(
    server: MockServer, large_file: Path, key_and_status: tuple[str, int], expect: str
) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("needs curl")
    key, status = key_and_status
    target = f"{server.base_url}/audio/transcriptions"
    form = ["-F", "model=whisper-1", "-F", f"file=@{large_file}"]
    options = [
        "-s",
        "-S",
        "-o",
        "-",
        "-w",
        "%{http_code}",
        "-H",
        f"Authorization: Bearer {key}",
        "-H",
        expect,
    ]
    answer = subprocess.run([curl, *options, *form, target], capture_output=True, text=True, check=True)
    assert answer.stdout.endswith(str(status))


NODE = """
const [url, key] = process.argv.slice(1);
const form = new FormData();
form.append("model", "whisper-1");
form.append("file", new Blob([new Uint8Array(SIZE)]), "large.wav");
const options = { method: "POST", body: form, headers: { Authorization: `Bearer ${key}` } };
for (let i = 0; i < 3; i++) {
  const answer = await fetch(`${url}/audio/transcriptions`, options);
  console.log(answer.status, (await answer.json()).error.type);
}
""".replace("SIZE", str(LARGE))


@pytest.mark.slow
def test_fetch_of_node_reads_why(server: MockServer, key_and_status: tuple[str, int]) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    key, status = key_and_status
    session = subprocess.run(
        [node, "--input-type=module", "-e", NODE, "--", server.base_url, key],
        capture_output=True,
        text=True,
        check=False,
    )
    assert session.returncode == 0, session.stderr
    assert [line.split()[0] for line in session.stdout.splitlines()] == [str(status)] * 3

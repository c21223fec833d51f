"""`POST /_mock/shutdown` ends the server if the settings allow it."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mockserver.app import create_app, services_of
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

ALLOWED = Settings(port=0, whisper_model="none", log_level="warning", allow_shutdown=True)


def test_a_server_is_not_ended_unless_that_is_allowed(server: MockServer) -> None:
    response = httpx.post(f"{server.url}/_mock/shutdown")
    assert response.status_code == 403
    assert "--allow-shutdown" in response.json()["error"]
    assert httpx.get(f"{server.url}/_mock/health").status_code == 200


def test_a_server_in_this_process_answers_and_ends() -> None:
    with MockServer(ALLOWED) as running:
        response = httpx.post(f"{running.url}/_mock/shutdown")
        assert (response.status_code, response.json()) == (202, {"status": "stopping"})
        assert services_of(running.app).closing.wait(10)
        running.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{running.url}/_mock/health")


def test_a_request_in_flight_is_finished() -> None:
    with MockServer(ALLOWED) as running:
        host, port = running.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as slow:
            body = b'{"model": "tts-1", "voice": "alloy", "input": "Hi.", "response_format": "pcm"}'
            head = (
                f"POST /v1/audio/speech HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer sk-mock-me\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
            )
            slow.sendall(head.encode())
            assert slow.recv(1024).startswith(b"HTTP/1.1 100")  # the request is in progress from here on
            assert httpx.post(f"{running.url}/_mock/shutdown").status_code == 202
            slow.sendall(body)
            answer = http.client.HTTPResponse(slow)
            answer.begin()
            assert answer.status == 200
            assert len(answer.read()) > 1000


def test_a_server_in_another_program_is_not_its_to_end() -> None:
    app = create_app(ALLOWED)
    response = app.test_client().post("/_mock/shutdown")
    assert response.status_code == 501
    assert "End that program." in response.get_json()["error"]


@pytest.mark.slow
def test_the_program_ends_with_success(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--whisper-model", "none"]
    with subprocess.Popen(
        [*command, "--allow-shutdown"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[2].removesuffix("/v1")
            assert httpx.post(f"{url}/_mock/shutdown").status_code == 202
            assert process.wait(30) == 0
        finally:
            process.kill()

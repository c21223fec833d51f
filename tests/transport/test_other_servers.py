"""Other WSGI servers that host the app, as docs/install.md describes."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openai
import pytest

from tests.transport.http_server.talking import answers
from tests.waiting import eventually

pytestmark = pytest.mark.slow

SERVERS = {
    "gunicorn": ["mockserver.app:create_app()", "--worker-class", "gthread", "--bind", "127.0.0.1:{port}"],
    "granian": [
        "mockserver.app:create_app",
        "--factory",
        *("--interface", "wsgi", "--workers", "1", "--blocking-threads", "8"),
        *("--host", "127.0.0.1", "--port", "{port}"),
    ],
}


@contextmanager
def hosted(server: str, folder: Path) -> Iterator[openai.OpenAI]:
    """Yield a client of the app in a WSGI server; check that the server ends in order."""
    if importlib.util.find_spec(server) is None:
        pytest.skip(f"{server} is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [argument.format(port=port) for argument in SERVERS[server]]
    with subprocess.Popen(
        [sys.executable, "-m", server, *arguments],
        cwd=folder,
        env={**os.environ, "MOCKSERVER_WHISPER_MODEL": "none"},
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            assert eventually(lambda: answers(url)), "the server does not answer"
            with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-mock-me", max_retries=0) as client:
                yield client
        finally:
            process.terminate()
    assert process.returncode == 0


@pytest.mark.parametrize("server", SERVERS)
def test_another_server_hosts_the_app(server: str, hello: tuple[str, bytes], tmp_path: Path) -> None:
    with hosted(server, tmp_path) as client:
        spoken = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello there.")
        clip = ("spoken.mp3", spoken.content)
        assert client.audio.transcriptions.create(model="whisper-1", file=clip).text == "Hello there."
        with client.audio.transcriptions.create(model="gpt-4o-transcribe", file=hello, stream=True) as events:
            assert next(iter(events)).type == "transcript.text.delta"
        with pytest.raises(openai.NotFoundError) as unknown:
            client.models.retrieve("fake_id")
        assert unknown.value.response.reason_phrase == "Not Found"


@pytest.mark.parametrize("fault", ["connection_reset", "truncated_body", "wrong_content_length; seconds=0"])
def test_an_answer_is_aborted_if_the_server_does_not_provide_the_socket(fault: str, tmp_path: Path) -> None:
    with hosted("granian", tmp_path) as client:
        with pytest.raises(openai.APIConnectionError) as broken:
            client.models.list(extra_headers={"x-mock-fault": fault})
        assert type(broken.value.__cause__).__name__ == "RemoteProtocolError"
        assert client.models.list().data


@pytest.mark.parametrize("server", SERVERS)
def test_other_servers_say_that_they_have_no_web_sockets(server: str, tmp_path: Path) -> None:
    with hosted(server, tmp_path) as client:
        handshake = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        with pytest.raises(openai.InternalServerError) as refused:
            client.get("/responses", cast_to=object, options={"headers": handshake})
        assert refused.value.status_code == 501
        assert "mockserver serve" in refused.value.message

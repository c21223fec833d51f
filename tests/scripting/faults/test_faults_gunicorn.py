"""Faults that break connections work in gunicorn, too."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("gunicorn") is None, reason="gunicorn is not installed"),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    """Yield a client of the app in gunicorn; check at the end that gunicorn logged no error."""
    folder: Path = tmp_path_factory.mktemp("gunicorn")
    command = [sys.executable, "-m", "gunicorn", "mockserver.app:create_app()", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--worker-class", "gthread", "--no-control-socket"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"MOCKSERVER_WHISPER_MODEL": "none"},
    ) as hosted:
        assert hosted.stderr is not None
        found = (re.search(r"Listening at: (http://\S+)", line) for line in hosted.stderr)
        url = next(match.group(1) for match in found if match)
        with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-mock-me", max_retries=0) as sdk:
            yield sdk
        hosted.terminate()
        _, errors = hosted.communicate()
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("connection_reset; at=before", httpx.ReadError),
        ("connection_reset", httpx.ReadError),
        ("truncated_body", httpx.RemoteProtocolError),
        ("wrong_content_length; seconds=0", httpx.RemoteProtocolError),
        ("hang; seconds=0", httpx.RemoteProtocolError),
    ],
)
def test_a_connection_is_broken(client: openai.OpenAI, fault: str, cause: type[httpx.TransportError]) -> None:
    with pytest.raises(openai.APIConnectionError) as broken:
        client.models.list(extra_headers={"x-mock-fault": fault})
    assert type(broken.value.__cause__).__name__ == cause.__name__


def test_an_answer_is_whole_before_a_reset_after_it(client: openai.OpenAI) -> None:
    assert client.models.list(extra_headers={"x-mock-fault": "connection_reset; at=after"}).data
    again = client.with_options(max_retries=1)  # the reset may arrive while the connection is reused
    assert again.models.list().data

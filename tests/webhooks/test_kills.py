"""A server that is killed while it delivers continues after its restart."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest

from tests.receiver import receiving
from tests.waiting import eventually

KEY = {"Authorization": "Bearer sk-mock-tier-5-killed"}


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yield the URL of a server with a state folder, and its process, which is killed at the end."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--state", str(folder / "state")]
    process = subprocess.Popen(
        [*command, "--whisper-model", "none", "--webhook-seconds", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        found = next(filter(None, (re.search(r"http://[\d.]+:\d+", line) for line in process.stdout)))
        yield found[0], process
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.mark.slow
def test_an_attempt_during_which_the_server_was_killed_is_repeated(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.hangs = True
        with serving(tmp_path) as (url, process):
            with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-mock-tier-5-killed") as client:
                created = client.webhooks.create(url=receiver.url, name="x", event_types=["batch.completed"])
            body = {"type": "batch.completed", "data": {"id": "batch_1"}}
            httpx.post(f"{url}/_mock/webhooks/send", json=body, headers=KEY).raise_for_status()
            receiver.wait_for(1)
            process.kill()
        receiver.hangs = False
        with serving(tmp_path) as (url, _):
            waited = httpx.post(f"{url}/_mock/webhooks/wait", json={"timeout": 60}, headers=KEY, timeout=90)
            assert waited.status_code == 200, waited.text
            assert eventually(lambda: len(receiver.received)) == 2
            assert receiver.events(created.signing_secret) == ["batch_1"] * 2
            assert len({each.header("webhook-id") for each in receiver.received}) == 1

"""Jobs survive a restart, also ``kill -9``; unfinished ones are continued."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.providers.aimlapi.conftest import OPENAI, PATIENCE
from tests.waiting import eventually
from tests.website import Website

pytestmark = pytest.mark.slow

HEADERS = {"Authorization": "Bearer sk-mock-restart"}
HELLO = "Hello world, this is a test."

Clip = tuple[str, bytes]


@contextmanager
def served(state: Path, *options: str) -> Iterator[str]:
    """Yield the base URL of a server process that is killed at the end."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--state", str(state), *options]
    environment = {**os.environ, "MOCKSERVER_WHISPER_MODEL": "none"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            (url,) = re.findall(r"http://\S+/v1", process.stdout.readline())
            yield url
        finally:
            process.kill()


def ask(url: str, job: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{url}/stt/{job}", headers=HEADERS, timeout=PATIENCE).json()
    return answer


def create(url: str, **options: Any) -> str:
    response = requests.post(f"{url}/stt/create", headers=HEADERS, timeout=PATIENCE, **options)
    return str(response.json()["generation_id"])


def test_a_result_outlives_the_server(tmp_path: Path, hello: Clip) -> None:
    with served(tmp_path) as url:
        job = create(url, files={"file": hello}, data={"model": OPENAI})
        before = ask(url, job)
    with served(tmp_path) as url:
        assert ask(url, job) == before
    assert before["result"]["text"] == HELLO


def test_an_unfinished_job_goes_on(tmp_path: Path, website: Website, hello: Clip) -> None:
    options = ("--fetch-urls", website.host)
    audio = website.file("/hello.wav", hello[1])
    with served(tmp_path, *options) as url:
        job = create(url, json={"model": OPENAI, "url": audio})
        assert eventually(lambda: ask(url, job)["status"] == "generating")
    website.released.set()
    with served(tmp_path, *options) as url:
        while (answer := ask(url, job))["status"] != "completed":
            assert answer["status"] in ("queued", "generating")
        assert answer["result"]["text"] == HELLO


def test_work_that_outlasts_its_server_changes_nothing_any_more(
    tmp_path: Path, website: Website, hello: Clip
) -> None:
    audio = website.file("/hello.wav", hello[1])
    others = set(threading.enumerate())
    settings = Settings(
        port=0, whisper_model="none", state=str(tmp_path), fetch_urls=website.host, stt_workers=1
    )
    with MockServer(settings) as server:
        job, _waiting = (create(server.base_url, json={"model": OPENAI, "url": audio}) for _ in range(2))
        assert eventually(lambda: ask(server.base_url, job)["status"] == "generating")
        workers = [each for each in set(threading.enumerate()) - others if each.name.startswith("stt-")]
    left = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    website.released.set()
    for worker in workers:
        worker.join(60)
    assert [worker.is_alive() for worker in workers] == [False]
    assert left == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

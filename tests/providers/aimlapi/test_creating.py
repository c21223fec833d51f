"""Creating jobs: in JSON and in forms."""

from __future__ import annotations

from uuid import UUID

import pytest
import requests

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.providers.aimlapi.conftest import OPENAI, Stt

HELLO = "Hello world, this is a test."

Clip = tuple[str, bytes]


@pytest.mark.parametrize("field", ["file", "audio"])
def test_the_audio_comes_in_a_form_under_either_name(stt: Stt, hello: Clip, field: str) -> None:
    job = stt.create(files={field: hello}, data={"model": OPENAI, "temperature": "0.5"})
    assert stt.result(job)["text"] == HELLO


def test_the_answer_is_compact_json_in_the_documented_order(stt: Stt, hello: Clip) -> None:
    response = stt.post(files={"file": hello}, data={"model": OPENAI})
    job = response.json()["generation_id"]
    assert response.content == f'{{"generation_id":"{job}","status":"queued"}}'.encode()
    assert str(UUID(job)) == job


def test_ids_repeat_with_a_seed(hello: Clip, stt: Stt) -> None:
    ids = []
    for _ in range(2):
        with MockServer(Settings(port=0, whisper_model="none", log_level="warning", seed="a")) as server:
            ids.append(Stt(server.account(), stt.schemas).upload(hello))
    assert ids[0] == ids[1]


def test_other_parameters_are_ignored(stt: Stt, hello: Clip) -> None:
    job = stt.upload(hello, detect_topics="true", tag="a", keyterm="world")
    assert stt.result(job)["text"] == HELLO


def test_a_job_is_in_journal_and_metrics(stt: Stt, hello: Clip) -> None:
    job = stt.upload(hello)
    stt.ask(job)
    created, asked = stt.api.journal
    assert (created["status"], created["answered_by"]) == (201, "fixture; name=hello")
    assert (created["audio"][0]["file"], created["heard"]) == ("hello.wav", HELLO)
    assert (asked["operation"], asked["path"]) == ("retrieve_stt", f"/v1/stt/{job}")
    assert created["usage"]["total_tokens"] > 0


def test_a_snapshot_brings_jobs_back(stt: Stt, hello: Clip, stt_server: MockServer) -> None:
    job = stt.upload(hello)
    headers = {"Authorization": f"Bearer {stt.api.api_key}"}
    address = f"{stt_server.url}/_mock/snapshot"
    taken = requests.get(address, headers=headers, timeout=60).content
    stt.api.reset()
    assert stt.get(job).status_code == 404
    assert requests.put(address, data=taken, headers=headers, timeout=60).status_code == 200
    assert stt.result(job)["text"] == HELLO

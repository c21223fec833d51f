"""The states of a job: queued, generating, completed or error, in that order and by the clock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from mockserver.providers.aimlapi import jobs
from mockserver.state.memory.documents import MemoryDocuments
from mockserver.testing.audio_api import AudioApi
from tests.providers.aimlapi.conftest import OPENAI, Stt
from tests.website import Website

HELLO = "Hello world, this is a test."

Clip = tuple[str, bytes]


def test_a_job_is_done_as_soon_as_it_is_asked_about(stt: Stt, hello: Clip) -> None:
    assert stt.result(stt.upload(hello))["text"] == HELLO


def test_a_job_goes_through_its_states_as_the_settings_say(stt: Stt, hello: Clip) -> None:
    stt.api.configure(stt_queued_seconds=10, stt_generating_seconds=20)
    job = stt.upload(hello)
    assert stt.status(job) == "queued"
    stt.api.clock.advance(9.9)
    assert stt.ask(job) == {"generation_id": job, "status": "queued", "result": None, "error": None}
    stt.api.clock.advance(0.1)
    assert stt.status(job) == "generating"
    stt.api.clock.advance(19.9)
    assert stt.ask(job) == {"generation_id": job, "status": "generating", "result": None, "error": None}
    stt.api.clock.advance(0.1)
    assert stt.result(job)["text"] == HELLO


def test_a_job_does_not_wait_for_a_clock_that_goes_back(stt: Stt, hello: Clip) -> None:
    job = stt.upload(hello)
    stt.api.clock.advance(-3600)
    assert stt.result(job)["text"] == HELLO
    stt.api.configure(stt_queued_seconds=10, stt_generating_seconds=20)
    slow = stt.upload(hello)
    stt.api.clock.advance(-3600)
    assert stt.status(slow) == "queued"
    stt.api.clock.advance(30)
    assert stt.result(slow)["text"] == HELLO


def test_a_job_goes_through_its_states_as_its_stub_says(stt: Stt, hello: Clip) -> None:
    stt.api.on("stt").reply(job={"queued": 1, "generating": 2})
    job = stt.upload(hello)
    statuses = []
    for _ in range(4):
        statuses.append(stt.status(job))
        stt.api.clock.advance(1)
    assert statuses == ["queued", "generating", "generating", "completed"]


def test_one_request_can_say_how_long_its_job_takes(stt: Stt, hello: Clip) -> None:
    job = stt.create(
        files={"file": hello}, data={"model": OPENAI}, headers={"x-mock-stt-queued-seconds": "5"}
    )
    assert stt.status(job) == "queued"


def test_a_stub_says_what_is_said(stt: Stt, hello: Clip) -> None:
    stub = stt.api.on("stt", file="hello.wav").reply("Welcome to the meeting.")
    job = stt.upload(hello)
    assert stt.result(job)["text"] == "Welcome to the meeting."
    assert stt.get(job).headers["x-mock-answered-by"] == f"stub; id={stub.id}"


def test_a_stub_about_transcriptions_answers_no_job(stt: Stt, hello: Clip) -> None:
    stt.api.on_transcription().reply("Something else.")
    assert stt.result(stt.upload(hello))["text"] == HELLO


def test_a_stub_has_a_job_fail(stt: Stt, hello: Clip) -> None:
    stt.api.on("stt").reply(job={"error": "The audio is broken.", "generating": 5})
    job = stt.upload(hello)
    assert stt.status(job) == "generating"
    stt.api.clock.advance(5)
    assert stt.error(job) == {"name": "generation_failed", "message": "The audio is broken."}


def test_a_fault_has_a_job_fail(stt: Stt, hello: Clip) -> None:
    stt.api.break_next("job_error", message="No speech.")
    failing, fine = stt.upload(hello), stt.upload(hello)
    assert stt.error(failing) == {"name": "generation_failed", "message": "No speech."}
    assert stt.result(fine)["text"] == HELLO


def test_a_fault_of_jobs_hits_nothing_else(stt: Stt) -> None:
    fault = stt.api.break_next("job_error")
    stt.api.client.models.list()
    assert fault.hits == 0


def test_audio_that_is_none_has_the_job_fail(stt: Stt) -> None:
    assert stt.error(stt.upload(("broken.wav", b"RIFF")))["name"] == "audio_undecodable"


def test_audio_that_nobody_knows_gets_the_placeholder(stt: Stt, silence: Clip) -> None:
    assert stt.result(stt.upload(silence))["text"].startswith("[mock transcript of 1.5 seconds")


def test_unknown_audio_fails_the_job_if_so_configured(stt: Stt, silence: Clip) -> None:
    stt.api.configure(unknown_audio="error")
    assert stt.error(stt.upload(silence))["name"] == "no_transcriber"


def test_a_job_of_another_account_is_not_there(stt: Stt, hello: Clip, stt_server: AudioApi) -> None:
    job = stt.upload(hello)
    other = Stt(stt_server.account(), stt.schemas)  # type: ignore[attr-defined]
    assert other.refusal(other.get(job)) == (404, f"Generation {job} not found")


def test_a_job_is_gone_after_a_reset(stt: Stt, hello: Clip) -> None:
    job = stt.upload(hello)
    stt.api.reset()
    assert stt.get(job).status_code == 404


def test_the_status_of_answers_can_be_200(stt: Stt, hello: Clip) -> None:
    job = stt.upload(hello)
    stt.api.configure(stt_get_status="200")
    assert stt.get(job).status_code == 200


def test_work_in_the_background_is_queued_then_generating_then_done(
    fetching: Callable[..., Stt], website: Website, hello: Clip
) -> None:
    stt = fetching(stt_workers=1)
    url = website.file("/hello.wav", hello[1])
    first, second = (stt.create({"model": OPENAI, "url": url}) for _ in range(2))
    assert stt.becomes(first, "generating", "completed") == "generating"
    assert stt.status(second) == "queued"
    website.released.set()
    for job in (first, second):
        stt.becomes(job, "completed")
        assert stt.result(job)["text"] == HELLO


def test_many_clients_poll_one_job(fetching: Callable[..., Stt], website: Website, hello: Clip) -> None:
    stt = fetching()
    job = stt.create({"model": OPENAI, "url": website.file("/hello.wav", hello[1])})
    with ThreadPoolExecutor(16) as pool:
        polls = [pool.submit(stt.becomes, job, "completed") for _ in range(16)]
        website.released.set()
        assert {poll.result() for poll in polls} == {"completed"}


def test_what_the_queue_has_no_room_for_is_refused(
    fetching: Callable[..., Stt], website: Website, hello: Clip
) -> None:
    stt = fetching(stt_workers=1, stt_queue=1)
    url = website.file("/hello.wav", hello[1])
    accepted = [stt.create({"model": OPENAI, "url": url}) for _ in range(2)]
    assert stt.refusal(stt.post({"model": OPENAI, "url": url})) == (503, "Service unavailable")
    website.released.set()
    for job in accepted:
        stt.becomes(job, "completed")


def test_scripted_states_last_also_where_the_work_is_done_sooner(
    fetching: Callable[..., Stt], website: Website, hello: Clip
) -> None:
    stt = fetching(frozen_time=1_800_000_000, stt_generating_seconds=30)
    website.released.set()
    job = stt.create({"model": OPENAI, "url": website.file("/hello.wav", hello[1])})
    stt.becomes(job, "generating")
    stt.api.clock.advance(29)
    assert stt.status(job) == "generating"
    stt.api.clock.advance(1)
    stt.becomes(job, "completed")


def test_a_job_that_is_forgotten_meanwhile_stays_so(
    fetching: Callable[..., Stt], website: Website, hello: Clip
) -> None:
    stt = fetching(stt_workers=1)
    job = stt.create({"model": OPENAI, "url": website.file("/hello.wav", hello[1])})
    stt.becomes(job, "generating")
    stt.api.reset()
    website.released.set()
    last = stt.create({"model": OPENAI, "url": website.url("/hello.wav")})
    stt.becomes(last, "completed")
    assert stt.get(job).status_code == 404


@pytest.mark.parametrize(
    ("work", "now", "status"),
    [
        ("waiting", 0, "queued"),
        ("waiting", 99, "queued"),
        ("running", 9, "queued"),
        ("running", 10, "generating"),
        ("running", 99, "generating"),
        ("done", 9, "queued"),
        ("done", 10, "generating"),
        ("done", 29, "generating"),
        ("done", 30, "completed"),
    ],
)
def test_a_state_lasts_as_long_as_script_and_work_both_want(work: str, now: float, status: str) -> None:
    job = jobs.new(
        "job", model=OPENAI, request={}, created=0, queued=10, generating=20, unknown_audio="error"
    )
    assert jobs.status(job | {"work": work}, now) == status


def test_jobs_whose_work_is_not_done_are_found() -> None:
    store = MemoryDocuments()
    for name, work in (("a", "waiting"), ("b", "running"), ("c", "done")):
        store.put(jobs.KIND, "account", name, {"work": work})
    assert jobs.unfinished(store) == [("account", "a"), ("account", "b")]


def test_a_job_of_a_snapshot_goes_on_when_it_is_asked_about(
    fetching: Callable[..., Stt], website: Website, hello: Clip
) -> None:
    stt = fetching()
    address, headers = f"{stt.api.url}/_mock/snapshot", {"Authorization": f"Bearer {stt.api.api_key}"}
    job = stt.create({"model": OPENAI, "url": website.file("/hello.wav", hello[1])})
    taken = requests.get(address, headers=headers, timeout=60).content
    website.released.set()
    stt.becomes(job, "completed")
    requests.put(address, data=taken, headers=headers, timeout=60).raise_for_status()
    stt.becomes(job, "completed")
    assert stt.result(job)["text"] == HELLO

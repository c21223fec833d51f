"""The counters of the server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockserver.journal.metrics import BOUNDS, Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(lambda: ["whisper-1", "tts-1"])


def test_requests_are_counted_by_endpoint_model_and_status(metrics: Metrics) -> None:
    for status in (200, 200, 429):
        metrics.begin()
        metrics.observe("create_transcription", "whisper-1", status, 0.01)
    assert metrics.counts().requests == {
        ("create_transcription", "whisper-1", "200"): 2,
        ("create_transcription", "whisper-1", "429"): 1,
    }


def test_a_request_is_in_flight_until_it_is_observed(metrics: Metrics) -> None:
    metrics.begin()
    metrics.begin()
    metrics.observe("list_models", "", 200, 0.001)
    assert metrics.counts().in_flight == 1


def test_a_duration_falls_into_the_first_bucket_that_reaches_it(metrics: Metrics) -> None:
    for seconds in (0.001, 0.0011, 1e9):
        metrics.observe("list_models", "", 200, seconds)
    buckets, total = metrics.counts().seconds["list_models",]
    assert (buckets[0], buckets[1], buckets[-1]) == (1, 1, 1)
    assert len(buckets) == len(BOUNDS) + 1
    assert total == pytest.approx(1e9)


def test_models_that_there_are_not_count_as_other(metrics: Metrics) -> None:
    for number in range(1000):
        metrics.observe("create_speech", f"tts-{number}", 404, 0.0)
    assert metrics.counts().requests == {
        ("create_speech", "other", "404"): 999,
        ("create_speech", "tts-1", "404"): 1,
    }


def test_who_answered_counts_by_kind(metrics: Metrics) -> None:
    for source in ("fixture", "fixture", "spoken", ""):
        metrics.observe("create_transcription", "whisper-1", 200, 0.0, source=source)
    assert metrics.counts().answers == {("fixture",): 2, ("spoken",): 1}


def test_faults_and_refusals_by_rate_limits_are_counted(metrics: Metrics) -> None:
    metrics.observe("create_speech", "tts-1", 429, 0.0, error="rate_limit_requests")
    metrics.observe("create_speech", "tts-1", 500, 0.0, error="server_error", fault="server_error")
    counts = metrics.counts()
    assert counts.rate_limited == {("tts-1", "requests"): 1}
    assert counts.faults == {("server_error",): 1}


def test_values_made_up_by_callers_do_not_fill_the_memory(metrics: Metrics) -> None:
    for number in range(1000):
        metrics.observe("create_speech", "tts-1", 500, 0.0, fault=f"fault-{number}")
    faults = metrics.counts().faults
    assert len(faults) < 300
    assert sum(faults.values()) == 1000
    assert faults["other",] > 700


@pytest.mark.parametrize(
    "usage",
    [
        {"type": "tokens", "input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
        {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    ],
)
def test_tokens_are_counted_by_what_they_were_for(metrics: Metrics, usage: dict[str, object]) -> None:
    metrics.add_usage("create_speech", "tts-1", usage)
    assert metrics.counts().tokens == {
        ("create_speech", "tts-1", "input"): 3,
        ("create_speech", "tts-1", "output"): 4,
    }


def test_seconds_of_audio_are_counted(metrics: Metrics) -> None:
    for _ in range(2):
        metrics.add_usage("create_transcription", "whisper-1", {"type": "duration", "seconds": 3})
    counts = metrics.counts()
    assert counts.audio_seconds == {("create_transcription", "whisper-1"): 6}
    assert counts.tokens == {}


def test_threads_lose_no_count(metrics: Metrics) -> None:
    def ask(_: int) -> None:
        metrics.begin()
        metrics.observe("list_models", "", 200, 0.001, source="stub")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(4000)))
    counts = metrics.counts()
    assert counts.requests == {("list_models", "", "200"): 4000}
    assert counts.in_flight == 0


def test_workers_add_up_what_all_have_counted(tmp_path: Path) -> None:
    workers = [Metrics(lambda: ["tts-1"]) for _ in range(3)]
    for number, metrics in enumerate(workers, 1):
        metrics.share(tmp_path / f"{number}.metrics")
        metrics.begin()
        metrics.begin()
        metrics.observe("create_speech", "tts-1", 200, 0.25, source="stub", fault="slow")
        metrics.add_usage("create_speech", "tts-1", {"input_tokens": 2, "output_tokens": 3})
    counts = [metrics.counts() for metrics in workers]
    assert counts[0] == counts[1] == counts[2]
    assert counts[0].requests == {("create_speech", "tts-1", "200"): 3}
    assert counts[0].seconds["create_speech",][1] == 0.75
    assert sum(counts[0].seconds["create_speech",][0]) == 3
    assert counts[0].tokens["create_speech", "tts-1", "output"] == 9
    assert counts[0].in_flight == 3
    for metrics in workers:
        metrics.close()


def test_a_worker_goes_on_with_the_counts_of_the_one_that_it_replaces(tmp_path: Path) -> None:
    killed, other, successor = (Metrics(lambda: ["tts-1"]) for _ in range(3))
    killed.share(tmp_path / "1.metrics")
    other.share(tmp_path / "2.metrics")
    killed.begin()
    killed.observe("create_speech", "tts-1", 200, 0.25, source="stub")
    killed.begin()
    successor.share(tmp_path / "1.metrics")
    successor.begin()
    successor.observe("create_speech", "tts-1", 200, 0.25, source="stub")
    assert other.counts().answers == {("stub",): 2}
    assert other.counts().in_flight == 0
    for metrics in (killed, other, successor):
        metrics.close()

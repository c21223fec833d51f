"""`GET /_mock/metrics`: the counters of the server in the format of Prometheus."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import openai
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from mockserver import __version__
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

Clip = tuple[str, bytes]
Value = Callable[..., float]

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(scope="module")
def busy(hello: Clip) -> Iterator[MockServer]:
    """Yield a server that has answered two transcriptions and a chat, and refused a speech and a model."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=1_800_000_000)
    with MockServer(settings) as running:
        with openai.OpenAI(base_url=running.base_url, api_key="sk-mock-free-busy", max_retries=0) as client:
            client.audio.transcriptions.create(model="whisper-1", file=hello)
            client.audio.transcriptions.create(model="whisper-1", file=hello)
            client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi."}])
            httpx.put(f"{running.url}/_mock/limits", json={"model": "tts-1", "drain": True})
            with pytest.raises(openai.RateLimitError):
                client.audio.speech.create(model="tts-1", voice="alloy", input="Hi.")
            with pytest.raises(openai.NotFoundError):
                client.audio.speech.create(model="tts-9", voice="alloy", input="Hi.")
        yield running


@pytest.fixture(scope="module")
def value(busy: MockServer) -> Value:
    """Return a function from the name and labels of a sample to its value, or 0 if there is none."""
    families = list(parse(httpx.get(f"{busy.url}/_mock/metrics").text))

    def find(name: str, **labels: str) -> float:
        samples = [each for family in families for each in family.samples]
        return sum(each.value for each in samples if each.name == name and each.labels == labels)

    return find


def test_requests_are_counted_by_endpoint_model_and_status(value: Value) -> None:
    count = "mockserver_requests_total"
    assert value(count, endpoint="transcriptions", model="whisper-1", status="200") == 2
    assert value(count, endpoint="chat", model="gpt-4o-mini", status="200") == 1
    assert value(count, endpoint="speech", model="tts-1", status="429") == 1


def test_refusals_by_rate_limits_are_counted(value: Value) -> None:
    assert value("mockserver_rate_limited_total", model="tts-1", kind="requests") == 1


def test_durations_are_a_histogram(value: Value) -> None:
    name = "mockserver_request_seconds"
    assert value(f"{name}_bucket", endpoint="transcriptions", le="+Inf") == 2
    assert value(f"{name}_count", endpoint="transcriptions") == 2
    assert value(f"{name}_sum", endpoint="transcriptions") > 0


def test_what_was_used_is_counted(value: Value) -> None:
    audio = value("mockserver_audio_seconds_total", endpoint="transcriptions", model="whisper-1")
    assert audio == 6
    for kind in ("input", "output"):
        assert value("mockserver_tokens_total", endpoint="chat", model="gpt-4o-mini", kind=kind) > 0


def test_who_answered_is_counted(value: Value) -> None:
    assert value("mockserver_answers_total", answered_by="fixture") == 2


def test_gauges_have_the_current_values(value: Value) -> None:
    assert value("mockserver_in_flight") == 0
    assert value("mockserver_accounts") == 1
    assert value("mockserver_journal_entries") == 5
    assert value("mockserver_journal_bytes") > 0
    assert value("mockserver_journal_dropped") == 0
    assert value("mockserver_build_info", version=__version__) == 1


def test_the_format_is_prometheus_text_unless_another_is_requested(busy: MockServer) -> None:
    response = httpx.get(f"{busy.url}/_mock/metrics", headers={"Accept": "*/*"})
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE mockserver_requests_total counter" in response.text


def test_openmetrics_is_returned_on_request(busy: MockServer) -> None:
    response = httpx.get(f"{busy.url}/_mock/metrics", headers={"Accept": OPENMETRICS})
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in parse_openmetrics(response.text)}  # type: ignore[no-untyped-call]
    assert families["mockserver_requests"].type == "counter"
    assert families["mockserver_request_seconds"].type == "histogram"


@pytest.mark.slow
def test_the_library_is_not_loaded_before_somebody_asks() -> None:
    program = (
        "import sys; from mockserver import create_app, Settings; create_app(Settings(whisper_model='none'));"
        "sys.exit('prometheus_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0

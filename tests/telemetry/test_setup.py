"""Spans and metrics are sent as the variables `OTEL_*` say, by the real exporter to a collector."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver.settings.model import Settings, SettingsError
from mockserver.testing.mock_server import MockServer
from tests.conftest import ROOT
from tests.telemetry.collector import attributes_of, collecting
from tests.waiting import eventually

HELLO: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}
SETTINGS: dict[str, Any] = {"port": 0, "whisper_model": "none", "log_level": "warning"}


def test_what_is_left_is_sent_when_the_server_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=audio")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "my-mock")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        with MockServer(Settings(**SETTINGS, otel=True)) as server:
            server.client.chat.completions.create(**HELLO)
        (span,) = collector.spans
        (resource,) = collector.resources
    assert span.name == "chat gpt-4o-mini"
    assert span.kind == span.SPAN_KIND_SERVER
    assert attributes_of(span)["gen_ai.request.model"] == "gpt-4o-mini"
    named = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert named["service.name"] == "my-mock"
    assert named["deployment.environment.name"] == "test"
    assert {metric.name for metric in collector.metrics} == {
        "gen_ai.server.request.duration",
        "gen_ai.client.token.usage",
    }
    assert {headers["x-team"] for headers in collector.headers} == {"audio"}


def test_the_sampler_of_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        with MockServer(Settings(**SETTINGS, otel=True)) as server:
            server.client.chat.completions.create(**HELLO)
        assert (collector.spans, collector.metrics) == ([], [])


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
    ],
)
def test_what_is_not_supported_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=rf"^{variable}: .*{value}.* Use "):
        MockServer(Settings(**SETTINGS, otel=True))


def test_what_opentelemetry_refuses_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "-1")
    with pytest.raises(SettingsError, match=r"^OTEL_\*: schedule_delay_millis .* Correct the variable"):
        MockServer(Settings(**SETTINGS, otel=True))


def test_without_the_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    with pytest.raises(SettingsError, match=r"pip install \"audio-mockserver\[otel\]\""):
        MockServer(Settings(**SETTINGS, otel=True))


@pytest.mark.slow
def test_without_the_setting_nothing_of_it_is_imported() -> None:
    script = """
import sys
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
with MockServer(Settings(port=0, whisper_model="none", log_level="error")) as server:
    import urllib.request
    urllib.request.urlopen(server.url + "/_mock/health").read()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts ``mockserver serve --otel`` on a port with variables."""

    def begin(port: int, *more: str, **variables: str) -> subprocess.Popen[str]:
        options = ["--port", str(port), "--otel", "--whisper-model", "none", "--log-level", "error", *more]
        return subprocess.Popen(
            [sys.executable, "-m", "mockserver", "serve", *options],
            env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return begin


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_answering(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_mock/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_collector_that_is_away_neither_stops_requests_nor_delays_the_end(
    serve: Callable[..., subprocess.Popen[str]],
) -> None:
    port, nowhere = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    with serve(port, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{nowhere}") as process:
        assert eventually(lambda: is_answering(url))
        headers = {"Authorization": "Bearer sk-mock-me"}
        for _ in range(3):
            answer = httpx.post(f"{url}/v1/chat/completions", json=HELLO, headers=headers, trust_env=False)
            assert answer.status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0  # 1 if it had not ended in time
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_the_command_sends_what_is_left(serve: Callable[..., subprocess.Popen[str]]) -> None:
    with collecting() as collector:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with serve(port, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as process:
            assert eventually(lambda: is_answering(url))
            headers = {"Authorization": "Bearer sk-mock-me"}
            httpx.post(f"{url}/v1/chat/completions", json=HELLO, headers=headers, trust_env=False)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
        assert [span.name for span in collector.spans] == ["chat gpt-4o-mini"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs several processes")
def test_each_of_several_processes_sends_its_spans(serve: Callable[..., subprocess.Popen[str]]) -> None:
    with collecting() as collector:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        asked: list[httpx.Response] = []

        def both_have_answered() -> bool:
            headers = {"Authorization": "Bearer sk-mock-me"}
            asked.append(
                httpx.post(f"{url}/v1/chat/completions", json=HELLO, headers=headers, trust_env=False)
            )
            processes = {
                each.value.string_value
                for resource in list(collector.resources)
                for each in resource.resource.attributes
                if each.key == "service.instance.id"
            }
            return len(processes) == 2

        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        with serve(port, "--workers", "2", **variables) as process:
            assert eventually(lambda: is_answering(url))
            assert eventually(both_have_answered)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
        assert len({span.span_id for span in collector.spans}) == len(asked)

"""A server whose spans and metrics are kept in memory, by the real SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mockserver.settings.model import Settings
from mockserver.telemetry import setup
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer


@dataclass
class Traced:
    """A server, the API of an account, and what it has sent to a collector in memory."""

    server: MockServer
    api: AudioApi
    _exporter: InMemorySpanExporter
    _reader: InMemoryMetricReader

    @property
    def spans(self) -> list[ReadableSpan]:
        """Return the spans that have ended."""
        return list(self._exporter.get_finished_spans())

    def span(self, name: str) -> ReadableSpan:
        """Return the only span with that name."""
        (found,) = [each for each in self.spans if each.name == name]
        return found

    @property
    def metrics(self) -> dict[str, list[Any]]:
        """Return the data points of each metric."""
        data = self._reader.get_metrics_data()
        assert data is not None
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Traced]]:
    """Return a function that starts a server with the setting ``otel`` and others."""
    running: list[MockServer] = []

    def begin(**settings: Any) -> Traced:
        exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
        processor = SimpleSpanProcessor(exporter)
        monkeypatch.setattr(
            setup, "telemetry", lambda *, content: setup.made_of([processor], [reader], content=content)
        )
        server = MockServer(
            Settings(port=0, whisper_model="none", log_level="warning", otel=True, **settings)
        ).start()
        running.append(server)
        return Traced(server, server.account(), exporter, reader)

    yield begin
    for each in running:
        each.stop()


@pytest.fixture
def traced(start: Callable[..., Traced]) -> Traced:
    return start()

"""Makes the traces and metrics of a server, as the standard variables ``OTEL_*`` say."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mockserver.installation import origin_of, own_distribution
from mockserver.settings.values import SettingsError
from mockserver.version import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor

    from mockserver.telemetry.tracing import Tracing

_SCOPE = "mockserver"
_SERVICE = "audio-mockserver"
_EXPORTERS = ("otlp", "console", "none")
_PROTOCOL = "http/protobuf"
_MODULES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
_CLOSING_SECONDS = 2.0  # in which what is left must be sent


class Telemetry(NamedTuple):
    """The traces and metrics of a server. ``close`` sends what is left."""

    tracing: Tracing
    close: Callable[[], None]


def telemetry(*, content: bool) -> Telemetry:
    """Return the traces and metrics that the environment asks for. Raises ``SettingsError``."""
    if any(origin_of(module) is None for module in _MODULES):
        raise SettingsError(
            f'otel: OpenTelemetry is not installed. Install it: pip install "{own_distribution()}[otel]"'
        )
    try:
        return made_of(_processors(), _readers(), content=content)
    except ValueError as error:  # OpenTelemetry refuses the value of a variable
        raise SettingsError(f"OTEL_*: {error} Correct the variable.") from error


def _processors() -> list[SpanProcessor]:
    """Return what sends spans. Raises ``SettingsError``, or ``ValueError`` for a value that OpenTelemetry refuses."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor

    processors: list[SpanProcessor] = []
    for name in _chosen("TRACES"):
        if name == "console":
            processors.append(SimpleSpanProcessor(ConsoleSpanExporter()))
        elif name == "otlp":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            processors.append(BatchSpanProcessor(OTLPSpanExporter()))
    return processors


def _readers() -> list[MetricReader]:
    """Return what sends metrics. Raises like ``_processors``."""
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

    readers: list[MetricReader] = []
    for name in _chosen("METRICS"):
        if name == "console":
            readers.append(PeriodicExportingMetricReader(ConsoleMetricExporter()))
        elif name == "otlp":
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

            readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    return readers


def made_of(
    processors: Sequence[SpanProcessor], readers: Sequence[MetricReader], *, content: bool
) -> Telemetry:
    """Return traces for the ``processors`` and metrics for the ``readers``."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    from mockserver.telemetry.measuring import Measures
    from mockserver.telemetry.tracing import Tracing

    resource = _resource()
    traces = TracerProvider(resource=resource, shutdown_on_exit=False)
    for processor in processors:
        traces.add_span_processor(processor)
    metrics = MeterProvider(readers, resource, shutdown_on_exit=False)
    tracing = Tracing(
        traces.get_tracer(_SCOPE, __version__),
        Measures(metrics.get_meter(_SCOPE, __version__)),
        content=content,
    )

    def close() -> None:
        threads = [
            threading.Thread(target=each.shutdown, name="telemetry", daemon=True)
            for each in (traces, metrics)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:  # a collector that does not answer must not delay the end
            thread.join(_CLOSING_SECONDS)

    return Telemetry(tracing, close)


def _resource() -> Resource:
    """Return the resource of the environment, by default with the name of this service."""
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource

    found = Resource.create({SERVICE_VERSION: __version__})
    if str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        found = found.merge(Resource({SERVICE_NAME: _SERVICE}))
    return found


def _chosen(signal: str) -> list[str]:
    """Return the exporters that a variable names, of ``TRACES`` or ``METRICS``. Raises ``SettingsError``."""
    variable = f"OTEL_{signal}_EXPORTER"
    names = [name.strip() for name in (os.environ.get(variable) or "otlp").split(",")]
    for name in names:
        if name not in _EXPORTERS:
            raise SettingsError(f"{variable}: unknown exporter {name!r}. Use {', '.join(_EXPORTERS)}.")
    if "otlp" in names:
        for each in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
            if os.environ.get(each) not in (None, "", _PROTOCOL):
                raise SettingsError(f"{each}: {os.environ[each]!r} is not supported. Use {_PROTOCOL}.")
    return names

"""``GET /_mock/metrics``: returns the metrics in the text formats of Prometheus."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import flask

from mockserver.journal.metrics import BOUNDS
from mockserver.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import HistogramMetricFamily, Metric

    from mockserver.control.contexts import MetricsContext
    from mockserver.control.operation import Call
    from mockserver.journal.journal import Journal
    from mockserver.journal.metrics import Counts, Metrics
    from mockserver.limits.limiter import Limiter

# Field of ``Counts``, name, unit, description and labels of each counter.
_COUNTERS = (
    ("requests", "requests", "", "Requests answered.", ("endpoint", "model", "status")),
    ("answers", "answers", "", "Answers, by who gave them.", ("answered_by",)),
    ("faults", "faults", "", "Requests that a fault hit.", ("fault",)),
    ("rate_limited", "rate_limited", "", "Requests refused by a rate limit.", ("model", "kind")),
    ("tokens", "tokens", "", "Tokens used.", ("endpoint", "model", "kind")),
    ("audio_seconds", "audio_seconds", "seconds", "Seconds of audio charged for.", ("endpoint", "model")),
)


def show(context: MetricsContext, call: Call) -> flask.Response:
    """Return all metrics, in the format of the header ``Accept``."""
    from prometheus_client import ProcessCollector
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(_Collector(context.metrics, context.limiter, context.journal))
    if not context.metrics.are_shared:  # the next scrape may come to another process
        ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(call.request.headers.get("accept", ""))
    return flask.Response(encode(registry), content_type=content_type)


class _Collector:
    """A collector of Prometheus metrics from the server's counters."""

    def __init__(self, metrics: Metrics, limiter: Limiter, journal: Journal) -> None:
        self._metrics = metrics
        self._limiter = limiter
        self._journal = journal

    def describe(self) -> list[Metric]:
        """Return nothing, so that the registry does not collect once to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of the server."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        counts = self._metrics.counts()
        for field, name, unit, text, labels in _COUNTERS:
            family = CounterMetricFamily(f"mockserver_{name}", text, labels=labels, unit=unit)
            for values, amount in getattr(counts, field).items():
                family.add_metric(values, amount)
            yield family
        yield _durations(counts)
        for name, text, value in self._gauges(counts):
            yield GaugeMetricFamily(f"mockserver_{name}", text, value=value)
        yield InfoMetricFamily("mockserver_build", "Version of the server.", {"version": __version__})

    def _gauges(self, counts: Counts) -> Iterator[tuple[str, str, float]]:
        yield "in_flight", "Requests being answered.", counts.in_flight
        accounts = len(self._limiter.groups_in_use())
        yield "accounts", "Accounts that use up rate limits.", accounts
        journal = self._journal
        yield "journal_entries", "Exchanges in the journal.", len(journal)
        yield "journal_bytes", "Memory of the exchanges in the journal.", journal.size
        yield (
            "journal_dropped",
            "Exchanges that made room in the journal since it was emptied.",
            journal.dropped,
        )


def _durations(counts: Counts) -> HistogramMetricFamily:
    from prometheus_client.core import HistogramMetricFamily

    text = "Time until a request was answered, of a stream until it began."
    family = HistogramMetricFamily("mockserver_request_seconds", text, labels=("endpoint",), unit="seconds")
    bounds = [*map(str, BOUNDS), "+Inf"]
    for values, (buckets, total) in counts.seconds.items():
        family.add_metric(values, list(zip(bounds, accumulate(buckets), strict=True)), total)
    return family

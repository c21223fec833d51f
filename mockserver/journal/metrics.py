"""The counters behind ``/_mock/metrics``.

The number of label values is limited: models are those of the catalog, other labels have their first 256 values. All
others are counted as ``other``.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

OTHER = "other"
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds

_MAX_VALUES = 256  # of one label
_RATE_LIMIT = "rate_limit_"  # prefix of the names of rate limit errors

Labels = tuple[str, ...]


class Counts(NamedTuple):
    """All counters, by label values. The comment of a field names its labels in order."""

    requests: dict[Labels, int]  # endpoint, model, status
    seconds: dict[Labels, tuple[tuple[int, ...], float]]  # endpoint: requests per bucket of BOUNDS, their sum
    answers: dict[Labels, int]  # source of the answer
    faults: dict[Labels, int]  # fault
    rate_limited: dict[Labels, int]  # model, kind
    tokens: dict[Labels, int]  # endpoint, model, kind
    audio_seconds: dict[Labels, float]  # endpoint, model
    in_flight: int


class Metrics:
    """The counters of one server. Thread-safe; counting a request takes a few microseconds."""

    def __init__(self, models: Callable[[], Iterable[str]]) -> None:
        """Take ``models``, which returns the known models. It is called late, because reading the catalog is slow."""
        self._all_models = models
        self._lock = threading.Lock()
        self._values: dict[str, set[str]] = defaultdict(set)
        self._requests: dict[Labels, int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = {}
        self._sums: dict[str, float] = defaultdict(float)
        self._answers: dict[Labels, int] = defaultdict(int)
        self._faults: dict[Labels, int] = defaultdict(int)
        self._rate_limited: dict[Labels, int] = defaultdict(int)
        self._tokens: dict[Labels, int] = defaultdict(int)
        self._audio_seconds: dict[Labels, float] = defaultdict(float)
        self._in_flight = 0

    def begin(self) -> None:
        """Count a request that has arrived; ``observe`` must follow when it is answered."""
        with self._lock:
            self._in_flight += 1

    def observe(
        self,
        endpoint: str,
        model: str,
        status: int,
        seconds: float,
        *,
        source: str = "",
        fault: str = "",
        error: str = "",
    ) -> None:
        """Count a request that is answered, after ``begin``.

        ``endpoint`` is the operation's name; ``model`` that of the request, empty for none; ``source`` what answered;
        ``error`` the catalog's name of an error.
        """
        model = self._model(model)
        with self._lock:
            self._in_flight -= 1
            self._requests[endpoint, model, str(status)] += 1
            if endpoint not in self._buckets:
                self._buckets[endpoint] = [0] * (len(BOUNDS) + 1)
            self._buckets[endpoint][bisect_left(BOUNDS, seconds)] += 1
            self._sums[endpoint] += seconds
            if source:
                self._answers[(self._bounded("answers", source),)] += 1
            if fault:
                self._faults[(self._bounded("faults", fault),)] += 1
            if error.startswith(_RATE_LIMIT):
                self._rate_limited[model, error[len(_RATE_LIMIT) :]] += 1

    def add_usage(self, endpoint: str, model: str, usage: Mapping[str, Any]) -> None:
        """Count the tokens or seconds in the ``usage`` object of a response."""
        model = self._model(model)
        read = usage.get("prompt_tokens", usage.get("input_tokens", 0))
        written = usage.get("completion_tokens", usage.get("output_tokens", 0))
        with self._lock:
            if usage.get("type") == "duration":
                self._audio_seconds[endpoint, model] += usage["seconds"]
                return
            self._tokens[endpoint, model, "input"] += read
            self._tokens[endpoint, model, "output"] += written

    def counts(self) -> Counts:
        """Return a copy of all counters."""
        with self._lock:
            return Counts(
                dict(self._requests),
                {
                    (endpoint,): (tuple(buckets), self._sums[endpoint])
                    for endpoint, buckets in self._buckets.items()
                },
                dict(self._answers),
                dict(self._faults),
                dict(self._rate_limited),
                dict(self._tokens),
                dict(self._audio_seconds),
                self._in_flight,
            )

    @cached_property
    def _models(self) -> frozenset[str]:
        return frozenset(self._all_models())

    def _model(self, model: str) -> str:
        return model if not model or model in self._models else OTHER

    def _bounded(self, label: str, value: str) -> str:
        values = self._values[label]
        if value not in values:
            if len(values) >= _MAX_VALUES:
                return OTHER
            values.add(value)
        return value

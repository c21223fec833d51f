"""The counters behind ``/_mock/metrics``.

The number of label values is limited: models are those of the catalog, other labels have their first 256 values. All
others are counted as ``other``. The workers of a server each count in a file, and add up those of all.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.journal.counts_file import CountsFile, read

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "other"
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds

_MAX_VALUES = 256  # of one label
_RATE_LIMIT = "rate_limit_"  # prefix of the names of rate limit errors
_IN_FLIGHT = ("in_flight",)
_BUCKET, _SUM = "bucket", "sum"  # of the durations
_BUCKETS = tuple(map(str, range(len(BOUNDS) + 1)))
_BOUNDED = ("answers", "faults")  # fields with a label of any value

Labels = tuple[str, ...]


class Counts(NamedTuple):
    """All counters, by label values. The comment of a field names its labels in order."""

    requests: dict[Labels, float]  # endpoint, model, status
    seconds: dict[
        Labels, tuple[tuple[float, ...], float]
    ]  # endpoint: requests per bucket of BOUNDS, their sum
    answers: dict[Labels, float]  # source of the answer
    faults: dict[Labels, float]  # fault
    rate_limited: dict[Labels, float]  # model, kind
    tokens: dict[Labels, float]  # endpoint, model, kind
    audio_seconds: dict[Labels, float]  # endpoint, model
    in_flight: float


class Metrics:
    """The counters of one server. Thread-safe; counting a request takes a few microseconds."""

    def __init__(self, models: Callable[[], Iterable[str]]) -> None:
        """Take ``models``, which returns the known models. It is called late, because reading the catalog is slow."""
        self._all_models = models
        self._lock = threading.Lock()
        self._values: dict[str, set[str]] = defaultdict(set)
        self._counts: dict[Labels, float] = defaultdict(int)  # by field of ``Counts`` and labels
        self._file: CountsFile | None = None
        self._path: Path | None = None

    def share(self, path: Path) -> None:
        """Keep the counters in a file, and count those of the other files in its folder, too. Raises ``OSError``.

        What another process has counted in the file counts on; nothing of it is in flight any more.
        """
        with self._lock:
            self._file, self._path = CountsFile(path), path
            for key, count in read(path).items():
                self._counts[key] = 0 if key == _IN_FLIGHT else count
                self._file.set(key, self._counts[key])
                if key[0] in _BOUNDED:
                    self._values[key[0]].add(key[1])

    def close(self) -> None:
        """Close the file. What is counted from now on is not shared."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def begin(self) -> None:
        """Count a request that has arrived; ``observe`` must follow when it is answered."""
        self._add([(_IN_FLIGHT, 1)])

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
        counted: list[tuple[Labels, float]] = [
            (_IN_FLIGHT, -1),
            (("requests", endpoint, model, str(status)), 1),
            ((_BUCKET, endpoint, _BUCKETS[bisect_left(BOUNDS, seconds)]), 1),
            ((_SUM, endpoint), seconds),
        ]
        if source:
            counted.append((("answers", self._bounded("answers", source)), 1))
        if fault:
            counted.append((("faults", self._bounded("faults", fault)), 1))
        if error.startswith(_RATE_LIMIT):
            counted.append((("rate_limited", model, error[len(_RATE_LIMIT) :]), 1))
        self._add(counted)

    def add_usage(self, endpoint: str, model: str, usage: Mapping[str, Any]) -> None:
        """Count the tokens or seconds in the ``usage`` object of a response."""
        model = self._model(model)
        if usage.get("type") == "duration":
            self._add([(("audio_seconds", endpoint, model), usage["seconds"])])
            return
        asked = usage.get("prompt_tokens", usage.get("input_tokens", 0))
        written = usage.get("completion_tokens", usage.get("output_tokens", 0))
        self._add(
            [(("tokens", endpoint, model, "input"), asked), (("tokens", endpoint, model, "output"), written)]
        )

    def counts(self) -> Counts:
        """Return the sums of all counters."""
        with self._lock:
            sums = dict(self._counts)
        for path in self._path.parent.glob(f"*{self._path.suffix}") if self._path else ():
            if path != self._path:
                for key, count in read(path).items():
                    sums[key] = sums.get(key, 0) + count
        fields: dict[str, dict[Labels, float]] = defaultdict(dict)
        for (field, *labels), count in sums.items():
            fields[field][tuple(labels)] = count
        return Counts(
            requests=fields["requests"],
            seconds={
                (endpoint,): (
                    tuple(fields[_BUCKET].get((endpoint, bucket), 0) for bucket in _BUCKETS),
                    total,
                )
                for (endpoint,), total in fields[_SUM].items()
            },
            answers=fields["answers"],
            faults=fields["faults"],
            rate_limited=fields["rate_limited"],
            tokens=fields["tokens"],
            audio_seconds=fields["audio_seconds"],
            in_flight=sums.get(_IN_FLIGHT, 0),
        )

    @property
    def are_shared(self) -> bool:
        """Return whether the counters are those of several processes."""
        return self._path is not None

    @cached_property
    def _models(self) -> frozenset[str]:
        return frozenset(self._all_models())

    def _add(self, counted: list[tuple[Labels, float]]) -> None:
        counts = self._counts
        with self._lock:
            for key, amount in counted:
                counts[key] += amount
            if self._file is not None:
                for key, _ in counted:
                    self._file.set(key, counts[key])

    def _model(self, model: str) -> str:
        return model if not model or model in self._models else OTHER

    def _bounded(self, label: str, value: str) -> str:
        values = self._values[label]
        if value not in values:
            if len(values) >= _MAX_VALUES:
                return OTHER
            values.add(value)
        return value

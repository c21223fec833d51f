"""The metrics of OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

    from mockserver.journal.record import Record
    from mockserver.telemetry.attributes import Attributes, Value

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
_LABELS = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")
_UNKNOWN_MODEL = "model_not_found"  # an error, whose models are any texts


class Measures:
    """The instruments: duration, time to the first byte of streams, tokens."""

    def __init__(self, meter: Meter) -> None:
        self._duration = meter.create_histogram(
            "gen_ai.server.request.duration",
            "s",
            "Duration of requests, of streams to their end.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._first = meter.create_histogram(
            "gen_ai.server.time_to_first_token",
            "s",
            "Time to the first byte of streams.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of requests and answers.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    def exchange(self, found: Attributes, entry: Record) -> None:
        """Measure an exchange with the attributes ``found``, if it is one of generative AI."""
        if "gen_ai.operation.name" not in found:
            return
        labels = _labels(found)
        if entry.error == _UNKNOWN_MODEL:
            labels.pop("gen_ai.request.model", None)
        ended = {"error.type": found["error.type"]} if "error.type" in found else {}
        if entry.timing.total_ms is not None:
            self._duration.record(entry.timing.total_ms / 1000, labels | ended)
        if entry.stream_pieces and entry.timing.first_byte_ms is not None:
            self._first.record(entry.timing.first_byte_ms / 1000, labels)
        self.tokens(found)

    def tokens(self, found: Attributes) -> None:
        """Measure the tokens of an exchange or a turn with the attributes ``found``."""
        for kind in ("input", "output"):
            tokens = found.get(f"gen_ai.usage.{kind}_tokens")
            if isinstance(tokens, int):
                self._tokens.record(tokens, _labels(found) | {"gen_ai.token.type": kind})


def _labels(found: Attributes) -> dict[str, Value]:
    return {name: found[name] for name in _LABELS if name in found}

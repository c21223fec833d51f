"""The table of the AI/ML API's operations that are served."""

from __future__ import annotations

from mockserver.limits.costs import transcription_cost
from mockserver.pipeline.operation import Operation

OPERATIONS = (
    Operation(
        "create_stt",
        "POST",
        "/stt/create",
        body="either",
        schema="aimlapi/create_stt.request",
        endpoint="v1/stt/create",
        cost=transcription_cost,
        gives=frozenset({"job"}),
        reply_kinds=frozenset({"text", "segments", "words", "logprobs", "job"}),
        takes_urls=True,
        keeps_nulls=True,
        handler="stt.create_job",
    ),
    Operation("retrieve_stt", "GET", "/stt/<id>", handler="stt.retrieve_job"),
)

"""The endpoints of the AI/ML API's speech-to-text jobs."""

from __future__ import annotations

from mockserver.pipeline.handlers import routes_of
from mockserver.pipeline.operation import Operation

CREATE_STT = Operation(
    "create_stt",
    "POST",
    "/stt/create",
    body="either",
    schema="aimlapi/create_stt.request",
    endpoint="v1/stt/create",
    takes_urls=True,
    keeps_nulls=True,
)
RETRIEVE_STT = Operation("retrieve_stt", "GET", "/stt/<id>")

ROUTES = routes_of(
    __package__,
    (
        (CREATE_STT, "stt.create_job"),
        (RETRIEVE_STT, "stt.retrieve_job"),
    ),
)

"""The headers of Azure's responses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from mockserver.ids import fingerprint
from mockserver.providers.azure.deployments import deployment_of, in_header, model_of
from mockserver.providers.azure.paths import openai_path
from mockserver.providers.azure.table import azure_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mockserver.catalog.records import ModelCard
    from mockserver.catalog.tables import Catalog
    from mockserver.ids import Ids
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.provider import Headers

RESPONSES = "/responses"  # OpenAI's path
_CHATS = "/chat/completions"
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)(ms|s))?")
_COUNTED = ("requests", "tokens")
_PERIOD = "60"  # seconds after which the limits of the Responses API are renewed


class ResponseHeaders:
    """Makes the standing headers of responses: the ``full`` set, or only those that clients read."""

    def __init__(self, ids: Ids, catalog: Catalog, *, full: bool) -> None:
        self._ids = ids
        self._catalog = catalog
        self._full = full

    def of_answers(self, call: Call) -> Headers:
        """Return the headers of an endpoint's answers."""
        headers = [
            ("apim-request-id", self._ids.uuid()),
            *(azure_table().headers.items() if self._full else ()),
            ("x-ms-region", azure_table().region),
            ("x-request-id", call.request_id),
        ]
        if not (call.operation.endpoint and call.model and deployment_of(call)):
            return headers
        if openai_path(call.operation.path).startswith(RESPONSES):
            return [*self._of_responses(call, call.model), *headers]
        return [*headers, *_limits(dict(call.admission.headers)), *self._of_models(call)]

    def of_refusals(self, kind: Literal["none", "region"]) -> Headers:
        """Return the headers of refusals that do not reach an endpoint."""
        region = [("x-ms-region", azure_table().region)] if kind == "region" else []
        return [("apim-request-id", self._ids.uuid()), *region]

    def _of_models(self, call: Call) -> Iterator[tuple[str, str]]:
        if not self._full or call.model is None:
            return
        yield "azureml-model-session", _session(call.model.snapshot, call.model.created)
        yield from azure_table().model_headers.items()
        if openai_path(call.operation.path) == _CHATS:
            yield from azure_table().chat_headers.items()
        yield "x-ms-deployment-name", in_header(deployment_of(call))

    def _of_responses(self, call: Call, model: ModelCard) -> Iterator[tuple[str, str]]:
        deployment = deployment_of(call)
        if self._full:
            yield from azure_table().responses_headers.items()
        yield from _limits_with_periods(dict(call.admission.headers), in_header(deployment))
        if self._full:
            yield "azureai-fe-is-streaming", "True" if call.document.get("stream") else "False"
            yield from azure_table().offer_headers.items()
            served = model_of(self._catalog, deployment, call.account.id) or model
            yield "x-ms-served-model", served.snapshot


def _limits(limits: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the headers of limits, without the times of their resets."""
    for counted in _COUNTED:
        for fact in ("remaining", "limit"):
            name = f"x-ratelimit-{fact}-{counted}"
            if name in limits:
                yield name, limits[name]


def _limits_with_periods(limits: Mapping[str, str], deployment: str) -> Iterator[tuple[str, str]]:
    """Yield the headers of limits of the Responses API, with resets in whole seconds."""
    if limits:
        yield "x-ratelimit-key", deployment
    for counted in _COUNTED:
        prefix = "x-ratelimit-{}-" + counted
        if prefix.format("limit") not in limits:
            continue
        yield prefix.format("remaining"), limits[prefix.format("remaining")]
        yield prefix.format("reset"), str(whole_seconds(limits[prefix.format("reset")]))
        yield prefix.format("limit"), limits[prefix.format("limit")]
        yield prefix.format("renewalperiod"), _PERIOD
        if counted == "requests":
            yield "x-ratelimit-abusepenalty-active", "False"


def whole_seconds(duration: str) -> int:
    """Return the whole seconds in a duration as ``go_duration`` writes it: 1 for ``1.2s``, 0 for ``7ms``."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError(f"not a duration: {duration!r}")
    hours, minutes, number, unit = found.groups()
    seconds = float(number or 0) / (1000 if unit == "ms" else 1)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)


def _session(snapshot: str, created: int) -> str:
    """Return an ``azureml-model-session`` of a model, always the same: ``d20260129130029-90b0c3ab1d00``."""
    began = datetime.fromtimestamp(created, UTC).strftime("%Y%m%d%H%M%S")
    return f"d{began}-{(fingerprint(snapshot) + fingerprint(snapshot[::-1])[3:])[3:15]}"

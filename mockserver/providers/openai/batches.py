"""``/v1/batches``: files of requests, which are answered in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver import json_styles
from mockserver.catalog.paths import VERSION
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.batch_work.record import new_batch
from mockserver.providers.openai.pages import Paging, page
from mockserver.settings.model import PER_REQUEST

if TYPE_CHECKING:
    from collections.abc import Collection

    from mockserver.pipeline.operation import Operation
    from mockserver.providers.openai.contexts import BatchesContext

_PAGES = Paging("openai/batch_page.query", missing="batch_not_found")
_SETTINGS = tuple("x-mock-" + option.name.replace("_", "-") for option in PER_REQUEST)
_EXAMPLE_CREATED = 1_711_471_533
_EXAMPLE = {"input_file_id": "file-abc123", "endpoint": "/v1/chat/completions", "completion_window": "24h"}

Value = dict[str, Any]


def create_batch(context: BatchesContext, call: Call) -> Answer:
    """Create a batch; its input file is validated in the background."""
    body = _EXAMPLE | call.document
    if call.strict:
        _check_endpoint(context.batches.endpoints, body["endpoint"])
    headers = {name: value for name in _SETTINGS if (value := call.request.headers.get(name)) is not None}
    batch = context.batches.create(
        call.account, body, seconds=call.settings.batch_seconds, headers=headers, mount=_mount(call.operation)
    )
    return _answer(call, batch)


def list_batches(context: BatchesContext, call: Call) -> Answer:
    """Return a page of the account's batches, the latest first."""
    batches = [_visible(call, batch) for batch in context.batches.list(call.account.id)]
    body = page(context.request_schemas, call, batches, _PAGES)
    return json_answer(body, json_styles.two_spaces)


def retrieve_batch(context: BatchesContext, call: Call) -> Answer:
    """Return the current object of a batch."""
    return _answer(call, _found(call, context.batches.get(call.account.id, call.path["id"])))


def cancel_batch(context: BatchesContext, call: Call) -> Answer:
    """Cancel a batch; the answers made until then are kept."""
    batch = _found(call, context.batches.cancel(call.account.id, call.path["id"]))
    return json_answer(_visible(call, batch), json_styles.compact)


def _mount(operation: Operation) -> str:
    """Return what precedes ``/v1`` in the paths of the service: nothing at OpenAI's."""
    return operation.path.removesuffix("/batches").removesuffix(VERSION)


def _check_endpoint(served: Collection[str], endpoint: str) -> None:
    """Raise ``ApiError`` for an endpoint that takes batches in the real API, but not here."""
    if endpoint not in served:
        names = ", ".join(f"'{each}'" for each in sorted(served))
        raise ApiError("batch_endpoint_not_served", endpoint=endpoint, served=names)


def _found(call: Call, batch: Value | None) -> Value:
    if batch is None and call.strict:
        raise ApiError("batch_not_found", id=call.path["id"])
    return batch or new_batch(call.path["id"], _EXAMPLE_CREATED, _EXAMPLE)


def _visible(call: Call, batch: Value) -> Value:
    """Return the batch for clients: without nulls unless strict, by the documented schema."""
    return batch if call.strict else {name: value for name, value in batch.items() if value is not None}


def _answer(call: Call, batch: Value) -> Answer:
    return json_answer(_visible(call, batch), json_styles.two_spaces)

"""The refusals of Azure OpenAI, in its wording and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from mockserver import json_styles
from mockserver.catalog.reading import read_file
from mockserver.errors import ApiError, ErrorTable, Refusal
from mockserver.providers.azure.content_filter import blocked_prompt
from mockserver.providers.azure.deployments import azure_name, deployment_of
from mockserver.providers.azure.paths import is_foundry, is_v1, openai_path, version_of
from mockserver.providers.azure.table import azure_table
from mockserver.providers.openai import refusals

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.operation import Operation

_TABLE = Path(__file__).parents[2] / "catalog" / "azure_errors.toml"
_JSON = "application/json"
_NO_WAIT = 86_400  # seconds to wait of a refusal that no waiting helps against


class Row(Struct, frozen=True):
    """A row of ``catalog/azure_errors.toml``, which explains its columns."""

    names: tuple[str, ...]
    message: str
    code: str = ""
    status: int = 0
    form: Literal["compact", "two_spaces", "filter", "spaced"] = "compact"
    headers: Literal["none", "region", "all"] = "none"
    newer: bool = False
    wait: int = 0


class _Table(Struct, frozen=True):
    errors: tuple[Row, ...]


@cache
def _rows() -> tuple[Row, ...]:
    return read_file(_Table, _TABLE).errors


def row_of(name: str, operation: Operation) -> Row | None:
    """Return the row of an error on an operation, or ``None`` if it is sent in OpenAI's words."""
    is_newer = is_v1(operation.path) or is_foundry(operation.path)
    return next((row for row in _rows() if name in row.names and (is_newer or not row.newer)), None)


def refusal(errors: ErrorTable, error: ApiError, operation: Operation, call: Call | None) -> Refusal:
    """Return the response to ``error``; ``call`` is ``None`` until the caller is known."""
    row = row_of(error.name, operation)
    if row is None:
        return _in_openais_words(errors, error, operation, call)
    if row.wait and "retry-after" not in dict(error.headers):
        error.headers = (*error.headers, ("retry-after", str(row.wait)), ("retry-after-ms", f"{row.wait}000"))
    status = row.status or errors.rows[error.name]["status"]
    own = error.changes.get("message")
    message = row.message.format_map(_values(error, operation, call)) if own is None else own
    return Refusal(status, _body(row, message, error), _JSON, _retry_headers(error))


def _body(row: Row, message: str, error: ApiError) -> bytes:
    fields: dict[str, object] = {"code": row.code, "message": message}
    if row.form == "spaced":
        written = json_styles.compact({"error": fields})
        return written.replace(b'"message":', b'"message": ', 1)
    if row.form == "two_spaces":
        return json_styles.two_spaces({"error": {"type": "invalid_request_error", **fields}})
    if row.form == "filter":
        results = error.values.get("results") or blocked_prompt()
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results}
        fields = {"message": message, "type": None, "param": "prompt", "code": row.code, "status": 400}
        fields["innererror"] = inner
    elif row.code == "RateLimitReached":
        fields["details"] = message
    return json_styles.compact({"error": fields})


def _values(error: ApiError, operation: Operation, call: Call | None) -> Mapping[str, object]:
    """Return the values of the placeholders in messages."""
    called = azure_table().calls.get(openai_path(operation.path))
    version = version_of(call.request.query) if call else ""
    model = call.model if call else None
    own: dict[str, Any] = {
        "operation": called.limited if called else operation.name,
        "does": called.does if called else operation.name,
        "version": version or "v1",
        "counted": "call" if error.name == "rate_limit_requests" else "token",
        "seconds": dict(error.headers).get("retry-after", str(_NO_WAIT)),
        "model": azure_name(model) if model else "",
        "deployment": deployment_of(call) if call else "",
        "region": azure_table().region.replace(" ", "").lower(),
    }
    return {**error.values, **error.changes, **own}


def _retry_headers(error: ApiError) -> tuple[tuple[str, str], ...]:
    return tuple(each for each in error.headers if each[0].startswith("retry-after"))


def _in_openais_words(
    errors: ErrorTable, error: ApiError, operation: Operation, call: Call | None
) -> Refusal:
    model = call.model if call else None
    if model is not None and "model" in error.values:
        error.values["model"] = azure_name(model)
    if errors.rows[error.name]["origin"] == "gateway":
        body = json_styles.two_spaces({"error": errors.fields(error)})
        return Refusal(errors.rows[error.name]["status"], body, _JSON, _retry_headers(error))
    is_whisper = model is not None and model.error_style == "whisper"
    is_audio = operation.refuses == refusals.AUDIO
    return refusals.refusal(errors, error, operation, is_whisper=is_audio and is_whisper, newline=False)

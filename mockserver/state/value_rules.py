"""Validates values that are read from a state folder or a snapshot."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mockserver.state.blobs import named_in
from mockserver.state.layout import is_blob_id

if TYPE_CHECKING:
    from mockserver.validation.schemas import Schemas

# The path of the id in a value of each kind, which must equal the key of the value.
_IDS = {
    "audio": ("id",),
    "batch": ("batch", "id"),
    "chat_completion": ("completion", "id"),
    "conversation": ("conversation", "id"),
    "conversation_page": ("id",),
    "file": ("file", "id"),
    "realtime_client_secret": ("id",),
    "response": ("response", "id"),
    "stt_job": ("id",),
    "upload": ("upload", "id"),
    "voice": ("id",),
    "voice_consent": ("id",),
    "webhook_delivery": ("id",),
    "webhook_endpoint": ("id",),
    "webhook_fault": ("id",),
}
_MAX_DEPTH = 400  # levels of a value; deeper values can be parsed, but not written everywhere
_OUTLINE = 8  # levels that the schemas describe

Sizes = Callable[[str], int | None]


class BadValue(ValueError):
    """A value is invalid. The message gives the reason."""


class ValueRules:
    """The rules for values: a schema of ``schemas/state`` for each kind, and checks that no schema can express."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def check(self, kind: object, account: object, key: object, value: Any) -> None:
        """Raise ``BadValue`` for a value that no server can have stored."""
        if not isinstance(kind, str) or kind not in _IDS:
            shown = repr(kind[:40]) if isinstance(kind, str) else f"kind of the type {type(kind).__name__}"
            raise BadValue(f"kind: unknown {shown}. Known: {', '.join(_IDS)}")
        if _depth(value) > _MAX_DEPTH:
            raise BadValue(f"it is nested more than {_MAX_DEPTH} levels deep")
        row = {"account": account, "key": key, "value": _outline(value, _OUTLINE)}
        self._check_form(f"state/{kind}", row)
        own = value
        for name in _IDS[kind]:
            own = own[name]
        if own != key:
            raise BadValue(f"{'.'.join(_IDS[kind])}: is {own!r}, not the key {key!r}")
        if kind in _CHECKS:
            _CHECKS[kind](value)

    def _check_form(self, schema: str, row: dict[str, Any]) -> None:
        try:
            found = self._schemas.fault(schema, row)
        except ValueError as error:  # a number that the validator cannot hold
            raise BadValue(str(error)) from error
        if found is None:
            return
        place, message = (found.param or "").removeprefix("value."), found.message.replace("'value.", "'")
        raise BadValue(message[:300] if f"'{place}'" in message else f"{place}: {message[:300]}")


def check_bytes(value: dict[str, Any], size_of: Sizes) -> None:
    """Raise ``BadValue`` if a blob that a value names is missing, or has another size than the value states."""
    sizes = {blob_id: size_of(blob_id) for blob_id in named_in(value)}
    for blob_id, size in sizes.items():
        if size is None:
            raise BadValue(f"the blob {blob_id} is missing")
    for blob_id, stated in _stated_sizes(value):
        if sizes.get(blob_id) != stated:
            raise BadValue(f"the blob {blob_id} has {sizes.get(blob_id)} bytes, not {stated}")
    work = value.get("work")
    if isinstance(work, dict) and work["bytes"] > (sizes.get(work["input"]) or work["bytes"]):
        raise BadValue(f"more of the input {work['input']} was answered than it has")


def _stated_sizes(value: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the id and size (bytes) of each blob whose size the value states."""
    if "file" in value:
        yield value["blobs"][0], value["file"]["bytes"]
    for part in value.get("parts", {}).values():
        yield part["blob"], part["size"]


def _check_upload(value: dict[str, Any]) -> None:
    if [part["blob"] for part in value["parts"].values()] != value["blobs"]:
        raise BadValue("blobs: not the blobs of the parts")


def _check_batch(value: dict[str, Any]) -> None:
    batch, work = value["batch"], value["work"]
    counts = batch["request_counts"]
    if counts["completed"] + counts["failed"] > counts["total"]:
        raise BadValue("batch.request_counts: more requests are answered than there are")
    named = [each for each in (work["input"], *work["output"], *work["errors"]) if each]
    if not all(map(is_blob_id, named)):
        raise BadValue("work: names an invalid blob id")
    if value["blobs"] != named and batch["status"] not in ("completed", "failed", "expired", "cancelled"):
        raise BadValue("blobs: not the blobs of the work")


def _check_response(value: dict[str, Any]) -> None:
    work, status = value.get("background"), value["response"]["status"]
    if status in ("queued", "in_progress") and work is None:
        raise BadValue("background: an unfinished response has none")
    if work is not None and work["result"] is not None and work["result"]["id"] != value["response"]["id"]:
        raise BadValue("background.result: is another response")


_CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "batch": _check_batch,
    "response": _check_response,
    "upload": _check_upload,
}


def _depth(value: object) -> int:
    """Return the number of levels of a JSON value."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [part for each in level for part in _parts(each)]
    return depth


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        return iter(value.values())
    return iter(value) if isinstance(value, list) else iter(())


def _outline(value: Any, levels: int) -> Any:
    """Return a copy of the upper ``levels`` for the validator, which fails on deep values.

    The validator accepts ``1.0`` as an integer, unlike Python: such a number is changed to a fraction.
    """
    if isinstance(value, float) and value.is_integer():
        return math.nextafter(value, math.inf)
    if isinstance(value, dict):
        return {name: _outline(part, levels - 1) for name, part in value.items()} if levels else {}
    if isinstance(value, list):
        return [_outline(part, levels - 1) for part in value] if levels else []
    return value

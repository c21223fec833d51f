"""``/v1/uploads``: files that are uploaded in parts, which are joined when all are there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.files import check_size, example, lifetime, visible
from mockserver.state.blobs import BytesGone
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.providers.openai.contexts import FilesContext
    from mockserver.state.protocols import Blob, BlobStore, Documents

# Sizes and times are those of the API reference, Uploads.
_MAX_BYTES = 8 << 30  # bytes of an upload
_LIFETIME = 3600  # seconds in which it must be completed

_KIND = "upload"
_PIECE = 1 << 18  # bytes that are copied at a time
_EXAMPLE_CREATED = 1_686_935_002  # seconds since 1970, for uploads that do not exist

# A value of the store: the upload object, the lifetime of its file, its parts, and their blobs.
Value = dict[str, Any]


def create_upload(context: FilesContext, call: Call) -> Answer:
    """Create an upload."""
    form, now = call.document, int(context.clock.now())
    size = form.get("bytes", 0)
    purpose = form.get("purpose", "user_data")
    if call.strict and size < 0:
        message = (
            f"Invalid 'bytes': integer below minimum value. Expected a value >= 0, but got {size} instead."
        )
        raise ApiError("invalid_request", message=message, param="bytes", code="integer_below_min_value")
    if call.strict and size > _MAX_BYTES:
        raise ApiError("upload_too_large", size=size, most=_MAX_BYTES)
    if call.strict:
        check_size(purpose, size)
    upload = {
        "id": context.ids.upload_id(now),
        "object": "upload",
        "bytes": size,
        "created_at": now,
        "filename": form.get("filename", "upload"),
        "purpose": purpose,
        "status": "pending",
        "expires_at": now + _LIFETIME,
    }
    _end_expired(context, call)
    value: Value = {"upload": upload, "lifetime": lifetime(form), "parts": {}, "blobs": []}
    context.store.put(_KIND, call.account.id, upload["id"], value)
    return json_answer(upload)


def add_upload_part(context: FilesContext, call: Call) -> Answer:
    """Store a part of an upload."""
    upload_id = call.path["id"]
    received = call.streamed.files.get("data")
    if received is None:
        raise ApiError("missing_parameter", param="data")
    now = int(context.clock.now())
    part = {
        "id": context.ids.part_id(now),
        "object": "upload.part",
        "created_at": now,
        "upload_id": upload_id,
    }
    if _is_example(context.store, call):
        return json_answer(part)
    _pending(context, call)
    blob = received.keep()

    def with_part(value: Value) -> Value:
        size = blob.size + sum(each["size"] for each in value["parts"].values())
        if call.strict and size > value["upload"]["bytes"]:
            raise ApiError("upload_parts_exceed", id=upload_id, size=size, most=value["upload"]["bytes"])
        parts = value["parts"] | {part["id"]: {"blob": blob.id, "size": blob.size}}
        return value | {"parts": parts, "blobs": [*value["blobs"], blob.id]}

    try:
        _change(context, call, with_part)
    except (ApiError, StateFailed):
        context.blobs.delete(blob.id)
        raise
    return json_answer(part)


def complete_upload(context: FilesContext, call: Call) -> Answer:
    """Join the parts in the requested order, and make a file of them."""
    if _is_example(context.store, call):
        return json_answer(_example(call, "completed"))
    value = _pending(context, call)
    parts = _parts_in_order(call, value)
    size = sum(part["size"] for part in parts)
    if call.strict and size != value["upload"]["bytes"]:
        raise ApiError("upload_incomplete", size=size, most=value["upload"]["bytes"])
    upload = value["upload"]
    try:
        blob = _joined(context.blobs, parts, call.document.get("md5"))
    except BytesGone:  # another request has completed or cancelled the upload
        _pending(context, call)
        raise ApiError("storage_failed", reason="the bytes of a part are gone") from None
    file = context.files.add(
        call.account.id,
        blob,
        filename=upload["filename"],
        purpose=upload["purpose"],
        lifetime=value["lifetime"],
    )
    completed = {"status": "completed", "file": visible(call, file)}
    try:
        changed = _change(context, call, lambda value: _ended(value, completed))
    except (
        ApiError,
        StateFailed,
    ):  # another request has completed or cancelled the upload, or the disk fails
        context.files.remove(call.account.id, file["id"])
        raise
    return json_answer(changed["upload"])


def cancel_upload(context: FilesContext, call: Call) -> Answer:
    """Cancel an upload."""
    if _is_example(context.store, call):
        return json_answer(_example(call, "cancelled"))
    return json_answer(_change(context, call, lambda value: _ended(value, {"status": "cancelled"}))["upload"])


def _is_example(store: Documents, call: Call) -> bool:
    """Return whether the upload does not exist, and strictness ``schema`` answers with an example."""
    return not call.strict and store.get(_KIND, call.account.id, call.path["id"]) is None


def _example(call: Call, status: str) -> dict[str, Any]:
    """Return the example that is answered for an upload that does not exist."""
    upload = {
        "id": call.path["id"],
        "object": "upload",
        "bytes": 0,
        "created_at": _EXAMPLE_CREATED,
        "filename": "example",
        "purpose": "user_data",
        "status": status,
        "expires_at": _EXAMPLE_CREATED + _LIFETIME,
    }
    return upload | ({"file": example("file-example")} if status == "completed" else {})


def _pending(context: FilesContext, call: Call) -> Value:
    """Return the upload of a call. Raises ``ApiError`` unless it exists and is pending."""
    _end_expired(context, call)
    value = context.store.get(_KIND, call.account.id, call.path["id"])
    if value is None:
        raise ApiError("upload_not_found", id=call.path["id"])
    _check_pending(value)
    return value


def _change(context: FilesContext, call: Call, change: Callable[[Value], Value]) -> Value:
    """Change a pending upload, and return it. Raises ``ApiError`` and the exceptions of ``change``."""
    _end_expired(context, call)

    def change_pending(value: Value) -> Value:
        _check_pending(value)
        return change(value)

    changed = context.store.update(_KIND, call.account.id, call.path["id"], change_pending)
    if changed is None:
        raise ApiError("upload_not_found", id=call.path["id"])
    return changed


def _check_pending(value: Value) -> None:
    upload = value["upload"]
    if upload["status"] != "pending":
        raise ApiError("upload_not_pending", id=upload["id"], status=upload["status"])


def _ended(value: Value, changes: dict[str, Any]) -> Value:
    """Return an upload that has ended, with ``changes`` to its object and without its parts."""
    return value | {"upload": value["upload"] | changes, "parts": {}, "blobs": []}


def _end_expired(context: FilesContext, call: Call) -> None:
    """End the account's uploads that have expired."""
    now = context.clock.now()
    for value in context.store.values(_KIND, call.account.id):
        upload = value["upload"]
        if upload["status"] == "pending" and upload["expires_at"] <= now:
            context.store.update(
                _KIND, call.account.id, upload["id"], lambda value: _ended(value, {"status": "expired"})
            )


def _parts_in_order(call: Call, value: Value) -> list[Value]:
    parts: dict[str, Value] = {}
    for part_id in call.document.get("part_ids", ()):
        if part_id not in value["parts"]:
            raise ApiError("upload_part_not_found", id=value["upload"]["id"], part=part_id)
        if part_id in parts:
            raise ApiError("upload_part_twice", part=part_id)
        parts[part_id] = value["parts"][part_id]
    return list(parts.values())


def _joined(blobs: BlobStore, parts: list[Value], md5: str | None) -> Blob:
    """Join the bytes of all parts in one blob, and return it. Raises ``ApiError`` unless their MD5 is ``md5``."""
    found = hashlib.md5(usedforsecurity=False)
    with blobs.writer() as writer:
        for part in parts:
            with blobs.open(part["blob"]) as file:
                while piece := file.read(_PIECE):
                    writer.write(piece)
                    found.update(piece)
        if md5 is not None and found.hexdigest() != md5.lower():
            raise ApiError("upload_wrong_md5", found=found.hexdigest(), given=md5)
        return writer.commit()

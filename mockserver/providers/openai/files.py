"""``/v1/files``: files that clients upload, and the result files of batches."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.pages import Paging, page
from mockserver.resources import FileBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.providers.openai.contexts import FilesContext
    from mockserver.state.files import FileObject, Files

log = logging.getLogger(__name__)

_MAX_BATCH_BYTES = 200 << 20  # Source: API reference, Upload file.

# Purposes of files that cannot be downloaded. Source: refusals that users published (assistants, user_data).
_NOT_DOWNLOADABLE = ("assistants", "user_data", "vision")
_PAGES = Paging(
    "openai/file_page.query", missing="file_not_found", ends_with=("has_more", "first_id", "last_id")
)
# Purposes of files with names that must end in .jsonl, and the name of their service in refusals.
_JSONL_SERVICES = {"batch": "Batch", "fine-tune": "Fine-Tuning"}


def create_file(context: FilesContext, call: Call) -> Answer:
    """Store an uploaded file."""
    received = call.streamed.files.get("file")
    if received is None:
        raise ApiError("missing_parameter", param="file")
    purpose = str(call.document.get("purpose", "user_data"))
    check_size(purpose, received.size)
    if call.strict:
        _check_name(purpose, received.name)
    file = context.files.add(
        call.account.id,
        received.keep(),
        filename=received.name or "upload",
        purpose=purpose,
        lifetime=lifetime(call.document),
    )
    return json_answer(visible(call, file))


def list_files(context: FilesContext, call: Call) -> Answer:
    """Return a page of the account's files."""
    files = context.files.list(call.account.id)
    purpose = call.request.query.get("purpose")
    found = [visible(call, file) for file in files if purpose in (None, file["purpose"])]
    return json_answer(page(context.request_schemas, call, found, _PAGES))


def retrieve_file(context: FilesContext, call: Call) -> Answer:
    """Return the object of a file."""
    return json_answer(visible(call, _found(context.files, call)))


def delete_file(context: FilesContext, call: Call) -> Answer:
    """Delete a file."""
    file_id = call.path["id"]
    if not context.files.remove(call.account.id, file_id) and call.strict:
        raise ApiError("file_not_found", id=file_id)
    return json_answer({"object": "file", "deleted": True, "id": file_id})


def download_file(context: FilesContext, call: Call) -> Answer:
    """Return the bytes of a file."""
    file = _found(context.files, call)
    if file["purpose"] in _NOT_DOWNLOADABLE and call.strict:
        raise ApiError("file_not_downloadable", purpose=file["purpose"])
    opened: BinaryIO
    try:
        opened = context.files.open(call.account.id, file["id"])
    except KeyError:  # an example, or deleted in the meantime
        if call.strict:
            raise ApiError("file_not_found", id=file["id"]) from None
        opened, file = io.BytesIO(), example(file["id"])
    headers = (
        ("content-disposition", _disposition(file["filename"])),
        ("content-length", str(file["bytes"])),
    )
    return Answer(_whole(opened, file), "application/octet-stream", headers=headers)


def _whole(opened: BinaryIO, file: FileObject) -> FileBody:
    """Return the bytes of a file in pieces. Raises ``ApiError`` if there are more or fewer than its object says.

    Iterating raises ``OSError`` if the file turns out to be shorter, which ends the connection: the client would wait.
    """
    size = opened.seek(0, io.SEEK_END)
    if size != file["bytes"]:
        opened.close()
        reason = f"{file['id']} has {size} bytes in place of {file['bytes']}"
        log.error("%s. Remove the file, and upload it again.", reason)
        raise ApiError("storage_failed", reason=reason)
    return FileBody(opened)


def visible(call: Call, file: FileObject) -> FileObject:
    """Return the file object for clients: without nulls unless strict, by the documented schema."""
    return file if call.strict else {name: value for name, value in file.items() if value is not None}


def example(file_id: str) -> FileObject:
    """Return the file object that strictness ``schema`` answers for an unknown id; the file is empty."""
    return {
        "object": "file",
        "id": file_id,
        "purpose": "user_data",
        "filename": "example",
        "bytes": 0,
        "created_at": 1_686_935_002,
        "status": "processed",
    }


def lifetime(document: Mapping[str, Any]) -> int | None:
    """Return the seconds after which the file of a request expires; ``None`` for never."""
    seconds: int | None = (document.get("expires_after") or {}).get("seconds")
    return seconds


def check_size(purpose: str, size: int) -> None:
    """Raise ``ApiError`` for a file that is too large for its purpose."""
    if purpose == "batch" and size > _MAX_BATCH_BYTES:
        raise ApiError("batch_file_too_large", size=size, most=_MAX_BATCH_BYTES)


def _check_name(purpose: str, name: str) -> None:
    """Raise ``ApiError`` for a name that does not end in ``.jsonl`` if the purpose requires it."""
    if purpose in _JSONL_SERVICES and not name.lower().endswith(".jsonl"):
        raise ApiError("file_wrong_format", service=_JSONL_SERVICES[purpose])


def _disposition(name: str) -> str:
    quoted = quote(name, safe=" !#$&'()+,;=@[]^`{}~")
    return (
        f'attachment; filename="{name}"' if quoted == name else f"attachment; filename*=UTF-8''{quote(name)}"
    )


def _found(files: Files, call: Call) -> FileObject:
    file_id = call.path["id"]
    file = files.get(call.account.id, file_id)
    if file is None and call.strict:
        raise ApiError("file_not_found", id=file_id)
    return file or example(file_id)

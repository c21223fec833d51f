"""``/v1/files``: files that a client leaves with the server, and those that a batch makes."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from werkzeug.wsgi import ClosingIterator

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.pages import Paging, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mockserver.providers.openai.contexts import FilesContext
    from mockserver.state.files import FileObject, Files

log = logging.getLogger(__name__)

_BATCH_MOST = 200 << 20  # bytes. Source: API reference, Upload file.

# Purposes whose files are not given back. Source: refusals as users published them (assistants, user_data).
_NOT_GIVEN_BACK = ("assistants", "user_data", "vision")
_PAGES = Paging(
    "openai/file_page.query", missing="file_not_found", ends_with=("has_more", "first_id", "last_id")
)
# Purposes whose files must have names that end in .jsonl, and what the refusal calls their service.
_LINES_FOR = {"batch": "Batch", "fine-tune": "Fine-Tuning"}
_PIECE = 1 << 16  # bytes that are read at a time


def create_file(context: FilesContext, call: Call) -> Answer:
    """Keeps an uploaded file."""
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
    return json_answer(told(call, file))


def list_files(context: FilesContext, call: Call) -> Answer:
    """The account's files, a page of them."""
    files = context.files.list(call.account.id)
    purpose = call.request.query.get("purpose")
    found = [told(call, file) for file in files if purpose in (None, file["purpose"])]
    return json_answer(page(context.request_schemas, call, found, _PAGES))


def retrieve_file(context: FilesContext, call: Call) -> Answer:
    """What is known of a file."""
    return json_answer(told(call, _found(context.files, call)))


def delete_file(context: FilesContext, call: Call) -> Answer:
    """Forgets a file."""
    file_id = call.path["id"]
    if not context.files.remove(call.account.id, file_id) and call.strict:
        raise ApiError("file_not_found", id=file_id)
    return json_answer({"object": "file", "deleted": True, "id": file_id})


def download_file(context: FilesContext, call: Call) -> Answer:
    """The bytes of a file, as they came."""
    file = _found(context.files, call)
    if file["purpose"] in _NOT_GIVEN_BACK and call.strict:
        raise ApiError("file_not_downloadable", purpose=file["purpose"])
    opened: BinaryIO
    try:
        opened = context.files.open(call.account.id, file["id"])
    except KeyError:  # an example, or deleted just now
        if call.strict:
            raise ApiError("file_not_found", id=file["id"]) from None
        opened, file = io.BytesIO(), example(file["id"])
    headers = (("content-disposition", _attached(file["filename"])), ("content-length", str(file["bytes"])))
    return Answer(_whole(opened, file), "application/octet-stream", headers=headers)


def _whole(opened: BinaryIO, file: FileObject) -> Iterator[bytes]:
    """The bytes of a file, piece by piece. Raises ``ApiError`` where there are not as many as it says.

    Raises ``OSError``, which ends the connection, where that shows while they are sent: the client would wait.
    """
    size = opened.seek(0, io.SEEK_END)
    if size != file["bytes"]:
        opened.close()
        reason = f"of the {file['bytes']} bytes of {file['id']} there are {size}"
        log.error("%s. Remove the file, and upload it again.", reason)
        raise ApiError("storage_failed", reason=reason)
    opened.seek(0)
    return ClosingIterator(_pieces(opened, size), opened.close)


def _pieces(opened: BinaryIO, left: int) -> Iterator[bytes]:
    while left:
        piece = opened.read(min(_PIECE, left))
        if not piece:
            raise OSError(f"{opened.name} ends {left} bytes early")
        left -= len(piece)
        yield piece


def told(call: Call, file: FileObject) -> FileObject:
    """A file object as it is answered: the documented schema, unlike the real API, has no nulls."""
    return file if call.strict else {name: value for name, value in file.items() if value is not None}


def example(file_id: str) -> FileObject:
    """Return the file object that strictness ``schema`` answers for an id that it does not know; the file is empty."""
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
    """Seconds after which the file that a request asks for shall expire."""
    seconds: int | None = (document.get("expires_after") or {}).get("seconds")
    return seconds


def check_size(purpose: str, size: int) -> None:
    """Raises ``ApiError`` where files of a purpose may not be as large as others."""
    if purpose == "batch" and size > _BATCH_MOST:
        raise ApiError("batch_file_too_large", size=size, most=_BATCH_MOST)


def _check_name(purpose: str, name: str) -> None:
    """Raise ``ApiError`` for a file whose name does not say that it has lines of JSON, where its purpose needs them."""
    if purpose in _LINES_FOR and not name.lower().endswith(".jsonl"):
        raise ApiError("file_wrong_format", service=_LINES_FOR[purpose])


def _attached(name: str) -> str:
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

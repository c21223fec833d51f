"""Parses multipart forms while they arrive, so that their files are never in memory as a whole.

``receive`` writes files to blobs, which can be kept; ``receive_audio`` writes them to a temporary file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from mockserver.audio.content import ContentWriter, Spool
from mockserver.audio.uploads import FilePart
from mockserver.errors import ApiError
from mockserver.state.disk import StateFailed
from mockserver.transport import forms
from mockserver.transport.bodies import LARGE, ClientGone, Readable, drain, refuse_beyond
from mockserver.transport.forms import Form, MultipartError

if TYPE_CHECKING:
    from mockserver.audio.decode import ClipFacts
    from mockserver.state.protocols import Blob, BlobStore, BlobWriter
    from mockserver.transport.bodies import UploadSlot

log = logging.getLogger(__name__)

_PIECE = 1 << 18  # bytes per read
_MAX_FIELDS = 1 << 20  # bytes of fields and of the headers of all parts


class Writer(Protocol):
    """The target of the bytes of a file."""

    def write(self, piece: memoryview) -> None:
        """Append bytes."""
        ...


# Arguments: the part's name, the file's name (``None`` if the part is a field) and the content type.
BeginFile = Callable[[str, str | None, str], Writer]


class FileField(Struct, frozen=True):
    """The file of a streamed form: the ``name`` of its part and its maximum size.

    A larger file is refused with ``error``, a row of ``catalog/errors.toml``.
    """

    name: str
    max_bytes: int
    error: str


class ReceivedFile(Struct):
    """A received file of a form, as it was sent. It is not decoded: it need not be audio."""

    place: str
    name: str
    content_type: str
    writer: BlobWriter

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.writer.size

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the file, in hex."""
        return self.writer.sha256

    @property
    def facts(self) -> ClipFacts:
        """Raise ``UndecodableAudio``: the file is not decoded."""
        from mockserver.audio.decode import UndecodableAudio

        raise UndecodableAudio("a file that is kept is not decoded")

    def keep(self) -> Blob:
        """Keep the file beyond the request, and return its blob."""
        return self.writer.commit()


class StreamedForm(Struct):
    """The parts of a form. A context manager, which deletes the files that were not kept."""

    fields: list[tuple[str, str]] = []
    files: dict[str, ReceivedFile] = {}
    _opened: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> StreamedForm:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def open(self, blobs: BlobStore, place: str, name: str | None, content_type: str) -> BlobWriter:
        """Return a writer for a file; the last file of a part's name (``place``) wins."""
        writer = self._opened.enter_context(blobs.writer())
        self.files[place] = ReceivedFile(place, name or "", content_type, writer)
        return writer


def receive(
    form: StreamedForm,
    blobs: BlobStore,
    stream: Readable,
    length: int | None,
    content_type: str,
    file_field: FileField,
) -> None:
    """Read a ``multipart/form-data`` body of ``length`` bytes (``None``: in chunks) into ``form``.

    A part is a file if it has a filename, or the name of ``file_field``. Raises ``MultipartError`` as
    ``forms.parse_multipart`` does, and for more than 1 MiB of fields; ``ApiError`` for a file that is too large;
    ``StateFailed`` if the disk fails; ``ClientGone`` if the client leaves. The rest of a refused body is read and
    dropped.
    """
    if length is not None and length > file_field.max_bytes + _MAX_FIELDS:
        drain(stream, length)
        raise ApiError(file_field.error, most=file_field.max_bytes, size=length)
    refuse_beyond(
        stream,
        file_field.max_bytes + _MAX_FIELDS,
        lambda size: ApiError(file_field.error, most=file_field.max_bytes, size=size),
    )
    parts = _Parts(file_field, partial(form.open, blobs), _refuse_large)
    form.fields = parts.fields
    _read_all(parts, stream, length, content_type)


def receive_audio(
    stream: Readable, length: int | None, content_type: str, audio_field: str, limit: int, slot: UploadSlot
) -> Form:
    """Read a ``multipart/form-data`` body of at most ``limit`` bytes, and write its files to one temporary file.

    The fields stay in memory, and take ``slot`` if they are large. Returns the same as ``forms.parse_multipart``, and
    raises the same as that and ``BodyReader.read``.
    """
    if length is not None and length > limit:
        drain(stream, length)
        raise ApiError("body_too_large", limit=limit, read=length)
    refuse_beyond(stream, limit, lambda size: ApiError("body_too_large", limit=limit, read=size))
    try:
        files = _FilesOnDisk()
        parts = _Parts(FileField(audio_field, limit, ""), files.begin, partial(_reserve, slot, limit))
        _read_all(parts, stream, length, content_type, limit)
    except ClientGone:
        raise
    except OSError as error:
        log.error("Cannot write an upload to a temporary file: %s", error)
        raise ApiError("overloaded", reason=f"The upload cannot be stored: {error.strerror}.") from error
    return Form(parts.fields, files.parts())


def _read_all(
    parts: _Parts, stream: Readable, length: int | None, content_type: str, limit: int | None = None
) -> None:
    """Parse a body into ``parts``. The rest of a refused body is read and dropped, up to ``limit``."""
    read = 0
    try:
        parse = _parser(forms.boundary_of(content_type), parts)
        while piece := _next_piece(stream, length, read):
            read += len(piece)
            if limit is not None and read > limit:
                raise ApiError("body_too_large", limit=limit, read=read)
            parse(piece)
    except ClientGone:
        raise
    except (ApiError, MultipartError, OSError, StateFailed) as error:
        read += _skip(stream, length, read, limit)
        if limit is not None and read > limit:
            raise ApiError("body_too_large", limit=limit, read=read) from error
        raise
    parts.check_complete()


def _skip(stream: Readable, length: int | None, read: int, limit: int | None) -> int:
    """Read and drop the rest of a body, at least up to ``limit``. Return the number of bytes."""
    skipped = 0
    while (
        limit is not None
        and read + skipped <= limit
        and (piece := _next_piece(stream, length, read + skipped))
    ):
        skipped += len(piece)
    return skipped + drain(stream, None if length is None else length - read - skipped)


def _next_piece(stream: Readable, length: int | None, read: int) -> bytes:
    left = _PIECE if length is None else min(_PIECE, length - read)
    if not left:
        return b""
    try:
        piece = stream.read(left)
    except (OSError, ValueError) as error:  # servers differ in this
        raise ClientGone(str(error)) from error
    if not piece and length is not None:
        raise ClientGone(f"{read} of {length} bytes arrived")
    return piece


class _Parts:
    """The parts of a form, from the callbacks of a parser that gets the body in pieces."""

    def __init__(self, file_field: FileField, begin_file: BeginFile, admit: Callable[[int], None]) -> None:
        """``begin_file`` returns the writer of a file; ``admit`` gets the size of all fields and may refuse it."""
        self.fields: list[tuple[str, str]] = []
        self._file_field = file_field
        self._begin_file = begin_file
        self._admit = admit
        self._count = self._files = self._fields = 0  # number of parts, bytes of files, bytes of the rest
        self._header: tuple[bytearray, bytearray] = bytearray(), bytearray()
        self._headers: dict[str, str] = {}
        self._field = ("", bytearray())
        self._writer: Writer | None = None
        self._ended = False  # by a part without a readable name
        self._complete = False

    def begin(self) -> None:
        self._count += 1
        if self._count > forms.MAX_PARTS:
            raise MultipartError(f"more than {forms.MAX_PARTS} parts")
        self._headers = {}

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._bounded(end - start)
        self._header[0].extend(data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._bounded(end - start)
        self._header[1].extend(data[start:end])

    def header_end(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = value.decode("utf-8", "replace")
        self._header = bytearray(), bytearray()

    def headers_end(self) -> None:
        options = forms.part_options(self._headers)
        name = options.get("name")
        self._writer = None
        if self._ended or name is None:
            self._ended = True
            return
        self._field = (name, bytearray())
        if "filename" in options or name == self._file_field.name:
            content_type = self._headers.get("content-type", "")
            self._writer = self._begin_file(name, options.get("filename"), content_type)

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._ended:
            return
        if self._writer is None:
            self._bounded(end - start)
            self._field[1].extend(data[start:end])
            return
        self._files += end - start
        if self._files > self._file_field.max_bytes:
            raise ApiError(self._file_field.error, most=self._file_field.max_bytes, size=self._files)
        self._writer.write(memoryview(data)[start:end])

    def end(self) -> None:
        if self._writer is None and not self._ended:
            name, text = self._field
            self.fields.append((name, forms.text_of(name, bytes(text))))

    def finish(self) -> None:
        self._complete = True

    def check_complete(self) -> None:
        forms.check_complete(self._complete, self._count)

    def _bounded(self, count: int) -> None:
        self._fields += count
        self._admit(self._fields)


def _refuse_large(count: int) -> None:
    if count > _MAX_FIELDS:
        raise MultipartError(f"more than {_MAX_FIELDS} bytes of fields")


def _reserve(slot: UploadSlot, limit: int, count: int) -> None:
    if count > LARGE:
        slot.take(limit)  # the total size is unknown


class _FilesOnDisk:
    """The files of a form, in one temporary file."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._begun: dict[str, tuple[str | None, str, ContentWriter]] = {}

    def begin(self, place: str, name: str | None, content_type: str) -> ContentWriter:
        """Return a writer for a file; the last file of a part's name (``place``) wins."""
        writer = ContentWriter(self._spool)
        self._begun[place] = name, content_type, writer
        return writer

    def parts(self) -> dict[str, FilePart]:
        """Return the complete files by the names of their parts."""
        return {
            place: FilePart(name or "", content_type, writer.content(), is_field=name is None)
            for place, (name, content_type, writer) in self._begun.items()
        }


def _parser(boundary: bytes, parts: _Parts) -> Callable[[bytes], None]:
    return forms.multipart_parser(
        boundary,
        {
            "on_part_begin": parts.begin,
            "on_header_field": parts.header_name,
            "on_header_value": parts.header_value,
            "on_header_end": parts.header_end,
            "on_headers_finished": parts.headers_end,
            "on_part_data": parts.data,
            "on_part_end": parts.end,
            "on_end": parts.finish,
        },
    )

"""Multipart forms that are taken apart while they arrive: their files never are in memory as a whole.

The file of some is kept (``receive``), that of others is to be listened to and waits on disk (``receive_audio``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from mockserver.audio.content import ContentWriter, Spool
from mockserver.audio.uploads import FilePart
from mockserver.errors import ApiError
from mockserver.state.disk import StateFailed
from mockserver.transport import forms
from mockserver.transport.bodies import LARGE, ClientGone, Readable, drain, refuse_beyond
from mockserver.transport.forms import Form, MultipartError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

    from mockserver.audio.decode import ClipFacts
    from mockserver.state.blobs import Blob, Blobs, BlobWriter
    from mockserver.transport.bodies import UploadSlot

log = logging.getLogger(__name__)

_PIECE = 1 << 18  # bytes that are read at a time
_MAX_FIELDS = 1 << 20  # bytes of what is no file, and of the parts' heads


class Writer(Protocol):
    """Where the bytes of a file go."""

    def write(self, piece: memoryview) -> None:
        """Add bytes."""
        ...


# Given the name of the part, of the file (``None`` where the part is a field) and the content type.
BeginFile = Callable[[str, str | None, str], Writer]


@dataclass(frozen=True, slots=True)
class FileField:
    """What a streamed form carries: the ``name`` of its file, the ``most`` bytes that it may have.

    A larger one is refused with ``error``, a row of ``catalog/errors.toml``.
    """

    name: str
    most: int
    error: str


@dataclass(slots=True)
class ReceivedFile:
    """A file that came with a form, as it was sent. Nobody looks into it: it need not be audio."""

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

        raise UndecodableAudio("a file that is kept is not listened to")

    def keep(self) -> Blob:
        """Keep the bytes beyond the request."""
        return self.writer.commit()


@dataclass(slots=True)
class StreamedForm:
    """The parts of a form. What is not kept of its files is forgotten when it is closed. A context manager."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, ReceivedFile] = field(default_factory=dict)
    _opened: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> StreamedForm:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def open(self, blobs: Blobs, place: str, name: str | None, content_type: str) -> BlobWriter:
        """Begin a file; the last of a place wins."""
        writer = self._opened.enter_context(blobs.writer())
        self.files[place] = ReceivedFile(place, name or "", content_type, writer)
        return writer


def receive(
    form: StreamedForm,
    blobs: Blobs,
    stream: Readable,
    length: int | None,
    content_type: str,
    file_field: FileField,
) -> None:
    """Read a ``multipart/form-data`` body of ``length`` bytes (``None``: in chunks) into ``form``.

    A part is a file when it has a filename, or the name of ``file_field``. Raises ``MultipartError`` as
    ``forms.parse_multipart`` does, and beyond 1 MiB of fields; ``ApiError``, the rest of the body being read
    and forgotten, for a file that is too large; ``StateFailed``, too, where the disk does not take it;
    ``ClientGone`` when the body breaks off.
    """
    if length is not None and length > file_field.most + _MAX_FIELDS:
        drain(stream, length)
        raise ApiError(file_field.error, most=file_field.most, size=length)
    refuse_beyond(
        stream,
        file_field.most + _MAX_FIELDS,
        lambda size: ApiError(file_field.error, most=file_field.most, size=size),
    )
    parts = _Parts(file_field, partial(form.open, blobs), _refuse_many)
    form.fields = parts.fields
    _read_all(parts, stream, length, content_type)


def receive_audio(
    stream: Readable, length: int | None, content_type: str, audio_field: str, limit: int, slot: UploadSlot
) -> Form:
    """Read a ``multipart/form-data`` body of at most ``limit`` bytes, whose files are put into one on disk.

    What is no file stays in memory, and takes ``slot`` if it is large. Returns what ``forms.parse_multipart`` returns,
    and raises what that and ``BodyReader.read`` raise.
    """
    if length is not None and length > limit:
        drain(stream, length)
        raise ApiError("body_too_large", limit=limit, read=length)
    refuse_beyond(stream, limit, lambda size: ApiError("body_too_large", limit=limit, read=size))
    try:
        files = _FilesOnDisk()
        parts = _Parts(FileField(audio_field, limit, ""), files.begin, partial(_make_room, slot, limit))
        _read_all(parts, stream, length, content_type, limit)
    except ClientGone:
        raise
    except OSError as error:
        log.error("An upload cannot be put into a temporary file: %s", error)
        raise ApiError("overloaded", reason=f"The upload cannot be stored: {error.strerror}.") from error
    return Form(parts.fields, files.parts())


def _read_all(
    parts: _Parts, stream: Readable, length: int | None, content_type: str, limit: int | None = None
) -> None:
    """Feed ``parts`` a body; the rest of one that is refused is read and dropped, up to ``limit``."""
    read = 0
    try:
        write = _parser(forms.boundary_of(content_type), parts)
        while piece := _next_piece(stream, length, read):
            read += len(piece)
            if limit is not None and read > limit:
                raise ApiError("body_too_large", limit=limit, read=read)
            write(piece)
    except ClientGone:
        raise
    except (ApiError, MultipartError, OSError, StateFailed) as error:
        read += _skip(stream, length, read, limit)
        if limit is not None and read > limit:
            raise ApiError("body_too_large", limit=limit, read=read) from error
        raise
    parts.check_complete()


def _skip(stream: Readable, length: int | None, read: int, limit: int | None) -> int:
    """Read and drop what is left of a body, at least up to ``limit``. Return its bytes."""
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
    except (OSError, ValueError) as error:  # the servers that can host the app differ in this
        raise ClientGone(str(error)) from error
    if not piece and length is not None:
        raise ClientGone(f"{read} of {length} bytes came")
    return piece


class _Parts:
    """Takes what the parser finds, in pieces."""

    def __init__(self, file_field: FileField, begin_file: BeginFile, admit: Callable[[int], None]) -> None:
        """``begin_file`` is where a file goes; ``admit`` may refuse that what is no file has so many bytes."""
        self.fields: list[tuple[str, str]] = []
        self._file_field = file_field
        self._begin_file = begin_file
        self._admit = admit
        self._count = self._files = self._fields = 0  # how many parts, and bytes of files and of the rest
        self._header: tuple[bytearray, bytearray] = bytearray(), bytearray()
        self._headers: dict[str, str] = {}
        self._field = ("", bytearray())
        self._writer: Writer | None = None
        self._ended = False  # by a part whose name cannot be read
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
        if self._files > self._file_field.most:
            raise ApiError(self._file_field.error, most=self._file_field.most, size=self._files)
        self._writer.write(memoryview(data)[start:end])

    def end(self) -> None:
        if self._writer is None and not self._ended:
            name, text = self._field
            self.fields.append((name, forms.text_of(name, bytes(text))))

    def finish(self) -> None:
        self._complete = True

    def check_complete(self) -> None:
        if not self._complete:
            raise MultipartError("the body ends before its closing boundary")
        if not self._count:
            raise MultipartError("the form has no parts")

    def _bounded(self, count: int) -> None:
        self._fields += count
        self._admit(self._fields)


def _refuse_many(count: int) -> None:
    if count > _MAX_FIELDS:
        raise MultipartError(f"more than {_MAX_FIELDS} bytes that are no file")


def _make_room(slot: UploadSlot, limit: int, count: int) -> None:
    if count > LARGE:
        slot.take(limit)  # how much comes is not known


class _FilesOnDisk:
    """The files of one form, in one temporary file."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._begun: dict[str, tuple[str | None, str, ContentWriter]] = {}

    def begin(self, place: str, name: str | None, content_type: str) -> ContentWriter:
        """Begin a file; the last of a place wins."""
        writer = ContentWriter(self._spool)
        self._begun[place] = name, content_type, writer
        return writer

    def parts(self) -> dict[str, FilePart]:
        """Return the files by their places, once they are complete."""
        return {
            place: FilePart(name or "", content_type, writer.content(), is_field=name is None)
            for place, (name, content_type, writer) in self._begun.items()
        }


def _parser(boundary: bytes, parts: _Parts) -> Callable[[bytes], object]:
    """Return the parser that takes the body in pieces. Raises ``MultipartError`` as well as what ``parts`` raise."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser

    callbacks: MultipartCallbacks = {
        "on_part_begin": parts.begin,
        "on_header_field": parts.header_name,
        "on_header_value": parts.header_value,
        "on_header_end": parts.header_end,
        "on_headers_finished": parts.headers_end,
        "on_part_data": parts.data,
        "on_part_end": parts.end,
        "on_end": parts.finish,
    }
    try:
        parser = MultipartParser(
            boundary, callbacks, max_header_count=forms.MAX_HEADERS, max_header_size=forms.MAX_HEADER
        )
    except FormParserError as error:  # a boundary that is too long
        raise MultipartError(str(error)) from error

    def write(piece: bytes) -> None:
        try:
            parser.write(piece)
        except FormParserError as error:
            raise MultipartError(str(error)) from error

    return write

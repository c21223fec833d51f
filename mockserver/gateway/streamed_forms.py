"""Multipart forms whose file is kept while it arrives: piece by piece, never as a whole in memory."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mockserver.gateway import forms
from mockserver.gateway.body import ClientGone, Readable, drain
from mockserver.gateway.errors import ApiError
from mockserver.gateway.forms import MultipartError
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from python_multipart.multipart import MultipartCallbacks

    from mockserver.audio.decode import ClipFacts
    from mockserver.state.blobs import Blob, Blobs, BlobWriter

_PIECE = 1 << 18  # bytes that are read at a time
_MAX_FIELDS = 1 << 20  # bytes of what is no file, and of the parts' heads


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
        """Bytes."""
        return self.writer.size

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, in hex."""
        return self.writer.sha256

    @property
    def facts(self) -> ClipFacts:
        """Raises ``UndecodableAudio``: nobody listens to it."""
        from mockserver.audio.decode import UndecodableAudio

        raise UndecodableAudio("a file that is kept is not listened to")

    def keep(self) -> Blob:
        """Keeps the bytes beyond the request."""
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

    def open(self, blobs: Blobs, place: str, name: str, content_type: str) -> BlobWriter:
        """Begins a file; the last of a place wins."""
        writer = self._opened.enter_context(blobs.writer())
        self.files[place] = ReceivedFile(place, name, content_type, writer)
        return writer


def receive(
    form: StreamedForm,
    blobs: Blobs,
    stream: Readable,
    length: int | None,
    content_type: str,
    file_field: FileField,
) -> None:
    """Reads a ``multipart/form-data`` body of ``length`` bytes (``None``: in chunks) into ``form``.

    A part is a file when it has a filename, or the name of ``file_field``. Raises ``MultipartError`` as
    ``forms.parse_multipart`` does, and beyond 1 MiB of fields; ``ApiError``, the rest of the body being read
    and forgotten, for a file that is too large; ``StateFailed``, too, where the disk does not take it;
    ``ClientGone`` when the body breaks off.
    """
    if length is not None and length > file_field.most + _MAX_FIELDS:
        drain(stream, length)
        raise ApiError(file_field.error, most=file_field.most, size=length)
    parts = _Parts(form, blobs, file_field)
    write = _parser(forms.boundary_of(content_type), parts)
    read = 0
    while piece := _next_piece(stream, length, read):
        read += len(piece)
        try:
            write(piece)
        except (ApiError, MultipartError, StateFailed):
            drain(stream, None if length is None else length - read)
            raise
    parts.check_complete()


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

    def __init__(self, form: StreamedForm, blobs: Blobs, file_field: FileField) -> None:
        self._form = form
        self._blobs = blobs
        self._file_field = file_field
        self._count = self._files = self._fields = 0  # how many parts, and bytes of files and of the rest
        self._header: tuple[bytearray, bytearray] = bytearray(), bytearray()
        self._headers: dict[str, str] = {}
        self._field = ("", bytearray())
        self._writer: BlobWriter | None = None
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
            self._writer = self._form.open(self._blobs, name, options.get("filename", ""), content_type)

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
            self._form.fields.append((name, forms.text_of(name, bytes(text))))

    def finish(self) -> None:
        self._complete = True

    def check_complete(self) -> None:
        if not self._complete:
            raise MultipartError("the body ends before its closing boundary")
        if not self._count:
            raise MultipartError("the form has no parts")

    def _bounded(self, count: int) -> None:
        self._fields += count
        if self._fields > _MAX_FIELDS:
            raise MultipartError(f"more than {_MAX_FIELDS} bytes that are no file")


def _parser(boundary: bytes, parts: _Parts) -> Callable[[bytes], object]:
    """Takes the body in pieces. Raises ``MultipartError`` as well as what ``parts`` raise."""
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

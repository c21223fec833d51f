"""Parses multipart forms, and converts their fields to a JSON document."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from msgspec import Struct

from mockserver.audio.content import Content
from mockserver.audio.uploads import FilePart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 1000
_MAX_HEADERS = 16  # per part
_MAX_HEADER = 4096  # bytes of a line
_MAX_OBJECT = 1 << 20  # characters of a field that is parsed as JSON

# An unclosed quote runs to the end of the header.
_OPTION = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)(?:"|$)|([^;]*))', re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+(")?')
_ESCAPED = re.compile(r'\\(["\\])')
_NUMBER = re.compile(r"[+-]?(\d++\.?\d*+|\.\d++)([eE][+-]?\d++)?", re.ASCII)
_BRACKETED = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")
# A disposition with parameters as in RFC 7578, each after a semicolon. Bare values and unclosed quotes are accepted.
_DISPOSITION = re.compile(
    r'\s*form-data\s*(?:;\s*+[^\s=;"]++\s*+=\s*+(?:"(?:[^"\\]|\\.)*+(?:"\s*+|$)|[^;"]*+))*+;?\s*',
    re.DOTALL | re.IGNORECASE,
)
_BOOLEANS = dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True)
_BOOLEANS |= dict.fromkeys(("false", "f", "no", "n", "off", "0"), False)


class MultipartError(ValueError):
    """The body is not a valid multipart form; the message gives the reason."""


class Form(Struct, frozen=True):
    """The parts of a form: ``fields`` in the order sent, ``files`` by name (the last of a name wins)."""

    fields: list[tuple[str, str]]
    files: dict[str, FilePart]


def parse_multipart(body: bytes, content_type: str, file_field: str = "file") -> Form:
    """Return the parts of a ``multipart/form-data`` body (RFC 7578). Each part is copied once.

    A part is a file if it has a filename, or is named ``file_field``. A part without a readable name ends the form:
    it and the parts after it are ignored. Raises ``MultipartError`` for another content type or several, a missing or
    wrong boundary, a body that ends before its closing boundary or has no parts, a field that is not UTF-8, and for
    more than 1000 parts, or more than 16 headers or 4 KiB per header in one.
    """
    parts = _split(body, boundary_of(content_type))
    fields: list[tuple[str, str]] = []
    files: dict[str, FilePart] = {}
    for part in parts:
        options = part_options(part.headers)
        name = options.get("name")
        if name is None:
            break
        data = body[part.start : part.end]
        if "filename" in options or name == file_field:
            content_type = part.headers.get("content-type", "")
            files[name] = FilePart(
                options.get("filename", ""), content_type, Content(data), "filename" not in options
            )
        else:
            fields.append((name, text_of(name, data)))
    return Form(fields, files)


def to_document(form: Form, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON document that a form stands for, given the schemas of its properties (references resolved).

    ``name[]`` and ``name[0]`` become an array in the order sent; ``name`` becomes an array of its last value if the
    schema declares an array. ``name[key]`` becomes an object, which can also be sent as JSON text. Numbers and
    booleans are parsed if the schema declares them; invalid ones stay text, which validation refuses. Of several
    values of one member the last wins. Files become ``""``.
    """
    sent: dict[str, list[tuple[str | None, str]]] = {}
    for name, text in form.fields:
        bracketed = _BRACKETED.fullmatch(name)
        key, step = bracketed.groups() if bracketed else (name, None)
        sent.setdefault(key, []).append((step, text))
    document = {name: _value(values, properties.get(name, {})) for name, values in sent.items()}
    return document | dict.fromkeys(form.files, "")


class _Part(Struct):
    headers: dict[str, str] = {}
    start: int = 0
    end: int = 0


def names_several(content_type: str) -> bool:
    """Return whether ``content_type`` is several: HTTP servers join repeated headers with commas."""
    return "," in _QUOTED.sub(lambda quoted: "" if quoted[1] else quoted[0], content_type)


def boundary_of(content_type: str) -> bytes:
    """Return the boundary in ``content_type``. Raises ``MultipartError``."""
    if names_several(content_type):
        raise MultipartError("there is more than one content type")
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise MultipartError("the content type is not multipart/form-data")
    boundary = options_of(content_type).get("boundary", "").strip()
    if not boundary:
        raise MultipartError("the content type names no boundary")
    return boundary.encode("latin-1", "replace")


class _Splitter:
    """The parts of a form, found by a parser that gets the whole body in one call.

    Then each callback gets a complete header or part.
    """

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.is_complete = False
        self._header_name = ""

    def begin(self) -> None:
        if len(self.parts) == MAX_PARTS:
            raise MultipartError(f"more than {MAX_PARTS} parts")
        self.parts.append(_Part())

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name = data[start:end].decode("latin-1").lower()

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].headers[self._header_name] = data[start:end].decode("utf-8", "replace")

    def data(self, _data: bytes, start: int, end: int) -> None:
        self.parts[-1].start, self.parts[-1].end = start, end

    def finish(self) -> None:
        self.is_complete = True


def _split(body: bytes, boundary: bytes) -> list[_Part]:
    found = _Splitter()
    parse = multipart_parser(
        boundary,
        {
            "on_part_begin": found.begin,
            "on_header_field": found.header_name,
            "on_header_value": found.header_value,
            "on_part_data": found.data,
            "on_end": found.finish,
        },
    )
    parse(body)
    check_complete(found.is_complete, len(found.parts))
    return found.parts


def multipart_parser(boundary: bytes, callbacks: MultipartCallbacks) -> Callable[[bytes], None]:
    """Return a function that parses a body piece by piece, with ``callbacks`` for what it finds.

    Both raise ``MultipartError``; the function also raises what the callbacks raise.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser

    try:
        parser = MultipartParser(
            boundary, callbacks, max_header_count=_MAX_HEADERS, max_header_size=_MAX_HEADER
        )
    except FormParserError as error:  # the boundary is too long
        raise MultipartError(str(error)) from error

    def parse(piece: bytes) -> None:
        try:
            parser.write(piece)
        except FormParserError as error:
            raise MultipartError(str(error)) from error

    return parse


def check_complete(is_complete: bool, parts: int) -> None:
    """Raise ``MultipartError`` unless the form has its closing boundary and at least one part."""
    if not is_complete:
        raise MultipartError("the body ends before its closing boundary")
    if not parts:
        raise MultipartError("the form has no parts")


def part_options(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a part's disposition; empty if it is malformed."""
    disposition = headers.get("content-disposition", "")
    return options_of(disposition) if _DISPOSITION.fullmatch(disposition) else {}


def options_of(header: str) -> dict[str, str]:
    """Return the parameters of a header value. The extended form ``name*=UTF-8''…`` (RFC 5987) has precedence."""
    options: dict[str, str] = {}
    extended: dict[str, str] = {}
    for name, quoted, plain in _OPTION.findall(header):
        key = name.lower()
        if key.endswith("*"):
            charset, _, rest = (quoted or plain.strip()).partition("'")
            if charset.lower() in ("utf-8", "iso-8859-1"):
                extended[key[:-1]] = unquote(rest.partition("'")[2], charset)
        else:
            # Browsers send a quote in a name as %22, others as \\".
            options[key] = _ESCAPED.sub(r"\1", quoted).replace("%22", '"') or plain.strip()
    return options | extended


def text_of(name: str, data: bytes) -> str:
    """Return the text of a field. Raises ``MultipartError`` unless it is UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MultipartError(f"the field {name!r} is not UTF-8") from error


def _value(values: list[tuple[str | None, str]], schema: Mapping[str, Any]) -> Any:
    """Return the value of a property, given the sent texts, each with its key in brackets or ``None``."""
    members = {key: text for key, text in values if key and not key.isdecimal()}
    if members:
        properties = (_branch(schema, "object") or {}).get("properties", {})
        return {key: _read(text, properties.get(key, {})) for key, text in members.items()}
    array = _branch(schema, "array")
    if array is None and all(key is None for key, _ in values):
        return _read(values[-1][1], schema)
    if all(key is None for key, _ in values):
        values = values[-1:]
    return [_read(text, (array or {}).get("items", {})) for _, text in values]


def _branch(schema: Mapping[str, Any], json_type: str) -> Mapping[str, Any] | None:
    """Return the part of ``schema`` that allows ``json_type``: itself or a branch of its ``anyOf``; else ``None``."""
    declared = schema.get("type")
    if json_type == declared or (isinstance(declared, list) and json_type in declared):
        return schema
    branches = (_branch(branch, json_type) for branch in schema.get("anyOf", ()))
    return next((branch for branch in branches if branch is not None), None)


def _read(text: str, schema: Mapping[str, Any]) -> Any:
    """Return ``text`` parsed as a type that the schema declares, or unchanged."""
    value = scalar(text, schema)
    if value is text and _branch(schema, "object"):
        found = _object(text)
        return text if found is None else found
    return value


def scalar(text: str, schema: Mapping[str, Any]) -> Any:
    """Return ``text`` parsed as a boolean or number if the schema declares one, as pydantic does; else unchanged."""
    value: Any = None
    if _branch(schema, "boolean"):
        value = _BOOLEANS.get(text.lower())
    elif _branch(schema, "number") or _branch(schema, "integer"):
        value = _number(text.strip())
    return text if value is None else value


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return int(text)
    except ValueError:
        value = float(text)
        return value if math.isfinite(value) else None


def _object(text: str) -> dict[str, Any] | None:
    import msgspec

    if len(text) > _MAX_OBJECT:
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None

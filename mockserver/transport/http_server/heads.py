"""Parses the head of a request (RFC 9112) strictly, so that no other program can read it differently."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from mockserver.errors import ApiError

_MAX_CACHED = 64  # heads; clients send the same ones again and again
_MAX_DIGITS = 18  # digits of a Content-Length

_END = re.compile(rb"\n\r?\n|\r[^\n]")  # the end of the head, or the first byte that makes it invalid
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Z-]+) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
_ABSOLUTE = re.compile(r"(?i:https?)://([^/?]+)(.*)")
_HOST = re.compile(r"([A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._~-]+)?\])(:[0-9]{0,5})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_QUOTED_SLASH = re.compile("(%2F)", re.IGNORECASE)

# Names with a function in HTTP itself. In a WSGI environ, an underscore and a hyphen in a name are the same.
_PROTOCOL_HEADERS = frozenset(
    ("connection", "content-length", "content-type", "expect", "host", "transfer-encoding", "upgrade")
)
_ONCE = ("content-length", "host")  # may not be repeated; the values of other repeated headers are joined


class HeadLimits(NamedTuple):
    """The maximum size of a head: bytes, including the request line, and number of headers."""

    bytes: int
    fields: int


class Head(Struct, frozen=True, eq=False):
    """The head of a request. ``path`` is decoded, except for ``%2F``; ``fields`` have lower-case names.

    ``target`` is path and query as they were sent, without the host of an absolute URL.
    ``length`` is the size of the body in bytes, ``None`` for a chunked one. Requests with the same head share it.
    """

    method: str
    path: str
    query: str
    protocol: str
    fields: dict[str, str]
    length: int | None
    keeps_alive: bool
    expects_continue: bool
    target: str


def end_of_head(received: bytearray, limits: HeadLimits, start: int = 0) -> int:
    """Return the size of the head in bytes, -1 while it is incomplete. The search begins at ``start``.

    An invalid head ends at its first invalid byte. Raises ``ApiError`` if it is too large.
    """
    found = _END.search(received, max(start - 2, 0))
    size = found.end() if found else len(received)
    if size > limits.bytes:
        if received.find(b"\n", 2, limits.bytes) < 0:
            raise ApiError("request_target_too_long", most=limits.bytes)
        raise _too_large(limits)
    return size if found else -1


@lru_cache(maxsize=_MAX_CACHED)
def read_head(received: bytes, limits: HeadLimits) -> Head:
    """Return the head in the ``received`` bytes, which end with an empty line. Raises ``ApiError``."""
    # RFC 9112, 2.2: one empty line before the head is ignored.
    text = received.decode("latin-1").removeprefix("\r\n")
    if not text.count("\r\n") == text.count("\r") == text.count("\n"):
        _refuse("Lines must end with CR LF.")
    if _CONTROL.search(text):
        _refuse("It has control characters.")
    first, *lines = text[:-4].split("\r\n") if len(text) > 4 else ("",)
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        _refuse("The first line is not a method, a target and a version with a space between each.")
    method, target, major, minor = line.groups()
    if major != "1":
        raise ApiError("http_version_not_supported", version=f"{major}.{minor}")
    fields = _fields(lines, limits)
    target = _target(method, target, fields, host_needed=minor != "0")
    path, query = _path_and_query(target)
    length = _length(fields, may_be_chunked=minor != "0")
    options = {option.strip().lower() for option in fields.get("connection", "").split(",")}
    return Head(
        method,
        path,
        query,
        "HTTP/1.0" if minor == "0" else "HTTP/1.1",
        fields,
        length,
        keeps_alive="close" not in options and (minor != "0" or "keep-alive" in options),
        expects_continue=minor != "0" and fields.get("expect", "").lower() == "100-continue",
        target=target,
    )


def check_trailer(line: bytes) -> None:
    """Raise ``ApiError`` for a trailer that is malformed, or has a function in HTTP itself."""
    name, _ = _field(line.decode("latin-1"))
    if name.lower().replace("_", "-") in _PROTOCOL_HEADERS:
        _refuse(f"The header {name} may not follow the body.")


def _refuse(reason: str) -> NoReturn:
    raise ApiError("malformed_request", reason=reason)


def _too_large(limits: HeadLimits) -> ApiError:
    return ApiError("request_head_too_large", most=limits.bytes, fields=limits.fields)


def _fields(lines: list[str], limits: HeadLimits) -> dict[str, str]:
    """Return the headers. Those with an underscore in the name are dropped, or refused if they could be misread."""
    if len(lines) > limits.fields:
        raise _too_large(limits)
    fields: dict[str, str] = {}
    for line in lines:
        written, value = _field(line)
        name = written.lower()
        if "_" in name:
            if name.replace("_", "-") in _PROTOCOL_HEADERS:
                _refuse(f"The header {written} can be taken for another. Write it with hyphens.")
        elif name not in fields:
            fields[name] = value
        elif name in _ONCE:
            _refuse(f"There are several headers {written}.")
        else:
            fields[name] += ("; " if name == "cookie" else ", ") + value
    return fields


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name) or _CONTROL.search(value):
        _refuse("A header is not NAME: VALUE on one line.")
    return name, value.strip(" \t")


def _target(method: str, target: str, fields: dict[str, str], *, host_needed: bool) -> str:
    """Return the target without a host; that of an absolute URL replaces the header (RFC 9112, 3.2.2)."""
    host = fields.get("host")
    if host is None and host_needed:
        _refuse("The header Host is missing.")
    if host is not None and not _HOST.fullmatch(host):
        _refuse("The header Host is not HOST or HOST:PORT.")
    if not target.startswith("/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is not None and _HOST.fullmatch(absolute[1]):
            fields["host"] = absolute[1]
            target = absolute[2] if absolute[2].startswith("/") else f"/{absolute[2]}"
        elif (method, target) != ("OPTIONS", "*"):
            _refuse("The target is neither a path nor the URL of one.")
    if "#" in target:
        _refuse("The target has a fragment.")
    return target


def _path_and_query(target: str) -> tuple[str, str]:
    path, _, query = target.partition("?")
    if "%" in path:
        parts = _QUOTED_SLASH.split(path)
        path = "".join(
            part if at % 2 else unquote_to_bytes(part).decode("latin-1") for at, part in enumerate(parts)
        )
    return path, query


def _length(fields: dict[str, str], *, may_be_chunked: bool) -> int | None:
    """Return the size of the body in bytes, ``None`` for a chunked one (RFC 9112, 6)."""
    length, coding = fields.get("content-length"), fields.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            _refuse("It has both Content-Length and Transfer-Encoding.")
        if not may_be_chunked:
            _refuse("Version 1.0 of HTTP has no Transfer-Encoding.")
        codings = coding.lower().split(",")
        if codings != ["chunked"]:
            _refuse_coding([each.strip(" \t") for each in codings])
        return None
    if length is None:
        return 0
    if not (length.isascii() and length.isdigit() and len(length) <= _MAX_DIGITS):
        _refuse("Content-Length is not one number of bytes.")
    return int(length)


def _refuse_coding(codings: list[str]) -> NoReturn:
    unclear = "chunked" in codings[:-1] or "identity" in codings
    if unclear or not all(map(_TOKEN.fullmatch, codings)):
        _refuse("Transfer-Encoding is not chunked.")
    raise ApiError("transfer_coding_not_supported")

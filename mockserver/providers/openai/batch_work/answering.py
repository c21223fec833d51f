"""Answers the request of a batch line with the app, in this process, and makes the line of the output file."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import msgspec

from mockserver.transport.connection import GIVEN_UP

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.pipeline.request import InnerCall
    from mockserver.providers.openai.batch_work.lines import Error

BATCH_HEADER, CUSTOM_ID_HEADER = "x-mock-batch", "x-mock-custom-id"  # request headers for stubs to match

_NO_BODY = b""


class Response(NamedTuple):
    """The app's response to the request of a line."""

    status: int
    request_id: str
    is_json: bool
    body: bytes


class Answered(NamedTuple):
    """A line of the output file, or of the error file unless it ``succeeded``, with the usage if it is known."""

    succeeded: bool
    line: bytes
    usage: Mapping[str, Any] | None = None


def ask(
    app: WSGIApplication,
    inner: InnerCall,
    request: Mapping[str, Any],
    headers: Mapping[str, str],
    given_up: Callable[[], bool],
) -> Response | None:
    """Return the app's response to a line; ``None`` if it broke off, or ``given_up`` returned true while waiting."""
    head: list[Any] = []

    def start_response(status: str, fields: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        head[:] = [status, {name.lower(): value for name, value in fields}]
        return lambda data: None

    environ = _environ(request, headers)
    environ[GIVEN_UP] = given_up
    inner.mark(environ)
    try:
        body = _whole(app(environ, start_response))
    except OSError:
        return None
    status, fields = int(head[0].split()[0]), head[1]
    if (
        body == _NO_BODY and fields.get("connection") == "close"
    ):  # what the app returns when the client has left
        return None
    is_json = fields.get("content-type", "").startswith("application/json")
    return Response(status, fields.get("x-request-id", ""), is_json, body)


def answered_line(line_id: str, custom_id: str, response: Response) -> Answered:
    """Return the line of a request with an HTTP response."""
    body, usage = _embedded(response)
    succeeded = response.status < 400
    content = {"status_code": response.status, "request_id": _as_uuid(response.request_id), "body": body}
    return Answered(succeeded, _line(line_id, custom_id, content, None), usage if succeeded else None)


def unanswered_line(line_id: str, custom_id: str, error: Error) -> Answered:
    """Return the line of a request without an HTTP response."""
    return Answered(False, _line(line_id, custom_id, None, error))


def _as_uuid(request_id: str) -> str:
    """Return a request id in the form of output files: its digits, written as a UUID."""
    return str(UUID(request_id.removeprefix("req_"))) if request_id else ""


def _line(line_id: str, custom_id: str, response: Mapping[str, Any] | None, error: Error | None) -> bytes:
    line = {"id": line_id, "custom_id": custom_id, "response": response, "error": error}
    return msgspec.json.format(msgspec.json.encode(line), indent=0) + b"\n"


def _embedded(response: Response) -> tuple[object, Mapping[str, Any] | None]:
    """Return the body for the line, and its usage. JSON stays the same bytes except for spaces."""
    if response.is_json:
        try:
            usage = msgspec.json.decode(response.body, type=_Usage).usage
            return msgspec.Raw(response.body), usage
        except msgspec.ValidationError:  # JSON without usage
            return msgspec.Raw(response.body), None
        except msgspec.DecodeError:
            pass
    return response.body.decode("utf-8", "replace"), None


class _Usage(msgspec.Struct):
    """The member of an answer that is decoded."""

    usage: dict[str, Any] | None = None


def _environ(request: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    body = json.dumps(request["body"], ensure_ascii=False).encode()
    sent = {**headers, CUSTOM_ID_HEADER: quote(request["custom_id"])}
    return {
        "REQUEST_METHOD": request["method"],
        "PATH_INFO": request["url"],
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()},
    }


def _whole(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()

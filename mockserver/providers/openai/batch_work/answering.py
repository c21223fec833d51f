"""Has the server itself answer a line of a batch, in this process, and writes what came of it as a line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import msgspec

from mockserver.transport.environ_keys import GIVEN_UP

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.pipeline.request import InnerCall
    from mockserver.providers.openai.batch_work.lines import Error

BATCH_HEADER, CUSTOM_ID_HEADER = "x-mock-batch", "x-mock-custom-id"  # of the requests, for stubs to match

_NO_BODY = b""


class Response(NamedTuple):
    """What the server answered."""

    status: int
    request_id: str
    is_json: bool
    body: bytes


class Answered(NamedTuple):
    """A line of the output file, or of the error file unless it ``succeeded``; what it used, if that is told."""

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
    """Answers the request of a line; ``None`` where the answer broke off, or the wait for it was ``given_up``."""
    told: list[Any] = []

    def start_response(status: str, fields: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        told[:] = [status, {name.lower(): value for name, value in fields}]
        return lambda data: None

    environ = _environ(request, headers)
    environ[GIVEN_UP] = given_up
    inner.mark(environ)
    try:
        body = _whole(app(environ, start_response))
    except OSError:
        return None
    status, fields = int(told[0].split()[0]), told[1]
    if body == _NO_BODY and fields.get("connection") == "close":  # nobody would have heard this
        return None
    is_json = fields.get("content-type", "").startswith("application/json")
    return Response(status, fields.get("x-request-id", ""), is_json, body)


def answered_line(line_id: str, custom_id: str, response: Response) -> Answered:
    """The line for a request that got an HTTP response."""
    body, usage = _embedded(response)
    succeeded = response.status < 400
    content = {"status_code": response.status, "request_id": _as_uuid(response.request_id), "body": body}
    return Answered(succeeded, _line(line_id, custom_id, content, None), usage if succeeded else None)


def unanswered_line(line_id: str, custom_id: str, error: Error) -> Answered:
    """The line for a request that got none."""
    return Answered(False, _line(line_id, custom_id, None, error))


def _as_uuid(request_id: str) -> str:
    """Return the id of a request as lines of output files have it: its digits, written as those of a UUID."""
    return str(UUID(request_id.removeprefix("req_"))) if request_id else ""


def _line(line_id: str, custom_id: str, response: Mapping[str, Any] | None, error: Error | None) -> bytes:
    line = {"id": line_id, "custom_id": custom_id, "response": response, "error": error}
    return msgspec.json.format(msgspec.json.encode(line), indent=0) + b"\n"


def _embedded(response: Response) -> tuple[object, Mapping[str, Any] | None]:
    """The body as it stands in the line, and its usage. JSON stays byte by byte what it was, but for spaces."""
    if response.is_json:
        try:
            usage = msgspec.json.decode(response.body, type=_Usage).usage
            return msgspec.Raw(response.body), usage
        except msgspec.ValidationError:  # JSON, but nothing that tells of usage
            return msgspec.Raw(response.body), None
        except msgspec.DecodeError:
            pass
    return response.body.decode("utf-8", "replace"), None


class _Usage(msgspec.Struct):
    """The member of an answer that counts."""

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

"""Validates requests and dispatches them to handlers; answers requests without an operation."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import flask
from werkzeug import exceptions

from mockserver.accounts.accounts import key_of
from mockserver.control.operation import Call, ControlError, TooLarge, answer
from mockserver.errors import ApiError
from mockserver.pipeline.request_body import parse_json
from mockserver.pipeline.wsgi_adapter import request_of
from mockserver.state.disk import StateFailed, StoreUnreachable
from mockserver.transport.bodies import BodyReader
from mockserver.transport.connection import SHUTDOWN
from mockserver.validation import documents
from mockserver.validation.documents import DocumentError
from mockserver.wording import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.accounts.accounts import Account, Accounts
    from mockserver.control.contexts import ControlContext
    from mockserver.control.operation import ControlOperation
    from mockserver.pipeline.request import Request
    from mockserver.settings.model import Settings
    from mockserver.transport.answer_memory import AnswerMemory

MAX_BODY = 1 << 20  # bytes, unless a setting applies
_BYTES_OF_A_VALUE = 16  # a body may have one value for this many bytes of the largest size


def view(
    control: ControlContext, operation: ControlOperation, context: object
) -> Callable[..., flask.Response]:
    """Return the Flask view function of an operation; ``context`` is that of its handler."""
    turn = threading.Lock() if operation.one_at_a_time else contextlib.nullcontext()

    def handle(**path: Any) -> flask.Response:
        with turn:
            answered = operation.handler(context, _call(control, operation, path))
        return answered if isinstance(answered, flask.Response) else answer(answered, operation.status)

    return handle


def register_refusals(app: flask.Flask, operations: Sequence[ControlOperation]) -> None:
    """Register the answers to refused calls, unknown paths and wrong methods."""
    paths = sorted({operation.path for operation in operations})

    def refuse_unrouted() -> flask.Response | None:
        request = flask.request
        if isinstance(request.routing_exception, exceptions.MethodNotAllowed):
            valid = set(request.routing_exception.valid_methods or ())
            return _wrong_method(request.path, request.method, sorted(valid - {"HEAD", "OPTIONS"}))
        if isinstance(request.routing_exception, exceptions.NotFound):
            return answer({"error": f"Unknown path {request.path}. Known: {', '.join(paths)}."}, 404)
        return None

    app.before_request(refuse_unrouted)
    app.register_error_handler(ControlError, lambda error: answer({"error": str(error)}, error.status))
    app.register_error_handler(StateFailed, _refuse_unkept)


def limit_answers(app: flask.Flask, memory: AnswerMemory) -> None:
    """Count answers against the memory of all answers; send a 503 instead of one that exceeds it."""

    def hold(response: flask.Response) -> flask.Response:
        try:
            if response.is_sequence:
                size = sum(map(len, response.response))
                response.call_on_close(memory.hold(response, size))
        except ApiError as error:
            return answer({"error": error.values["reason"]}, 503)
        return response

    app.after_request(hold)


def _call(control: ControlContext, operation: ControlOperation, path: Mapping[str, Any]) -> Call:
    """Return the current request as a validated call. Raises ``ControlError``."""
    control.refresh()
    environ, query = flask.request.environ, flask.request.args
    request = request_of(environ)
    for name in query:
        if name not in operation.query:
            raise ControlError(f"Unknown query argument '{name}'. {suggestion(name, operation.query)}")
    account = _caller(control.accounts, request) if operation.by_account else None
    body = _body(control, operation, request) if operation.schema else {}
    return Call(request, account, path, query, body, environ.get(SHUTDOWN))


def _caller(accounts: Accounts, request: Request) -> Account | None:
    """Return the account of the API key in the request; ``None`` without a key."""
    key = key_of(request.headers)
    if not key and not request.headers.get("authorization"):
        return None
    try:
        return accounts.authenticate(key)
    except ApiError as error:
        raise ControlError(
            f"Authorization: the API key belongs to no account ({error.name}). "
            "Send the key of an account, or no key for all accounts."
        ) from error


def _body(control: ControlContext, operation: ControlOperation, request: Request) -> dict[str, Any]:
    """Return the body, validated against the operation's schema. Raises ``ControlError``."""
    settings = control.settings
    max_bytes: int = getattr(settings, operation.size_setting) if operation.size_setting else MAX_BODY
    body = _json(request, operation, max_bytes, settings)
    if _is_deeper(body, operation.max_depth):
        raise ControlError(f"The body is nested more than {operation.max_depth} deep. Send a flatter one.")
    try:
        documents.check(control.schemas, operation.schema, body)
    except DocumentError as error:
        raise ControlError(str(error)) from error
    return body


def _json(
    request: Request, operation: ControlOperation, max_bytes: int, settings: Settings
) -> dict[str, Any]:
    """Read a JSON object of at most ``max_bytes`` bytes. Raises ``ControlError``."""
    reader = BodyReader(max_bytes, settings.socket_timeout)
    max_values = max(settings.max_json_values, max_bytes // _BYTES_OF_A_VALUE)
    try:
        with reader.slot() as slot:
            data = reader.read(request.body, request.length, slot)
            return {} if operation.body_is_optional and not data else parse_json(data, max_values)
    except ApiError as error:
        if error.name == "too_many_values":
            raise ControlError(
                f"The body has more than {max_values} values and names. Send fewer."
            ) from error
        if error.name == "body_too_large":
            raise TooLarge(f"The body is larger than {max_bytes} bytes. Send a smaller one.") from error
        raise ControlError(f"The body is not a JSON object of at most {max_bytes} bytes.") from error


def _is_deeper(value: Any, max_depth: int) -> bool:
    level = [value]
    for _ in range(max_depth + 1):
        containers = [each for each in level if isinstance(each, dict | list)]
        if not containers:
            return False
        level = [it for each in containers for it in (each.values() if isinstance(each, dict) else each)]
    return True


def _wrong_method(path: str, method: str, known: list[str]) -> flask.Response:
    allowed = ", ".join(known)
    refusal = answer({"error": f"{path} does not support {method}. Use {allowed}."}, 405)
    refusal.headers["allow"] = allowed
    return refusal


def _refuse_unkept(failed: StateFailed) -> flask.Response:
    if isinstance(failed, StoreUnreachable):
        return answer(
            {"error": f"The store cannot be reached ({failed.reason}). Try again when it is back."}, 503
        )
    text = (
        f"The server cannot write to its disk ({failed.reason}). Nothing was changed. Its log names the file."
    )
    return answer({"error": text}, 507 if failed.no_room else 500)

"""Validates requests and dispatches them to handlers; answers requests without an operation."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import flask
from werkzeug import exceptions

from mockserver.accounts.accounts import key_of
from mockserver.control.bodies import read_body
from mockserver.control.operation import Call, ControlError, answer
from mockserver.errors import ApiError
from mockserver.pipeline.adapters.wsgi_adapter import request_of
from mockserver.state.disk import StateFailed, StoreUnreachable
from mockserver.transport.connection import LASTING, SHUTDOWN
from mockserver.wording import cut, suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.accounts.accounts import Account, Accounts
    from mockserver.control.contexts import ControlContext
    from mockserver.control.operation import ControlOperation
    from mockserver.pipeline.request import Request
    from mockserver.transport.answer_memory import AnswerMemory


ACCOUNT_HEADER = "x-mock-account"  # the name of an account, for callers who do not have its key


def view(
    control: ControlContext, operation: ControlOperation, context: object
) -> Callable[..., flask.Response]:
    """Return the Flask view function of an operation; ``context`` is that of its handler."""
    turn = threading.Lock() if operation.one_at_a_time else contextlib.nullcontext()

    def handle(**path: Any) -> flask.Response:
        with turn:
            answered = _answered(operation, context, _call(control, operation, path))
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
    app.register_error_handler(ControlError, _refuse)
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


def _answered(operation: ControlOperation, context: object, call: Call) -> Mapping[str, Any] | flask.Response:
    """Return the answer of the handler. Raises ``ControlError``, of YAML with the place that the message names."""
    try:
        return operation.handler(context, call)
    except ControlError as error:
        if call.source is not None and error.status == ControlError.status:
            error.mark = call.source.mark_named(str(error))
        raise


def _call(control: ControlContext, operation: ControlOperation, path: Mapping[str, Any]) -> Call:
    """Return the current request as a validated call. Raises ``ControlError``."""
    control.refresh()
    environ, query = flask.request.environ, flask.request.args
    request = request_of(environ)
    for name in query:
        if name not in operation.query:
            raise ControlError(f"Unknown query argument '{name}'. {suggestion(name, operation.query)}")
    account = _caller(control.accounts, request) if operation.by_account else None
    body, source = read_body(control, operation, request) if operation.schema else ({}, None)
    shutdown, last = environ.get(SHUTDOWN), environ.get(LASTING)
    return Call(request, account, path, query, body, shutdown, source, last)


def _caller(accounts: Accounts, request: Request) -> Account | None:
    """Return the account of the API key in the request, or that it names; ``None`` without either."""
    key, name = key_of(request.headers), request.headers.get(ACCOUNT_HEADER)
    if not key and not request.headers.get("authorization"):
        return _named(accounts, name) if name else None
    if name:
        raise ControlError(f"{ACCOUNT_HEADER}: the call has an API key, too. Send one of them.")
    try:
        return accounts.authenticate(key)
    except ApiError as error:
        raise ControlError(
            f"Authorization: the API key belongs to no account ({error.name}). "
            "Send the key of an account, or no key for all accounts."
        ) from error


def _named(accounts: Accounts, name: str) -> Account:
    """Return the recent account with that name. Raises ``ControlError``."""
    found = accounts.named(name)
    if len(found) != 1:
        known = f"{len(found)} accounts have" if found else "no recent account has"
        raise ControlError(
            f"{ACCOUNT_HEADER}: {known} the name {cut(name)!r}. Send the project of one, as GET /_mock/limits shows it."
        )
    return found[0]


def _refuse(refused: ControlError) -> flask.Response:
    return answer({"error": str(refused), **(refused.mark._asdict() if refused.mark else {})}, refused.status)


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

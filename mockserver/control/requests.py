"""What every call of the control API needs: whom it concerns, what it asks, how it is answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import flask
from werkzeug import exceptions

from mockserver import json_styles
from mockserver.accounts.accounts import key_of
from mockserver.errors import ApiError
from mockserver.pipeline.flask_adapter import request_of
from mockserver.pipeline.request_body import parse_json
from mockserver.state.disk import StateFailed
from mockserver.transport.bodies import BodyReader
from mockserver.validation import documents
from mockserver.validation.documents import DocumentError

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.services import Services

ROOT = "/_mock"
MAX_BODY = 1 << 20  # bytes
MAX_DEPTH = 100  # objects and arrays within each other, as in files of stubs
_BYTES_OF_A_VALUE = 16  # of the largest body: one of more values takes too much memory
_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")  # in a rule of Flask's


class ControlError(Exception):
    """A control call is refused with a 400. The message names the place in the call, and the remedy."""


class NotFound(ControlError):
    """What a control call names does not exist: a 404."""


class TooLarge(ControlError):
    """The body of a control call is larger than it may be: a 413."""


_STATUSES = {NotFound: 404, TooLarge: 413}


def register(app: flask.Flask, services: Services) -> None:
    """Has refused calls, unknown paths and wrong methods answered as the control API does; bounds large answers."""
    app.register_error_handler(ControlError, _refuse)
    app.register_error_handler(StateFailed, _refuse_unkept)
    app.before_request(_refuse_unrouted)
    app.before_request(_refuse_unknown_arguments)

    def hold(response: flask.Response) -> flask.Response:
        try:
            if response.is_sequence:
                size = sum(map(len, response.response))
                response.call_on_close(services.answer_memory.hold(response, size))
        except ApiError as error:
            return answer({"error": error.values["reason"]}, 503)
        return response

    app.after_request(hold)


def concerns(path: str) -> bool:
    """Whether a path is one of the control API."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def shown(rule: str) -> str:
    """A Flask rule as people write it: ``/_mock/models/{name}``."""
    return _VARIABLE.sub(r"{\1}", rule)


def answer(body: object, status: int = 200) -> flask.Response:
    """A JSON answer."""
    return flask.Response(json_styles.two_spaces_newline(body), status, content_type="application/json")


def caller(services: Services) -> Account | None:
    """The account whose API key the call carries; ``None`` without a key: the call concerns every account."""
    headers = flask.request.headers
    key = key_of(headers)
    if not key and not headers.get("Authorization"):
        return None
    try:
        return services.accounts.authenticate(key)
    except ApiError as error:
        raise ControlError(
            f"Authorization: this API key stands for no account ({error.name}). "
            "Send the key of an account, or none to concern every account."
        ) from error


def account_id(services: Services) -> str | None:
    """The id of the ``caller``; ``None``: the call concerns every account."""
    account = caller(services)
    return account.id if account else None


def hidden(services: Services, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stubs or faults without the caller's key and those of other accounts, which match as before."""
    from mockserver.matching.hashed_secrets import without_secrets

    written = json_styles.compact(documents).decode("utf-8", "replace")
    keys = services.accounts.keys_in(written)
    secrets = request_of(flask.request.environ).secrets.and_those(keys)
    return [without_secrets(document, secrets) for document in documents]


def document(
    services: Services,
    schema: str,
    *,
    most: int = MAX_BODY,
    deepest: int = MAX_DEPTH,
    may_be_empty: bool = False,
) -> dict[str, Any]:
    """The body of the call, which satisfies ``schemas/mock/<schema>.json``.

    It has at most ``most`` bytes, nested at most ``deepest`` deep.
    A body of no bytes is ``{}`` where it ``may_be_empty``. Raises ``ControlError``.
    """
    request = request_of(flask.request.environ)
    reader = BodyReader(most, services.settings.socket_timeout)
    try:
        with reader.slot() as slot:
            data = reader.read(request.body, request.length, slot)
            most_values = max(services.settings.max_json_values, most // _BYTES_OF_A_VALUE)
            body = {} if may_be_empty and not data else parse_json(data, most_values)
    except ApiError as error:
        if error.name == "too_many_values":
            raise ControlError(f"The body has more than {most_values} values and names.") from error
        if error.name == "body_too_large":
            raise TooLarge(f"The body is larger than {most} bytes. Send less at a time.") from error
        raise ControlError(f"The body is not a JSON object of at most {most} bytes.") from error
    if _is_deeper(body, deepest):
        raise ControlError(f"The body is nested more than {deepest} deep. Make it flatter.")
    try:
        documents.check(services.schemas, schema, body)
    except DocumentError as error:
        raise ControlError(str(error)) from error
    return body


def _is_deeper(value: Any, deepest: int) -> bool:
    level = [value]
    for _ in range(deepest + 1):
        containers = [each for each in level if isinstance(each, dict | list)]
        if not containers:
            return False
        level = [it for each in containers for it in (each.values() if isinstance(each, dict) else each)]
    return True


def _refuse(error: ControlError) -> flask.Response:
    return answer({"error": str(error)}, _STATUSES.get(type(error), 400))


def _refuse_unkept(failed: StateFailed) -> flask.Response:
    text = f"The server's disk cannot be used ({failed.reason}): the state is as it was. Its log names the place."
    return answer({"error": text}, 507 if failed.no_room else 500)


def _refuse_unrouted() -> flask.Response | None:
    """Answers what the control API has no path or method for. Other requests go on."""
    request = flask.request
    if request.routing_exception is None or not concerns(request.path):
        return None
    if isinstance(request.routing_exception, exceptions.MethodNotAllowed):
        allowed = ", ".join(sorted(set(request.routing_exception.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        refusal = answer({"error": f"{request.path} knows no {request.method}. It knows {allowed}."}, 405)
        refusal.headers["allow"] = allowed
        return refusal
    if isinstance(request.routing_exception, exceptions.NotFound):
        rules = {each.rule for each in flask.current_app.url_map.iter_rules() if concerns(each.rule)}
        known = ", ".join(sorted(shown(rule) for rule in rules))
        return answer({"error": f"There is no {request.path}. There is {known}."}, 404)
    return None


def _refuse_unknown_arguments() -> None:
    """Raises ``ControlError`` for query arguments that the row of a call in ``route_docs.toml`` does not name."""
    request = flask.request
    if request.args and request.url_rule is not None and concerns(request.path):
        from mockserver.control.route_docs import route_rows

        row = route_rows().get(f"{request.method} {shown(request.url_rule.rule)}", {})
        known = row.get("query", {})
        for name in request.args:
            if name not in known:
                raise ControlError(f"Unknown query argument '{name}'. There is {', '.join(known) or 'none'}.")

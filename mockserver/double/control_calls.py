"""What every call of the control API needs: whom it concerns, what it asks, how it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask

from mockserver.gateway.body import BodyReader, announced_length
from mockserver.gateway.errors import ApiError
from mockserver.gateway.json_body import parse_json
from mockserver.wire import json_styles

if TYPE_CHECKING:
    from collections.abc import Collection

    from mockserver.gateway.accounts import Account
    from mockserver.services import Services

_LARGEST_BODY = 1 << 20  # bytes


class ControlError(Exception):
    """A control call is refused with a 400. The message names the place in the call, and the remedy."""


def register(app: flask.Flask) -> None:
    """Has ``ControlError`` answered."""
    app.register_error_handler(ControlError, _refuse)


def answer(body: object, status: int = 200) -> flask.Response:
    """A JSON answer."""
    return flask.Response(json_styles.two_spaces_newline(body), status, content_type="application/json")


def caller(services: Services) -> Account | None:
    """The account whose API key the call carries; ``None`` without a key: the call concerns every account."""
    authorization = flask.request.headers.get("Authorization")
    if not authorization:
        return None
    try:
        return services.accounts.authenticate(authorization)
    except ApiError as error:
        raise ControlError(
            f"Authorization: this API key stands for no account ({error.name}). "
            "Send the key of an account, or none to concern every account."
        ) from error


def document(services: Services, schema: str) -> dict[str, Any]:
    """The body of the call, which satisfies ``schemas/mock/<schema>.json``."""
    request = flask.request
    reader = BodyReader(_LARGEST_BODY, services.settings.socket_timeout)
    try:
        with reader.place() as place:
            body = parse_json(reader.read(request.environ["wsgi.input"], announced_length(request), place))
    except ApiError as error:
        raise ControlError(f"The body is not a JSON object of at most {_LARGEST_BODY} bytes.") from error
    name = f"mock/{schema}"
    if not services.schemas.is_valid(name, body):
        from mockserver.gateway import explain

        found = explain.house(explain.foremost(services.schemas.violations(name, body)))
        named = found.param is None or f"'{found.param}'" in found.message
        raise ControlError(found.message if named else f"{found.param}: {found.message}")
    return body


def refuse_unknown_arguments(known: Collection[str]) -> None:
    """Raises ``ControlError`` for a query argument that is not one of ``known``."""
    for name in flask.request.args:
        if name not in known:
            raise ControlError(f"Unknown query argument '{name}'. There is {', '.join(known) or 'none'}.")


def _refuse(error: ControlError) -> flask.Response:
    return answer({"error": str(error)}, 400)

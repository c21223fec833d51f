"""The operations of the control API: rows of the table, calls, and refusals."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import flask

from mockserver import json_styles

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from mockserver.accounts.accounts import Account, Accounts
    from mockserver.pipeline.request import Request
    from mockserver.validation.located import Located, Mark

MAX_DEPTH = 100  # nested objects and arrays, as in stub files
_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")  # in a Flask rule


class ControlError(Exception):
    """A refusal of a call, with status 400. The message says what is wrong and what to do.

    ``mark`` is the place in a body of YAML that it is about.
    """

    status = 400

    def __init__(self, message: str, mark: Mark | None = None) -> None:
        super().__init__(message)
        self.mark = mark


class NotFound(ControlError):
    """A refusal with status 404: what the call names does not exist."""

    status = 404


class TooLarge(ControlError):
    """A refusal with status 413: the body is too large."""

    status = 413


class Call(NamedTuple):
    """A validated call: its query arguments are known, and its body satisfies the schema.

    ``account`` is that of its API key; ``None`` without a key, which means every account. ``path`` are the variables
    of the path, ``body`` is ``{}`` for operations without one. ``shutdown`` ends the program that hosts the server;
    ``None`` if that does not support it. ``last`` allows an answer without an end (``Workers.last``); ``None`` if the
    server has no such thing. ``source`` is a body of YAML with the places of its values.
    """

    request: Request
    account: Account | None
    path: Mapping[str, Any]
    query: MultiDict[str, str]
    body: dict[str, Any]
    shutdown: Callable[[], None] | None = None
    source: Located | None = None
    last: Callable[[], Callable[[], None] | None] | None = None

    @property
    def account_id(self) -> str | None:
        """Return the id of the account; ``None``: every account."""
        return self.account.id if self.account else None


# Takes a context of ``contexts.py``. Returns a JSON object, or a response. Raises ``ControlError``.
Handler = Callable[[Any, Call], Mapping[str, Any] | flask.Response]


class ControlOperation(NamedTuple):
    """A row of the table of operations.

    ``rule`` is the path as a Flask rule; ``context`` is the class of the context that the handler takes. ``schema`` is
    the name of the body's schema in ``schemas/mock``, empty for an operation without a body. With ``body_is_optional``
    an empty body stands for ``{}``. ``size_setting`` is the setting with the largest size of the body, otherwise
    ``MAX_BODY`` applies; ``max_depth`` is the deepest nesting. ``query`` are the names of the query arguments,
    ``status`` is that of the answer. With ``by_account`` the API key of the call is resolved; with ``is_open`` callers
    that the guard refuses are answered, too; with ``one_at_a_time`` a call is answered before the body of the next one
    is read.
    """

    method: str
    rule: str
    handler: Handler
    context: type
    schema: str = ""
    body_is_optional: bool = False
    size_setting: str = ""
    max_depth: int = MAX_DEPTH
    query: tuple[str, ...] = ()
    status: int = 200
    by_account: bool = True
    is_open: bool = False
    one_at_a_time: bool = False

    @property
    def path(self) -> str:
        """Return the path in the form ``/_mock/models/{name}``."""
        return braced(self.rule)

    @property
    def name(self) -> str:
        """Return method and path: ``GET /_mock/models/{name}``."""
        return f"{self.method} {self.path}"


def braced(rule: str) -> str:
    """Return a Flask rule in the form ``/_mock/models/{name}``."""
    return _VARIABLE.sub(r"{\1}", rule)


def answer(body: object, status: int = 200) -> flask.Response:
    """Return a JSON response."""
    return flask.Response(json_styles.two_spaces_newline(body), status, content_type="application/json")


def without_keys(
    accounts: Accounts, request: Request, documents: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return stubs or faults without the API keys of the caller and of other accounts; they match the same requests."""
    from mockserver.matching.hashed_secrets import without_secrets

    written = json_styles.compact(documents).decode("utf-8", "replace")
    secrets = request.secrets.and_those(accounts.keys_in(written))
    return [without_secrets(document, secrets) for document in documents]


def names_of(accounts: Accounts, account_id: str) -> dict[str, str | None]:
    """Return the names of an account: its redacted API key if known, organization and project."""
    account = accounts.known(account_id)
    organization, _, project = account_id.rpartition("/")
    return {"account": account.key if account else None, "organization": organization, "project": project}


def owner_names(accounts: Accounts, owner: str | None, call: Call) -> dict[str, str | None]:
    """Return the names of the account that a stub or fault belongs to, if the caller looks at those of all accounts."""
    return {} if owner is None or call.account else names_of(accounts, owner)


def check_same_id(body: dict[str, Any], id_: str) -> None:
    """Set the id in the body of a replacement to that of the URL. Raises ``ControlError`` if it has another."""
    if body.setdefault("id", id_) != id_:
        raise ControlError(f"id: differs from the one in the URL ({id_!r}). Remove it.")


def check_owner(kind: str, id_: str, owner: str | None, call: Call) -> None:
    """Raise ``NotFound`` unless the caller may change it: its own, or without an API key any."""
    if call.account_id not in (None, owner):
        raise NotFound(f"The {kind} {id_!r} belongs to all accounts. Send no API key to change it.")

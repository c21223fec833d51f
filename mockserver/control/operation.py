"""What an operation of the control API is, what its handler is given, and how it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import flask

from mockserver import json_styles

if TYPE_CHECKING:
    import threading

    from werkzeug.datastructures import MultiDict

    from mockserver.accounts.accounts import Account, Accounts
    from mockserver.accounts.settings import AccountSettings
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.engines.fixtures import FixtureTranscriber
    from mockserver.engines.spoken import SpokenMemory
    from mockserver.engines.whisper.transcriber import WhisperTranscriber
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.journal.journal import Journal
    from mockserver.journal.metrics import Metrics
    from mockserver.limits.costs import Ledger
    from mockserver.limits.limiter import Limiter
    from mockserver.pipeline.request import Request
    from mockserver.scripting.faults.registry import Faults
    from mockserver.scripting.stubs.stubs import Stubs
    from mockserver.settings.model import Settings
    from mockserver.transport.answer_memory import AnswerMemory
    from mockserver.validation.schemas import Schemas

MAX_DEPTH = 100  # objects and arrays within each other, as in files of stubs
_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")  # in a rule of Flask's


class ControlError(Exception):
    """Refuses a call with a 400. The message names the place in the call, and what to do."""

    status = 400


class NotFound(ControlError):
    """Refuses with a 404: what the call names does not exist."""

    status = 404


class TooLarge(ControlError):
    """Refuses with a 413: the body is larger than it may be."""

    status = 413


class Resettable(Protocol):
    """What holds state by account. An ``account_id`` of ``None`` means every account."""

    def reset(self, account_id: str | None) -> None:
        """Forget what concerns the account."""
        ...

    def snapshot(self, account_id: str | None) -> Any:
        """Return what concerns the account, as a JSON value; of one account it may be restored for another."""
        ...

    def restore(self, state: Any, account_id: str | None) -> None:
        """Put a ``snapshot`` in place of what concerns the account."""
        ...


@dataclass(frozen=True, slots=True)
class ControlContext:
    """The parts of a server that the control API shows and changes.

    ``resettable`` are those that a reset and a snapshot can name, in the order in which they are listed;
    ``closing`` is set when the server is about to end.
    """

    answer_memory: AnswerMemory
    errors: ErrorTable
    ids: Ids
    settings: Settings
    schemas: Schemas
    accounts: Accounts
    account_settings: AccountSettings
    catalog: Catalog
    clock: Clock
    limiter: Limiter
    ledger: Ledger
    stubs: Stubs
    faults: Faults
    journal: Journal
    metrics: Metrics
    spoken: SpokenMemory
    whisper: WhisperTranscriber | None
    fixtures: FixtureTranscriber
    resettable: Mapping[str, Resettable]
    closing: threading.Event


class Call(NamedTuple):
    """A call that was checked: its query arguments are known, and its body satisfies the schema.

    ``account`` is that of its API key, ``None`` without one: the call concerns every account. ``path`` are the
    variables of the path, ``body`` is ``{}`` where none is taken.
    """

    request: Request
    account: Account | None
    path: Mapping[str, Any]
    query: MultiDict[str, str]
    body: dict[str, Any]

    @property
    def account_id(self) -> str | None:
        """Return the id of the account; ``None``: every account."""
        return self.account.id if self.account else None


# Answers with a JSON object, or with a response of its own making. Raises ``ControlError``.
Handler = Callable[[ControlContext, Call], Mapping[str, Any] | flask.Response]


class ControlOperation(NamedTuple):
    """A row of the table of operations.

    ``rule`` is the path as Flask routes it, ``schema`` the one below ``schemas/mock`` that the body satisfies,
    empty for an operation without a body; ``body_is_optional`` takes a body of no bytes for ``{}``. ``size_setting``
    names the setting with the largest body, else ``MAX_BODY`` holds, ``max_depth`` is how deep it may be nested.
    ``query`` are the names of the query arguments, ``status`` is that of the answer. ``by_account`` resolves the API
    key of the call; ``is_open`` answers also callers whom the guard refuses; of an operation ``one_at_a_time``
    no second body is read before the first call is answered.
    """

    method: str
    rule: str
    handler: Handler
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
        """Return the path as people write it: ``/_mock/models/{name}``."""
        return braced(self.rule)

    @property
    def name(self) -> str:
        """Return method and path: ``GET /_mock/models/{name}``."""
        return f"{self.method} {self.path}"


def braced(rule: str) -> str:
    """Return a rule of Flask's as people write it: ``/_mock/models/{name}``."""
    return _VARIABLE.sub(r"{\1}", rule)


def answer(body: object, status: int = 200) -> flask.Response:
    """Return a JSON response."""
    return flask.Response(json_styles.two_spaces_newline(body), status, content_type="application/json")


def without_keys(
    accounts: Accounts, request: Request, documents: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return stubs or faults without the caller's API key and those of other accounts; they match as before."""
    from mockserver.matching.hashed_secrets import without_secrets

    written = json_styles.compact(documents).decode("utf-8", "replace")
    secrets = request.secrets.and_those(accounts.keys_in(written))
    return [without_secrets(document, secrets) for document in documents]


def check_same_id(body: dict[str, Any], id_: str) -> None:
    """Give the body of a replacement the id of its URL. Raises ``ControlError`` where it has another."""
    if body.setdefault("id", id_) != id_:
        raise ControlError(f"id: is not that of the URL ({id_!r}). Leave it out.")


def check_owner(kind: str, id_: str, owner: str | None, call: Call) -> None:
    """Raise ``NotFound`` unless the caller may change it: what is its own, or without an API key anything."""
    if call.account_id not in (None, owner):
        raise NotFound(f"The {kind} {id_!r} is of all accounts. Leave the API key out to change it.")

"""``/_mock/journal``, ``/_mock/verify`` and ``/_mock/wait``: what came, and whether it was as it should be.

A call that carries an API key concerns that account, one without a key every account.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import flask

from mockserver.control import requests as control
from mockserver.control.requests import ControlError, NotFound
from mockserver.journal import verification
from mockserver.journal.pattern import JournalPattern
from mockserver.journal.record import AudioFile, Record, shown
from mockserver.matching.conditions import PatternError
from mockserver.transport.connection import Connection

if TYPE_CHECKING:
    from mockserver.journal.verification import Verdict
    from mockserver.services import Services

_LIMIT = 1_000  # entries
_TIMEOUT = 10.0  # seconds
_MAX_ENTRIES = 10**9  # entries
_STATUS = re.compile("[1-5](xx|[0-9]{2})")
_NUMBER = re.compile(r"[0-9]{1,9}")
_UNNAMED = "audio"  # file name of a download whose upload had none

_Made = TypeVar("_Made")


def register(app: flask.Flask, services: Services) -> None:
    """Adds the journal's paths."""
    handlers = _Handlers(services)
    for path, method, view in (
        ("journal", "GET", handlers.entries),
        ("journal", "DELETE", handlers.delete),
        ("journal/query", "POST", handlers.query),
        ("journal/count", "POST", handlers.count),
        ("journal/<id>", "GET", handlers.entry),
        ("journal/<id>/audio/<int:number>", "GET", handlers.audio),
        ("verify", "POST", handlers.verify),
        ("wait", "POST", handlers.wait),
    ):
        app.add_url_rule(f"/_mock/{path}", f"mock_{view.__name__}_{path}", view, methods=[method])


class _Handlers:
    """The views; the journal is theirs together."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._journal = services.journal

    def entries(self) -> flask.Response:
        """``GET /_mock/journal``."""
        arguments = flask.request.args.to_dict()
        limit, after = arguments.pop("limit", str(_LIMIT)), arguments.pop("after", None)
        if not _NUMBER.fullmatch(limit) or not 1 <= int(limit) <= _MAX_ENTRIES:
            raise ControlError(f"limit: wanted a whole number from 1 to {_MAX_ENTRIES}, got {limit!r}.")
        if not _STATUS.fullmatch(arguments.get("status", "200")):
            raise ControlError(f"status: wanted one such as 429 or 4xx, got {arguments['status']!r}.")
        return self._found(arguments, int(limit), after)

    def query(self) -> flask.Response:
        """``POST /_mock/journal/query``."""
        asked = control.document(self._services, "journal_query", may_be_empty=True)
        if isinstance(asked.get("limit"), float):
            raise ControlError(f"limit: wanted a whole number, without a point, got {asked['limit']!r}.")
        return self._found(asked.get("when", {}), int(asked.get("limit", _LIMIT)), asked.get("after"))

    def entry(self, id: str) -> flask.Response:  # noqa: A002 - as the path names it
        """``GET /_mock/journal/{id}``."""
        return control.answer(shown(self._record(id)))

    def audio(self, id: str, number: int) -> flask.Response:  # noqa: A002
        """``GET /_mock/journal/{id}/audio/{number}``."""
        files = self._record(id).audio
        if number >= len(files):
            raise NotFound(f"Entry {id!r} has {len(files)} audio files; they are counted from 0.")
        data = self._journal.audio(files[number].sha256)
        if data is None:
            raise NotFound(
                "The audio was not kept, or made room for other. "
                f"The setting keep_audio says how much is kept: {self._services.settings.keep_audio} bytes."
            )
        return flask.send_file(
            io.BytesIO(data),
            _content_type(files[number]),
            as_attachment=True,
            download_name=files[number].file or _UNNAMED,
        )

    def count(self) -> flask.Response:
        """``POST /_mock/journal/count``."""
        asked = control.document(self._services, "journal_count", may_be_empty=True)
        pattern = _made(lambda: JournalPattern(asked.get("when", {}), self._journal.endpoints))
        account_id = self._account_id()
        return control.answer({"count": _made(lambda: self._journal.count(account_id, pattern))})

    def delete(self) -> flask.Response:
        """``DELETE /_mock/journal``."""
        return control.answer({"deleted": self._journal.delete(self._account_id())})

    def verify(self) -> flask.Response:
        """``POST /_mock/verify``."""
        asked = control.document(self._services, "verify", may_be_empty=True)
        when = asked.pop("when", {})
        account_id = self._account_id()
        return _told(_made(lambda: verification.verify(self._journal, account_id, when, **asked)))

    def wait(self) -> flask.Response:
        """``POST /_mock/wait``."""
        asked = control.document(self._services, "wait", may_be_empty=True)
        connection, closing = Connection.of(flask.request.environ), self._services.closing
        waiting = partial(
            verification.wait,
            self._journal,
            self._account_id(),
            asked.get("when", {}),
            at_least=asked.get("at_least", 1),
            timeout=asked.get("timeout", _TIMEOUT),
            given_up=lambda: closing.is_set() or connection.has_hung_up,
        )
        return _told(_made(waiting))

    def _account_id(self) -> str | None:
        return control.account_id(self._services)

    def _record(self, entry_id: str) -> Record:
        record = self._journal.record(self._account_id(), entry_id)
        if record is None:
            raise NotFound(f"There is no journal entry {entry_id!r}: the id is the answer's x-request-id.")
        return record

    def _found(self, when: Mapping[str, Any], limit: int, after: str | None) -> flask.Response:
        """The latest ``limit`` entries, or the first of those that came after the entry ``after``."""
        pattern = _made(lambda: JournalPattern(when, self._journal.endpoints))
        account_id = self._account_id()
        if after is None:
            records = _made(lambda: self._journal.records(account_id, pattern))[-limit:]
        else:
            later = _made(lambda: self._journal.records_after(account_id, after, pattern))
            if later is None:
                raise ControlError(f"after: there is no journal entry {after!r} (any more).")
            records = later[:limit]
        return control.answer(
            {"entries": [shown(each) for each in records], "dropped": self._journal.dropped}
        )


def _made(make: Callable[[], _Made]) -> _Made:
    """What ``make`` returns. Raises ``ControlError`` where it is asked for what makes no sense."""
    try:
        return make()
    except PatternError as error:
        raise ControlError(str(error)) from error


def _told(verdict: Verdict) -> flask.Response:
    if verdict.ok:
        return control.answer({"count": verdict.count, "entries": verdict.entries})
    return control.answer(
        {
            "error": verdict.headline,
            "count": verdict.count,
            "entries": verdict.entries,
            "near_misses": [miss._asdict() for miss in verdict.near_misses],
        },
        422,
    )


def _content_type(audio: AudioFile) -> str:
    """The content type of an audio file, of which the container may not be known."""
    container = audio.container or "unknown"
    if container == "unknown":
        return "application/octet-stream"
    return "audio/mpeg" if container == "mp3" else f"audio/{container}"

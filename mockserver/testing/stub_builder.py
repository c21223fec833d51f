"""Stubs as tests write them: ``on_chat(heard="weather").say("It is sunny.").then.fail("server_error")``."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mockserver.testing import keywords
from mockserver.validation import documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from mockserver.services import Services

Document = dict[str, Any]


class StubBuilder:
    """What is to be answered to the requests of a pattern. Every method that names a reply adds the stub.

    They raise ``TypeError`` for an unknown argument, and ``ValueError`` for one that makes no sense.
    """

    def __init__(
        self, services: Services, account_id: str | None, stub: Document, before: Sequence[Document] = ()
    ) -> None:
        """``stub`` is its document but for the replies, ``before`` are those that come first."""
        self._services = services
        self._account_id = account_id
        self._stub = stub
        self._before = list(before)

    def in_scenario(self, name: str, *, state: str | None = None, next: str | None = None) -> StubBuilder:  # noqa: A002 - as in the stub's document
        """Have the stub answer only in a ``state`` of a scenario, and the ``next`` one follow its answer.

        Every scenario begins in the state ``started``.
        """
        scenario = {"name": name, "state": state, "next": next}
        given = {name: value for name, value in scenario.items() if value is not None}
        return StubBuilder(self._services, self._account_id, self._stub | {"scenario": given}, self._before)

    def reply(
        self, text: str | Mapping[str, Any] | None = None, **options: Unpack[keywords.TranscriptOptions]
    ) -> StubHandle:
        """Reply with a transcript; of a chat, what the model writes; of speech, what is spoken instead.

        A dictionary is written as JSON, as a chat model's structured output is. In place of ``text``, a
        transcript can be given in ``segments``, ``words`` or ``logprobs``.
        """
        keywords.check_names(options, keywords.TranscriptOptions)
        if isinstance(text, Mapping):
            text = json.dumps(text, ensure_ascii=False, separators=(",", ":"))
        return self._answer({} if text is None else {"text": text}, options)

    def say(self, text: str, **options: Unpack[keywords.WordsReplyOptions]) -> StubHandle:
        """Reply with what a chat model says, aloud where audio is asked for; what speech says in place of its input."""
        keywords.check_names(options, keywords.WordsReplyOptions)
        return self._answer({"say": text}, options)

    def speak(
        self, audio: str | os.PathLike[str] | bytes, text: str = "", **options: Unpack[keywords.ReplyOptions]
    ) -> StubHandle:
        """Reply with an audio file, by path or as bytes, encoded as the request asks; ``text`` is its transcript."""
        keywords.check_names(options, keywords.ReplyOptions)
        return self._answer({"audio": _file(audio)} | ({"say": text} if text else {}), options)

    def call_tool(self, name: str, /, **arguments: object) -> StubHandle:
        """Reply with a chat model's call of a tool. For several calls, or a paced one: ``reply(tool_calls=[…])``."""
        return self._answer({"tool_calls": [{"name": name, "arguments": arguments}]}, {})

    def reply_json(self, value: object, **options: Unpack[keywords.RawReplyOptions]) -> StubHandle:
        """Reply with a whole body, as JSON."""
        keywords.check_names(options, keywords.RawReplyOptions)
        return self._answer({"json": value}, options)

    def reply_events(
        self, events: Sequence[object], **options: Unpack[keywords.RawReplyOptions]
    ) -> StubHandle:
        """Answer with a whole stream of server-sent events: payloads, or texts sent as they are (``"[DONE]"``)."""
        keywords.check_names(options, keywords.RawReplyOptions)
        return self._answer({"events": list(events)}, options)

    def reply_bytes(self, body: bytes, **options: Unpack[keywords.RawReplyOptions]) -> StubHandle:
        """Reply with a whole body, byte by byte."""
        keywords.check_names(options, keywords.RawReplyOptions)
        return self._answer({"base64": _base64(body)}, options)

    def fail(
        self,
        error: str,
        *,
        message: str | None = None,
        retry_after: float | None = None,
        **pace: Unpack[keywords.Pace],
    ) -> StubHandle:
        """Reply with an error of the catalog, with a ``message`` of its own or seconds to ``retry_after``."""
        keywords.check_names(pace, keywords.Pace)
        given = {"name": error, "message": message, "retry_after": retry_after}
        named = {name: value for name, value in given.items() if value is not None}
        return self._answer({"error": named}, pace)

    def _answer(self, reply: Document, options: Mapping[str, Any]) -> StubHandle:
        replies = [*self._before, reply | dict(options)]
        return StubHandle(self._services, self._account_id, self._stub, replies)


class StubHandle:
    """A stub that is there: how often it was used, and how it goes on."""

    def __init__(
        self, services: Services, account_id: str | None, stub: Document, replies: list[Document]
    ) -> None:
        """Add the stub. Raises ``ValueError``."""
        self._services = services
        self._account_id = account_id
        self._replies = replies
        self._document = self._added(stub)

    @property
    def id(self) -> str:
        """Return its id, as journal entries name it."""
        return str(self._document["id"])

    @property
    def used(self) -> int:
        """Return how often it has answered."""
        stubs = self._services.stubs
        stub = stubs.get(self.id, self._account_id)
        return stubs.use.used(stub, self._account_id) if stub else 0

    @property
    def then(self) -> StubBuilder:
        """Return a builder of the next reply. The last reply stays, unless ``then_loop`` or ``then_fail`` is called."""
        return StubBuilder(self._services, self._account_id, self._document, self._replies)

    def then_loop(self) -> StubHandle:
        """Begin again after its last reply."""
        return self._followed_by("loop")

    def then_fail(self) -> StubHandle:
        """Refuse all requests after its last reply, with an error that says so."""
        return self._followed_by("fail")

    def remove(self) -> None:
        """Remove it."""
        self._services.stubs.remove(self.id, self._account_id)

    def _followed_by(self, what: Literal["loop", "fail"]) -> StubHandle:
        return StubHandle(self._services, self._account_id, self._document | {"then": what}, self._replies)

    def _added(self, stub: Document) -> Document:
        answers = {"reply": self._replies[0]} if len(self._replies) == 1 else {"replies": self._replies}
        document = documents.as_json(stub | answers)
        documents.check(self._services.schemas, "stub", document)
        added = self._services.stubs.add(document, self._account_id, may_read=True)
        return stub | {"id": added.id}


def _file(audio: str | os.PathLike[str] | bytes) -> str | dict[str, str]:
    if isinstance(audio, bytes):
        return {"base64": _base64(audio)}
    path = Path(audio).absolute()
    if not path.is_file():
        raise ValueError(f"audio: {path} is not a file. Give the path of one, or bytes.")
    return str(path)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

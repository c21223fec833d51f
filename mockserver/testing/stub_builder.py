"""Builds stubs in tests: ``on_chat(heard="weather").say("It is sunny.").then.fail("server_error")``."""

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

    from mockserver.testing.context import ApiContext

Document = dict[str, Any]


class StubBuilder:
    """A builder of the stub for a pattern. Every method that takes a reply adds the stub.

    These methods raise ``TypeError`` for an unknown argument, and ``ValueError`` for an invalid one.
    """

    def __init__(
        self, context: ApiContext, account_id: str | None, stub: Document, before: Sequence[Document] = ()
    ) -> None:
        """Take the document of the stub without replies, and the replies ``before`` the next one."""
        self._context = context
        self._account_id = account_id
        self._stub = stub
        self._before = list(before)

    def in_scenario(self, name: str, *, state: str | None = None, next: str | None = None) -> StubBuilder:  # noqa: A002 - as in the stub's document
        """Answer only in a ``state`` of a scenario, and set the ``next`` state after the answer.

        Every scenario begins in the state ``started``.
        """
        scenario = {"name": name, "state": state, "next": next}
        given = {name: value for name, value in scenario.items() if value is not None}
        return StubBuilder(self._context, self._account_id, self._stub | {"scenario": given}, self._before)

    def reply(
        self, text: str | Mapping[str, Any] | None = None, **options: Unpack[keywords.TranscriptOptions]
    ) -> StubHandle:
        """Reply with a text: the transcript, the message of a chat model, or the text that is spoken.

        A dictionary is written as JSON, such as a chat model's structured output. A transcript can be given in
        ``segments``, ``words`` or ``logprobs`` in place of ``text``.
        """
        keywords.check_names(options, keywords.TranscriptOptions)
        if isinstance(text, Mapping):
            text = json.dumps(text, ensure_ascii=False, separators=(",", ":"))
        return self._answer({} if text is None else {"text": text}, options)

    def say(self, text: str, **options: Unpack[keywords.WordsReplyOptions]) -> StubHandle:
        """Reply with a text that a chat model says, spoken if the request asks for audio, or that speech speaks."""
        keywords.check_names(options, keywords.WordsReplyOptions)
        return self._answer({"say": text}, options)

    def speak(
        self, audio: str | os.PathLike[str] | bytes, text: str = "", **options: Unpack[keywords.ReplyOptions]
    ) -> StubHandle:
        """Reply with audio, a file's path or bytes, converted to the requested format; ``text`` is its transcript."""
        keywords.check_names(options, keywords.ReplyOptions)
        return self._answer({"audio": _file(audio)} | ({"say": text} if text else {}), options)

    def call_tool(self, name: str, /, **arguments: object) -> StubHandle:
        """Reply with a tool call. For several calls, or further options, use ``reply(tool_calls=[…])``."""
        return self._answer({"tool_calls": [{"name": name, "arguments": arguments}]}, {})

    def embed(
        self,
        vector: Sequence[float] | Sequence[Sequence[float]] | str,
        **options: Unpack[keywords.ReplyOptions],
    ) -> StubHandle:
        """Reply to an embedding with a vector, vectors for the texts in turn, or the vector of another text."""
        keywords.check_names(options, keywords.ReplyOptions)
        return self._answer({"text" if isinstance(vector, str) else "embedding": vector}, options)

    def flag(self, *categories: str, **options: Unpack[keywords.ReplyOptions]) -> StubHandle:
        """Reply to a moderation with the categories that are flagged; without any, nothing is."""
        keywords.check_names(options, keywords.ReplyOptions)
        return self._answer({"flagged": {"input": list(categories)}}, options)

    def reply_json(self, value: object, **options: Unpack[keywords.RawReplyOptions]) -> StubHandle:
        """Reply with a JSON body."""
        keywords.check_names(options, keywords.RawReplyOptions)
        return self._answer({"json": value}, options)

    def reply_events(
        self, events: Sequence[object], **options: Unpack[keywords.RawReplyOptions]
    ) -> StubHandle:
        """Reply with a stream of server-sent events: JSON values, or texts sent unchanged (``"[DONE]"``)."""
        keywords.check_names(options, keywords.RawReplyOptions)
        return self._answer({"events": list(events)}, options)

    def reply_bytes(self, body: bytes, **options: Unpack[keywords.RawReplyOptions]) -> StubHandle:
        """Reply with a body of bytes."""
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
        """Reply with an error of the catalog, with another ``message`` or ``retry_after`` in seconds."""
        keywords.check_names(pace, keywords.Pace)
        given = {"name": error, "message": message, "retry_after": retry_after}
        named = {name: value for name, value in given.items() if value is not None}
        return self._answer({"error": named}, pace)

    def _answer(self, reply: Document, options: Mapping[str, Any]) -> StubHandle:
        replies = [*self._before, reply | dict(options)]
        return StubHandle(self._context, self._account_id, self._stub, replies)


class StubHandle:
    """A stub that was added, for further replies and its counter."""

    def __init__(
        self, context: ApiContext, account_id: str | None, stub: Document, replies: list[Document]
    ) -> None:
        """Add the stub. Raises ``ValueError``."""
        self._context = context
        self._account_id = account_id
        self._replies = replies
        self._document = self._added(stub)

    @property
    def id(self) -> str:
        """Return the id, as in journal entries."""
        return str(self._document["id"])

    @property
    def used(self) -> int:
        """Return how often the stub has answered."""
        stubs = self._context.stubs
        stub = stubs.get(self.id, self._account_id)
        return stubs.use.used(stub, self._account_id) if stub else 0

    @property
    def then(self) -> StubBuilder:
        """Return a builder of the next reply. The last one repeats, unless ``then_loop`` or ``then_fail`` follows."""
        return StubBuilder(self._context, self._account_id, self._document, self._replies)

    def then_loop(self) -> StubHandle:
        """Start again with the first reply after the last."""
        return self._followed_by("loop")

    def then_fail(self) -> StubHandle:
        """Answer all requests after the last reply with the error ``stub_spent``."""
        return self._followed_by("fail")

    def enable(self) -> None:
        """Switch the stub on."""
        self._context.stubs.switch(self.id, self._account_id, True)

    def disable(self) -> None:
        """Switch the stub off: it answers nothing until it is switched on, and keeps its counter."""
        self._context.stubs.switch(self.id, self._account_id, False)

    def remove(self) -> None:
        """Remove the stub."""
        self._context.stubs.remove(self.id, self._account_id)

    def _followed_by(self, what: Literal["loop", "fail"]) -> StubHandle:
        return StubHandle(self._context, self._account_id, self._document | {"then": what}, self._replies)

    def _added(self, stub: Document) -> Document:
        answers = {"reply": self._replies[0]} if len(self._replies) == 1 else {"replies": self._replies}
        document = documents.as_json(stub | answers)
        documents.check(self._context.schemas, "stub", document)
        added = self._context.stubs.add(document, self._account_id, may_read=True)
        return stub | {"id": added.id}


def _file(audio: str | os.PathLike[str] | bytes) -> str | dict[str, str]:
    if isinstance(audio, bytes):
        return {"base64": _base64(audio)}
    path = Path(audio).absolute()
    if not path.is_file():
        raise ValueError(f"audio: no such file: {path}. Give the path of a file, or bytes.")
    return str(path)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

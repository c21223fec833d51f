"""Scripted replies: checks reply documents, and turns them into what endpoints answer with."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mockserver.audio.content import LARGE
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.derive import segments_of, segments_of_words, with_words
from mockserver.engines.dialogue import Reply, ToolCall, arguments_text
from mockserver.engines.transcription import Segment, TokenLogprob, Transcription, Word
from mockserver.resources import FileBody
from mockserver.wire import sse

Document = Mapping[str, Any]

# Kinds of replies: whole bodies, which answer any endpoint, and contents that only some endpoints can answer with.
_RAW = ("json", "body", "base64", "file", "events")
_OF_TRANSCRIPTS = ("segments", "words", "logprobs")
_MADE = (*_OF_TRANSCRIPTS, "tool_calls", "items", "failure", "audio", "say", "text", "job", "embedding")
_KINDS = ("error", *_RAW, *_MADE)
_FINDINGS = frozenset({"flagged"})  # a kind if it is alone; beside another, it adds to the reply

_making = threading.Lock()  # so that simultaneous first requests do not each build a large body
_BODILESS = frozenset({204, 205, 304})  # statuses of responses without a body
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile("[\t -~\xa0-\xff]*")
# Response headers that a stub cannot set, and what to do instead.
_SERVER_HEADERS: Mapping[str, str] = {
    "connection": "Use the fault connection_reset.",
    "content-length": "Use the fault wrong_content_length.",
    "content-type": "Use content_type.",
    "transfer-encoding": "Remove it.",
}


class ReplyError(ValueError):
    """An invalid reply. The message names the place in it."""


class Scripted(Struct, frozen=True):
    """A stub's reply to one request. Paths in it are relative to ``folder``.

    ``bodies`` caches the bodies of the stub's replies by the reply's ``id()``; all requests share them. It is ``None``
    for a reply that was rendered for this request.
    """

    stub_id: str
    reply: Document
    folder: Path | None = None
    bodies: dict[int, bytes] | None = None

    @property
    def answered_by(self) -> AnsweredBy:
        """Return the stub as the source of the answer."""
        return AnsweredBy("stub").with_detail("id", self.stub_id)

    @property
    def is_raw(self) -> bool:
        """Return whether the reply is a whole body."""
        return any(name in self.reply for name in _RAW)

    @property
    def words(self) -> str:
        """Return the text that is written or spoken."""
        return str(self.reply.get("say", self.reply.get("text", "")))

    @property
    def says_something(self) -> bool:
        """Return whether the reply has a text to write or speak."""
        return "say" in self.reply or "text" in self.reply

    @property
    def has_transcript(self) -> bool:
        """Return whether the reply has a transcript; one with a ``job`` may have none."""
        return any(name in self.reply for name in ("text", "segments", "words", "logprobs"))

    def transcription(self, duration: float, languages: Sequence[str]) -> Transcription:
        """Return the transcript of a clip of ``duration`` seconds; ``languages`` are the hints of the request."""
        duration = float(self.reply.get("duration", duration))
        segments = tuple(_with_speakers(list(_segments(self.reply, duration))))
        language = self.reply.get("language") or (languages[0] if languages else "en")
        spoken = (language,) if any(segment.text for segment in segments) else ()
        return Transcription(self.answered_by, duration, spoken, segments)

    @property
    def flagged(self) -> Mapping[str, Sequence[str] | Mapping[str, str]]:
        """Return the categories flagged for the ``input``, and for the ``output`` of a chat, or their severities."""
        flagged: Mapping[str, Sequence[str] | Mapping[str, str]] = self.reply.get("flagged", {})
        return flagged

    @property
    def items(self) -> Sequence[Document]:
        """Return the items of a response, which may lack members."""
        items: Sequence[Document] = self.reply.get("items", ())
        return items

    @property
    def failure(self) -> Document | None:
        """Return the error with which a response fails; ``None`` if it does not."""
        failure: Document | None = self.reply.get("failure")
        return failure

    @property
    def only_fails(self) -> bool:
        """Return whether a response fails before it has any output."""
        return "failure" in self.reply and self.reply.keys().isdisjoint(
            {"say", "text", "tool_calls", "items"}
        )

    @property
    def embedding(self) -> Sequence[Any] | None:
        """Return the vector of all texts, or a list of vectors for the texts in turn; ``None`` if it gives none."""
        embedding: Sequence[Any] | None = self.reply.get("embedding")
        return embedding

    def chat_reply(self) -> Reply:
        """Return the reply of a chat model."""
        called = self.reply.get("tool_calls", ())
        calls = tuple(_tool_call(call, parallel=len(called) > 1) for call in called)
        return Reply(self.answered_by, self.words, calls, self.reply.get("finish_reason", ""))

    def body(self, event: Callable[[object], bytes]) -> tuple[bytes | FileBody | Iterator[bytes], str]:
        """Return the whole body of the reply, and its content type (empty for none).

        Events are an iterator; ``event`` writes each.
        Raises ``OSError`` if its file cannot be read.
        """
        content_type = str(self.reply.get("content_type", ""))
        if "events" in self.reply:
            written = map(event, self.reply["events"])
            return written, content_type or sse.CONTENT_TYPE
        if "json" in self.reply:
            return self._inline_body(), content_type or "application/json"
        if "body" in self.reply:
            return self._inline_body(), content_type or "text/plain; charset=utf-8"
        if "base64" in self.reply:
            return self._inline_body(), content_type
        return self._opened(self.reply["file"]), content_type

    def _inline_body(self) -> bytes:
        """Return the body given in the reply itself; requests share one object unless the reply was rendered."""
        if self.bodies is None:
            return _body(self.reply)
        found = self.bodies.get(id(self.reply))
        if found is not None:
            return found
        with _making:
            if id(self.reply) not in self.bodies:
                self.bodies[id(self.reply)] = _body(self.reply)
            return self.bodies[id(self.reply)]

    def _opened(self, path: str) -> bytes | FileBody:
        """Return the bytes of a file, or a stream of a large one. Raises ``OSError`` if it cannot be opened."""
        file = self._resolved(path)
        if file.stat().st_size <= LARGE:
            return file.read_bytes()
        return FileBody(file.open("rb"))

    def audio(self) -> bytes | None:
        """Return the audio file to answer with. Raises ``OSError`` if it cannot be read."""
        given = self.reply.get("audio")
        if given is None:
            return None
        return self._resolved(given).read_bytes() if isinstance(given, str) else _decoded(given["base64"])

    def _resolved(self, path: str) -> Path:
        return self.folder / path if self.folder else Path(path)


def check_reply(
    reply: Document,
    resources: frozenset[str] | None,
    reply_kinds: Mapping[str, frozenset[str]],
    *,
    may_read: bool,
) -> None:
    """Raise ``ReplyError`` for what the schema cannot express.

    ``resources`` are those that the stub answers (``None``: any); ``reply_kinds`` the kinds that each resource can be
    answered with; ``may_read`` is whether the reply may name files.
    """
    _check_kinds(reply, resources, reply_kinds)
    for name in ("audio", "file"):
        if isinstance(reply.get(name), str) and not may_read:
            raise ReplyError(f"{name}: only a stub in a file can name files; give the bytes in base64.")
    if "base64" in reply:
        _check_base64("base64", reply["base64"])
    if isinstance(reply.get("audio"), Mapping):
        _check_base64("audio.base64", reply["audio"]["base64"])
    for name in reply.get("headers", ()):
        if not _HEADER_NAME.fullmatch(name):
            raise ReplyError(f"headers: {name!r} is not a valid header name.")
        if name.lower() in _SERVER_HEADERS:
            raise ReplyError(f"headers: the server sets {name}. {_SERVER_HEADERS[name.lower()]}")
    _check_body(reply)
    if reply.get("template"):
        return  # its texts are not rendered yet
    check_header_values(reply)
    _check_text(reply)
    _check_times(reply)


def check_header_values(reply: Document) -> None:
    """Raise ``ReplyError`` for an invalid header value: with several lines, or not Latin-1."""
    values = {f"headers.{name}": value for name, value in reply.get("headers", {}).items()}
    for place, value in {**values, "content_type": reply.get("content_type", "")}.items():
        if not _HEADER_VALUE.fullmatch(value):
            raise ReplyError(f"{place}: {value!r} is not a header value. Use one line of Latin-1 text.")


def _check_kinds(
    reply: Document, resources: frozenset[str] | None, reply_kinds: Mapping[str, frozenset[str]]
) -> None:
    """Raise ``ReplyError`` for kinds that do not go together, or that ``resources`` cannot be answered with."""
    kinds = [name for name in _KINDS if name in reply] or sorted(_FINDINGS & reply.keys())
    if not kinds:
        raise ReplyError(f"the reply has no content. Give one of {', '.join((*_KINDS, *_FINDINGS))}.")
    if len(kinds) > 1 and set(kinds) & {"error", *_RAW}:
        raise ReplyError(f"{kinds[0]} and {kinds[1]} are different kinds of replies. Give one of them.")
    answered = {resource for resource, takes in reply_kinds.items() if content_kinds(reply) <= takes}
    if not answered:
        raise ReplyError(f"no endpoint can be answered with {', '.join(kinds)} together.")
    if content_kinds(reply) and resources is not None and not answered & resources:
        raise ReplyError(
            f"{kinds[0]} answers {', '.join(sorted(answered))}, not {', '.join(sorted(resources))}. "
            f"Any endpoint can be answered with {', '.join(_RAW)} or error."
        )


def _check_body(reply: Document) -> None:
    """Raise ``ReplyError`` for a status, body or event that cannot be sent."""
    status = reply.get("status")
    if isinstance(status, float):
        raise ReplyError(f"status: must be a whole number without a decimal point, got {status!r}.")
    has_body = any(name in reply and reply[name] != "" for name in _RAW)
    if status in _BODILESS and has_body:
        raise ReplyError(f"status: a response with status {status} has no body. Give body: '' with it.")
    for number, event in enumerate(reply.get("events", ())):
        name = event.get("event", event.get("type", "")) if isinstance(event, Mapping) else ""
        if isinstance(name, str) and not name.isprintable():
            raise ReplyError(f"events[{number}]: the name {name!r} must be one line of text.")


def _check_text(reply: Document) -> None:
    """Raise ``ReplyError`` if ``text`` differs from the text of the segments, words or log probabilities."""
    for name in _OF_TRANSCRIPTS:
        if "text" in reply and name in reply and _joined(name, reply[name]) != reply["text"].strip():
            raise ReplyError(f"text: differs from the {name} ({_joined(name, reply[name])!r}). Remove it.")


def content_kinds(reply: Document) -> frozenset[str]:
    """Return the kinds of a reply that only some endpoints can be answered with."""
    if reply.keys().isdisjoint(_KINDS):
        return _FINDINGS & reply.keys()
    return frozenset(_MADE) & reply.keys()


def _joined(name: str, rows: Sequence[Document]) -> str:
    if name == "logprobs":
        return "".join(row["token"] for row in rows).strip()
    return " ".join(row["text" if name == "segments" else "word"].strip() for row in rows)


def _check_times(reply: Document) -> None:
    for name in ("segments", "words"):
        for number, row in enumerate(reply.get(name, ())):
            if row.get("end", row.get("start", 0.0)) < row.get("start", 0.0):
                raise ReplyError(f"{name}[{number}]: end is before start.")


def _body(reply: Document) -> bytes:
    """Return the bytes of a ``json``, ``body`` or ``base64``."""
    if "json" in reply:
        from mockserver.json_styles import compact

        return compact(reply["json"])
    if "body" in reply:
        body: bytes = reply["body"].encode()
        return body
    return _decoded(reply["base64"])


def _check_base64(place: str, encoded: str) -> None:
    try:
        _decoded(encoded)
    except ValueError as error:
        raise ReplyError(f"{place}: is not valid base64.") from error


def _decoded(encoded: str) -> bytes:
    import pybase64

    return pybase64.b64decode(encoded, validate=True)


def _segments(reply: Document, duration: float) -> Iterator[Segment]:
    if "segments" in reply:
        yield from _timed(reply["segments"], duration)
    elif "words" in reply:
        yield from _of_words(reply["words"])
    elif "logprobs" in reply:
        logprobs = tuple(TokenLogprob(row["token"], row["logprob"]) for row in reply["logprobs"])
        text = "".join(each.token for each in logprobs).strip()
        yield with_words(Segment(text, 0.0, duration, logprobs=logprobs))
    else:
        yield from (with_words(segment) for segment in segments_of(reply.get("text", ""), duration))


def _timed(rows: Sequence[Document], duration: float) -> Iterator[Segment]:
    """Yield segments with times; missing times are interpolated between the given ones, by length of text."""
    begin = 0.0
    for row, letters, following in zip(rows, *_shares(rows, duration), strict=True):
        begin = row.get("start", begin)
        room = max(following - begin, 0.0)
        end = row.get("end", round(begin + room * (len(row["text"]) or 1) / letters, 3))
        members = {name: value for name, value in row.items() if name not in ("words", "tokens")}
        members |= {"text": row["text"].strip(), "start": begin, "end": end}
        if "tokens" in row:
            members["tokens"] = tuple(row["tokens"])
        if "words" in row:
            members["words"] = tuple(map(_word, row["words"]))
        yield with_words(Segment(**members))
        begin = end


def _shares(rows: Sequence[Document], duration: float) -> tuple[list[int], list[float]]:
    """Return, for each row, the letters up to the next row with a start, and that start (or the end of the clip)."""
    letters, starts = [], []
    counted, following = 0, duration
    for row in reversed(rows):
        counted += len(row["text"]) or 1
        letters.append(counted)
        starts.append(following)
        if "start" in row:
            counted, following = 0, row["start"]
    return letters[::-1], starts[::-1]


def _of_words(rows: Sequence[Document]) -> Iterator[Segment]:
    """Yield segments, each a sentence of one speaker."""
    for speaker, spoken in itertools.groupby(rows, key=lambda row: row.get("speaker")):
        for segment in segments_of_words(tuple(map(_word, spoken))):
            yield replace(segment, speaker=speaker)


def _with_speakers(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Yield the segments; if any has a speaker, those without get the previous one, or the first that is named."""
    speaker = next((segment.speaker for segment in segments if segment.speaker is not None), None)
    for segment in segments:
        speaker = speaker if segment.speaker is None else segment.speaker
        yield replace(segment, speaker=speaker)


def _word(row: Document) -> Word:
    return Word(row["word"].strip(), row["start"], row["end"], row.get("probability"))


def _tool_call(call: Document, *, parallel: bool) -> ToolCall:
    arguments = call.get("arguments", {})
    if not isinstance(arguments, str):
        arguments = arguments_text(arguments, parallel=parallel)
    return ToolCall(call["name"], arguments, custom=call.get("custom", False))

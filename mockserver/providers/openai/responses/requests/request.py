"""Reads a request for a response: the conversation, its tools and options, and the tokens of the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from mockserver.audio.uploads import AudioPlace
from mockserver.engines.dialogue import Conversation, Turn
from mockserver.pipeline.document_facts import text_in
from mockserver.providers.openai.dialogue.hearing import Hearing
from mockserver.providers.openai.responses.requests import reading
from mockserver.providers.openai.responses.requests.facts import INPUT
from mockserver.providers.openai.responses.requests.files import text_of_file
from mockserver.providers.openai.responses.requests.tools import OfferedTools, offered
from mockserver.wire import chat_tokens
from mockserver.wire.image_tokens import image_size, image_tokens

if TYPE_CHECKING:
    from mockserver.catalog.records import ResponsesRules
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import ResponsesContext
    from mockserver.providers.openai.responses.requests.reading import Item

Body = Mapping[str, Any]

_ENCRYPTED = "reasoning.encrypted_content"
_TOOLS = (
    9  # tokens of tools at most, in addition to their declarations; chats with reasoning models have more
)
_EARLIER = "earlier"  # in place of the name of the list: items that the request does not contain


class ResponseRequest(msgspec.Struct, frozen=True):
    """A request for a response, typed and with defaults.

    ``max_tokens`` limits the tokens of the reply, ``prompt_tokens`` are those of the conversation and the tools.
    ``heard_by`` names the sources of transcripts.
    """

    body: Body
    conversation: Conversation
    tools: OfferedTools
    max_tokens: int | None
    prompt_tokens: int
    reply_tokens: chat_tokens.ReplyTokens
    heard_by: tuple[str, ...]
    rules: ResponsesRules

    @property
    def includes(self) -> frozenset[str]:
        """Return the additional members that the request asks for. A summary comes with encrypted reasoning."""
        given = frozenset(self.body.get("include") or ())
        return given | {_ENCRYPTED} if self.summarises else given

    @property
    def reasoning(self) -> Body:
        """Return the options of reasoning."""
        return self.body.get("reasoning") or {}

    @property
    def summarises(self) -> bool:
        """Return whether the request asks for a summary of the reasoning."""
        return self.summary_parts > 0

    @property
    def summary_parts(self) -> int:
        """Return the number of parts of the summary: a detailed one has two."""
        kind = self.reasoning.get("summary") or self.reasoning.get("generate_summary")
        return 0 if not kind else 1 if kind == "concise" else 2

    @property
    def reasons(self) -> bool:
        """Return whether the model reasons."""
        return self.rules.reasons(self.reasoning.get("effort"))

    @property
    def logprobs(self) -> int | None:
        """Return the number of alternatives for each token; ``None`` for no log probabilities at all."""
        if "message.output_text.logprobs" not in self.includes:
            return None
        return int(self.body.get("top_logprobs") or 0)


def response_request(
    context: ResponsesContext, call: Call, earlier: Sequence[Item], given: Sequence[Item]
) -> ResponseRequest:
    """Return the request of a call, and transcribe its audio. Raises ``ApiError``.

    ``earlier`` are the items that it continues, ``given`` those of its input.
    """
    assert call.model is not None
    assert call.model.responses is not None
    body = call.document
    tools = offered(
        [*(body.get("tools") or ()), *reading.declared_in([*earlier, *given])], body.get("tool_choice")
    )
    reader = _Reader(context, call)
    turns = reader.turns(earlier, given)
    prompt_tokens = reader.tokens(tools)
    text_format = (body.get("text") or {}).get("format") or {}
    return ResponseRequest(
        body=body,
        conversation=Conversation(
            turns,
            tools.callable,
            tools.demanded,
            body.get("parallel_tool_calls") is not False,
            _schema(text_format),
        ),
        tools=tools,
        max_tokens=_max_tokens(call),
        prompt_tokens=prompt_tokens,
        reply_tokens=chat_tokens.ReplyTokens(
            call.model.tokens,
            bool(tools.declared),
            body.get("tool_choice") or "auto",
            in_schema=text_format.get("type") == "json_schema",
        ),
        heard_by=reader.hearing.sources,
        rules=call.model.responses,
    )


def truncated(request: ResponseRequest, call: Call) -> ResponseRequest:
    """Return the request as the model reads it: its last part, if it exceeds the context window."""
    window = call.model.context_window if call.model else None
    if window is None or request.prompt_tokens <= window:
        return request
    return replace(request, prompt_tokens=window)


def _max_tokens(call: Call) -> int | None:
    """Return the limit of the request, else that of the model. In JSON ``50.0`` is an integer, too."""
    given = call.document.get("max_output_tokens")
    if given is not None:
        return max(int(given), 0)
    return call.model.max_output_tokens if call.model else None


def _schema(text_format: Body) -> dict[str, Any] | None:
    """Return the schema that the text must satisfy: empty for any JSON object, ``None`` for any text."""
    kind = text_format.get("type")
    if kind == "json_schema":
        return dict(text_format.get("schema") or {})
    return {} if kind == "json_object" else None


class _Reader:
    """Reads the items as turns, and counts their tokens."""

    def __init__(self, context: ResponsesContext, call: Call) -> None:
        assert call.model is not None
        self._context = context
        self._call = call
        self._rules = call.model.tokens
        self._prompt = chat_tokens.PromptTokens(self._rules)
        self.hearing = Hearing(call)
        self._has_instructions = False

    def turns(self, earlier: Sequence[Item], given: Sequence[Item]) -> tuple[Turn, ...]:
        """Return the turns. The user's last message is transcribed; all are if another model is to reply."""
        instructions = text_in(self._call.document.get("instructions"))
        turns = [self._instructions(instructions)] if instructions else []
        transcribe_all = bool(self._call.settings.reply_from)
        users = [number for number, item in enumerate(given) if item.get("role") == "user"]
        for run in reading.runs(enumerate(earlier)):
            turns += self._turns(run, _EARLIER, {number for number, _ in run} if transcribe_all else set())
        sent = self._call.document.get(INPUT)
        # References to unknown items, which are refused in strictness ``real``, leave no items.
        place = INPUT if isinstance(sent, list) and len(sent) == len(given) else _EARLIER
        for run in reading.runs(enumerate(given)):
            heard = {number for number, _ in run if transcribe_all or number in users[-1:]}
            turns += self._turns(run, place, heard)
        return tuple(turns)

    def tokens(self, tools: OfferedTools) -> int:
        """Return the tokens of the items that were read, of the tools and of the text's format."""
        body = self._call.document
        if tools.declared:
            choice = body.get("tool_choice") or "auto"
            self._prompt.tools(tools.declared, choice, beside_system=self._has_instructions, most=_TOOLS)
        text_format = (body.get("text") or {}).get("format") or {}
        if text_format.get("type") == "json_schema":
            self._prompt.response_format({"strict": True} | text_format)
        return self._prompt.total + self.hearing.audio_tokens

    def _instructions(self, text: str) -> Turn:
        self._has_instructions = True
        self._prompt.message([text])
        return Turn("developer", text)

    def _turns(self, run: Sequence[tuple[int, Item]], place: str, heard: set[int]) -> list[Turn]:
        """Return the turns of one item, or of calls that belong together; none for an item without words."""
        calls = dict(filter(None, (reading.call_of(item) for _, item in run)))
        if calls:
            self._prompt.calls(calls)
            return [Turn("assistant", calls=calls)]
        ((number, item),) = run
        result = reading.result_of(item)
        if result:
            call_id, texts = result
            self._prompt.result(call_id, texts)
            self._count_images(item.get("output"))
            return [Turn("tool", " ".join(texts).strip(), answers=call_id)]
        if reading.kind_of(item) != "message":
            return []
        return [self._message(item, number, place, transcribe=number in heard)]

    def _message(self, item: Item, number: int, place: str, *, transcribe: bool) -> Turn:
        content, role = item.get("content"), text_in(item.get("role"))
        texts = self._texts(content)
        audio = [
            (index, part["input_audio"]) for index, part in reading.parts_of(content) if "input_audio" in part
        ]
        transcripts = [
            self.hearing.text(each, AudioPlace(number, index, place), transcribe=transcribe)
            for index, each in audio
        ]
        self._has_instructions |= role in ("system", "developer")
        self._prompt.message(texts, audio_parts=len(audio))
        self._count_images(content)
        return Turn(role, " ".join(texts).strip(), " ".join(transcripts) if transcripts else None)

    def _texts(self, content: object) -> list[str]:
        """Return the texts of a message, those of files too."""
        if isinstance(content, str):
            return [content]
        parts = (part for _, part in reading.parts_of(content))
        sources = self._context.url_sources
        return [
            text_of_file(sources, part) if part.get("type") == "input_file" else reading.text_of(part)
            for part in parts
        ]

    def _count_images(self, content: object) -> None:
        """Add the tokens of the images in a message or an output; none for images that would have to be fetched."""
        for _, part in reading.parts_of(content):
            url = part.get("image_url")
            found = self._context.url_sources.local(url) if isinstance(url, str) else None
            size = image_size(found.content.read()) if found else None
            if size:
                detail = text_in(part.get("detail")) or "auto"
                self._prompt.total += image_tokens(*size, detail, self._rules.image)

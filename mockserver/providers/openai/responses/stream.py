"""The events of a response's stream: they follow from its items, which are known before."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.providers.openai.response_work.items import shown
from mockserver.providers.openai.responses.forms import item_forms
from mockserver.wire import likelihood, tokens

if TYPE_CHECKING:
    from mockserver.providers.openai.responses.requests.request import ResponseRequest
    from mockserver.wire.responses import Events, Member


# The members of parts that are added before their content is known.
_EMPTY: Mapping[str, Member] = {
    "output_text": {"annotations": [], "logprobs": [], "text": ""},
    "refusal": {"refusal": ""},
}


class ItemStream:
    """Writes the events of items. ``resealed`` returns another text with the same encrypted content."""

    def __init__(self, events: Events, request: ResponseRequest, resealed: Callable[[str], str]) -> None:
        self._events = events
        self._include = request.includes
        self._alternatives = request.logprobs
        self._vocabulary = request.reply_tokens.vocabulary
        self._resealed = resealed

    def of_items(self, items: Sequence[Member]) -> Generator[bytes]:
        """Yield the events of the items, one item after the other."""
        for index, item in enumerate(items):
            yield self._event("output_item.added", index, item=self._shown(self._begun(item)))
            yield from self._between(item, index)
            yield self._event("output_item.done", index, item=self._shown(item))

    def _event(self, name: str, index: int, **members: Any) -> bytes:
        return self._events.event(f"response.{name}", output_index=index, **members)

    def _delta(self, name: str, delta: str, index: int, **members: Any) -> bytes:
        return self._events.delta(f"response.{name}.delta", delta, output_index=index, **members)

    def _shown(self, item: Member) -> Member:
        """Return an item as clients see it. Each time, its encrypted content is another text."""
        if "encrypted_content" in item and item["type"] == "reasoning":
            item = item | {"encrypted_content": self._resealed(item["encrypted_content"])}
        return shown(item, self._include)

    def _begun(self, item: Member) -> Member:
        """Return the item as it is added, before its content is known."""
        form = item_forms().get(item["type"])
        begun = form.in_progress if form else {}
        return {name: begun.get(name, value) for name, value in item.items()}

    def _between(self, item: Member, index: int) -> Iterator[bytes]:
        """Return the events between those that add and end an item."""
        if item["type"] == "message":
            return self._message(item, index)
        if item["type"] == "reasoning":
            return self._summary(item, index)
        if item["type"] == "shell_call":
            return self._commands(item, index)
        return self._progress(item, index)

    def _message(self, item: Member, index: int) -> Iterator[bytes]:
        for place, part in enumerate(shown(item, self._include)["content"]):
            at = {"content_index": place, "item_id": item["id"]}
            empty = _EMPTY.get(part["type"], {})
            yield self._event("content_part.added", index, part=part | empty, **at)
            if part["type"] == "output_text":
                yield from self._text(part, index, at)
            elif part["type"] == "refusal":
                yield from self._refusal(part, index, at)
            yield self._event("content_part.done", index, part=part, **at)

    def _text(self, part: Member, index: int, at: Member) -> Iterator[bytes]:
        """Yield the text token by token, with each annotation after the text that it belongs to."""
        waiting = list(enumerate(part["annotations"]))
        length = 0
        for piece, split in tokens.whole(tokens.split(part["text"], self._vocabulary)):
            logprobs = self._logprobs(split)
            yield self._delta("output_text", piece, index, logprobs=logprobs, **at)
            length += len(piece)
            while waiting and waiting[0][1].get("end_index", 0) <= length:
                yield self._annotation(waiting.pop(0), index, at)
        for each in waiting:
            yield self._annotation(each, index, at)
        yield self._event("output_text.done", index, logprobs=part["logprobs"], text=part["text"], **at)

    def _annotation(self, numbered: tuple[int, Member], index: int, at: Member) -> bytes:
        number, annotation = numbered
        name = "output_text.annotation.added"
        return self._event(name, index, annotation=annotation, annotation_index=number, **at)

    def _logprobs(self, split: Sequence[bytes]) -> list[Member]:
        if self._alternatives is None:
            return []
        return likelihood.entries(split, self._alternatives, self._vocabulary)

    def _refusal(self, part: Member, index: int, at: Member) -> Iterator[bytes]:
        for piece in self._pieces(part["refusal"]):
            yield self._event("refusal.delta", index, delta=piece, **at)
        yield self._event("refusal.done", index, refusal=part["refusal"], **at)

    def _summary(self, item: Member, index: int) -> Iterator[bytes]:
        for place, part in enumerate(item["summary"]):
            at = {"item_id": item["id"], "summary_index": place}
            empty = part | {"text": ""}
            yield self._event("reasoning_summary_part.added", index, part=empty, **at)
            for piece in self._pieces(part["text"]):
                yield self._delta("reasoning_summary_text", piece, index, **at)
            yield self._event("reasoning_summary_text.done", index, text=part["text"], **at)
            yield self._event("reasoning_summary_part.done", index, part=part, **at)

    def _commands(self, item: Member, index: int) -> Iterator[bytes]:
        """Yield the commands for a shell, each piece by piece."""
        action = item["action"] if isinstance(item["action"], dict) else {}
        for place, command in enumerate(action.get("commands") or ()):
            at = {"command_index": place}
            yield self._event("shell_call_command.added", index, command="", **at)
            for piece in self._pieces(str(command)):
                yield self._delta("shell_call_command", piece, index, **at)
            yield self._event("shell_call_command.done", index, command=str(command), **at)

    def _progress(self, item: Member, index: int) -> Iterator[bytes]:
        """Yield the events of calls: the first step, what is streamed, the other steps."""
        form = item_forms().get(item["type"])
        if form is None:
            return
        at = {"item_id": item["id"]}
        first, others = form.progress[:1], form.progress[1:]
        for step in first:
            yield self._event(f"{item['type']}.{step}", index, **at)
        if form.streamed is not None:
            name, value = form.streamed.event, str(item[form.streamed.member])
            for piece in self._pieces(value):
                yield self._delta(name, piece, index, **at)
            yield self._event(f"{name}.done", index, **{form.streamed.member: value}, **at)
        for step in others:
            failed = step == "completed" and item.get("status") == "failed"
            yield self._event(f"{item['type']}.{'failed' if failed else step}", index, **at)

    def _pieces(self, text: str) -> Iterator[str]:
        return (piece for piece, _ in tokens.whole(tokens.split(text, self._vocabulary)))

"""The items of a response: what the model reasons, says and calls, cut to the limits of the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from mockserver.engines.dialogue import Reply, ToolCall
from mockserver.errors import ApiError
from mockserver.providers.openai.dialogue.responding import respond
from mockserver.providers.openai.response_work.identifiers import item_id
from mockserver.providers.openai.response_work.items import prefix_of
from mockserver.providers.openai.response_work.sealed import seal
from mockserver.providers.openai.responses.forms import built_in_tools, item_forms
from mockserver.wire import likelihood, tokens
from mockserver.wire.responses import Member, ordered

if TYPE_CHECKING:
    from mockserver.engines.answered_by import AnsweredBy
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import ResponsesContext
    from mockserver.providers.openai.response_work.identifiers import Chain
    from mockserver.providers.openai.responses.requests.request import ResponseRequest

_REASONED = {"minimal": 0, "low": 64, "medium": 128, "high": 256, "xhigh": 512, "max": 1024}  # tokens
_BESIDE, _BESIDE_REASONING = 1, 16  # tokens of a reply, in addition to those of the same reply in a chat
_MAX_WORDS = 200  # characters of the user's words that a summary or a made-up item repeats
_SUMMARY = (  # the parts of a summary of reasoning
    "**Reading the request**\n\nThe user wrote: {words}",
    "**Preparing the answer**\n\nThe answer is made up: nothing was reasoned.",
)
_MADE_UP_PAGE = "https://example.com/"
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}  # by ``finish_reason``


class Output(msgspec.Struct):
    """The items of a response, complete, with what does not show in them.

    ``incomplete`` is the reason why they are, ``failure`` the error with which the response fails after them. Of the
    ``written`` tokens, ``reasoned`` are those of reasoning.
    """

    answered_by: AnsweredBy
    items: list[Member]
    written: int
    reasoned: int = 0
    incomplete: str = ""
    flagged: Mapping[str, Sequence[str] | Mapping[str, str]] = {}
    failure: Mapping[str, str] | None = None

    @property
    def text(self) -> str:
        """Return the texts of all messages."""
        parts = [part for item in self.items if item["type"] == "message" for part in item["content"]]
        return "".join(str(part.get("text", "")) for part in parts)

    @property
    def as_json(self) -> Member:
        """Return the text and the calls of functions and custom tools, for the journal."""
        calls = [
            {"name": item["name"], "arguments": item.get("arguments", item.get("input"))}
            for item in self.items
            if item["type"] in ("function_call", "custom_tool_call")
        ]
        return {"text": self.text, "tool_calls": calls}


def output_of(context: ResponsesContext, call: Call, request: ResponseRequest, chain: Chain) -> Output:
    """Return the output of a stub or a responder, cut to the request's ``max_output_tokens``. Raises ``ApiError``."""
    writer = _Writer(context, call, request, chain)
    scripted = call.scripted
    if scripted is not None and scripted.only_fails:
        output = Output(scripted.answered_by, [], 0)
    elif scripted is not None and scripted.items:
        output = writer.scripted(scripted.items, scripted.answered_by)
    else:
        unfit = partial(_unfit, request.body)
        source = (
            scripted.chat_reply() if scripted else respond(context.responders, request.conversation, unfit)
        )
        output = writer.output(source)
    if request.heard_by:
        output.answered_by = output.answered_by.with_detail("heard-by", "+".join(request.heard_by))
    if scripted is not None:
        output.incomplete = _INCOMPLETE.get(scripted.reply.get("finish_reason", ""), output.incomplete)
        output.flagged, output.failure = scripted.flagged, scripted.failure
    return output


def _unfit(body: Mapping[str, Any], tool: str, reason: str) -> ApiError:
    """Return the refusal of a schema that no value satisfies: that of the function ``tool``, or of the text."""
    for number, each in enumerate(body.get("tools") or ()):
        if tool and each.get("name") == tool:
            param = f"tools[{number}].parameters"
            return ApiError("chat_invalid_parameters_schema", param=param, function=tool, reason=reason)
    name = ((body.get("text") or {}).get("format") or {}).get("name")
    return ApiError("chat_invalid_response_schema", param="text.format.schema", wanted=name, reason=reason)


class _Writer:
    """Writes the items of one response."""

    def __init__(self, context: ResponsesContext, call: Call, request: ResponseRequest, chain: Chain) -> None:
        self._context = context
        self._call = call
        self._request = request
        self._chain = chain
        self._counted = request.reply_tokens
        users = [turn for turn in request.conversation.turns if turn.role == "user"]
        self._words = ((users[-1].transcript or users[-1].text) if users else "")[:_MAX_WORDS]

    def output(self, source: Reply) -> Output:
        """Return the output for a reply of a responder or a stub."""
        items, limit = self._reasoning(), self._request.max_tokens
        reasoned = self._reasoned()
        if items and limit is not None and reasoned >= limit:
            return Output(source.answered_by, items, limit, limit, "max_output_tokens")
        output = Output(source.answered_by, items, reasoned, reasoned)
        if source.tool_calls:
            self._add_calls(output, source)
        else:
            self._add_text(output, source.text, "final_answer")
        return output

    def scripted(self, given: Sequence[Mapping[str, Any]], answered_by: AnsweredBy) -> Output:
        """Return the output with the items of a stub, which are completed."""
        items = [self._completed(item) for item in given]
        written = sum(map(self._tokens_of, items))
        reasoned = self._reasoned() if any(item["type"] == "reasoning" for item in items) else 0
        return Output(answered_by, items, written + reasoned + self._beside, reasoned)

    @property
    def _beside(self) -> int:
        return _BESIDE_REASONING if self._request.reasons else _BESIDE

    def _item(self, kind: str, **members: Any) -> Member:
        """Return an item of the type ``kind``, with the members that all of them have."""
        now = self._context.clock.now()
        identifier = item_id(self._context.ids, self._chain, now, prefix_of(kind))
        form = item_forms().get(kind)
        return ordered({"id": identifier, "type": kind} | (form.members if form else {}) | members)

    def _reasoned(self) -> int:
        """Return the tokens of reasoning, which depend on the effort alone."""
        if not self._request.reasons:
            return 0
        return _REASONED.get(self._request.reasoning.get("effort") or self._request.rules.effort or "", 0)

    def _reasoning(self) -> list[Member]:
        """Return the item of reasoning, if the model reasons."""
        if not self._request.reasons:
            return []
        texts = [part.format(words=self._words) for part in _SUMMARY[: self._request.summary_parts]]
        parts = [{"type": "summary_text", "text": text} for text in texts]
        sealed = self._sealed({"summary": "\n\n".join(texts)})
        return [self._item("reasoning", summary=parts, encrypted_content=sealed)]

    def _sealed(self, value: Any) -> str:
        return seal(self._context.ids, self._context.clock.now(), value)

    def _add_text(self, output: Output, text: str, phase: str) -> None:
        """Add a message, cut to the limit."""
        limit, counted, text_tokens = self._request.max_tokens, self._counted, 0
        text_tokens = counted.of_text(text) + self._beside
        status = "completed"
        if limit is not None and output.written + text_tokens > limit:
            left = limit - output.written - counted.beside_text - self._beside
            text = tokens.text_of(tokens.first(text, left, counted.vocabulary))
            text_tokens, status = limit - output.written, "incomplete"
            output.incomplete = "max_output_tokens"
        output.written += text_tokens
        output.items.append(self._message([self._text(text)], phase, status))

    def _message(self, parts: list[Member], phase: str, status: str = "completed") -> Member:
        phases = {"phase": phase} if self._request.rules.phases else {}
        return self._item("message", status=status, content=parts, **phases)

    def _text(self, text: str, annotations: Sequence[Member] = ()) -> Member:
        alternatives = self._request.logprobs
        logprobs: list[Member] = []
        if alternatives is not None:
            split = tokens.split(text, self._counted.vocabulary)
            logprobs = likelihood.entries(split, alternatives, self._counted.vocabulary)
        return {"type": "output_text", "annotations": list(annotations), "logprobs": logprobs, "text": text}

    def _add_calls(self, output: Output, source: Reply) -> None:
        """Add the calls, after the text if the reply has one. Built-in tools that the API runs come first."""
        run = [call for call in source.tool_calls if _is_run_here(call)]
        others = tuple(call for call in source.tool_calls if call not in run)
        run = run[: self._request.body.get("max_tool_calls") or len(run)]
        for call in run:
            output.items += self._made_up(call)
        if source.text:
            self._add_text(output, source.text, "commentary")
        elif run and not others:
            self._add_made_up_text(output, run)
        if others:
            self._add_called(output, others)

    def _add_called(self, output: Output, calls: tuple[ToolCall, ...]) -> None:
        """Add the calls that the client runs. If they exceed the limit, only a part of the first is left."""
        limit = self._request.max_tokens
        needed = self._counted.of_calls(calls) + self._beside
        if limit is None or output.written + needed <= limit:
            output.written += needed
            for call in calls:
                output.items.append(self._called(call))
            return
        first = calls[0]
        empty = self._counted.of_calls([replace(first, arguments="")]) + self._beside
        cut = tokens.first(first.arguments, limit - output.written - empty, self._counted.vocabulary)
        output.items.append(self._called(replace(first, arguments=tokens.text_of(cut)), "incomplete"))
        output.written, output.incomplete = limit, "max_output_tokens"

    def _called(self, call: ToolCall, status: str = "completed") -> Member:
        call_id = self._context.ids.call_id()
        if call.built_in:
            return replace_members(self._made_up(call)[-1], call_id=call_id, status=status)
        if call.custom:
            members = {"call_id": call_id, "input": call.arguments, "name": call.name}
            return self._item("custom_tool_call", status=status, **members)
        members = {"arguments": call.arguments, "call_id": call_id, "name": call.name}
        if namespace := self._request.tools.namespaces.get(call.name):
            members["namespace"] = namespace
        return self._item("function_call", status=status, **members)

    def _made_up(self, call: ToolCall) -> list[Member]:
        """Return the items of a built-in tool that no stub gives; their contents say that they are made up."""
        kind = built_in_tools()[call.built_in].item
        members = item_forms()[kind].made_up_of(self._words)
        if kind == "code_interpreter_call":
            members["container_id"] = f"cntr_{self._context.ids.hex_digits(48)}"
        if kind != "mcp_call":
            return [self._item(kind, **members)]
        server = {"server_label": call.name}
        return [self._item("mcp_list_tools", **server), self._item(kind, **members, **server)]

    def _add_made_up_text(self, output: Output, run: Sequence[ToolCall]) -> None:
        """Add what the model says after the use of tools: it says that this is made up, unless it must be JSON."""
        plain = replace(self._request.conversation, tools=(), demanded=())
        said = respond(self._context.responders, plain, partial(_unfit, self._request.body)).text
        if plain.json_schema is not None:
            self._add_text(output, said, "final_answer")
            return
        names = " and ".join(dict.fromkeys(call.name for call in run))
        text = f"This answer is made up: {names} was not really used. {said}"
        cited = [call for call in run if built_in_tools()[call.built_in].item == "web_search_call"]
        link = f" ([example.com]({_MADE_UP_PAGE}))" if cited else ""
        self._add_text(output, text + link, "final_answer")
        if link and not output.incomplete:
            citation = {
                "type": "url_citation",
                "end_index": len(text + link),
                "start_index": len(text) + 1,
                "title": "Made up",
                "url": _MADE_UP_PAGE,
            }
            output.items[-1]["content"][0]["annotations"] = [citation]

    def _completed(self, given: Mapping[str, Any]) -> Member:
        """Return an item of a stub with the members that it lacks."""
        kind = str(given.get("type", "message"))
        members = {name: value for name, value in given.items() if name != "type"}
        if kind == "message":
            content = members.get("content", members.pop("text", ""))
            parts = [{"type": "output_text", "text": content}] if isinstance(content, str) else content
            members["content"] = [self._completed_part(part) for part in parts]
            if self._request.rules.phases:
                members.setdefault("phase", "final_answer")
        if kind == "reasoning":
            parts = members.get("summary", [])
            members["summary"] = [{"type": "summary_text", "text": ""} | part for part in parts]
        if isinstance(members.get("arguments"), dict) and kind != "tool_search_call":
            members["arguments"] = msgspec.json.encode(members["arguments"]).decode()
        item = self._item(kind, **members)
        if item.get("call_id") == "":
            item["call_id"] = self._context.ids.call_id()
        if item.get("container_id") == "":
            item["container_id"] = f"cntr_{self._context.ids.hex_digits(48)}"
        if kind == "reasoning":
            item = ordered({"encrypted_content": self._sealed({"summary": item["summary"]})} | item)
        return item

    def _completed_part(self, part: Mapping[str, Any]) -> Member:
        kind = part.get("type", "output_text")
        if kind != "output_text":
            return ordered({"refusal": "", **part} if kind == "refusal" else part)
        return ordered(self._text(str(part.get("text", ""))) | dict(part))

    def _tokens_of(self, item: Member) -> int:
        """Return the tokens of an item of a stub."""
        kind, vocabulary = item["type"], self._counted.vocabulary
        if kind == "message":
            texts = [part.get("text") or part.get("refusal") or "" for part in item["content"]]
            return self._counted.of_text("".join(texts))
        if kind == "function_call":
            return self._counted.of_calls([ToolCall(item["name"], item["arguments"])])
        form = item_forms().get(kind)
        written = item.get(form.streamed.member) if form and form.streamed else None
        return tokens.count(written, vocabulary) if isinstance(written, str) else 0


def replace_members(item: Member, **members: Any) -> Member:
    """Return the item with other values of members that it has."""
    return item | {name: value for name, value in members.items() if name in item}


def _is_run_here(call: ToolCall) -> bool:
    """Return whether the API runs the tool, and not the client."""
    return bool(call.built_in) and built_in_tools()[call.built_in].runs == "server"

"""``POST /v1/completions``: completions of texts, the predecessors of chat completions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver import json_styles
from mockserver.engines.dialogue import Conversation, Reply, Turn
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.chat.parameters import check_logit_bias
from mockserver.providers.openai.dialogue.responding import before_stop, respond
from mockserver.providers.openai.given_texts import GivenText, asked_texts
from mockserver.wire import chat, completions, sse, tokens

if TYPE_CHECKING:
    from mockserver.catalog.records import CompletionRules, ModelCard
    from mockserver.engines.answered_by import AnsweredBy
    from mockserver.providers.openai.contexts import CompletionsContext

_MAX_TOKENS = 16  # of a completion, if the request sets no limit (API reference, Create completion)
_NO_LIMIT = 1 << 31  # tokens, more than any text has
_END_OF_TEXT = "<|endoftext|>"  # the prompt of requests without one
_END_REASONS = ("stop", "length", "content_filter")

Body = Mapping[str, Any]


class Completion(Struct):
    """The completion of a prompt, within the limit of the request. ``written`` are its tokens.

    ``echoed`` are the tokens of the prompt, if the answer begins with it.
    """

    answered_by: AnsweredBy
    text: str
    written: tuple[bytes, ...]
    finish_reason: str
    echoed: tuple[bytes, ...] = ()


def check_request(context: CompletionsContext, call: Call) -> None:
    """Raise ``ApiError`` for what the model cannot do, and for parameters that exclude each other."""
    rules, body = _rules(call), call.document
    if body.get("suffix") and not rules.suffix:
        raise ApiError("completion_no_suffix")
    if body.get("echo") and body.get("logprobs") is not None and not rules.echoes_logprobs:
        raise ApiError("completion_echo_logprobs")
    choices, best_of = _choices(body), int(body.get("best_of") or _choices(body))
    if best_of < choices:
        raise ApiError("completion_too_many_choices", n=choices, best_of=best_of)
    if body.get("stream") and best_of > choices:
        raise ApiError("completion_best_of_stream")
    check_logit_bias(body)


def create_completion(context: CompletionsContext, call: Call) -> Answer:
    """Complete each prompt with the reply of a stub or a responder."""
    assert call.model is not None
    rules, body = _rules(call), call.document
    prompts = asked_texts(call, "prompt") or [GivenText(_END_OF_TEXT, (0,))]
    read = [prompt.tokens for prompt in prompts]
    suffix = str(body.get("suffix") or "")
    if call.strict:
        _check_window(call.model, max(read), _limit(body))
    made = [_completion(context, call, prompt, suffix) for prompt in prompts]
    call.outcome.reply = {"text": made[0].text, "tool_calls": []}
    now = context.clock.now()
    head = completions.Head(
        context.ids.completion_id(now, "cmpl-"), int(now), rules.answers_as or call.model.snapshot
    )
    written = sum(len(each.written) for each in made) * max(_choices(body), int(body.get("best_of") or 1))
    usage = completions.usage(sum(read) + tokens.count(suffix, call.vocabulary), written)
    if body.get("stream"):
        events = _stream(call, head, made, usage)
        return Answer(events, sse.CONTENT_TYPE, made[0].answered_by)
    once = [choice for each in made for choice in [_choice(call, each)] * _choices(body)]
    choices = [choice | {"index": index} for index, choice in enumerate(once)]
    document = head.completion(choices, usage)
    written_json = json_styles.two_spaces_newline(document, has_floats=body.get("logprobs") is not None)
    return Answer(written_json, "application/json", made[0].answered_by, usage=usage)


def _rules(call: Call) -> CompletionRules:
    assert call.model is not None
    assert call.model.completion is not None
    return call.model.completion


def _choices(body: Body) -> int:
    return int(body.get("n") or 1)


def _limit(body: Body) -> int:
    given = body.get("max_tokens")
    return _MAX_TOKENS if given is None else min(max(int(given), 0), _NO_LIMIT)


def _check_window(model: ModelCard, prompt: int, completion: int) -> None:
    """Raise ``ApiError`` if the longest prompt and its completion exceed the model's context window."""
    if model.context_window is not None and prompt + completion > model.context_window:
        window, total = model.context_window, prompt + completion
        raise ApiError(
            "prompt_too_long", window=window, requested=total, prompt=prompt, completion=completion
        )


def _completion(context: CompletionsContext, call: Call, prompt: GivenText, suffix: str) -> Completion:
    """Return the completion of a prompt, cut to the ``stop`` sequences and the limit of the request."""
    body, vocabulary = call.document, call.vocabulary
    source = call.scripted.chat_reply() if call.scripted else _replied(context, prompt, suffix)
    stop = body.get("stop") or ()
    text = before_stop(source.text, [stop] if isinstance(stop, str) else stop)
    limit = _limit(body)
    written = tokens.first(text, limit + 1, vocabulary)
    reason = "stop"
    if len(written) > limit:
        written, reason = written[:limit], "length"
        text = tokens.text_of(written)
    if source.finish_reason in _END_REASONS:
        reason = source.finish_reason
    echoed = tuple(tokens.split(prompt.text, vocabulary)) if body.get("echo") else ()
    return Completion(source.answered_by, text, written, reason, echoed)


def _replied(context: CompletionsContext, prompt: GivenText, suffix: str) -> Reply:
    """Return the reply of a responder to the prompt as a message; ``suffix`` is sent as an instruction."""
    turns = [Turn("user", prompt.text)]
    if suffix:
        turns.insert(0, Turn("system", f"Write only the text between the message and this text: {suffix}"))
    return respond(context.responders, Conversation(tuple(turns)), _unfit)


def _unfit(_tool: str, reason: str) -> ApiError:
    return ApiError("chat_no_reply", reason=reason)


def _choice(call: Call, made: Completion) -> dict[str, Any]:
    echoed = tokens.text_of(made.echoed)
    likely = _logprobs(call, (*made.echoed, *made.written))
    return completions.choice(echoed + made.text, 0, likely, made.finish_reason)


def _logprobs(call: Call, written: tuple[bytes, ...], offset: int = 0) -> dict[str, Any] | None:
    alternatives = call.document.get("logprobs")
    if alternatives is None:
        return None
    return completions.logprobs(written, int(alternatives), call.vocabulary, offset)


def _stream(
    call: Call, head: completions.Head, made: list[Completion], usage: dict[str, Any]
) -> Iterator[bytes]:
    """Yield the events: the completions one after the other, each in pieces of whole characters."""
    has_usage = bool((call.document.get("stream_options") or {}).get("include_usage"))
    repeated = (each for each in made for _ in range(_choices(call.document)))
    try:
        for index, each in enumerate(repeated):
            for choice in _pieces(call, each, index):
                yield head.chunk([choice], has_usage=has_usage)
        if has_usage:
            yield head.chunk([], usage, has_usage=True)
    finally:
        call.settle(usage)
    yield chat.DONE


def _pieces(call: Call, made: Completion, index: int) -> Iterator[dict[str, Any]]:
    """Yield the choices of the chunks. The last token of a completion that was cut has the reason, too."""
    pieces = list(tokens.whole((*made.echoed, *made.written)))
    offset = 0
    for number, (text, written) in enumerate(pieces, 1):
        reason = made.finish_reason if made.finish_reason == "length" and number == len(pieces) else None
        yield completions.choice(text, index, _logprobs(call, written, offset), reason)
        offset += len(text)
    none = None if call.document.get("logprobs") is None else _no_logprobs()
    yield completions.choice("", index, none, made.finish_reason)


def _no_logprobs() -> dict[str, Any]:
    return {name: [] for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset")}

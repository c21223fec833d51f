"""Formats chat completions: the whole object, and the chunks of a stream."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.json_styles import streamed
from mockserver.wire import likelihood, tokens

if TYPE_CHECKING:
    from mockserver.catalog.records import ChatRules
    from mockserver.engines.dialogue import ToolCall
    from mockserver.ids import Ids

DONE = b"data: [DONE]\n\n"
PCM_BYTES = 19_200  # bytes of a chunk: 400 ms, 8 audio tokens
_SERVED_TIERS = {"priority": "priority", "fast": "priority", "flex": "flex"}
_CHUNK_LETTERS = 16  # characters; obfuscation fills chunks up to a multiple of this, plus 1

Member = dict[str, Any]

_TEXT_OR_LETTER = re.compile(r'"(?:[^"\\]|\\.)*"?|.', re.DOTALL)


class Head(msgspec.Struct, frozen=True):
    """The members that the completion and each of its chunks have in common. ``created`` is a Unix time in seconds."""

    id: str
    created: int
    model: str
    system_fingerprint: str | None
    service_tier: str = "default"

    def completion(
        self, choices: Sequence[Member], usage: Member, *, moderation: Member | None = None
    ) -> Member:
        """Return the ``chat.completion`` object."""
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": list(choices),
            **({"moderation": moderation} if moderation else {}),
            "usage": usage,
            "service_tier": self.service_tier,
            "system_fingerprint": self.system_fingerprint,
        }


def served_tier(requested: str | None) -> str:
    """Return the ``service_tier`` of the response for the requested one."""
    return _SERVED_TIERS.get(requested or "", "default")


class Chunks:
    """A writer of the chunks of one stream: one event each, with LF line ends and compact JSON.

    With ``logprobs``, every choice has the member, null if there are none. With ``complete_choices``, the last chunk of
    a spoken reply has a ``finish_reason``, too. With ``obfuscation``, chunks are filled up to a multiple of 16
    characters, plus 1.
    """

    def __init__(
        self,
        head: Head,
        ids: Ids,
        *,
        logprobs: bool,
        complete_choices: bool,
        include_usage: bool,
        obfuscation: bool,
    ) -> None:
        self._head = {
            "id": head.id,
            "object": "chat.completion.chunk",
            "created": head.created,
            "model": head.model,
            "service_tier": head.service_tier,
            "system_fingerprint": head.system_fingerprint,
        }
        self._ids = ids
        self._logprobs = logprobs
        self._complete_choices = complete_choices
        self._include_usage = include_usage
        self._obfuscation = obfuscation

    def delta(
        self,
        index: int,
        delta: Member,
        *,
        logprobs: Member | None = None,
        finish_reason: str | None = None,
        usage_first: bool = False,
    ) -> bytes:
        """Return a chunk with one choice. With ``usage_first``, null ``usage`` precedes it, as in parallel calls."""
        members = {"logprobs": logprobs} if self._logprobs else {}
        choice = {"index": index, "delta": delta, **members, "finish_reason": finish_reason}
        early = {"usage": None} if usage_first and self._include_usage else {}
        return self._event({**early, "choices": [choice]})

    def usage(self, usage: Member) -> bytes:
        """Return the chunk with the usage, which has no choices."""
        return self._event({"choices": []}, usage)

    def moderation(self, moderation: Member) -> bytes:
        """Return the chunk with the results of moderation, which has no choices."""
        return self._event({"choices": [], "moderation": moderation})

    def choiceless(self) -> bytes:
        """Return a chunk without the member ``choices``, which audio models send between others."""
        return self._event({})

    def expiry(self, index: int, expires_at: int) -> bytes:
        """Return the last chunk of a spoken reply, with the time until which its audio can be referenced."""
        members = {"finish_reason": None} if self._complete_choices else {}
        delta = {"audio": {"expires_at": expires_at}}
        return self._event({"choices": [{"index": index, "delta": delta, **members}]})

    def _event(self, members: Member, usage: Member | None = None) -> bytes:
        payload: Member = {**self._head, **members}
        if self._include_usage and "usage" not in payload:
            payload["usage"] = usage
        return b"data: " + self._obfuscated(payload) + b"\n\n"

    def _obfuscated(self, payload: Member) -> bytes:
        if not self._obfuscation:
            return streamed(payload)
        bare = streamed(payload | {"obfuscation": ""})
        missing = (1 - len(bare.decode())) % _CHUNK_LETTERS
        return bare.removesuffix(b'"}') + self._ids.obfuscation(missing).encode() + b'"}'


def message(
    content: str | None,
    *,
    audio: Member | None = None,
    tool_calls: Sequence[Member] = (),
    function_call: Member | None = None,
) -> Member:
    """Return the assistant's message, with its members in the API's order."""
    members: Member = {"role": "assistant", "content": content}
    if tool_calls:
        members["tool_calls"] = list(tool_calls)
    if function_call:
        members["function_call"] = function_call
    members["refusal"] = None
    if audio:
        members["audio"] = audio
    members["annotations"] = []
    return members


def tool_call(call: ToolCall, call_id: str) -> Member:
    """Return a member of ``tool_calls``."""
    if call.custom:
        return {"id": call_id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def parallel_pieces(arguments: str) -> Iterator[str]:
    """Yield the JSON arguments of one of several calls in pieces, divided as the API does.

    A piece ends after 4, 9, 14, 18, 23, 28 characters, and so on: every 14/3. Spaces between members do not count.
    """
    start = counted = cuts = 0
    for found in _TEXT_OR_LETTER.finditer(arguments):
        if found.group() == " ":
            continue
        for place in range(found.start(), found.end()):
            counted += 1
            if counted == 14 * (cuts + 1) // 3:
                yield arguments[start : place + 1]
                start, cuts = place + 1, cuts + 1
    if start < len(arguments):
        yield arguments[start:]


def no_logprobs() -> Member:
    """Return the ``logprobs`` of a chunk without tokens."""
    return {"content": [], "refusal": None}


def logprobs(
    written: Iterable[bytes], alternatives: int, vocabulary: tokens.Vocabulary = tokens.DEFAULT
) -> Member:
    """Return the ``logprobs`` of the tokens, each with ``alternatives`` likeliest tokens."""
    return {"content": likelihood.entries(written, alternatives, vocabulary), "refusal": None}


def usage(
    *,
    prompt_text: int,
    prompt_audio: int,
    reply_text: int,
    reply_audio: int,
    rules: ChatRules | None = None,
) -> Member:
    """Return the ``usage`` of a completion, with the details that a model with these ``rules`` reports.

    Only models with audio report text and image tokens.
    """
    prompt, completion = prompt_text + prompt_audio, reply_text + reply_audio
    with_audio, cache_writes = (rules.audio, rules.cache_write_tokens) if rules else (False, False)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "audio_tokens": prompt_audio,
            **({"text_tokens": prompt_text, "image_tokens": 0} if with_audio else {}),
            **({"cache_write_tokens": 0} if cache_writes else {}),
        },
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": reply_audio,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
            **({"text_tokens": reply_text} if with_audio else {}),
        },
    }


def pieces(pcm: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the PCM in pieces of ``PCM_BYTES``; the last one may be shorter."""
    waiting = bytearray()
    for chunk in pcm:
        waiting += chunk
        while len(waiting) > PCM_BYTES:
            yield bytes(waiting[:PCM_BYTES])
            del waiting[:PCM_BYTES]
    if waiting:
        yield bytes(waiting)

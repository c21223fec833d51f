"""Formats completions, the predecessors of chat completions: the whole object, and the chunks of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from mockserver.json_styles import streamed
from mockserver.wire import likelihood, tokens

Member = dict[str, Any]


class Head(Struct, frozen=True):
    """The members that a completion and its chunks have in common. ``created`` is a Unix time in seconds."""

    id: str
    created: int
    model: str

    def completion(self, choices: Sequence[Member], used: Member) -> Member:
        """Return the ``text_completion`` object."""
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": list(choices),
            "usage": used,
        }

    def chunk(
        self, choices: Sequence[Member], usage: Member | None = None, *, has_usage: bool = False
    ) -> bytes:
        """Return an event of a stream, whose ``model`` follows the choices; with ``has_usage``, ``usage`` is last."""
        members: Member = {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "choices": list(choices),
            "model": self.model,
        }
        if has_usage:
            members["usage"] = usage
        return b"data: " + streamed(members) + b"\n\n"


def choice(text: str, index: int, logprobs: Member | None, finish_reason: str | None) -> Member:
    """Return a choice of a completion or a chunk."""
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish_reason}


def usage(read: int, written: int) -> Member:
    """Return the usage of ``read`` tokens of the prompts and ``written`` tokens of all completions."""
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def logprobs(
    written: Sequence[bytes], alternatives: int, vocabulary: tokens.Vocabulary, offset: int
) -> Member:
    """Return the log probabilities of tokens, whose text begins ``offset`` characters after the beginning.

    Each has its ``alternatives`` likeliest tokens; for 0, ``top_logprobs`` is null.
    """
    entries = likelihood.entries(written, alternatives, vocabulary)
    top = [{each["token"]: each["logprob"] for each in entry["top_logprobs"]} for entry in entries]
    offsets, seen = [], b""
    for token in written:
        offsets.append(offset + len(seen.decode("utf-8", "ignore")))
        seen += token
    return {
        "tokens": [entry["token"] for entry in entries],
        "token_logprobs": [entry["logprob"] for entry in entries],
        "top_logprobs": top if alternatives else None,
        "text_offset": offsets,
    }

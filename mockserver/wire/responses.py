"""Formats the Responses API: the response object, and the events of a stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.json_styles import streamed

Member = dict[str, Any]

# The members of a response, in the order of the API since July 2026.
_ORDER = (
    *(
        "id",
        "object",
        "created_at",
        "status",
        "background",
        "billing",
        "completed_at",
        "conversation",
        "error",
    ),
    *(
        "frequency_penalty",
        "incomplete_details",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "model",
    ),
    *("moderation", "output", "parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt"),
    *(
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
    ),
    *(
        "temperature",
        "text",
        "tool_choice",
        "tool_usage",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "usage",
    ),
    *("user", "metadata"),
)
_FILLED_TO = 16  # characters; a delta and its obfuscation together have a multiple of this
_BILLING = {"payer": "developer"}


def response(members: Mapping[str, Any], *, in_event: bool = False) -> Member:
    """Return the ``response`` object with ``members``, in the API's order; in events it has no ``billing``."""
    known = {"object": "response", **({} if in_event else {"billing": _BILLING}), **members}
    return {name: known[name] for name in _ORDER if name in known}


class Events:
    """A writer of the events of one stream, numbered from 0.

    With ``obfuscation``, deltas are filled up to a multiple of 16 characters.
    """

    def __init__(self, obfuscate: Callable[[int], str] | None) -> None:
        self._obfuscate = obfuscate
        self.number = 0

    def event(self, name: str, **members: Any) -> bytes:
        """Return the event ``name``: its ``type`` first, then its members in alphabetical order."""
        named = members | {"sequence_number": self.number}
        self.number += 1
        payload = {"type": name} | {key: named[key] for key in sorted(named)}
        return f"event: {name}\ndata: ".encode() + streamed(payload) + b"\n\n"

    def delta(self, name: str, delta: str, **members: Any) -> bytes:
        """Return an event with a ``delta``, obfuscated if the stream is."""
        filler = {"obfuscation": self._obfuscate(-len(delta) % _FILLED_TO)} if self._obfuscate else {}
        return self.event(name, delta=delta, **filler, **members)


def usage(*, read: int, written: int, reasoned: int = 0, cached: int = 0) -> Member:
    """Return the ``usage`` of a response; ``reasoned`` tokens are a part of the ``written`` ones."""
    return {
        "input_tokens": read,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": cached},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": reasoned},
        "total_tokens": read + written,
    }

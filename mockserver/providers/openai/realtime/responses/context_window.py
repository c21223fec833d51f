"""The bound of what the model reads: the oldest items are left out if there are too many tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.conversation.items import FunctionCall, FunctionCallOutput, Item

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.catalog.records import ModelCard
    from mockserver.providers.openai.realtime.responses.usage import Segment


class ContextWindow:
    """The window of a session's model. Items that were left out once are left out of later responses, too."""

    def __init__(self, model: ModelCard) -> None:
        self._limit = _input_limit(model)
        self._left_out: set[str] = set()

    def fit(
        self,
        items: Sequence[Item],
        count: Callable[[Sequence[Item]], Sequence[Segment]],
        truncation: str | Mapping[str, Any],
    ) -> list[Item]:
        """Return the items that the model reads; ``count`` returns the tokens of the instructions and of some items.

        Raises ``ApiError`` if there are too many and ``truncation`` is ``disabled``.
        """
        left = [item for item in items if item.id not in self._left_out]
        if self._limit is None:
            return left
        first, *rest = count(left)
        limit, ratio = self._limit - first.tokens.total, 1.0
        if isinstance(truncation, Mapping):
            ratio = truncation["retention_ratio"]
            limit = min(limit, (truncation.get("token_limits") or {}).get("post_instructions", limit))
        sizes = [segment.tokens.total for segment in rest]
        used = sum(sizes)
        if used <= limit:
            return left
        if truncation == "disabled":
            raise ApiError("realtime_context_too_long", limit=self._limit, tokens=used + first.tokens.total)
        start = 0
        while start < len(left) - 1 and used > limit * ratio:
            end = _end_of_oldest(left, start)
            used -= sum(sizes[start:end])
            start = end
        self._left_out |= {item.id for item in left[:start]}
        return left[start:]


def _end_of_oldest(items: Sequence[Item], start: int) -> int:
    """Return the end of the oldest item; of a call with its results, but never of the last of all items."""
    end = start + 1
    if isinstance(items[start], FunctionCall):
        while end < len(items) - 1 and isinstance(items[end], FunctionCallOutput):
            end += 1
    return end


def _input_limit(model: ModelCard) -> int | None:
    rules = model.realtime
    if rules is not None and rules.max_input_tokens is not None:
        return rules.max_input_tokens
    if model.context_window is None:
        return None
    return model.context_window - (model.max_output_tokens or 0)

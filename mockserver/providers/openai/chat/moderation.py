"""Moderated completions: what moderation found in a conversation and in its replies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.wire.moderation import results

if TYPE_CHECKING:
    from mockserver.providers.openai.chat.reply import ChatReply
    from mockserver.providers.openai.chat.request import ChatRequest


def moderation(request: ChatRequest, replies: list[ChatReply]) -> dict[str, Any] | None:
    """Return the ``moderation`` of an answer, one result for each of its choices; ``None`` unless asked for."""
    asked = request.body.get("moderation")
    if not asked:
        return None
    turns = request.conversation.turns
    written = "\n".join(text for turn in turns for text in (turn.text, turn.transcript) if text)
    flagged = replies[0].flagged
    return {
        "input": results(asked["model"], [written], flagged.get("input", ())),
        "output": results(asked["model"], [reply.text for reply in replies], flagged.get("output", ())),
    }

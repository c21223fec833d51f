"""A response of a session, and its form in events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.providers.openai.realtime.conversation.items import Item
    from mockserver.providers.openai.realtime.responses.running_response import Ending, RunningResponse
    from mockserver.providers.openai.realtime.responses.settings import ResponseSettings
    from mockserver.providers.openai.realtime.responses.usage import Segment
    from mockserver.providers.openai.realtime.timeline import Task
    from mockserver.providers.openai.realtime.turns.turn import Turn


class Response(Struct, eq=False):
    """A response in progress. The model reads ``items``, with the tokens of ``segments``."""

    id: str
    settings: ResponseSettings
    turn: Turn
    segments: Sequence[Segment]
    reasoned: int
    items: Sequence[Item]
    running: RunningResponse | None = None
    task: Task | None = None  # until it begins

    def shown(
        self, conversation_id: str, ending: Ending | None = None, used: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the ``response`` of events."""
        settings = self.settings
        output = [item.item.shown() for item in self.running.items] if ending and self.running else []
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": ending.status if ending else "in_progress",
            "status_details": ending.details() if ending else None,
            "output": output,
            "conversation_id": None if settings.is_apart else conversation_id,
            "output_modalities": [settings.modality],
            "max_output_tokens": settings.max_output_tokens,
            "audio": {"output": {"format": settings.audio_format.shown(), "voice": settings.voice}},
            "usage": used,
            "metadata": settings.metadata,
        }

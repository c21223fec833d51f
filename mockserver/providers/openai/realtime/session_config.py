"""The configuration of a session: its defaults by model, its updates, and its form in events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.catalog.records import ModelCard


class SessionConfig:
    """The configuration of a session."""

    def __init__(self, kind: Literal["realtime", "transcription"], members: dict[str, Any]) -> None:
        self.kind = kind
        self.members = members  # as in the event session.created, in its order, without id and expires_at
        self.model: ModelCard | None = None

    @staticmethod
    def of_conversation(name: str, model: ModelCard) -> SessionConfig:
        """Return the configuration with which a conversation begins; ``name`` is the model as asked for."""
        config = SessionConfig("realtime", {"type": "realtime", "model": name})
        config.model = model
        return config

    @staticmethod
    def of_transcription() -> SessionConfig:
        """Return the configuration with which a transcription session begins."""
        return SessionConfig("transcription", {"type": "transcription"})

    def update(self, changes: Mapping[str, Any]) -> None:
        """Apply the ``session`` of an update, or nothing of it. Raises ``ApiError``."""

    def shown(self, session_id: str, expires_at: int) -> dict[str, Any]:
        """Return the ``session`` of events."""
        return {**self.members, "id": session_id, "expires_at": expires_at}

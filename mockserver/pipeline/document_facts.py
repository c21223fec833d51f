"""The facts of a request's form or JSON that conditions read. The document need not be valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mockserver.audio.uploads import AudioPlace


class DocumentFacts:
    """The facts of a flat document. An operation with other documents has a subclass of its own."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    @property
    def prompt(self) -> str:
        """Return the members ``prompt`` and ``instructions``, a line each."""
        texts = (text_in(self.document.get(name)) for name in ("prompt", "instructions"))
        return "\n".join(filter(None, texts))

    @property
    def user_text(self) -> str:
        """Return the text that the user wrote."""
        return text_in(self.document.get("input"))

    @property
    def has_user_text(self) -> bool:
        """Return whether the user wrote or said something, even if that has no text."""
        return bool(self.user_text)

    @property
    def audio(self) -> Iterable[tuple[AudioPlace, Mapping[str, Any]]]:
        """Return the audio parts of the document, each with its place."""
        return ()

    @property
    def latest(self) -> int | None:
        """Return the index of the message with the audio to transcribe; ``None`` without messages."""
        return None

    @property
    def asks_for(self) -> frozenset[str]:
        """Return the kinds of answer that the document asks for, as in ``Operation.gives``."""
        streams = self.document.get("stream") in (True, "true") or self.document.get("stream_format") == "sse"
        return frozenset({"events"}) if streams else frozenset()


def text_in(value: object) -> str:
    """Return ``value`` if it is a string, else an empty string."""
    return value if isinstance(value, str) else ""

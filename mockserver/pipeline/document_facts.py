"""What matchers look at in the form or JSON of a request. It may be anything: it need not be valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mockserver.audio.uploads import AudioPlace


class DocumentFacts:
    """The facts of a document whose texts are members of it. An operation with other documents has its own class."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    @property
    def prompt(self) -> str:
        """Return what the model is told beside the text or the audio."""
        told = (text_in(self.document.get(name)) for name in ("prompt", "instructions"))
        return "\n".join(filter(None, told))

    @property
    def user_text(self) -> str:
        """Return the text that the user wrote."""
        return text_in(self.document.get("input"))

    @property
    def audio(self) -> Iterable[tuple[AudioPlace, Mapping[str, Any]]]:
        """Return the audio that stands in the document, each with its place."""
        return ()

    @property
    def latest(self) -> int | None:
        """Return the number of the message whose audio is transcribed; ``None`` without messages."""
        return None

    @property
    def asks_for(self) -> frozenset[str]:
        """Return what the answer shall be, as in ``Operation.gives``."""
        streams = self.document.get("stream") in (True, "true") or self.document.get("stream_format") == "sse"
        return frozenset({"events"}) if streams else frozenset()


def text_in(value: object) -> str:
    """Return a value that is a text; of any other, an empty one."""
    return value if isinstance(value, str) else ""

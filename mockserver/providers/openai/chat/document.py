"""The facts of a chat's JSON that conditions read. The document need not be valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.audio.uploads import AudioPlace
from mockserver.pipeline.document_facts import DocumentFacts, text_in

_INSTRUCTING = ("system", "developer")  # roles of messages with instructions

_Message = Mapping[str, Any]


class ChatDocument(DocumentFacts):
    """The facts of a document with ``messages``, which may be missing."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(document)
        messages = document.get("messages")
        numbered = enumerate(messages) if isinstance(messages, list) else ()
        self._messages = [each for each in numbered if isinstance(each[1], dict)]
        users = [each for each in self._messages if each[1].get("role") == "user"]
        self._last_of_user: tuple[int, _Message] = users[-1] if users else (-1, {})

    @property
    def prompt(self) -> str:
        """Return the members ``prompt`` and ``instructions`` and the system messages, a line each."""
        instructions = [_text(each) for _, each in self._messages if each.get("role") in _INSTRUCTING]
        return "\n".join(filter(None, [super().prompt, *instructions]))

    @property
    def user_text(self) -> str:
        """Return the text of the last user message."""
        return _text(self._last_of_user[1]) or super().user_text

    @property
    def audio(self) -> Iterator[tuple[AudioPlace, _Message]]:
        """Yield the ``input_audio`` of all messages, each with its place."""
        for number, message in self._messages:
            for index, part in _parts(message):
                audio = part.get("input_audio")
                if isinstance(audio, Mapping) and isinstance(audio.get("data"), str):
                    yield AudioPlace(number, index), audio

    @property
    def latest(self) -> int:
        """Return the index of the last user message; -1 without one."""
        return self._last_of_user[0]

    @property
    def asks_for(self) -> frozenset[str]:
        """Return the kinds of answer that the document asks for; ``sound`` if the modalities include audio."""
        modalities = self.document.get("modalities")
        speaks = isinstance(modalities, list) and "audio" in modalities
        return super().asks_for | ({"sound"} if speaks else frozenset())


def _parts(message: _Message) -> list[tuple[int, _Message]]:
    content = message.get("content")
    numbered = enumerate(content) if isinstance(content, list) else ()
    return [(index, part) for index, part in numbered if isinstance(part, Mapping)]


def _text(message: _Message) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(filter(None, (text_in(part.get("text")) for _, part in _parts(message))))

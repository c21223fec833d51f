"""The facts of a response's JSON that conditions read. The document need not be valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.audio.uploads import AudioPlace
from mockserver.pipeline.document_facts import DocumentFacts
from mockserver.providers.openai.responses.requests.reading import kind_of, parts_of, texts_of

INPUT = "input"  # the member with the items

_INSTRUCTING = ("system", "developer")  # roles of messages with instructions


class ResponseDocument(DocumentFacts):
    """The facts of a document with ``input``: a text, or a list of items, of which only messages matter."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(document)
        items = document.get(INPUT)
        numbered = enumerate(items) if isinstance(items, list) else ()
        messages = ((number, item) for number, item in numbered if isinstance(item, Mapping))
        self._messages = [each for each in messages if kind_of(each[1]) == "message"]
        users = [each for each in self._messages if each[1].get("role") == "user"]
        self._last_of_user: tuple[int, Mapping[str, Any]] = users[-1] if users else (-1, {})

    @property
    def prompt(self) -> str:
        """Return the member ``instructions`` and the system messages, a line each."""
        messages = [_text(item) for _, item in self._messages if item.get("role") in _INSTRUCTING]
        return "\n".join(filter(None, [super().prompt, *messages]))

    @property
    def user_text(self) -> str:
        """Return the input, or the text of its last user message."""
        return _text(self._last_of_user[1]) or super().user_text

    @property
    def has_user_text(self) -> bool:
        """Return whether there is a message of the user."""
        return self.latest >= 0 or super().has_user_text

    @property
    def audio(self) -> Iterator[tuple[AudioPlace, Mapping[str, Any]]]:
        """Yield the ``input_audio`` of all messages, each with its place."""
        for number, item in self._messages:
            for index, part in parts_of(item.get("content")):
                audio = part.get("input_audio")
                if isinstance(audio, Mapping) and isinstance(audio.get("data"), str):
                    yield AudioPlace(number, index, INPUT), audio

    @property
    def latest(self) -> int:
        """Return the index of the last user message; -1 without one."""
        return self._last_of_user[0]


def _text(item: Mapping[str, Any]) -> str:
    return " ".join(filter(None, texts_of(item.get("content"))))

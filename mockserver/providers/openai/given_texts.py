"""The texts of embeddings and completions: one or several, as strings or as ids of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.errors import ApiError
from mockserver.pipeline.document_facts import DocumentFacts
from mockserver.wire import tokens

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call

_VOCABULARY: tokens.Vocabulary = "cl100k_base"  # of all models of these endpoints


class GivenText(NamedTuple):
    """A text, with the ids of its tokens if these were sent."""

    text: str
    ids: Sequence[int] | None = None

    @property
    def tokens(self) -> int:
        """Return the number of its tokens."""
        return tokens.count(self.text, _VOCABULARY) if self.ids is None else len(self.ids)


def asked_texts(call: Call, parameter: str) -> list[GivenText]:
    """Return the texts of a parameter. Raises ``ApiError`` in strictness ``real`` for an id that is not of a token."""
    try:
        return given_texts(call.document.get(parameter), known_only=call.strict)
    except ValueError as error:
        raise ApiError("value_invalid", parameter=parameter) from error


def given_texts(value: object, *, known_only: bool = False) -> list[GivenText]:
    """Return the texts of ``input`` or ``prompt``, of which anything but texts and tokens is left out.

    With ``known_only``, raises ``ValueError`` for an id that is not one of a token.
    """
    if isinstance(value, str):
        return [GivenText(value)]
    if not isinstance(value, list):
        return []
    if value and all(map(_is_id, value)):
        return [_decoded(value, known_only)]
    return [
        GivenText(each) if isinstance(each, str) else _decoded(list(filter(_is_id, each)), known_only)
        for each in value
        if isinstance(each, str | list)
    ]


def _is_id(value: object) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and value.is_integer()
    )


def _decoded(ids: Sequence[float], known_only: bool) -> GivenText:
    """Return the text of tokens. Without a vocabulary, or with unknown ids, each counts as a word of its own."""
    numbers = list(map(int, ids))
    try:
        text = tokens.text_of_ids(numbers, _VOCABULARY)
    except ValueError:
        if known_only:
            raise
        text = None
    return GivenText(" ".join(map(str, numbers)) if text is None else text, numbers)


class TextsDocument(DocumentFacts):
    """The facts of a document with ``input`` or ``prompt`` as above: each text is a line."""

    @property
    def prompt(self) -> str:
        """Return the texts of ``prompt``."""
        return self._lines("prompt")

    @property
    def user_text(self) -> str:
        """Return the texts of ``input``, or of ``prompt``."""
        return self._lines("input") or self._lines("prompt")

    def _lines(self, name: str) -> str:
        return "\n".join(each.text for each in given_texts(self.document.get(name)))


class PartsDocument(DocumentFacts):
    """The facts of a document whose ``input`` is a text, or a list of texts and parts with a ``text``."""

    @property
    def user_text(self) -> str:
        """Return the texts, a line each."""
        return "\n".join(texts_of(self.document))


def texts_of(document: Mapping[str, Any]) -> list[str]:
    """Return the texts of an ``input`` of strings and parts."""
    value = document.get("input")
    items = value if isinstance(value, list) else [value]
    found = (item.get("text") if isinstance(item, dict) else item for item in items)
    return [text for text in found if isinstance(text, str)]

"""The source of an answer, for the response header ``x-mock-answered-by`` and the journal."""

from __future__ import annotations

import re

from msgspec import Struct


class AnsweredBy(Struct, frozen=True):
    """A ``source`` of answers, such as ``whisper``, with ``details``: pairs of name and value.

    As text: ``whisper; model=embedded``.
    """

    source: str
    details: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, text: str) -> AnsweredBy | None:
        """Parse a stored text. Return ``None`` if it is empty."""
        source, _, rest = text.partition("; ")
        name, _, value = rest.partition("=")
        return cls(source, ((name, value),) if rest else ()) if text else None

    def with_detail(self, name: str, value: str) -> AnsweredBy:
        """Return the same source with one more detail."""
        return AnsweredBy(self.source, (*self.details, (name, value)))

    @property
    def mark(self) -> str:
        """Return the source and its first detail, for use as the value of a detail: ``whisper/embedded``.

        The separators ``;``, ``+`` and ``%`` are percent-encoded.
        """
        _, value = self.details[0] if self.details else ("", "")
        encoded = re.sub("[;+%]", lambda found: f"%{ord(found[0]):X}", value)
        return f"{self.source}/{encoded}" if encoded else self.source

    def __str__(self) -> str:
        """Return the text form."""
        return "; ".join([self.source, *(f"{name}={value}" for name, value in self.details)])

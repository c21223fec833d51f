"""Who answered a request, as the response header ``x-mock-answered-by`` and the journal tell it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """A ``source`` of answers, such as ``whisper``, and what else there is to tell of it, by name.

    As a text: ``whisper; model=embedded``.
    """

    source: str
    details: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, text: str) -> AnsweredBy | None:
        """Return who is meant by a text that was stored; ``None`` by an empty one."""
        source, _, rest = text.partition("; ")
        name, _, value = rest.partition("=")
        return cls(source, ((name, value),) if rest else ()) if text else None

    def telling(self, name: str, value: str) -> AnsweredBy:
        """Return the same source with one more detail."""
        return AnsweredBy(self.source, (*self.details, (name, value)))

    @property
    def mark(self) -> str:
        """Return the source and its first detail as a value of another's: ``whisper/embedded``.

        What separates the details of a text is percent-encoded.
        """
        _, value = self.details[0] if self.details else ("", "")
        encoded = re.sub("[;+%]", lambda found: f"%{ord(found[0]):X}", value)
        return f"{self.source}/{encoded}" if encoded else self.source

    def __str__(self) -> str:
        """Return the text."""
        return "; ".join([self.source, *(f"{name}={value}" for name, value in self.details)])

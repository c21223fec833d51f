"""Uploaded files, and where in a request an audio file is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mockserver.audio.content import Content

UPLOAD = "file"  # what the one audio file of a form is called


class AudioPlace(NamedTuple):
    """Where an audio file is: which ``part`` of which ``message`` of a chat, from 0; without them, the form's file."""

    message: int | None = None
    part: int | None = None

    def __str__(self) -> str:
        """Return the place as errors and the journal write it."""
        if self.message is None:
            return UPLOAD
        return f"messages[{self.message}].content[{self.part}].input_audio"


FORM_FILE = AudioPlace()


@dataclass(frozen=True, slots=True)
class FilePart:
    """An uploaded file as it was sent. ``filename`` and ``content_type`` are empty where none was given.

    ``is_field`` is true of a part without a ``filename`` parameter, which is a text field and not a file.
    """

    filename: str
    content_type: str
    content: Content
    is_field: bool = False

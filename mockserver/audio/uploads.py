"""Uploaded files, and the places of audio files in a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.audio.content import Content

UPLOAD = "file"  # the name of the audio file in a form


class AudioPlace(NamedTuple):
    """The place of an audio file: ``part`` and ``message`` of a chat, from 0; without them, the form's file.

    ``messages`` is the name of the list of messages.
    """

    message: int | None = None
    part: int | None = None
    messages: str = "messages"

    def __str__(self) -> str:
        """Return the place in the form of errors and the journal."""
        if self.message is None:
            return UPLOAD
        return f"{self.messages}[{self.message}].content[{self.part}].input_audio"


FORM_FILE = AudioPlace()


class FilePart(Struct, frozen=True):
    """An uploaded file. ``filename`` and ``content_type`` are empty if they were not sent.

    ``is_field`` is true for a part without a ``filename`` parameter, which is a text field, not a file.
    """

    filename: str
    content_type: str
    content: Content
    is_field: bool = False

"""Uploaded files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.audio.content import Content

UPLOAD = "file"  # the place of the one audio file of a form


@dataclass(frozen=True, slots=True)
class FilePart:
    """An uploaded file as it was sent. ``filename`` and ``content_type`` are empty where none was given.

    ``is_field`` is true of a part without a ``filename`` parameter, which is a text field and not a file.
    """

    filename: str
    content_type: str
    content: Content
    is_field: bool = False

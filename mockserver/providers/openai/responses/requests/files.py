"""The texts of files in an input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.remote.sources import UrlSources

_MOST = 1 << 20  # bytes of a file that are read
_NO_TEXT = (b"%PDF", b"PK\x03\x04")  # PDF files, and documents of office programs


def text_of_file(sources: UrlSources, part: Mapping[str, Any]) -> str:
    """Return the text of a file whose bytes or mapped URL the request has; empty for a file that is not text."""
    given = part.get("file_data") or part.get("file_url")
    found = sources.local(given) if isinstance(given, str) else None
    if found is None:
        return ""
    content = found.content.part(0, _MOST)
    if b"\0" in content or content.startswith(_NO_TEXT):
        return ""
    # The end of a long text may divide a character.
    return content.decode("utf-8", "ignore") if len(content) == _MOST else _decoded(content)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""

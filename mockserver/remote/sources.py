"""Finds the audio of a URL: by the URL map, in a folder, in the URL itself, or by fetching it."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from mockserver.audio.content import Content
from mockserver.audio.uploads import UPLOAD, FilePart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.remote.fetch import Fetcher
    from mockserver.remote.url_map import UrlMap

log = logging.getLogger(__name__)

UPLOADS = ("file", "audio")  # names of the audio file in a form


class UrlSources:
    """The sources of audio by URL. ``file:`` URLs can only read from ``folder``; ``None`` allows none.

    ``make_fetcher`` is called for the first URL that is neither mapped nor local.
    """

    def __init__(
        self, url_map: UrlMap, folder: Path | None, make_fetcher: Callable[[], Fetcher], max_bytes: int
    ) -> None:
        self._map = url_map
        self._folder = folder.resolve() if folder else None
        self._fetcher = cache(make_fetcher)
        self._max_bytes = max_bytes

    def audio_of(self, document: Mapping[str, Any], files: Mapping[str, FilePart]) -> Mapping[str, FilePart]:
        """Return the audio file of a request: its upload, or the file of its ``url``; empty if it must be fetched."""
        url = document.get("url")
        found = next((files[name] for name in UPLOADS if name in files), None)
        if found is None and isinstance(url, str):
            found = self.local(url)
        return {} if found is None else {UPLOAD: found}

    def local(self, url: str) -> FilePart | None:
        """Return the file if it is mapped, local or in the URL; ``None`` if it must be fetched."""
        mapped = self._map.find(url)
        if mapped is not None:
            return _read(mapped)
        if url[:5].lower() == "data:":
            return _inline(url)
        path = self._path(url)
        return _read(path, self._max_bytes) if path else None

    def check(self, url: str) -> None:
        """Raise ``NotAllowed``, naming the setting, for a URL that is not local and may not be fetched."""
        from mockserver.remote.targets import NotAllowed

        if url[:5].lower() == "data:":
            raise NotAllowed("The data: URL cannot be decoded. Write its data in base64 or percent-encoded.")
        if url[:5].lower() == "file:":
            raise NotAllowed(
                f"{url} cannot be read: no such file of at most {self._max_bytes} bytes in the folder of the "
                f"setting url_folder ({self._folder or 'none is set'})."
            )
        self._fetcher().check(url)

    def may_fetch(self, url: str) -> bool:
        """Return whether the settings allow fetching the URL."""
        from mockserver.remote.targets import NotAllowed

        try:
            self._fetcher().check(url)
        except NotAllowed:
            return False
        return True

    def fetch(self, url: str) -> FilePart:
        """Return the fetched file. Raises ``FetchError``."""
        fetched = self._fetcher().fetch(url)
        return FilePart(fetched.name, fetched.content_type, Content(fetched.data))

    def _path(self, url: str) -> Path | None:
        """Return the path of a ``file:`` URL if it is in the folder after resolving links; ``None`` otherwise."""
        if self._folder is None or url[:5].lower() != "file:":
            return None
        from urllib.request import url2pathname

        try:
            parts = urlsplit(url)
            path = Path(url2pathname(parts.path)).resolve()
            is_inside = parts.netloc in ("", "localhost") and path.is_relative_to(self._folder)
            return path if is_inside and path.is_file() else None
        except (ValueError, OSError):  # an invalid path, or one that is too long
            return None


def _read(path: Path, max_bytes: int | None = None) -> FilePart | None:
    """Return a file; ``None`` if it is too large or cannot be read, which is logged."""
    try:
        if max_bytes is not None and path.stat().st_size > max_bytes:
            return None
        return FilePart(path.name, "", Content(path.read_bytes()))
    except OSError as error:
        log.warning("The file %s of an audio URL cannot be read: %s", path, error)
        return None


def _inline(url: str) -> FilePart | None:
    """Return the file in a ``data:`` URL (RFC 2397); ``None`` if it cannot be decoded."""
    import pybase64

    head, comma, encoded = url[5:].partition(",")
    content_type, semicolon, ending = head.rpartition(";")
    if not comma:
        return None
    if not semicolon or ending.strip().lower() != "base64":
        return FilePart("", head, Content(unquote_to_bytes(encoded)))
    try:
        return FilePart("", content_type, Content(pybase64.b64decode(unquote(encoded), validate=True)))
    except ValueError:
        return None

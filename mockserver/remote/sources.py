"""Where the audio of a URL comes from: the map, a folder, the URL itself; else it has to be fetched."""

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

UPLOADS = ("file", "audio")  # the names of a form's audio file


class UrlSources:
    """The audio of URLs. ``folder`` is the only one that ``file:`` URLs can read from, ``None`` for none.

    ``make_fetcher`` is called when a URL is neither known nor local: most servers never meet one.
    """

    def __init__(
        self, url_map: UrlMap, folder: Path | None, make_fetcher: Callable[[], Fetcher], max_bytes: int
    ) -> None:
        self._map = url_map
        self._folder = folder.resolve() if folder else None
        self._fetcher = cache(make_fetcher)
        self._max_bytes = max_bytes

    def audio_of(self, document: Mapping[str, Any], files: Mapping[str, FilePart]) -> Mapping[str, FilePart]:
        """Return the audio file of a request: its upload, else the file at its ``url``.

        Empty where that would have to be fetched.
        """
        url = document.get("url")
        found = next((files[name] for name in UPLOADS if name in files), None)
        if found is None and isinstance(url, str):
            found = self.at_hand(url)
        return {} if found is None else {UPLOAD: found}

    def at_hand(self, url: str) -> FilePart | None:
        """Return the file if it is local or in the URL; ``None`` if it would have to be fetched."""
        mapped = self._map.find(url)
        if mapped is not None:
            return _read(mapped)
        if url[:5].lower() == "data:":
            return _inline(url)
        local = self._local(url)
        return _read(local, self._max_bytes) if local else None

    def check(self, url: str) -> None:
        """Raise ``NotAllowed``, naming the settings, for a URL that is neither local nor allowed to be fetched."""
        from mockserver.remote.fetch import NotAllowed

        if url[:5].lower() == "data:":
            raise NotAllowed("The data: URL cannot be read. Its data must be in base64, or percent-encoded.")
        if url[:5].lower() == "file:":
            raise NotAllowed(
                f"{url} is not read: there is no such file of at most {self._max_bytes} bytes in the folder of the "
                f"setting url_folder ({self._folder or 'none is set'})."
            )
        self._fetcher().check(url)

    def may_fetch(self, url: str) -> bool:
        """Return whether the settings allow to fetch from the URL's host."""
        from mockserver.remote.fetch import NotAllowed

        try:
            self._fetcher().check(url)
        except NotAllowed:
            return False
        return True

    def fetch(self, url: str) -> FilePart:
        """Fetch the file. Raises ``FetchError``."""
        fetched = self._fetcher().fetch(url)
        return FilePart(fetched.name, fetched.content_type, Content(fetched.data))

    def _local(self, url: str) -> Path | None:
        """Return the file of a ``file:`` URL, if it is in the folder, also where links lead out of it."""
        if self._folder is None or url[:5].lower() != "file:":
            return None
        from urllib.request import url2pathname

        try:
            parts = urlsplit(url)
            path = Path(url2pathname(parts.path)).resolve()
            is_inside = parts.netloc in ("", "localhost") and path.is_relative_to(self._folder)
            return path if is_inside and path.is_file() else None
        except (ValueError, OSError):  # no path, or a name that is too long for one
            return None


def _read(path: Path, most: int | None = None) -> FilePart | None:
    """Return a file; ``None`` where it is too large, or cannot be read."""
    try:
        if most is not None and path.stat().st_size > most:
            return None
        return FilePart(path.name, "", Content(path.read_bytes()))
    except OSError as error:
        log.warning("%s, which is to stand for a URL, cannot be read: %s", path, error)
        return None


def _inline(url: str) -> FilePart | None:
    """Return the file in a ``data:`` URL (RFC 2397); ``None`` where it cannot be decoded."""
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

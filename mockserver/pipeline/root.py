"""The front page, and the CORS headers that let pages of any origin use the API."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.catalog.reading import read_table
from mockserver.pipeline.responses import Reply
from mockserver.version import __version__

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

_TABLE = Path(__file__).parents[1] / "catalog" / "headers.toml"

_EXPOSED = "access-control-expose-headers"

_FRONT_PAGE = """\
audio-mockserver {version}: an offline mock of the hosted audio APIs.

Point your SDK at {url}v1 and use any API key:

    curl {url}v1/audio/speech -H "Authorization: Bearer sk-mock-me" \\
        -H "Content-Type: application/json" -o hello.wav \\
        -d '{{"model": "gpt-4o-mini-tts", "voice": "alloy", "response_format": "wav", "input": "Hello."}}'
    curl {url}v1/audio/transcriptions -H "Authorization: Bearer sk-mock-me" \\
        -F model=whisper-1 -F file=@hello.wav
    curl {url}v1/responses -H "Authorization: Bearer sk-mock-me" -H "Content-Type: application/json" \\
        -d '{{"model": "gpt-5.4", "input": "Hello."}}'
    curl {url}v1/chat/completions -H "Authorization: Bearer sk-mock-me" -H "Content-Type: application/json" \\
        -d '{{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "Hello."}}]}}'

Health: {url}_mock/health
Guides: {url}_mock/llms.txt
Dashboard: this address in a browser
"""


def front_page(url: str) -> Reply:
    """Return the page that describes the server; ``url`` is the server's, with a slash at its end."""
    text = _FRONT_PAGE.format(version=__version__, url=url)
    headers = [("x-content-type-options", "nosniff"), ("vary", "Accept")]
    return Reply(text.encode(), 200, "text/plain; charset=utf-8", headers)


def preflight(requested_headers: str | None) -> Reply:
    """Return the answer to a browser's CORS preflight; ``requested_headers`` are names, separated by commas."""
    reply = Reply(b"", 200, "text/html; charset=utf-8")
    reply.headers["access-control-allow-methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
    reply.headers["access-control-allow-headers"] = (
        _browsers()["allowed"] if requested_headers is None else requested_headers
    )
    reply.headers["access-control-max-age"] = "600"
    return reply


def allow_pages(headers: Headers) -> None:
    """Add the CORS headers that let pages of any origin read an answer and its headers."""
    headers["access-control-allow-origin"] = "*"
    beginnings = tuple(_browsers()["exposed"])
    own = (each.strip() for each in ",".join(headers.getlist(_EXPOSED)).split(","))
    exposed = (name for name, _ in headers if name.lower().startswith(beginnings))
    headers[_EXPOSED] = ", ".join(filter(None, dict.fromkeys(["X-Request-ID", *own, *exposed])))


@cache
def _browsers() -> dict[str, Any]:
    table: dict[str, Any] = read_table(_TABLE)["browsers"]
    return table

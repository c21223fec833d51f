"""What is not the API itself: the front page, and what browsers may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.pipeline.responses import Reply
from mockserver.version import __version__

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

# What browsers may send where a preflight does not say what it asks for.
_USUAL_HEADERS = "authorization, api-key, x-api-key, openai-organization, openai-project, content-type"

_FRONT_PAGE = """\
audio-mockserver {version}: an offline mock of the hosted audio APIs.

Point your SDK at {url}v1 and use any API key:

    curl {url}v1/audio/speech -H "Authorization: Bearer sk-mock-me" \\
        -H "Content-Type: application/json" -o hello.wav \\
        -d '{{"model": "gpt-4o-mini-tts", "voice": "alloy", "response_format": "wav", "input": "Hello."}}'
    curl {url}v1/audio/transcriptions -H "Authorization: Bearer sk-mock-me" \\
        -F model=whisper-1 -F file=@hello.wav
    curl {url}v1/chat/completions -H "Authorization: Bearer sk-mock-me" -H "Content-Type: application/json" \\
        -d '{{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "Hello."}}]}}'

Health: {url}_mock/health
"""


def front_page(url: str) -> Reply:
    """Return the page that says what this is; ``url`` is the server's, with a slash at its end."""
    text = _FRONT_PAGE.format(version=__version__, url=url)
    headers = [("x-content-type-options", "nosniff")]
    return Reply(text.encode(), 200, "text/plain; charset=utf-8", headers)


def preflight(asked: str | None) -> Reply:
    """Return the answer to a browser's CORS preflight; ``asked`` are the names of the headers that it will send."""
    reply = Reply(b"", 200, "text/html; charset=utf-8")
    reply.headers["access-control-allow-methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
    reply.headers["access-control-allow-headers"] = _USUAL_HEADERS if asked is None else asked
    reply.headers["access-control-max-age"] = "600"
    return reply


def allow_pages(headers: Headers) -> None:
    """Have the headers of an answer let pages of any origin read them."""
    headers["access-control-allow-origin"] = "*"
    own = [name for name, _ in headers if name.lower().startswith(("x-", "openai-", "retry-after"))]
    headers["access-control-expose-headers"] = ", ".join(["X-Request-ID", *own])

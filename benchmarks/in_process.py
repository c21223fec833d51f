"""Calls an app in this process, without sockets: measures its own work without the network."""

from __future__ import annotations

import io
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import flask

KEY = "sk-mock-tier-5-benchmark"


class Asked(NamedTuple):
    """A POST request."""

    path: str
    content_type: str
    body: bytes


def chat(text: str) -> Asked:
    """Return a chat in which the user writes ``text``."""
    document = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    return Asked("/v1/chat/completions", "application/json", json.dumps(document).encode())


def transcription(name: str, audio: bytes) -> Asked:
    """Return a transcription of a file."""
    head = (
        '--edge\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    )
    body = head.encode() + audio + b"\r\n--edge--\r\n"
    return Asked("/v1/audio/transcriptions", "multipart/form-data; boundary=edge", body)


def seconds_of_cpu(app: flask.Flask, requests: Iterable[Asked]) -> list[float]:
    """Return seconds of CPU of each request in turn. Raise ``RuntimeError`` for one that is refused."""
    statuses: set[str] = set()

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        statuses.add(status)
        return lambda data: None

    took = []
    for asked in requests:
        environ = _environ(asked)
        began = time.thread_time()
        for _ in app(environ, start_response):
            pass
        took.append(time.thread_time() - began)
    if statuses != {"200 OK"}:
        raise RuntimeError(f"requests were answered {sorted(statuses)}")
    return took


def _environ(asked: Asked) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": asked.path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(asked.body),
        "CONTENT_TYPE": asked.content_type,
        "CONTENT_LENGTH": str(len(asked.body)),
        "HTTP_AUTHORIZATION": f"Bearer {KEY}",
    }

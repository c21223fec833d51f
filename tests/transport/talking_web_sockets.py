"""WebSocket clients for tests."""

from __future__ import annotations

import json
from typing import Any

from websockets.sync.client import ClientConnection, connect

from mockserver.testing.mock_server import MockServer

CREATE = {"type": "response.create", "model": "gpt-4o-mini", "input": "Hi."}


def open_socket(server: MockServer, key: str = "sk-mock-web-socket", **options: Any) -> ClientConnection:
    """Return a WebSocket for responses."""
    url = server.base_url.replace("http://", "ws://") + "/responses"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    connection: ClientConnection = connect(url, additional_headers=headers, proxy=None, **options)
    return connection


def ask(socket: ClientConnection, event: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Send an event, and return those that answer it, up to the last one of a response, or an error."""
    socket.send(json.dumps(CREATE if event is None else event))
    return answer(socket)


def answer(socket: ClientConnection) -> list[dict[str, Any]]:
    """Return the events up to the last one of a response, or an error."""
    events: list[dict[str, Any]] = []
    ends = ("response.completed", "response.incomplete", "response.failed", "error")
    while not events or events[-1]["type"] not in ends:
        events.append(json.loads(socket.recv(timeout=20)))
    return events

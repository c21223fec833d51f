"""Sessions over a WebSocket, as in the tests of ``realtime``, and calls by WebRTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import openai
import pytest

from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import api, connect
from tests.providers.openai.realtime_calls.webrtc import Caller

__all__ = ["api", "connect"]

CONVERSATION = {"type": "realtime", "model": "gpt-realtime"}

Dial = Callable[..., Caller]


@pytest.fixture
def dial(client: openai.OpenAI, server: MockServer) -> Iterator[Dial]:
    """Return a function that begins a call with a ``session``; ``session.created`` is received already."""
    stack = ExitStack()

    def begin(
        at: openai.OpenAI | None = None, *, media: bool = True, thrifty: bool = False, **session: Any
    ) -> Caller:
        caller = Caller(media=media, thrifty=thrifty)
        stack.callback(caller.close)
        created = (at or client).realtime.calls.create(sdp=caller.offer(), session=CONVERSATION | session)  # type: ignore[arg-type]
        caller.location = created.response.headers["location"]
        caller.connect(created.text)
        assert caller.receive()["type"] == "session.created"
        return caller

    with stack:
        yield begin


@pytest.fixture
def speak(server: MockServer) -> Callable[[str], bytes]:
    """Return a function that speaks a text: 16-bit samples at 24 kHz."""

    def spoken(text: str) -> bytes:
        answer = httpx.post(
            f"{server.base_url}/audio/speech",
            json={"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm"},
            headers={"Authorization": "Bearer sk-mock-tier-5-voice"},
        )
        answer.raise_for_status()
        return answer.content

    return spoken

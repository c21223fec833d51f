"""Realtime sessions over a real socket, whose every event is checked for its form."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any, get_args

import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_socket
from websockets.typing import Subprotocol

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer

Body = dict[str, Any]

EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
# The types that the SDK knows, but for one that has the form of the beta.
TYPES = frozenset(
    value
    for model in get_args(get_args(RealtimeServerEvent)[0])
    for value in get_args(model.model_fields["type"].annotation)
    if value != "conversation.item.retrieved"
)

SECONDS = 30.0  # that a test waits for an event
RATE = 24_000


class Talk:
    """A WebSocket of the Realtime API. ``events`` are all that it received.

    They are checked against the SDK's types, unless they are those of the beta, or ``is_checked`` is set to false.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[Body] = []
        self.is_checked = True

    def send(self, kind: str, **members: Any) -> None:
        """Send an event."""
        self.socket.send(json.dumps({"type": kind, **members}))

    def append(self, pcm: bytes, chunk: int | None = None) -> None:
        """Append audio, in chunks of some bytes."""
        for start in range(0, len(pcm), chunk or len(pcm) or 1):
            piece = pcm[start : start + (chunk or len(pcm))]
            self.send("input_audio_buffer.append", audio=base64.b64encode(piece).decode())

    def update(self, **session: Any) -> Body:
        """Update the session, and return it as ``session.updated`` shows it."""
        self.send("session.update", session={"type": "realtime", **session})
        updated: Body = self.until("session.updated")[-1]["session"]
        return updated

    def say(self, text: str, **response: Any) -> None:
        """Write as the user, and ask for a response."""
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.send("response.create", **({"response": response} if response else {}))

    def receive(self, seconds: float = SECONDS) -> Body:
        """Return the next event."""
        event: Body = json.loads(self.socket.recv(timeout=seconds))
        assert list(event)[:2] in (["type", "event_id"], ["type", "error"]), event
        if event["type"].endswith("session.created"):
            self.is_checked = "type" in event["session"]  # else it is the beta
        if event["type"] in TYPES and self.is_checked:
            EVENT.validate_python(event)
        self.events.append(event)
        return event

    def until(self, *kinds: str) -> list[Body]:
        """Return the next events up to the first of some types. Fail at an error that is not awaited."""
        events: list[Body] = []
        while not events or events[-1]["type"] not in kinds:
            events.append(self.receive())
            if events[-1]["type"] == "error" and "error" not in kinds:
                raise AssertionError(events[-1])
        return events

    def error(self) -> Body:
        """Return the next event, which must be an error, without its id."""
        event = self.receive()
        assert (event["type"], list(event)) == ("error", ["type", "event_id", "error"]), event
        assert list(event["error"]) == ["type", "code", "message", "param", "event_id"]
        error: Body = event["error"]
        return error

    def closed(self) -> tuple[int, str]:
        """Return the code and the reason with which the server closes, reading what comes before."""
        with suppress(ConnectionClosed):
            while True:
                self.receive()
        code, reason = self.socket.close_code, self.socket.close_reason
        assert code is not None
        return code, reason or ""


Connect = Callable[..., Talk]


@pytest.fixture
def connect(server: MockServer, api_key: str) -> Iterator[Connect]:
    """Return a function that opens a session, whose ``session.created`` is received already.

    ``query`` is that of the URL; ``created=False`` receives nothing.
    """
    stack = ExitStack()

    def open_session(
        query: str | None = None,
        *,
        at: MockServer | None = None,
        key: str | None = api_key,
        headers: dict[str, str] | None = None,
        subprotocols: list[str] | None = None,
        created: bool = True,
        path: str = "/realtime",
        **options: Any,
    ) -> Talk:
        url = (at or server).base_url.replace("http://", "ws://") + path
        query = "model=gpt-realtime" if query is None else query
        fields = {**({} if key is None else {"Authorization": f"Bearer {key}"}), **(headers or {})}
        offered = [Subprotocol(each) for each in subprotocols] if subprotocols else None
        socket = connect_socket(
            f"{url}?{query}" if query else url,
            additional_headers=fields,
            subprotocols=offered,
            proxy=None,
            max_size=None,
            **options,
        )
        talk = Talk(stack.enter_context(socket))
        if created:
            assert talk.receive()["type"] == "session.created", talk.events
        return talk

    with stack:
        yield open_session


@pytest.fixture
def talk(connect: Connect) -> Talk:
    """Return a conversation with gpt-realtime."""
    return connect()


@pytest.fixture
def transcribing(connect: Connect) -> Talk:
    """Return a transcription session."""
    return connect("intent=transcription")


@pytest.fixture
def api(server: MockServer, api_key: str) -> AudioApi:
    """Return the test double of the account of the sessions."""
    return server.account(api_key)


@pytest.fixture
def paced() -> Iterator[MockServer]:
    """Yield a server whose clock stands still, so that responses go on only when it is moved."""
    settings = Settings(
        port=0, whisper_model="none", frozen_time=1_800_000_000.0, realtime_pacing="real", rate_limits=False
    )
    with MockServer(settings) as own:
        yield own


def kinds(events: list[Body]) -> list[str]:
    """Return the types of events."""
    return [event["type"] for event in events]


def silence(ms: int, rate: int = RATE) -> bytes:
    """Return 16-bit samples of silence."""
    return bytes(2 * (rate * ms // 1000))

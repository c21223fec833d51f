"""The connection of a call, and its time: that of the sound which was sent.

In virtual time, the caller sends a frame, then asks the server how far it has listened (``mock.sync``), so that every
event has the time of the frame that caused it, on any machine. Only this server knows that question. With any other
one, the call takes place in real time.
"""

from __future__ import annotations

import base64
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, Literal

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.sync.client import connect

from mockserver.caller.record import CallFailed
from mockserver.caller.sounds import FRAME, FRAME_MS, FrameEncoder

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from websockets.sync.client import ClientConnection

Pacing = Literal["auto", "virtual", "real"]
Event = dict[str, Any]

SILENCE = bytes(FRAME)
_SYNC, _SYNCED = "mock.sync", "mock.synced"
_ANSWER_SECONDS = 600.0  # real time that the server has to answer, for example while Whisper transcribes
_OPEN_SECONDS = 30.0  # real time that a handshake may take
_NORMAL = 1000  # the close code of a client that hangs up


class HungUp(Exception):
    """The server has ended the call."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The server has ended the call with {code} {reason}".rstrip(" .") + ".")
        self.code = code
        self.reason = reason


def dial(url: str, headers: Mapping[str, str], context: ssl.SSLContext | None) -> ClientConnection:
    """Return a connection to ``url`` (``ws:`` or ``wss:``). Raises ``CallFailed``."""
    try:
        opened = connect(
            url,
            additional_headers=headers,
            ssl=context,
            max_size=None,
            compression=None,
            open_timeout=_OPEN_SECONDS,
            proxy=None,
        )
        return contextlib.ExitStack().enter_context(opened)  # ``Line.hang_up`` closes it
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
        raise CallFailed(f"{url}: no connection: {error}") from error


class Line:
    """The connection of a call. ``now_ms`` is the length of the sound that was sent."""

    def __init__(self, socket: ClientConnection, pacing: Pacing) -> None:
        """Wait for the first event. Raises ``CallFailed`` if there is no virtual time, and it must be; ``HungUp``."""
        self._socket = socket
        self._encoder = FrameEncoder("audio/pcm")
        self._began = time.monotonic()
        self.now_ms = 0.0
        self.first = self._receive(_ANSWER_SECONDS)
        self.is_virtual = pacing != "real" and self.first.get("type") != "error" and self._can_sync()
        if pacing == "virtual" and not self.is_virtual:
            raise CallFailed("The server has no virtual time. Use the pacing real, or auto.")
        self._began = time.monotonic()

    def use_format(self, audio_format: str) -> None:
        """Send sound in a format of the API from now on."""
        self._encoder = FrameEncoder(audio_format)

    def send(self, kind: str, **members: Any) -> None:
        """Send an event. Raises ``HungUp``."""
        self._send({"type": kind, **members})

    def step(self, frame: bytes = SILENCE) -> Iterator[Event]:
        """Send a frame of sound, and yield the events up to its end. Raises ``HungUp``."""
        frame = frame.ljust(FRAME, b"\x00")
        audio = base64.b64encode(self._encoder.encode(frame)).decode()
        self._send({"type": "input_audio_buffer.append", "audio": audio})
        self.now_ms += FRAME_MS
        return self._synced() if self.is_virtual else self._until_now()

    def next_event(self) -> Event:
        """Wait for an event, without sending sound. Raises ``CallFailed`` if none comes, and ``HungUp``."""
        return self._receive(_ANSWER_SECONDS)

    def hang_up(self) -> None:
        """End the call."""
        with contextlib.suppress(OSError, ConnectionClosed):
            self._socket.close(_NORMAL)

    def _can_sync(self) -> bool:
        """Return whether the server has virtual time. What else it sends meanwhile is an error for the question."""
        self._send({"type": _SYNC, "event_id": "mock_sync"})
        while True:
            event = self._receive(_ANSWER_SECONDS)
            if event.get("type") == _SYNCED:
                return event.get("pacing") == "fast"
            if event.get("type") == "error":
                return False

    def _synced(self) -> Iterator[Event]:
        self._send({"type": _SYNC})
        while (event := self._receive(_ANSWER_SECONDS)).get("type") != _SYNCED:
            yield event

    def _until_now(self) -> Iterator[Event]:
        """Yield what comes until the end of the frame in real time; at least what has come."""
        with contextlib.suppress(TimeoutError):
            while True:
                left = self._began + self.now_ms / 1000 - time.monotonic()
                yield self._receive(max(left, 0.0))

    def _send(self, event: Event) -> None:
        try:
            self._socket.send(json.dumps(event))
        except ConnectionClosed as closed:
            raise self._hung_up() from closed

    def _receive(self, seconds: float) -> Event:
        """Return the next event. Raises ``TimeoutError``, ``HungUp``, and ``CallFailed`` for what is none."""
        try:
            message = self._socket.recv(timeout=seconds)
        except ConnectionClosed as closed:
            raise self._hung_up() from closed
        except TimeoutError:
            if seconds < _ANSWER_SECONDS:
                raise
            raise CallFailed(f"The server has not answered for {seconds:g} s.") from None
        with contextlib.suppress(ValueError, RecursionError):
            event = json.loads(message)
            if isinstance(event, dict):
                return event
        return {
            "type": "error",
            "error": {"code": "mock_not_json", "message": "The server sent no JSON object."},
        }

    def _hung_up(self) -> HungUp:
        code, reason = self._socket.close_code, self._socket.close_reason
        return HungUp(code if code is not None else 1006, reason or "")

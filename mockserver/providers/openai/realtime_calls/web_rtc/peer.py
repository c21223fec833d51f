"""The server's end of a WebRTC connection: a ``Line`` made of a data channel and two tracks."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime_calls.lines import CallTransport, Heard
from mockserver.providers.openai.realtime_calls.web_rtc.addresses import listen_on
from mockserver.providers.openai.realtime_calls.web_rtc.microphone import sound_of
from mockserver.providers.openai.realtime_calls.web_rtc.offers import has_sound
from mockserver.providers.openai.realtime_calls.web_rtc.speaker import Speaker

if TYPE_CHECKING:
    from aiortc import RTCDataChannel, RTCRtpCodecCapability
    from aiortc.mediastreams import MediaStreamTrack

    from mockserver.providers.openai.realtime_work.media_loop import MediaLoop

log = logging.getLogger(__name__)

CHANNEL = "oai-events"  # the name of the data channel (guide Realtime, WebRTC)

_MAX_BYTES = 1 << 24  # of events that wait for a caller who does not read, or has not opened the channel
_CONNECT_SECONDS = 30.0  # that a caller has to connect
_FLUSH_SECONDS = 2.0  # that the last events have to arrive
_CODECS = ("audio/opus", "audio/pcmu", "audio/pcma")


class Peer:
    """A WebRTC connection with a caller. Everything but the methods of ``Line`` is done by the thread of the loop.

    ``host`` is where the server listens: nothing else than its addresses gets media.
    """

    def __init__(self, loop: MediaLoop, host: str) -> None:
        self._loop = loop
        self._host = host
        self._transport = CallTransport(self)
        self._speaker = Speaker()
        self._connection: Any = None
        self._channel: RTCDataChannel | None = None
        self._waiting: deque[str] = deque()  # events for a channel that is not open yet
        self._waiting_bytes = 0
        self._listeners: set[asyncio.Task[None]] = set()
        self._has_left = False

    @property
    def transport(self) -> CallTransport:
        """Return the transport of the session."""
        return self._transport

    async def answer(self, offer: str, *, needs_sound: bool) -> str:
        """Return the SDP that answers an offer. Raises ``ApiError`` for an invalid one, or one without sound."""
        connection = self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("datachannel", self._open)
        connection.on("track", self._hear)
        connection.on("connectionstatechange", self._note_state)
        try:
            if has_sound(offer, needs_sound=needs_sound):
                connection.addTransceiver(self._speaker).setCodecPreferences(_codecs())
            await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            for transceiver in connection.getTransceivers():
                if transceiver.kind != "audio":
                    transceiver.direction = "inactive"
            listen_on(self._host, connection)
            await connection.setLocalDescription()
        except BaseException as error:
            await _shut(connection)
            if not isinstance(error, Exception):  # it took too long
                raise
            log.info("The SDP of a call is refused: %s", error)
            raise ApiError("realtime_invalid_offer") from error
        asyncio.get_running_loop().call_later(_CONNECT_SECONDS, self._check_connected)
        return str(connection.localDescription.sdp)

    def send(self, text: str) -> None:
        """Send an event. Raises ``OSError`` if the caller has left, or does not read."""
        if self._has_left:
            raise ConnectionAbortedError(errno.ECONNABORTED, "the caller has left")
        self._loop.call(lambda: self._send(text))

    def play(self, pcm: bytes) -> None:
        """Play samples to the caller."""
        self._speaker.play(pcm)

    def stop_playing(self, unheard_ms: float) -> None:
        """Play nothing of what is left."""
        self._speaker.stop_playing()

    def close(self) -> None:
        """End the connection after what was sent so far."""
        self._loop.begin(self._close)

    def _send(self, text: str) -> None:
        channel = self._channel
        if channel is None or channel.readyState == "connecting":
            self._waiting.append(text)
            self._waiting_bytes += len(text)
            if self._waiting_bytes > _MAX_BYTES:
                self._leave()
        elif channel.readyState == "open":
            channel.send(text)
            if channel.bufferedAmount > _MAX_BYTES:
                self._leave()

    def _open(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            return
        self._channel = channel
        channel.on("message", self._transport.put)
        channel.on("close", self._leave)
        while self._waiting:
            channel.send(self._waiting.popleft())

    def _hear(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            listener = asyncio.ensure_future(self._listen(track))
            self._listeners.add(listener)
            listener.add_done_callback(self._listeners.discard)

    async def _listen(self, track: MediaStreamTrack) -> None:
        async for pcm in sound_of(track, lambda: self._connection.connectionState == "connected"):
            if pcm:
                self._transport.put(Heard(pcm))

    def _note_state(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self._leave()

    def _check_connected(self) -> None:
        if self._connection.connectionState in ("new", "connecting"):
            self._leave()

    def _leave(self) -> None:
        """Note that the caller has left."""
        if not self._has_left:
            self._has_left = True
            self._transport.end()

    async def _close(self) -> None:
        channel = self._channel
        if channel is not None and not self._has_left:
            ends_at = asyncio.get_running_loop().time() + _FLUSH_SECONDS
            while channel.bufferedAmount and asyncio.get_running_loop().time() < ends_at:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.1)  # what is on its way
        self._leave()
        self._speaker.stop()
        for listener in self._listeners:
            listener.cancel()
        await _shut(self._connection)


def _codecs() -> list[RTCRtpCodecCapability]:
    """Return the codecs of the API."""
    known = RTCRtpSender.getCapabilities("audio").codecs
    return [codec for codec in known if codec.mimeType.lower() in _CODECS]


async def _shut(connection: Any) -> None:
    """Close a connection. aiortc cannot close one of some offers that it refuses; that has no sockets."""
    with suppress(Exception):
        await connection.close()

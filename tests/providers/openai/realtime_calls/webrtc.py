"""A caller by WebRTC: aiortc's client, in a loop of its own thread."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from mockserver.providers.openai.realtime_calls.web_rtc.microphone import Microphone
from mockserver.providers.openai.realtime_calls.web_rtc.speaker import Speaker

Body = dict[str, Any]
SECONDS = 30.0


class ThriftyMicrophone(Speaker):
    """A microphone that sends nothing while it is silent, as Chromium's does for a track without a source."""

    async def recv(self) -> AudioFrame:
        """Return the next frame of what is said."""
        while not self._samples:
            await asyncio.sleep(0.01)
        return await super().recv()


class Caller:
    """A browser, as far as calls are concerned. ``events`` are all that it received, ``heard`` what it was played.

    Without ``media`` it sends no sound; with ``None`` it wants none either. A ``thrifty`` one sends nothing while it is silent.
    """

    def __init__(self, *, media: bool | None = True, thrifty: bool = False) -> None:
        self.events: list[Body] = []
        self.heard = bytearray()
        self.ended = threading.Event()
        self.location = ""  # of the call
        self._media = media
        self._received: queue.SimpleQueue[Body] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._opened = asyncio.Event()
        self._microphone = ThriftyMicrophone() if thrifty else Speaker()
        self._listening: list[asyncio.Task[None]] = []
        self._run(self._make)

    @property
    def call_id(self) -> str:
        """Return the id of the call."""
        return self.location.rsplit("/", 1)[1]

    def offer(self) -> str:
        """Return the SDP of the offer."""
        return str(self._run(self._offer))

    def connect(self, answer: str) -> None:
        """Connect as the answer says; wait until the data channel is open."""
        self._run(lambda: self._connect(answer))

    def send(self, kind: str, **members: Any) -> None:
        """Send an event."""
        self.send_raw(json.dumps({"type": kind, **members}))

    def send_raw(self, message: str | bytes) -> None:
        """Send a message."""
        self._loop.call_soon_threadsafe(self._channel.send, message)

    def say(self, pcm: bytes) -> None:
        """Speak into the microphone, which sends silence otherwise."""
        self._microphone.play(pcm)

    def receive(self, seconds: float = SECONDS) -> Body:
        """Return the next event."""
        event = self._received.get(timeout=seconds)
        self.events.append(event)
        return event

    def until(self, *kinds: str, seconds: float = SECONDS) -> list[Body]:
        """Return the next events up to the first of some types."""
        events: list[Body] = []
        while not events or events[-1]["type"] not in kinds:
            events.append(self.receive(seconds))
        return events

    def close(self) -> None:
        """Hang up, and end the thread."""
        if self._thread.is_alive():
            self._run(self._close)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(SECONDS)
            self._loop.close()

    def _run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(SECONDS)

    async def _make(self) -> None:
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if self._media:
            self._connection.addTrack(self._microphone)
        elif self._media is not None:
            self._connection.addTransceiver("audio", direction="recvonly")
        self._connection.on("track", self._hear)
        self._channel = self._connection.createDataChannel("oai-events")
        self._channel.on("open", self._opened.set)
        self._channel.on("message", lambda text: self._received.put(json.loads(text)))
        self._channel.on("close", self.ended.set)

    async def _offer(self) -> str:
        await self._connection.setLocalDescription()
        return str(self._connection.localDescription.sdp)

    async def _connect(self, answer: str) -> None:
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await asyncio.wait_for(self._opened.wait(), SECONDS)

    def _hear(self, track: Any) -> None:
        self._listening.append(asyncio.ensure_future(self._listen(track)))

    async def _listen(self, track: Any) -> None:
        microphone = Microphone()
        try:
            while True:
                self.heard += microphone.samples_of(await track.recv())
        except MediaStreamError:
            pass

    async def _close(self) -> None:
        self._microphone.stop()
        await self._connection.close()
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)

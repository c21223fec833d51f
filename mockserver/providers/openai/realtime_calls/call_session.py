"""The session of a call: its audio is media, which the server plays and cuts off by itself."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING, Any

from mockserver.audio.telephony import encode_g711
from mockserver.providers.openai.realtime.session import RealtimeSession
from mockserver.providers.openai.realtime_calls.lines import CallTransport, Heard, Line
from mockserver.providers.openai.realtime_calls.media_pace import MediaPace
from mockserver.providers.openai.realtime_calls.playback import OutputBuffer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.session_config import SessionConfig
    from mockserver.providers.openai.realtime.session_log import SessionLog
    from mockserver.transport.web_sockets import WebSocket

_PREFIX = "u0_"  # of the ids of calls and their sessions, which are equal after it
_RATE = 24_000  # of media, samples a second


class CallSession(RealtimeSession):
    """A session whose audio is the media of a ``line``."""

    has_media = True

    def __init__(
        self,
        context: RealtimeContext,
        call: Call,
        config: SessionConfig,
        line: Line,
        transport: CallTransport,
        log: SessionLog,
    ) -> None:
        is_real = call.settings.realtime_pacing == "real"
        super().__init__(context, call, config, transport, None if is_real else MediaPace(), log)
        self.call_id = self.id.replace("sess_", "rtc_", 1)
        self.output = OutputBuffer(
            line, self.timeline, self.outlet, self._truncate, lambda: config.output_format
        )
        self.responses.play = self._play
        self.responses.stop_playing = self.output.clear
        self._coder = _Coder()

    def _new_id(self) -> str:
        return self.ids.session().replace("_", f"_{_PREFIX}", 1)

    def _receive(self, message: str | bytes) -> None:
        if isinstance(message, Heard):
            audio = self._coder.encoded(message, self.config.input_format.type)
            self.log.received({"type": "input_audio_buffer.append", "audio": _base64(audio)})
            self.audio.hear(audio)
        else:
            super()._receive(message)

    def _handle(self, event: Mapping[str, Any]) -> None:
        if event["type"] == "output_audio_buffer.clear":
            self.output.clear()
        else:
            super()._handle(event)

    def _play(self, response_id: str, item_id: str, audio: bytes) -> None:
        """Play audio. The journal has it like that of a session over a WebSocket."""
        ids = {"response_id": response_id, "item_id": item_id}
        self.log.sent({"type": "response.output_audio.delta", **ids, "delta": _base64(audio)})
        self.output.play(response_id, item_id, audio)

    def _truncate(self, item_id: str, end_ms: int) -> None:
        """Cut what was not heard of an item, unless the client has removed it."""
        item = self.conversation.find(item_id)
        if item is not None:
            self.items.cut(item_id, 0, end_ms)


def _base64(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


class AnsweredCall:
    """A call with a session; implements ``LiveCall``."""

    def __init__(self, session: CallSession, transport: CallTransport) -> None:
        self._session = session
        self._transport = transport
        self.is_answered = True

    @property
    def id(self) -> str:
        """Return its id."""
        return self._session.call_id

    @property
    def account_id(self) -> str:
        """Return the id of its account."""
        return self._session.call.account.id

    def begin(self) -> None:
        """Run the session in a thread of its own. Until it ends, the call is live."""
        self._session.context.live_calls.add(self)
        threading.Thread(target=self._run, name="realtime-call", daemon=True).start()

    def serve(self, sideband: WebSocket) -> None:
        """Let a second connection take part in the session."""
        self._transport.serve(sideband)

    def hang_up(self) -> None:
        """End the call."""
        self._transport.abort()

    def _run(self) -> None:
        try:
            self._session.run()
        finally:
            self._session.context.live_calls.remove(self)


class _Coder:
    """Makes audio in the format of the input of media, which are 16-bit samples at 24 kHz."""

    def __init__(self) -> None:
        self._resampler: Any = None

    def encoded(self, pcm: bytes, kind: str) -> bytes:
        """Return the audio."""
        if kind == "audio/pcm":
            return bytes(pcm)
        import av

        if self._resampler is None:
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.planes[0].update(pcm)
        frame.sample_rate = _RATE
        resampled = (bytes(each.planes[0])[: 2 * each.samples] for each in self._resampler.resample(frame))
        return encode_g711(b"".join(resampled), "mu" if kind == "audio/pcmu" else "a")

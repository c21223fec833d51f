"""The session of a call: its audio is media, which the server plays and cuts off by itself."""

from __future__ import annotations

import base64
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.providers.openai.realtime.conversation.items import Message
from mockserver.providers.openai.realtime.session import RealtimeSession
from mockserver.providers.openai.realtime_calls.lines import CallTransport, Heard, Line, Pressed
from mockserver.providers.openai.realtime_calls.media_formats import Encoder
from mockserver.providers.openai.realtime_calls.playback import OutputBuffer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig
    from mockserver.providers.openai.realtime.timeline import Pace
    from mockserver.providers.openai.realtime.turns.session_log import SessionLog
    from mockserver.transport.upgrades import Serve
_PRESSED = "input_audio_buffer.dtmf_event_received"  # an event without an id


class CallSession(RealtimeSession):
    """A session whose audio is the media of a ``line``. Without a ``call_id``, the call gets one."""

    has_media = True

    def __init__(
        self,
        context: RealtimeContext,
        call: Call,
        config: SessionConfig,
        line: Line,
        transport: CallTransport,
        log: SessionLog,
        *,
        call_id: str = "",
        pace: Pace | None = None,
    ) -> None:
        self.call_id = call_id
        super().__init__(context, call, config, transport, pace, log)
        self.output = OutputBuffer(
            line, self.timeline, self.outlet, self._truncate, lambda: config.output_format
        )
        self.responses.play = self._play
        self.responses.stop_playing = self.output.clear
        self._encoder = Encoder()

    def _new_id(self) -> str:
        self.call_id = self.call_id or self.ids.call_of_media()
        return self.call_id.replace("rtc_", "sess_", 1)

    def _receive(self, message: str | bytes) -> None:
        if isinstance(message, Heard):
            self._attempt(partial(self._hear, message))
        elif isinstance(message, Pressed):
            at = int(self.context.clock.now())
            self.outlet.deliver({"type": _PRESSED, "event": str(message), "received_at": at})
        else:
            super()._receive(message)

    def _hear(self, pcm: bytes) -> None:
        audio = self._encoder.encoded(pcm, self.config.input_format.type)
        self.log.received({"type": "input_audio_buffer.append", "audio": _base64(audio)})
        self.audio.hear(audio)

    def _handle(self, event: Mapping[str, Any]) -> None:
        if event["type"] == "output_audio_buffer.clear":
            self._clear()
        else:
            super()._handle(event)

    def _clear(self) -> None:
        """Play nothing more of what is played, and make no more of it."""
        if self.output.in_progress and self.output.in_progress == self.responses.active:
            self.responses.cancel({})
        self.output.clear()

    def _play(self, response_id: str, item_id: str, audio: bytes) -> None:
        """Play audio. The journal has it like that of a session over a WebSocket."""
        ids = {"response_id": response_id, "item_id": item_id}
        delta = {"type": "response.output_audio.delta", **ids, "delta": _base64(audio)}
        self.log.made(delta)
        self.log.sent(delta)
        self.output.play(response_id, item_id, audio)

    def _truncate(self, item_id: str, end_ms: int) -> None:
        """Cut what was not heard of an item, unless the client has removed it, or cut it further."""
        item = self.conversation.find(item_id)
        if isinstance(item, Message) and item.content and item.content[0].sound is not None:
            self.items.cut(item_id, 0, min(end_ms, item.content[0].sound.ms))


def _base64(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


class AnsweredCall:
    """A call with a session; implements ``LiveCall``."""

    def __init__(self, session: CallSession, transport: CallTransport) -> None:
        self._session = session
        self._transport = transport

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

    def join(self) -> tuple[Serve, Callable[[], None]]:
        """Implement ``LiveCall.join``."""
        return self._transport.join()

    def hang_up(self) -> None:
        """End the call."""
        self._transport.abort()

    def _run(self) -> None:
        try:
            self._session.run()
        finally:
            self._session.context.live_calls.remove(self)

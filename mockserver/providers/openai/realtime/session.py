"""A session of the Realtime API: reads the events of the client, and has each handled."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver import json_styles, strict_json
from mockserver.errors import ApiError
from mockserver.pipeline.responses import crashed
from mockserver.providers.openai.realtime.beta import Beta
from mockserver.providers.openai.realtime.configuration.client_events import valid_event
from mockserver.providers.openai.realtime.conversation.conversation import Conversation
from mockserver.providers.openai.realtime.conversation.item_commands import ItemCommands, ItemParts
from mockserver.providers.openai.realtime.hearing.input_transcription import (
    InputTranscription,
    TranscriptionParts,
)
from mockserver.providers.openai.realtime.identifiers import RealtimeIds
from mockserver.providers.openai.realtime.inbox import Inbox
from mockserver.providers.openai.realtime.input_audio import InputAudio, InputParts
from mockserver.providers.openai.realtime.outlet import Outlet
from mockserver.providers.openai.realtime.quiet_audio import QuietAudio
from mockserver.providers.openai.realtime.responses.responses import ResponseParts, Responses
from mockserver.providers.openai.realtime.session_faults import SessionFaults
from mockserver.providers.openai.realtime.sounds import Sounds
from mockserver.providers.openai.realtime.timeline import Timeline, pace_of
from mockserver.providers.openai.realtime.turns.folded_events import Formats
from mockserver.providers.openai.realtime.turns.session_log import SessionLog
from mockserver.providers.openai.realtime.turns.turns import Turns

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig
    from mockserver.providers.openai.realtime.timeline import Pace
    from mockserver.providers.openai.realtime.transport import Transport

log = logging.getLogger(__name__)

SYNC, SYNCED = "mock.sync", "mock.synced"  # events between this server and the caller of its package
LIFETIME = 3600.0  # seconds (guide Realtime, sessions last at most 60 minutes)
_GOING_AWAY, _ABNORMAL, _FAILED = 1001, 1006, 1011  # close codes
_EXPIRED = "Your session hit the maximum duration of 60 minutes."

Handler = Callable[["RealtimeSession", Mapping[str, Any]], None]


class RealtimeSession:
    """One session, from its first event to the end of the connection.

    ``call`` is the handshake. The parts below are used by the handlers of the client's events, in one thread.
    ``has_media``: audio comes and goes as media beside the events.
    """

    has_media = False

    def __init__(
        self,
        context: RealtimeContext,
        call: Call,
        config: SessionConfig,
        transport: Transport,
        pace: Pace | None = None,
        log: SessionLog | None = None,
    ) -> None:
        self.context = context
        self.call = call
        self.config = config
        self._transport = transport
        now = context.clock.now()
        self.ids = RealtimeIds(context.ids, now)
        self.id = self._new_id()
        self.expires_at = now + LIFETIME
        self.inbox = Inbox()
        self.timeline = Timeline(pace or pace_of(call.settings.realtime_pacing, context.clock))
        self.outlet = Outlet(transport.send, self.ids, context.errors)
        self.conversation = Conversation(self.ids.conversation())
        self.sounds = Sounds()
        self.log = log or SessionLog(call.request.secrets)
        self._begin_log()
        self.faults = SessionFaults(self.outlet, self.timeline, self.close, self._cut, self._expire)
        self.timeline.on_audio = self.faults.hear_until
        self.turns = Turns(
            context,
            call,
            self.log,
            is_conversation=config.kind == "realtime",
            break_session=self.faults.add,
        )
        self.transcription = self._new_transcription()
        self.items = ItemCommands(
            ItemParts(config, self.ids, self.outlet, self.conversation, self.sounds, self.transcription)
        )
        self.responses = self._new_responses()
        self.items.cut_in_progress = self.responses.cut
        self.audio = self._new_audio()
        self._beta: Beta | None = None
        self._is_closed = False

    def _begin_log(self) -> None:
        """Have the journal see the events."""

        def formats() -> Formats:
            return Formats(self.config.input_format, self.config.output_format)

        self.log.begin(self.id, self.config.kind, lambda: self.timeline.now_ms, formats)
        self.outlet.record = self.log.sent
        self.outlet.listeners.append(self.log.made)

    def _new_transcription(self) -> InputTranscription:
        return InputTranscription(
            TranscriptionParts(
                self.context,
                self.call,
                self.config,
                self.ids,
                self.timeline,
                self.outlet,
                self.inbox,
                self.turns,
            )
        )

    def _new_responses(self) -> Responses:
        return Responses(
            ResponseParts(
                self.context,
                self.call,
                self.config,
                self.ids,
                self.timeline,
                self.outlet,
                self.conversation,
                self.sounds,
                self.turns,
                self.transcription,
                self.items.read,
            )
        )

    def _new_audio(self) -> InputAudio:
        return InputAudio(
            InputParts(
                self.config,
                self.ids,
                self.timeline,
                self.outlet,
                self.conversation,
                self.sounds,
                self.transcription,
                self.responses,
                self.context.live_sessions.hearing_turn,
            )
        )

    def speak_beta(self) -> None:
        """Have the session speak the beta of the API. It must not have begun."""
        is_conversation = self.config.kind == "realtime"
        announced = self.conversation.id if is_conversation and not self.has_media else ""
        self._beta = Beta(
            self.ids, announced, self.responses.beta_rate_limits, is_conversation=is_conversation
        )
        self.outlet.reshape = self._beta.sent

    def _new_id(self) -> str:
        """Return the id of the session."""
        return self.ids.session()

    def run(self) -> None:
        """Read the messages of the client until the connection ends, and have them handled in a second thread."""
        worker = threading.Thread(target=self._work, name="realtime", daemon=True)
        quiet = QuietAudio(
            self.inbox,
            self.audio,
            self.log,
            lambda message: self._valid(self._parsed(message)),
            self._is_undisturbed,
        )
        self.context.live_sessions.add(self.inbox.wake)
        try:
            worker.start()
            for message in self._transport.messages(self.inbox.wake):
                if not quiet.hear(message):
                    self.inbox.put(message)
                del message  # it can be large, and the client silent
        finally:
            self.inbox.end()
            if worker.ident is not None:
                worker.join()
            self.context.live_sessions.remove(self.inbox.wake)
            self.log.end(by_client=not self._is_closed)

    def _is_undisturbed(self) -> bool:
        """Return whether the session neither ends nor meets a fault as audio is heard."""
        self.ids.now = self.context.clock.now()
        return self.ids.now < self.expires_at and not self._is_closed and not self.faults.wait_for_audio

    def close(self, code: int, reason: str = "") -> None:
        """End the connection after what was sent so far."""
        self._is_closed = True
        self.log.closed(code, reason)
        self._transport.close(code, reason)

    def _cut(self) -> None:
        """End the connection without a close frame, as a fault wants it."""
        self._is_closed = True
        self.log.closed(_ABNORMAL, "")
        self._transport.abort()

    def _work(self) -> None:
        """Handle messages, and do the tasks of the timeline, until the connection ends."""
        try:
            if self.call.fault is not None:
                self.faults.add(self.call.fault)
            self.outlet.send("session.created", session=self.config.shown(self.id, int(self.expires_at)))
            while not self._is_closed:
                message = self.inbox.take(self._wait_seconds())
                self.ids.now = self.context.clock.now()
                if self.ids.now >= self.expires_at:
                    self._expire()
                elif isinstance(message, (str, bytes)):
                    self._receive(message)
                elif message is not None:
                    self._attempt(message)
                elif self.inbox.is_ended:
                    return
                else:
                    self._attempt(self.timeline.do_next)
        except OSError:  # the client has left
            self._transport.abort()
        except Exception:
            log.exception("A Realtime session failed.")
            self._transport.close(_FAILED)
        finally:
            self.responses.close()
            self.inbox.drop()

    def _wait_seconds(self) -> float | None:
        """Return the real seconds to wait for a message before something else is due; ``None`` for no bound."""
        task = self.timeline.wait_seconds()
        left = self.context.clock.real_seconds_until(self.expires_at)
        seconds = left if task is None else min(task, left)
        return None if seconds == math.inf else seconds

    def _expire(self) -> None:
        self.outlet.refuse(ApiError("realtime_session_expired"))
        self.close(_GOING_AWAY, _EXPIRED)

    def _receive(self, message: str | bytes) -> None:
        """Handle a message. What is wrong with it is sent as an ``error``, and the session continues."""
        event: dict[str, Any] = {}

        def handle() -> None:
            event.update(self._parsed(message))
            if event.get("type") == SYNC:
                self._synchronize()
                return
            self.log.received(event)
            self._handle(self._valid(event))

        self._attempt(handle, event)

    def _attempt(self, do: Callable[[], None], event: Mapping[str, Any] | None = None) -> None:
        """Do something. If it fails, send an ``error`` that names the client's event, and continue.

        Raises ``OSError`` if the client has left.
        """
        try:
            do()
        except ApiError as error:
            self._refuse(error, event and event.get("event_id"))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug, or a lack of memory, ends no call
            failure = crashed(error, self.call.request)
            if failure.name == "server_error":
                failure = ApiError("realtime_server_error", session_id=self.id)
            self._refuse(failure, event and event.get("event_id"))

    def _refuse(self, error: ApiError, event_id: object) -> None:
        """Refuse an event of the client, at once or after the time that it takes to find out."""
        refuse = partial(self.outlet.refuse, error, event_id if isinstance(event_id, str) else None)
        delay_ms = self.transcription.refusal_ms(error)
        if delay_ms:
            self.timeline.after(delay_ms, refuse)
        else:
            refuse()

    def _handle(self, event: Mapping[str, Any]) -> None:
        """Do what a valid event asks for. Raises ``ApiError``."""
        HANDLERS[event["type"]](self, event)

    def _synchronize(self) -> None:
        """Say how far the session has come. From now on, its time does not pass the end of the client's audio.

        So a caller that sends audio sees each event at the time of its audio, whatever the speed of both. It is not an
        event of the API: neither the journal nor faults see it.
        """
        self.timeline.follow()
        synced = {
            "type": SYNCED,
            "pacing": self.call.settings.realtime_pacing,
            "now_ms": self.timeline.now_ms,
        }
        self._transport.send(json_styles.streamed(synced).decode())

    def _parsed(self, message: str | bytes) -> dict[str, Any]:
        """Return an event of the client, which may be invalid. Raises ``ApiError``."""
        if isinstance(message, bytes):
            raise ApiError("realtime_binary")
        with suppress(ValueError):
            event = strict_json.parse(message.encode(), self.call.settings.max_json_values)
            if isinstance(event, dict):
                return event
        raise ApiError("realtime_invalid_json")

    def _valid(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event that its handler can rely on. Raises ``ApiError``."""
        schemas, strictness = self.context.request_schemas, self.call.settings.strictness
        if self._beta is not None:
            event = self._beta.received(event, schemas, strictness)
        is_conversation = self.config.kind == "realtime"
        valid = valid_event(
            event, schemas, strictness, is_conversation=is_conversation, has_media=self.has_media
        )
        if valid["type"] == "response.create":
            self.config.check_response(valid.get("response") or {})
        return valid


def _update(session: RealtimeSession, event: Mapping[str, Any]) -> None:
    session.config.is_responding = bool(session.responses.active)
    session.config.update(event["session"])
    session.audio.configure()
    session.outlet.send("session.updated", session=session.config.shown(session.id, int(session.expires_at)))


# The handlers of the client's events, in the order in which the API lists them.
HANDLERS: Mapping[str, Handler] = {
    "session.update": _update,
    "input_audio_buffer.append": lambda session, event: session.audio.append(event),
    "input_audio_buffer.commit": lambda session, event: session.audio.commit(),
    "input_audio_buffer.clear": lambda session, event: session.audio.clear(),
    "conversation.item.create": lambda session, event: session.items.create(event),
    "conversation.item.truncate": lambda session, event: session.items.truncate(event),
    "conversation.item.delete": lambda session, event: session.items.delete(event),
    "conversation.item.retrieve": lambda session, event: session.items.retrieve(event),
    "response.create": lambda session, event: session.responses.create(event),
    "response.cancel": lambda session, event: session.responses.cancel(event),
}

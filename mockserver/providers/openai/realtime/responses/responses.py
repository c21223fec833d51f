"""The responses of a session: ``response.create``, the replies to turns, ``response.cancel`` and interruption."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.conversation.given_items import GivenItems
from mockserver.providers.openai.realtime.responses import usage
from mockserver.providers.openai.realtime.responses.context_window import ContextWindow
from mockserver.providers.openai.realtime.responses.output_items import Channel, MessageOutput
from mockserver.providers.openai.realtime.responses.prompt import Made, PromptReader
from mockserver.providers.openai.realtime.responses.response import Response
from mockserver.providers.openai.realtime.responses.running_response import Ending, RunningResponse
from mockserver.providers.openai.realtime.responses.settings import ResponseSettings
from mockserver.providers.openai.realtime.responses.usage import Segment, Tokens
from mockserver.providers.openai.realtime.responses.words import ResponseWords

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig
    from mockserver.providers.openai.realtime.conversation.conversation import Conversation
    from mockserver.providers.openai.realtime.conversation.items import Item
    from mockserver.providers.openai.realtime.hearing.input_transcription import InputTranscription
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds
    from mockserver.providers.openai.realtime.outlet import Outlet
    from mockserver.providers.openai.realtime.sounds import Sounds
    from mockserver.providers.openai.realtime.timeline import Task, Timeline
    from mockserver.providers.openai.realtime.turns.turn import Turn
    from mockserver.providers.openai.realtime.turns.turns import Turns

_REASONED = {"minimal": 0, "low": 0, "medium": 64, "high": 128, "xhigh": 256}  # tokens by effort
_LIMITS_MS, _LIMITS_GAP = 20.0, 0.1  # until the event with the limits; in real seconds at least


class ResponseParts(Struct, frozen=True):
    """The parts of a session that its responses use. ``call`` is the handshake.

    ``read_item`` returns the item that a client describes at a place of its event, and may raise ``ApiError``.
    """

    context: RealtimeContext
    call: Call
    config: SessionConfig
    ids: RealtimeIds
    timeline: Timeline
    outlet: Outlet
    conversation: Conversation
    sounds: Sounds
    turns: Turns
    transcription: InputTranscription
    read_item: Callable[[Mapping[str, Any], str], Item]


class Responses:
    """Makes the responses of a session: one at a time in its conversation, and others apart from it.

    ``play``, if it is set, gets audio, with the ids of the response and the item, in place of the events with it;
    ``stop_playing`` is called when the user interrupts.
    """

    def __init__(self, parts: ResponseParts) -> None:
        self._parts = parts
        self._in_progress: dict[str, Response] = {}
        self._before: Sequence[Segment] = ()  # what the model has read and made last
        self._turn_waits = False
        self._limits: Task | None = None
        self.play: Callable[[str, str, bytes], None] | None = None
        self.stop_playing: Callable[[], None] | None = None
        self._given = GivenItems(parts.conversation, parts.transcription, parts.read_item)
        model = parts.config.model
        if model is not None:
            hear_all = bool(parts.call.settings.reply_from)
            self._reader = PromptReader(model, parts.transcription.text_of, hear_all=hear_all)
            self._window = ContextWindow(model)

    @property
    def active(self) -> str:
        """Return the id of the response in progress in the conversation; empty if there is none."""
        found = (each.id for each in self._in_progress.values() if not each.settings.is_apart)
        return next(found, "")

    def create(self, event: Mapping[str, Any]) -> None:
        """Begin the response that ``response.create`` asks for. Raises ``ApiError``."""
        given = event.get("response") or {}
        settings = ResponseSettings.of(self._parts.config, given)
        if self.active and not settings.is_apart:
            raise ApiError("realtime_response_active", response_id=self.active)
        if self._parts.config.has_spoken and settings.voice != self._parts.config.voice:
            raise ApiError("realtime_voice_fixed")
        self._begin(settings, given)

    def create_for_turn(self) -> None:
        """Begin the response to a turn of the user; if one is in progress, as soon as that has ended."""
        if self.active:
            self._turn_waits = True
            return
        try:
            self._begin(ResponseSettings.of(self._parts.config, {}), {})
        except ApiError as error:
            self._parts.outlet.refuse(error)

    def interrupt(self) -> None:
        """Cancel the response in progress, because the user speaks; its status details say ``turn_detected``."""
        self._turn_waits = False
        if self.active:
            self._stop(self._in_progress[self.active], "turn_detected")
        if self.stop_playing is not None:
            self.stop_playing()

    def cancel(self, event: Mapping[str, Any]) -> None:
        """Cancel a response, as ``response.cancel`` demands. Raises ``ApiError`` if none is in progress."""
        response = self._in_progress.get(event.get("response_id") or self.active)
        if response is None:
            raise ApiError("realtime_cancel_not_active")
        self._stop(response, "client_cancelled")

    def beta_rate_limits(self, response_id: str) -> list[dict[str, Any]]:
        """Return the ``rate_limits`` of the event that follows ``response.created`` in the beta."""
        return self._parts.turns.beta_rate_limits(self._in_progress[response_id].turn)

    def cut(self, item_id: str, end_ms: int) -> None:
        """Cut what is still said in an item, once it is done. Raises ``ApiError`` if that was not said yet."""
        for response in self._in_progress.values():
            if response.running is not None and response.running.cut(item_id, end_ms):
                return
        raise ApiError("realtime_item_not_spoken")

    def close(self) -> None:
        """End what is in progress without sending anything: the connection has ended."""
        for response in self._in_progress.values():
            if response.running is not None:
                response.running.close()
            self._parts.transcription.recognise(response.turn.spoken_items)
            self._parts.turns.settle(response.turn, self._usage(response))
        self._in_progress.clear()

    def _begin(self, settings: ResponseSettings, given: Mapping[str, Any]) -> None:
        """Begin a response, or send what a stub or fault puts in its place. Raises ``ApiError``."""
        parts, model = self._parts, self._parts.config.model
        assert model is not None
        count = partial(self._reader.segments, settings)
        known = parts.conversation if settings.input is None else self._given.read(settings.input)
        items = self._window.fit(tuple(known), count, parts.config.truncation)
        segments = count(items)
        turn = parts.turns.begin(
            "response",
            model,
            {**parts.config.members, **given},
            self._reader.said(items),
            instructions=settings.instructions,
            tokens=usage.total(segments).total,
        )
        if turn.is_refused or turn.events is not None:
            self._reader.note_answered(items)
            parts.transcription.recognise(turn.spoken_items)
        if turn.refusal is not None:
            raise turn.refusal
        if turn.events is not None:
            pause = turn.delay_ms + turn.first_delta_ms
            parts.turns.send_events(turn, parts.outlet, parts.timeline, after_ms=pause)
            return
        reasoned = int(min(_REASONED.get(settings.effort or "", 0), self._limit(settings)))
        turn.response_id = parts.ids.response()
        response = Response(turn.response_id, settings, turn, segments, reasoned, items)
        self._in_progress[response.id] = response
        if self._limits is not None and not settings.is_apart:
            self._limits.cancel()
        begin = partial(self._send_created, response)
        if turn.delay_ms:
            response.task = parts.timeline.after(turn.delay_ms, begin)
        else:
            begin()

    def _send_created(self, response: Response) -> None:
        parts, settings, turn = self._parts, response.settings, response.turn
        response.task = None
        dialogue = partial(self._reader.dialogue, settings, response.items)
        channel = Channel(
            response.id,
            parts.outlet,
            parts.ids,
            None if settings.is_apart else parts.conversation,
            partial(self._play, response),
        )
        response.running = RunningResponse(
            channel,
            turn,
            ResponseWords(parts.context, settings, turn, parts.sounds, dialogue),
            parts.timeline,
            self._limit(settings) - response.reasoned,
            partial(self._end, response),
            spoken=settings.is_spoken,
        )
        parts.outlet.send("response.created", response=response.shown(parts.conversation.id))
        response.running.begin()

    def _play(self, response: Response, item_id: str, audio: bytes) -> bool:
        """Take note of audio, and play it if the session sends it on another way. Return whether it does."""
        if not response.settings.is_apart:
            self._parts.config.has_spoken = True
        if self.play is not None:
            self.play(response.id, item_id, audio)
        return self.play is not None

    def _limit(self, settings: ResponseSettings) -> float:
        """Return the limit of the output tokens."""
        model = self._parts.config.model
        limit = math.inf if settings.max_output_tokens == "inf" else settings.max_output_tokens
        return min(limit, (model and model.max_output_tokens) or math.inf)

    def _stop(self, response: Response, reason: str) -> None:
        """Cancel a response, also one that a fault or a stub still delays."""
        if response.task is not None:
            response.task.cancel()
            self._send_created(response)
        assert response.running is not None
        response.running.stop(reason)

    def _forget(self, response: Response) -> None:
        del self._in_progress[response.id]
        self._given.forget(response.items)

    def _end(self, response: Response, ending: Ending) -> None:
        """Send that a response is done, and its usage; then the limits that are left."""
        parts = self._parts
        used = self._usage(response)
        parts.transcription.recognise(response.turn.spoken_items)
        if ending.status == "failed":
            self._reader.note_answered(response.items)
        self._forget(response)
        parts.turns.settle(response.turn, used)
        due = parts.timeline.now_ms + _LIMITS_MS  # of the time before a client can move the clock
        parts.outlet.send("response.done", response=response.shown(parts.conversation.id, ending, used))
        send_limits = partial(self._send_limits, response.turn)
        self._limits = parts.timeline.at(due, send_limits, gap=_LIMITS_GAP)
        if self._turn_waits and not self.active:
            self._turn_waits = False
            self.create_for_turn()

    def _send_limits(self, turn: Turn) -> None:
        self._parts.outlet.send("rate_limits.updated", rate_limits=self._parts.turns.rate_limits(turn))

    def _usage(self, response: Response) -> dict[str, Any]:
        """Return the usage of a response so far, and remember what later ones find in the cache.

        Without output, a response that failed has none.
        """
        running = response.running
        if running is None or (running.has_failed and not running.items):
            return usage.usage(Tokens(), Tokens(), Tokens())
        read = usage.total(response.segments)
        found = usage.cached(response.segments, self._before)
        for item in running.items:
            ms = item.part.sound.ms if isinstance(item, MessageOutput) and item.part.sound else 0
            self._reader.made[item.item.id] = Made(running.tokens_of(item), item.deltas, ms)
        if not response.settings.is_apart:
            self._before = [*response.segments, *self._made_segments(response)]
        made = running.used + Tokens(response.reasoned)
        return usage.usage(read, found, made, response.reasoned)

    def _made_segments(self, response: Response) -> Sequence[Segment]:
        """Return what the model made, as later responses read it."""
        assert response.running is not None
        items = [item.item for item in response.running.items]
        return self._reader.segments(response.settings, items)[1:]

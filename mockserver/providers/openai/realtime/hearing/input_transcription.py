"""Transcribes what the user says: the events of the transcription, and the words for responses, stubs and journal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.hearing import transcription_forms as forms
from mockserver.providers.openai.realtime.hearing.listening import Listening
from mockserver.providers.openai.realtime.hearing.live_text import Cut, LiveSpeech
from mockserver.providers.openai.realtime.hearing.spoken_items import SpokenItem, Wanted
from mockserver.wire import transcripts

if TYPE_CHECKING:
    from mockserver.engines.transcription import Transcription
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds
    from mockserver.providers.openai.realtime.inbox import Inbox
    from mockserver.providers.openai.realtime.outlet import Outlet
    from mockserver.providers.openai.realtime.sounds import Sound
    from mockserver.providers.openai.realtime.timeline import Timeline
    from mockserver.providers.openai.realtime.turns.turns import Turns

_EVENT = "conversation.item.input_audio_transcription"
_DELTA_MS = 5.0  # between the deltas of a burst
_GAP = 0.001  # real seconds between two events


class TranscriptionParts(Struct, frozen=True):
    """The parts of a session that its transcriptions use. ``call`` is the handshake."""

    context: RealtimeContext
    call: Call
    config: SessionConfig
    ids: RealtimeIds
    timeline: Timeline
    outlet: Outlet
    inbox: Inbox
    turns: Turns


class InputTranscription:
    """The transcriptions of a session's spoken items, which end in the order of their commits."""

    def __init__(self, parts: TranscriptionParts) -> None:
        self._parts = parts
        context = parts.context
        self._listening = Listening(
            context.transcribers, context.known_speech, parts.call.settings, self._look
        )
        self._items: dict[str, SpokenItem] = {}
        self._unfinished: deque[SpokenItem] = deque()

    @property
    def is_live(self) -> bool:
        """Return whether deltas are sent while the user speaks."""
        asked = self._parts.config.transcription
        rules = asked.card.live_transcription if asked is not None else None
        return rules is not None and rules.deltas == "live"

    def hear(self, item_id: str, start_ms: float, end_ms: float, cut: Cut, rate: int) -> None:
        """Note that the speech of an item that is not yet committed goes on.

        To be called after each window, with what a commit would now commit: from ``speech_started``, or, without turn
        detection, from the first sample after the last commit; the item gets its id then. Models that stream send
        deltas. ``cut(start_ms, end_ms)`` returns samples, s16le mono at ``rate``.
        """
        wanted = self._wanted() if self.is_live else None
        if wanted is None:
            return
        item = self._items.get(item_id)
        if item is None:
            item = self._items[item_id] = self._new_item(item_id)
        speech = item.speech = item.speech or LiveSpeech(start_ms, wanted.lag_ms)
        speech.listen(end_ms, cut)
        if not speech.is_due(end_ms) or self._parts.turns.may_be_scripted("transcription"):
            return
        pcm = cut(speech.from_ms, end_ms)
        heard = self._listening.partly_known(pcm, rate, wanted.options)
        if heard is None and speech.is_unknown(end_ms):
            heard = self._listening.partly_heard(pcm, rate, wanted.options)
        for due in speech.hear(heard, end_ms):
            if not item.live.sent.startswith(due.text):
                self._later(due.delay_ms, item, partial(self._continue, item, wanted, due.text))

    def committed(self, item_id: str, sound: Sound, end_ms: float) -> None:
        """Begin the transcription of a committed item, which ends at ``end_ms``, after the events of the commit.

        Without transcription in the configuration no events follow, and ``text_of`` transcribes when it is asked.
        """
        self._parts.turns.spoke(item_id, sound, end_ms)
        item = self._items.setdefault(item_id, self._new_item(item_id))
        wanted = self._wanted()
        item.commit(sound, wanted, max(end_ms - item.speech.from_ms, 0.0) if item.speech else 0.0)
        if wanted is not None:
            self._unfinished.append(item)
            self._later(wanted.rules.first_delta_ms, item, partial(self._begin, item, wanted))

    @property
    def commit_ms(self) -> int:
        """Return how long after a commit by the client its events come."""
        wanted = self._wanted() if self._parts.config.kind == "transcription" else None
        return wanted.rules.commit_ms if wanted else 0

    def refusal_ms(self, error: ApiError) -> float:
        """Return how long the refusal of a client's event takes: one model finds out late that a commit is empty."""
        if error.name != "realtime_commit_empty" or self._parts.config.kind != "transcription":
            return 0.0
        wanted = self._wanted()
        return wanted.rules.empty_commit_ms if wanted else 0.0

    def given(self, item_id: str, sound: Sound) -> None:
        """Note the sound of an item that the client has created: it has no events, but a text."""
        item = self._items[item_id] = self._new_item(item_id)
        item.commit(sound, None)

    def forget(self, item_id: str) -> None:
        """Drop an item that was deleted, or whose audio was cleared before it was committed."""
        item = self._items.pop(item_id, None)
        if item is not None:
            item.is_dropped = True
            self._end(item, lambda: None)

    def text_of(self, item_id: str) -> str:
        """Return what the user said in a committed item, empty for silence and for items that are not spoken.

        May take the time of Whisper. Raises ``ApiError`` if it cannot be transcribed, ``OSError`` if the client has
        left.
        """
        item = self._items.get(item_id)
        return item.text() if item is not None and item.is_committed else ""

    def known_text_of(self, item_id: str) -> str | None:
        """Return what ``text_of`` returns if it was transcribed already, else ``None``."""
        item = self._items.get(item_id)
        return item.text() if item is not None and item.is_transcribed else None

    def recognise(self, item_ids: Sequence[str]) -> None:
        """Have the journal know what was said in items that nobody has asked for, if it is known speech."""
        for item_id in item_ids:
            if item_id in self._items:
                self._items[item_id].recognise()

    def said_so_far(self, pcm: bytes, rate: int) -> tuple[str, bool]:
        """Return what was said in speech that goes on, and whether it is known speech that has come to its end."""
        wanted, listening = self._wanted(), self._listening
        options = wanted.options if wanted else SpokenItem.OPTIONS
        heard = listening.partly_known(pcm, rate, options) or listening.partly_heard(pcm, rate, options)
        return (transcripts.text_of(heard.transcription.segments), heard.is_whole) if heard else ("", False)

    def _look(self) -> None:
        """Raise ``OSError`` if the client has left."""
        if self._parts.inbox.is_ended:
            raise OSError("the client has left")

    def _wanted(self) -> Wanted | None:
        config = self._parts.config
        return Wanted.of(self._parts.context.catalog, config.transcription, config.include)

    def _new_item(self, item_id: str) -> SpokenItem:
        return SpokenItem(item_id, self._listening, self._parts.turns)

    def _continue(self, item: SpokenItem, wanted: Wanted, text: str) -> None:
        """Send the deltas up to ``text``, unless the item was committed, which sends them all."""
        if not item.is_committed:
            for delta in forms.live_deltas(wanted, item.live, text):
                self._delta(item, wanted, delta)

    def _begin(self, item: SpokenItem, wanted: Wanted) -> None:
        """Begin to answer, later if a fault delays it."""
        pause = item.turn.delay_ms + item.turn.first_delta_ms
        if pause:
            self._later(pause, item, partial(self._answer, item, wanted))
        else:
            self._answer(item, wanted)

    def _answer(self, item: SpokenItem, wanted: Wanted) -> None:
        """Send the deltas that are left, one after the other, then the end."""
        turn = item.turn
        if turn.is_silent:
            self._end(item, lambda: None)
            return
        if turn.events is not None:
            self._end(item, partial(self._send_events, item))
            return
        try:
            heard = item.transcription()
        except ApiError as error:
            self._end(item, partial(self._fail, item, self._parts.context.errors.fields(error)))
            return
        due = 0.0
        for delta in forms.deltas(wanted, item.live, heard):
            self._later(due, item, partial(self._delta, item, wanted, delta))
            due += _DELTA_MS + turn.delta_ms
        ended = partial(self._end, item, partial(self._complete, item, wanted, heard))
        self._later(due + wanted.rules.completed_ms, item, ended)

    def _send_events(self, item: SpokenItem) -> None:
        """Send the events of a stub in place of a transcription."""
        parts = self._parts
        parts.turns.send_events(item.turn, parts.outlet, parts.timeline, after_ms=0.0)

    def _later(self, ms: float, item: SpokenItem, do: Callable[[], None]) -> None:
        """Do something for an item, unless it is dropped before."""
        self._parts.timeline.after(ms, lambda: None if item.is_dropped else do(), gap=_GAP)

    def _end(self, item: SpokenItem, do: Callable[[], None]) -> None:
        """End the transcription of an item by ``do``, after those that were committed before have ended."""
        item.end = do
        while self._unfinished and (end := self._unfinished[0].end) is not None:
            self._unfinished.popleft()
            end()

    def _delta(self, item: SpokenItem, wanted: Wanted, delta: forms.Delta) -> None:
        members: dict[str, Any] = {"delta": delta.text}
        members["obfuscation"] = self._parts.ids.obfuscation(delta.text)
        if wanted.logprobs:
            members["logprobs"] = delta.logprobs
        self._send("delta", item, members)

    def _complete(self, item: SpokenItem, wanted: Wanted, heard: Transcription) -> None:
        if wanted.rules.speakers:
            for segment in forms.segments(heard):
                self._send("segment", item, segment)
        members = forms.end(wanted, heard)
        if item.turn.answered_by is None:
            item.turn.answered_by = heard.answered_by
        self._send("completed", item, members)
        self._parts.turns.settle(item.turn, members["usage"])

    def _fail(self, item: SpokenItem, fields: dict[str, object]) -> None:
        self._parts.turns.settle(item.turn, {})
        error = {name: fields[name] for name in ("type", "code", "message", "param")}
        self._send("failed", item, {"error": error})

    def _send(self, kind: str, item: SpokenItem, members: dict[str, Any]) -> None:
        self._parts.outlet.send(f"{_EVENT}.{kind}", item_id=item.id, content_index=0, **members)

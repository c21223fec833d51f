"""A response while it is made: its events, one after another on the timeline of the session."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from mockserver.engines.speech import SpeechFailed
from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.responses import usage
from mockserver.providers.openai.realtime.responses.output_items import CallOutput, Channel, MessageOutput
from mockserver.providers.openai.realtime.responses.usage import Tokens
from mockserver.providers.openai.realtime.turns.turn import Failure
from mockserver.wire import tokens

if TYPE_CHECKING:
    from mockserver.engines.dialogue import Reply, ToolCall
    from mockserver.providers.openai.realtime.conversation.items import Status as ItemStatus
    from mockserver.providers.openai.realtime.responses.output_speech import OutputSpeech
    from mockserver.providers.openai.realtime.sounds import Sound
    from mockserver.providers.openai.realtime.timeline import Task, Timeline
    from mockserver.providers.openai.realtime.turns.turn import Turn

Status = Literal["completed", "cancelled", "incomplete", "failed"]

# Milliseconds on the timeline (recorded sessions).
_FIRST_SPOKEN, _FIRST_WRITTEN = 250.0, 200.0  # the first item, after response.created
_NEXT_TEXT = 15.0
_FIRST_AUDIO = 50.0  # after the item
_NEXT_AUDIO = 50.0
_FIRST_PAUSE, _NEXT_PAUSE = 75.0, 100.0  # between groups of deltas of a transcript
_GROUP = 3  # deltas of a transcript, and of audio at the start
_AUDIO_DELTA = 250.0  # of audio in a delta

# Real seconds before an event at least, so that clients can answer in the middle.
_TEXT_GAP, _AUDIO_GAP = 0.001, 0.004
_FIRST_GAP = 0.05  # after the first delta of each kind
_ALL_GAPS = 0.05  # between all deltas of a text

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}  # by ``finish_reason``


class Wait(NamedTuple):
    """The time until the next step: milliseconds of the timeline, and real seconds."""

    ms: float
    gap: float = _TEXT_GAP


class Ending(NamedTuple):
    """How a response ends: its status, with the reason, or the error with which it fails."""

    status: Status
    reason: str = ""
    failure: Failure | None = None

    def details(self) -> dict[str, Any] | None:
        """Return the ``status_details``."""
        if self.failure is not None:
            kind, code, message = self.failure
            return {"type": self.status, "error": {"type": kind, "code": code, "message": message}}
        return {"type": self.status, "reason": self.reason} if self.reason else None


class Words(Protocol):
    """Where a response takes its words from."""

    def reply(self) -> Reply:
        """Return what is said and called. Raises ``ApiError``."""
        ...

    def speech(self, text: str) -> OutputSpeech:
        """Return the speech of a text. Raises ``ApiError``."""
        ...

    def keep(self, speech: OutputSpeech) -> Sound | None:
        """Remember and return what was sent of a speech."""
        ...

    def failure(self, error: ApiError) -> Failure:
        """Return an error as one with which a response fails."""
        ...

    def crash(self, error: Exception) -> Failure:
        """Log an unexpected exception, and return it as an error with which a response fails."""
        ...


class RunningResponse:
    """The output of a response, from its first item on.

    ``limit`` is that of the output tokens. ``on_end`` is called after the last item is done.
    """

    def __init__(
        self,
        channel: Channel,
        turn: Turn,
        words: Words,
        timeline: Timeline,
        limit: float,
        on_end: Callable[[Ending], None],
        *,
        spoken: bool,
    ) -> None:
        self.items: list[MessageOutput | CallOutput] = []
        self._channel = channel
        self._turn = turn
        self._words = words
        self._timeline = timeline
        self._limit = limit
        self._on_end = on_end
        self._is_spoken = spoken
        self._has_phases = bool(turn.model.realtime and turn.model.realtime.phases)
        self._speech: OutputSpeech | None = None
        self._cut_ms: int | None = None  # where the client has cut the speech
        self.has_failed = False
        self._incomplete = ""
        self._is_full = False
        self._due = timeline.now_ms
        self._gap = 0.0  # before the next step, in real seconds
        self._task: Task | None = None
        self._steps = self._all_steps()

    def begin(self) -> None:
        """Do the first step when it is due."""
        self._schedule(
            Wait((_FIRST_SPOKEN if self._is_spoken else _FIRST_WRITTEN) + self._turn.first_delta_ms)
        )

    def stop(self, reason: str) -> None:
        """Cancel the response: what was sent of its items stays."""
        self._finish(Ending("cancelled", reason))

    def cut(self, item_id: str, end_ms: int) -> bool:
        """Have an item be cut once it is done. Return whether it is one of these that are spoken.

        Raises ``ApiError`` if it has less audio so far.
        """
        if self._speech is None or not self.items or self.items[0].item.id != item_id:
            return False
        if end_ms > self._speech.ms:
            raise ApiError("realtime_audio_shorter", ms=int(self._speech.ms), asked=end_ms)
        self._cut_ms = end_ms
        return True

    def close(self) -> None:
        """End everything without sending anything."""
        if self._task is not None:
            self._task.cancel()
        self._steps.close()
        if self._speech is not None:
            self._speech.close()

    def tokens_of(self, item: MessageOutput | CallOutput) -> Tokens:
        """Return the tokens that were made of an item."""
        if isinstance(item, CallOutput):
            return Tokens(usage.called(item.deltas))
        if not self._is_spoken:
            return Tokens(usage.written(item.deltas))
        return Tokens(usage.transcribed(item.deltas), usage.spoken(self._speech.ms if self._speech else 0.0))

    @property
    def made(self) -> Tokens:
        """Return the tokens that were made of all items."""
        return sum(map(self.tokens_of, self.items), Tokens())

    @property
    def used(self) -> Tokens:
        """Return the tokens of the output: those that were made, or the limit, if a delta did not fit in it."""
        made = self.made
        return made + Tokens(max(0, int(self._limit) - made.total)) if self._is_full else made

    def _schedule(self, wait: Wait) -> None:
        self._due += wait.ms
        self._task = self._timeline.at(self._due, self._step, gap=max(wait.gap, self._gap))
        self._gap = 0.0

    def _step(self) -> None:
        try:
            wait = next(self._steps, None)
        except ApiError as error:
            self._finish(Ending("failed", failure=self._words.failure(error)))
        except SpeechFailed as error:
            failed = ApiError("overloaded", reason=f"The speech failed: {error}.")
            self._finish(Ending("failed", failure=self._words.failure(failed)))
        except OSError:  # the client has left
            raise
        except Exception as error:  # noqa: BLE001 - a bug, or a lack of memory, ends the response only
            self._finish(Ending("failed", failure=self._words.crash(error)))
        else:
            if wait is not None:
                self._schedule(wait)
            elif not self._turn.is_silent:
                self._finish(self._ending())

    def _ending(self) -> Ending:
        scripted = self._turn.scripted
        if self._turn.failure is not None:
            return Ending("failed", failure=self._turn.failure)
        if scripted is not None and scripted.failure is not None:
            given = scripted.failure
            kind, code = given.get("type", "server_error"), given.get("code")
            return Ending("failed", failure=Failure(kind, code, given.get("message", "")))
        return Ending("incomplete", self._incomplete) if self._incomplete else Ending("completed")

    def _finish(self, ending: Ending) -> None:
        self.has_failed = ending.status == "failed"
        self.close()
        self._close_items("completed" if ending.status == "completed" else "incomplete")
        self._on_end(ending)

    def _close_items(self, status: ItemStatus) -> None:
        """Close all items, which are open until the end; the last one with a status, others are complete."""
        for item in self.items:
            if isinstance(item, MessageOutput) and self._speech is not None:
                item.part.sound = self._words.keep(self._speech)
            item.close("completed" if item is not self.items[-1] else status)
            if isinstance(item, MessageOutput) and self._cut_ms is not None:
                item.part.sound = item.part.sound and item.part.sound.cut(self._cut_ms)
                item.part.transcript = ""

    def _all_steps(self) -> Generator[Wait]:
        scripted = self._turn.scripted
        if self._turn.failure is not None or (scripted is not None and scripted.only_fails):
            return
        reply = self._words.reply()
        if reply.text or not reply.tool_calls:
            yield from self._message(reply.text, "commentary" if reply.tool_calls else "final_answer")
        for call in reply.tool_calls:
            if self._incomplete or self._turn.is_silent:
                return
            yield from self._call(call)
        self._incomplete = self._incomplete or _INCOMPLETE.get(reply.finish_reason, "")
        if self._gap:
            yield Wait(0.0)

    def _message(self, text: str, phase: str) -> Generator[Wait]:
        item = MessageOutput(
            self._channel, len(self.items), spoken=self._is_spoken, phase=phase if self._has_phases else None
        )
        self._begin(item)
        pieces = self._pieces(text)
        if self._turn.is_silent:
            return
        if self._is_spoken:
            self._speech = self._words.speech(text)
            yield from self._speak(item, self._speech, pieces)
        else:
            yield from self._write(item, pieces)

    def _call(self, call: ToolCall) -> Generator[Wait]:
        if self.items:
            yield Wait(_NEXT_TEXT)
        item = CallOutput(self._channel, len(self.items), call.name)
        self._begin(item)
        yield from self._write(item, self._pieces(call.arguments))

    def _pieces(self, text: str) -> deque[str]:
        """Return a text in its deltas, not more than one beyond the limit."""
        pieces = tokens.whole(tokens.split(text, self._turn.call.vocabulary))
        most = None if math.isinf(self._limit) else max(0, int(self._limit)) + 1
        return deque(piece for piece, _ in itertools.islice(pieces, most))

    def _begin(self, item: MessageOutput | CallOutput) -> None:
        self.items.append(item)
        item.open()

    def _write(self, item: MessageOutput | CallOutput, pieces: deque[str]) -> Generator[Wait]:
        """Write the pieces, as many as the limit allows."""
        gap = max(_TEXT_GAP, _ALL_GAPS / max(1, len(pieces)))
        while pieces:
            if not self._has_room_for_text(item):
                return
            if not item.deltas:
                self._gap = _FIRST_GAP
            item.write(pieces.popleft())
            if pieces:
                yield Wait(_NEXT_TEXT + self._turn.delta_ms, gap)

    def _speak(self, item: MessageOutput, speech: OutputSpeech, pieces: deque[str]) -> Generator[Wait]:
        """Send the transcript in groups of deltas, which run ahead of the audio, and the audio."""
        now, text_at, audio_at = 0.0, 0.0, _FIRST_AUDIO
        pause, group = _FIRST_PAUSE, _GROUP
        while pieces or not speech.is_ended():
            at = min(text_at if pieces else math.inf, math.inf if speech.is_ended() else audio_at)
            if at > now:
                yield Wait(at - now, _TEXT_GAP if at == text_at else _AUDIO_GAP)
                now = at
            if pieces and text_at <= now:
                self._transcribe(item, pieces)
                self._gap = _FIRST_GAP if not now else self._gap
                text_at, pause = now + pause + _GROUP * self._turn.delta_ms, _NEXT_PAUSE
            if audio_at <= now:
                self._sound(item, speech, group)
                self._gap = _FIRST_GAP if group > 1 else self._gap
                audio_at, group = now + _NEXT_AUDIO, 1
            if self._incomplete:
                return

    def _transcribe(self, item: MessageOutput, pieces: deque[str]) -> None:
        for _ in range(min(_GROUP, len(pieces))):
            if self._has_room_for_text(item):
                item.write(pieces.popleft())

    def _sound(self, item: MessageOutput, speech: OutputSpeech, deltas: int) -> None:
        """Send some deltas of audio, as many as the limit allows."""
        for _ in range(deltas):
            if speech.is_ended():
                return
            room = self._limit - self.made.total + usage.spoken(speech.ms)
            left = usage.speakable_ms(room) - speech.ms
            if left < 1:
                self._fill()
                return
            if not speech.ms:
                self._turn.speaks_from_ms = self._timeline.now_ms
            item.speak(speech.take(min(_AUDIO_DELTA, left)))

    def _has_room_for_text(self, item: MessageOutput | CallOutput) -> bool:
        """Return whether the limit allows another delta of an item; if not, the response is incomplete."""
        before = self.tokens_of(item).total
        item.deltas += 1
        more = self.tokens_of(item).total - before
        item.deltas -= 1
        if self.made.total + more > self._limit:
            self._fill()
        return not self._incomplete

    def _fill(self) -> None:
        """Note that nothing more fits in the limit."""
        self._incomplete, self._is_full = "max_output_tokens", True

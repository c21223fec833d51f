"""What the caller makes of the server's events: replies, their sound, and what was understood."""

from __future__ import annotations

import base64
import json
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.caller.playback import Playback, words_heard
from mockserver.caller.record import Reply, Said, Timeline
from mockserver.caller.sounds import length_ms

if TYPE_CHECKING:
    from mockserver.caller.line import Event

# Names of the beta, which some servers use.
_BETA = {
    "response.audio.delta": "response.output_audio.delta",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.text.delta": "response.output_text.delta",
    "transcription_session.created": "session.created",
    "transcription_session.updated": "session.updated",
}
_FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}


_LATE_MS = 400.0  # by which a turn may end before the caller has spoken; its last sounds can be quiet


class FunctionCall:
    """A function that the server asks for."""

    def __init__(self, call_id: str, name: str, arguments: str) -> None:
        self.call_id = call_id
        self.name = name
        self.arguments = arguments


class Answering:
    """A reply as it comes: its record, its sound, and the functions that it calls."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.sounds: list[Playback] = []
        self.calls: list[FunctionCall] = []
        self.is_done = False

    def is_over(self, now_ms: float) -> bool:
        """Return whether it has come, and was played to its end."""
        return self.is_done and all(sound.is_cut or sound.end_ms <= now_ms for sound in self.sounds)

    def played_ms(self, now_ms: float) -> float:
        """Return how much of its sound was played."""
        return sum(sound.played_ms(now_ms) for sound in self.sounds)


class Listening:
    """The state of the session as the caller knows it. ``truncate`` reports to the server what was cut off."""

    def __init__(self, timeline: Timeline, truncate: Callable[[Playback, int], None]) -> None:
        self.timeline = timeline
        self.session: Mapping[str, Any] = {}
        self.answers: list[Answering] = []
        self.done_calls: list[FunctionCall] = []  # of responses that are done, not yet answered
        self.commits = 0  # turns that the server has committed
        self._turns: dict[str, list[float]] = {}  # beginning and end of turns that it detects, by item
        self._truncate = truncate
        self._now_ms = 0.0

    def take(self, event: Event, now_ms: float) -> None:
        """Handle an event that came at a time of the call."""
        self._now_ms = now_ms
        kind = str(event.get("type"))
        handler = _HANDLERS.get(_BETA.get(kind, kind))
        if handler is not None:
            handler(self, event)

    def stop(self, now_ms: float) -> None:
        """Stop playing, because the call ends."""
        for answer in self.answers:
            for sound in answer.sounds:
                if sound.end_ms > now_ms and not sound.is_cut:
                    self._cut(answer, sound, now_ms)

    @property
    def kind(self) -> str:
        """Return the type of the session."""
        return str(self.session.get("type", "realtime"))

    @property
    def turn_detection(self) -> Mapping[str, Any] | None:
        """Return how the server detects turns; ``None`` if the caller must say when it has spoken."""
        side = self._side("input")
        found = side.get("turn_detection", self.session.get("turn_detection"))
        return found if isinstance(found, Mapping) else None

    @property
    def is_transcribed(self) -> bool:
        """Return whether the server transcribes what the caller says."""
        found = self._side("input").get("transcription", self.session.get("input_audio_transcription"))
        return isinstance(found, Mapping)

    def audio_format(self, side: str) -> str:
        """Return the format of the ``input`` or ``output``."""
        found = self._side(side).get("format", self.session.get(f"{side}_audio_format"))
        name = str(found.get("type") if isinstance(found, Mapping) else found or "audio/pcm")
        return _FORMATS.get(name, name)

    def _side(self, side: str) -> Mapping[str, Any]:
        return _object(_object(self.session, "audio"), side)

    def interrupt(self, now_ms: float) -> None:
        """Stop playing, and report to the server what was heard."""
        for answer in self.answers:
            for sound in answer.sounds:
                if sound.end_ms > now_ms and not sound.is_cut:
                    self._cut(answer, sound, now_ms)
                    answer.reply.interrupted = True
                    self._truncate(sound, int(sound.length_ms))

    def _configured(self, event: Event) -> None:
        self.session = _object(event, "session")

    def _failed(self, event: Event) -> None:
        self.timeline.errors.append(dict(_object(event, "error")))

    def _speech_started(self, event: Event) -> None:
        """Stop playing, as clients do whose server interrupts its response."""
        self._turns[_string(event, "item_id")] = [_number(event, "audio_start_ms", self._now_ms)]
        turns = self.turn_detection
        if turns is not None and turns.get("interrupt_response", True):
            self.interrupt(self._now_ms)

    def _speech_stopped(self, event: Event) -> None:
        turn = self._turns.get(_string(event, "item_id"))
        if turn is not None:
            turn.append(_number(event, "audio_end_ms", self._now_ms))

    def _cut(self, answer: Answering, sound: Playback, now_ms: float) -> None:
        whole_ms = sound.length_ms if answer.is_done else None
        sound.cut(now_ms)
        answer.reply.heard = words_heard(answer.reply.text, sound.length_ms, whole_ms)
        answer.reply.end_ms = sound.end_ms
        answer.reply.played_ms = answer.played_ms(now_ms)

    def _committed(self, event: Event) -> None:
        """Note what the item has of the caller's sentences: of several in a turn all that are mostly in it."""
        self.commits += 1
        item_id = _string(event, "item_id")
        turn = self._turns.pop(item_id, [])
        begin, end = turn[0] if turn else self._now_ms, turn[1] if len(turn) > 1 else self._now_ms

        def shared(said: Said) -> float:
            return min(said.end_ms, end) - max(said.start_ms, begin)

        spoken = [said for said in self.timeline.said if said.start_ms <= end]
        most = max(spoken, key=shared, default=None)
        for said in spoken:
            if said is most or shared(said) > (said.end_ms - said.start_ms) / 2:
                said.heard[item_id] = None
                said.is_committed |= end >= said.end_ms - _LATE_MS

    def _transcribed(self, event: Event) -> None:
        item_id = _string(event, "item_id")
        for said in self.timeline.said:
            if item_id in said.heard:
                said.heard[item_id] = _string(event, "transcript")

    def _not_transcribed(self, event: Event) -> None:
        for said in self.timeline.said:
            if _string(event, "item_id") in said.heard:
                said.failure = _string(_object(event, "error"), "message") or "no reason"

    def _created(self, event: Event) -> None:
        reply = Reply(_string(_object(event, "response"), "id"))
        self.answers.append(Answering(reply))
        self.timeline.replies.append(reply)

    def _sound(self, event: Event) -> None:
        answer = self._answer(event.get("response_id"))
        try:
            size = len(base64.b64decode(event.get("delta") or ""))
        except (Base64Error, ValueError, TypeError):
            self.timeline.errors.append(
                {"code": "mock_not_base64", "message": "A delta of audio is not base64."}
            )
            return
        if answer is None or answer.reply.interrupted:
            return
        index = event.get("content_index")
        key = (_string(event, "item_id"), index if isinstance(index, int) else 0)
        if not answer.sounds or (answer.sounds[-1].item_id, answer.sounds[-1].content_index) != key:
            answer.sounds.append(Playback(*key))
        free_at = max((sound.end_ms for each in self.answers for sound in each.sounds), default=0.0)
        answer.sounds[-1].add(length_ms(size, self.audio_format("output")), self._now_ms, free_at)
        self._spoke(answer, answer.sounds[0].start_ms or 0.0, answer.sounds[-1].end_ms)

    def _text(self, event: Event) -> None:
        answer = self._answer(event.get("response_id"))
        if answer is None:
            return
        answer.reply.text += _string(event, "delta")
        if not answer.reply.interrupted:
            answer.reply.heard = answer.reply.text
        if event["type"].endswith("text.delta"):
            self._spoke(answer, self._now_ms, self._now_ms)

    def _spoke(self, answer: Answering, start_ms: float, end_ms: float) -> None:
        reply = answer.reply
        if reply.start_ms is None:
            reply.start_ms = start_ms
            ended = [said.end_ms for said in self.timeline.said if said.end_ms <= start_ms]
            reply.gap_ms = start_ms - ended[-1] if ended else None
        reply.end_ms = end_ms
        reply.played_ms = sum(sound.length_ms for sound in answer.sounds)

    def _called(self, event: Event) -> None:
        answer = self._answer(event.get("response_id"))
        if answer is not None:
            members = (_string(event, name) for name in ("call_id", "name", "arguments"))
            answer.calls.append(FunctionCall(*members))

    def _done(self, event: Event) -> None:
        response = _object(event, "response")
        answer = self._answer(response.get("id"))
        if answer is None:
            return
        details = _object(response, "status_details")
        answer.is_done = True
        answer.reply.status = _string(response, "status")
        answer.reply.reason = _string(details, "reason") or None
        answer.reply.error = dict(_object(details, "error")) or None
        output = response.get("output")
        items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
        names = {_string(item, "call_id"): _string(item, "name") for item in items}
        for called in answer.calls:  # older events have no name
            called.name = called.name or names.get(called.call_id, "")
        if answer.reply.status == "completed":
            self.done_calls += answer.calls

    def _answer(self, response_id: object) -> Answering | None:
        return next((each for each in self.answers if each.reply.response_id == response_id), None)


def _object(owner: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a member that is an object; an empty one for anything else, which no server should send."""
    found = owner.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(owner: Mapping[str, Any], name: str, otherwise: float) -> float:
    """Return a member that is a number, or ``otherwise``."""
    found = owner.get(name)
    return float(found) if isinstance(found, int | float) else otherwise


def _string(owner: Mapping[str, Any], name: str) -> str:
    """Return a member that is a text; an empty one for anything else."""
    found = owner.get(name)
    return found if isinstance(found, str) else ""


def arguments_of(called: FunctionCall) -> Any:
    """Return the arguments of a function; as text if they are not JSON."""
    try:
        return json.loads(called.arguments)
    except (ValueError, RecursionError):
        return called.arguments


_HANDLERS: Mapping[str, Callable[[Listening, Event], None]] = {
    "session.created": Listening._configured,
    "session.updated": Listening._configured,
    "error": Listening._failed,
    "input_audio_buffer.speech_started": Listening._speech_started,
    "input_audio_buffer.speech_stopped": Listening._speech_stopped,
    "input_audio_buffer.committed": Listening._committed,
    "conversation.item.input_audio_transcription.completed": Listening._transcribed,
    "conversation.item.input_audio_transcription.failed": Listening._not_transcribed,
    "response.created": Listening._created,
    "response.output_audio.delta": Listening._sound,
    "response.output_audio_transcript.delta": Listening._text,
    "response.output_text.delta": Listening._text,
    "response.function_call_arguments.done": Listening._called,
    "response.done": Listening._done,
}

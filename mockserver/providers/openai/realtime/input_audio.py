"""The input buffer of a session: audio that is appended and committed, by the client or as the user takes turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.engines.turn_detection.audio_input import AudioInput
from mockserver.engines.turn_detection.semantic_vad import Said, SemanticVad
from mockserver.engines.turn_detection.server_vad import ServerVad
from mockserver.engines.turn_detection.turns import SpeechStarted, SpeechStopped, TimedOut, Turn, Window
from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.base64_audio import decoded
from mockserver.providers.openai.realtime.conversation.items import Message, Part
from mockserver.providers.openai.realtime.sounds import ENCODINGS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mockserver.providers.openai.realtime.configuration.parts import AudioFormat, TurnDetection
    from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig
    from mockserver.providers.openai.realtime.conversation.conversation import Conversation
    from mockserver.providers.openai.realtime.hearing.input_transcription import InputTranscription
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds
    from mockserver.providers.openai.realtime.outlet import Outlet
    from mockserver.providers.openai.realtime.responses.responses import Responses
    from mockserver.providers.openai.realtime.sounds import Sounds
    from mockserver.providers.openai.realtime.timeline import Timeline

_SHORTEST_MS = 100  # of audio that can be committed
_KEPT_MS = 600_000  # that are not committed
_KEPT_SILENCE_MS = 120_000  # before a turn, for a client that commits while turns are detected


class InputParts(Struct, frozen=True):
    """The parts of a session that its input buffer uses. Windows of audio are heard within ``hearing_turn()``."""

    config: SessionConfig
    ids: RealtimeIds
    timeline: Timeline
    outlet: Outlet
    conversation: Conversation
    sounds: Sounds
    transcription: InputTranscription
    responses: Responses
    hearing_turn: Callable[[], AbstractContextManager[object]]


class InputAudio:
    """The input buffer. Times are milliseconds of all audio that was appended since the session began."""

    def __init__(self, parts: InputParts) -> None:
        self._parts = parts
        self._format = parts.config.input_format
        self._audio = AudioInput(self._format.type, turn=parts.hearing_turn)
        self._audio.detects = False
        self._past_ms = 0  # of audio in earlier formats
        self._from_ms = 0.0  # the audio before was committed or cleared
        self._item_id = ""  # of what a commit would now commit, once it is known
        self._detection: TurnDetection | None = None
        self._vad: ServerVad | SemanticVad | None = None
        self.heard_ms = 0  # the end of the last window
        self.configure()
        parts.outlet.listeners.append(self._note)

    @property
    def ms(self) -> float:
        """Return the duration of all audio so far."""
        return self._past_ms + self._audio.ms

    def configure(self) -> None:
        """Take over the format and the turn detection of the configuration."""
        if self._parts.config.input_format != self._format:
            self._change_format(self._parts.config.input_format)
        detection = self._parts.config.turn_detection
        if detection == self._detection:
            return
        kept = (
            detection is not None and self._detection is not None and detection.kind == self._detection.kind
        )
        self._detection = detection
        self._audio.detects = detection is not None
        if detection is None:
            self._vad = None
        elif kept:
            self._change(detection)
        else:
            is_speaking = self._vad is not None and self._vad.is_speaking
            self._vad = self._new_vad(detection)
            self._vad.cut(self._from_ms)
            if is_speaking:
                self._vad.resume(int(self._from_ms))

    def append(self, event: Mapping[str, Any]) -> None:
        """Hear what the client has appended. Raises ``ApiError``."""
        self.hear(self.decoded(event))

    def decoded(self, event: Mapping[str, Any]) -> bytes:
        """Return the audio that the client has appended. Raises ``ApiError``."""
        return decoded(event["audio"], self._format)

    def hear(self, data: bytes) -> None:
        """Hear audio in the format of the input, window by window, and do what is due in the meantime."""
        self._parts.timeline.receive()
        self._hear_windows(self._audio.append(data))

    def hear_quietly(self, data: bytes) -> Callable[[], None] | None:
        """Hear audio as far as nothing happens, and return how to go on where something does. It must be ``is_quiet``.

        Nothing is sent, and nothing takes long.
        """
        self._parts.timeline.receive()
        windows = self._audio.append(data)
        for window in windows:
            turn = self._heard(self._begin(window))
            if turn is not None or not self.is_quiet:
                return partial(self._go_on, window.end_ms + self._past_ms, turn, windows)
        self._drop()
        return None

    @property
    def is_quiet(self) -> bool:
        """Return whether the next window can only be heard: nothing is due, and no words are needed for it."""
        is_speaking = self._vad is None or self._vad.is_speaking
        needs_words = isinstance(self._vad, SemanticVad) or self._parts.transcription.is_live
        return self._parts.timeline.is_idle and not (is_speaking and needs_words)

    def _go_on(self, end_ms: int, turn: Turn | None, windows: Iterator[Window]) -> None:
        """Do what has happened at the end of a window, and hear the next ones."""
        self._act(end_ms, turn)
        self._hear_windows(windows)

    def _hear_windows(self, windows: Iterator[Window]) -> None:
        for window in windows:
            begun = self._begin(window)
            self._act(begun.end_ms, self._heard(begun))
        self._drop()

    def commit(self) -> None:
        """Commit the buffer. Raises ``ApiError`` if it has too little audio."""
        self._parts.timeline.receive()
        end_ms, start_ms = self.ms, self._from_ms
        if end_ms - start_ms < _SHORTEST_MS:
            raise ApiError("realtime_commit_empty", ms=f"{end_ms - start_ms:.2f}")
        if self._vad is not None:
            self._vad.cut(end_ms)
        self._commit(start_ms, end_ms, after_ms=self._parts.transcription.commit_ms)

    def clear(self) -> None:
        """Drop what was not committed."""
        if self._item_id:
            self._parts.transcription.forget(self._item_id)
        if self._vad is not None:
            self._vad.cut(self.ms)
        self._begin_anew(self.ms)
        self._parts.outlet.send("input_audio_buffer.cleared")

    def _note(self, event: Mapping[str, Any]) -> None:
        """Begin the idle timeout when a response is done, from the time when it will have been played."""
        response = event.get("response")
        if not isinstance(self._vad, ServerVad) or not isinstance(response, dict):
            return
        # The events of stubs, which have any form, cannot name the conversation.
        is_here = response.get("conversation_id") == self._parts.conversation.id
        if is_here and event["type"] == "response.created":
            self._vad.wait_from(None)
        elif is_here and event["type"] == "response.done" and response.get("status") == "completed":
            self._vad.wait_from(self.heard_ms + self._duration_ms(response["output"]))

    def _duration_ms(self, output: Sequence[Mapping[str, Any]]) -> int:
        """Return the duration of what was spoken in a response."""
        items = (self._parts.conversation.find(each.get("id", "")) for each in output)
        parts = (part for item in items if isinstance(item, Message) for part in item.content)
        return sum(part.sound.ms for part in parts if part.sound is not None)

    def _begin(self, window: Window) -> Window:
        """Do what was due before the end of a window, and return it with its time since the session began."""
        begun = Window(window.end_ms + self._past_ms, window.probability)
        self._parts.timeline.hear_until(begun.end_ms)
        self.heard_ms = begun.end_ms
        return begun

    def _heard(self, window: Window) -> Turn | None:
        """Return what is heard in a window."""
        return self._vad.hear(window) if self._vad is not None else None

    def _act(self, end_ms: int, turn: Turn | None) -> None:
        """Do what follows from what was heard in a window."""
        parts = self._parts
        if isinstance(turn, SpeechStarted):
            self._speech_started(turn.at_ms)
        elif isinstance(turn, SpeechStopped):
            started_ms = self._from_ms
            parts.outlet.send(
                "input_audio_buffer.speech_stopped", audio_end_ms=turn.at_ms, item_id=self._item_id
            )
            self._end_turn(started_ms, turn.at_ms)
        elif isinstance(turn, TimedOut):
            self._time_out(turn)
        elif self._vad is None or self._vad.is_speaking:
            self._item_id = self._item_id or parts.ids.item()
            parts.transcription.hear(self._item_id, self._from_ms, end_ms, self._cut, self._format.rate)

    def _speech_started(self, at_ms: int) -> None:
        """Begin a turn: the item has its id from now on. Interrupt what the model says."""
        parts = self._parts
        if self._item_id:  # it was being spoken when turn detection was switched on
            parts.transcription.forget(self._item_id)
        self._from_ms, self._item_id = at_ms, parts.ids.item()
        parts.outlet.send("input_audio_buffer.speech_started", audio_start_ms=at_ms, item_id=self._item_id)
        if self._detection is not None and self._detection.interrupt_response:
            parts.responses.interrupt()

    def _time_out(self, turn: TimedOut) -> None:
        """Commit the silence after a reply, so that the model asks the user to go on."""
        self._item_id = self._parts.ids.item()
        self._parts.outlet.send(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=turn.start_ms,
            audio_end_ms=turn.end_ms,
            item_id=self._item_id,
        )
        if self._vad is not None:
            self._vad.cut(turn.end_ms)
        self._end_turn(turn.start_ms, turn.end_ms)

    def _end_turn(self, start_ms: float, end_ms: float) -> None:
        """Commit a turn, and have it answered."""
        detection = self._detection
        self._commit(start_ms, end_ms)
        if self._parts.config.kind == "realtime" and detection is not None and detection.create_response:
            self._parts.responses.create_for_turn()

    def _commit(self, start_ms: float, end_ms: float, *, after_ms: int = 0) -> None:
        """Add an item with a stretch of audio, announce it ``after_ms`` later, and have it transcribed."""
        parts = self._parts
        item_id = self._item_id or parts.ids.item()
        encoding = ENCODINGS[self._format.type]
        sound = parts.sounds.keep_heard(self._cut(start_ms, end_ms), self._format.rate, encoding)
        item = Message(item_id, "user", [Part("input_audio", sound=sound)])
        previous = parts.conversation.append(item)
        self._begin_anew(end_ms)

        def announce() -> None:
            parts.outlet.send("input_audio_buffer.committed", previous_item_id=previous, item_id=item_id)
            for state in ("added", "done"):
                parts.outlet.send(f"conversation.item.{state}", previous_item_id=previous, item=item.shown())
            parts.transcription.committed(item_id, sound, end_ms)

        if after_ms:
            parts.timeline.after(after_ms, announce)
        else:
            announce()

    def _begin_anew(self, from_ms: float) -> None:
        self._from_ms = from_ms
        self._item_id = ""
        self._audio.drop_before(from_ms - self._past_ms)

    def _cut(self, start_ms: float, end_ms: float) -> bytes:
        return self._audio.cut(start_ms - self._past_ms, end_ms - self._past_ms)

    def _drop(self) -> None:
        """Drop what was not committed for very long, and long silence between turns."""
        is_silence = self._vad is not None and not self._vad.is_speaking
        oldest = self.ms - (_KEPT_SILENCE_MS if is_silence else _KEPT_MS)
        if oldest > self._from_ms:
            self._from_ms = oldest
            self._audio.drop_before(oldest - self._past_ms)

    def _change_format(self, new: AudioFormat) -> None:
        """Go on in another format. What was not committed is lost."""
        self._past_ms = round(self.ms)
        self._format = new
        self._audio = AudioInput(new.type, turn=self._parts.hearing_turn)
        self._audio.detects = self._detection is not None
        self._begin_anew(self._past_ms)
        if self._vad is not None:
            self._vad.cut(self._past_ms)

    def _new_vad(self, detection: TurnDetection) -> ServerVad | SemanticVad:
        if detection.kind == "semantic_vad":
            return SemanticVad(eagerness=detection.eagerness, said=self._said)
        return ServerVad(**_options(detection))

    def _change(self, detection: TurnDetection) -> None:
        if isinstance(self._vad, SemanticVad):
            self._vad.change(eagerness=detection.eagerness)
        elif isinstance(self._vad, ServerVad):
            self._vad.change(**_options(detection))

    def _said(self, start_ms: float, end_ms: float) -> Said:
        pcm = self._cut(start_ms, end_ms)
        return Said(*self._parts.transcription.said_so_far(pcm, self._format.rate))


def _options(detection: TurnDetection) -> dict[str, Any]:
    """Return the options of ``ServerVad``."""
    return {
        name: getattr(detection, name)
        for name in ("threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms")
    }

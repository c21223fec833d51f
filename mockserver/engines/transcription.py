"""The protocols ``Transcriber`` and ``Listener``, and the values that they work with.

Times are seconds from the start of the clip. Languages are ISO 639-1 codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.engines.answered_by import AnsweredBy

Task = Literal["transcribe", "translate"]
Look = Callable[[], None]
"""Called repeatedly while an engine is waited for. Raises when the answer is no longer needed."""


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word as written (with its punctuation), and how sure the engine is of it (0 to 1)."""

    text: str
    start: float
    end: float
    probability: float | None = None


class TokenLogprob(NamedTuple):
    """A token of a transcript and its log probability."""

    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech, usually a sentence. ``text`` has no surrounding space.

    Fields that are ``None`` were not given by the engine; the wire layer derives them.
    ``seek`` is the start of the decoding window in frames of 10 ms, as Whisper counts it.
    """

    text: str
    start: float
    end: float
    words: tuple[Word, ...] | None = None
    speaker: str | None = None
    tokens: tuple[int, ...] | None = None
    temperature: float | None = None
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None
    seek: int | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None


@dataclass(frozen=True, slots=True)
class VadOptions:
    """Voice activity detection (the request's ``chunking_strategy``)."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 200


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """What a request asks of the engine, beyond the clip itself.

    ``languages`` are hints of what may be spoken; ``words`` asks for word times.
    """

    task: Task = "transcribe"
    languages: tuple[str, ...] = ()
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    temperature: float = 0.0
    words: bool = False
    vad: VadOptions | None = None


@dataclass(slots=True)
class Transcription:
    """What was transcribed. ``segments`` may be a generator that transcribes while it is read.

    ``answered_by`` names the engine.
    ``languages`` is empty when none was detected (silence).
    """

    answered_by: AnsweredBy
    duration: float
    languages: tuple[str, ...]
    segments: Iterable[Segment] = field(default_factory=tuple)


class EngineUnavailable(Exception):
    """No engine can transcribe the clip now; the message says why."""


class EngineBusy(EngineUnavailable):
    """The queue is full; the clip was not taken."""


class EngineFailed(EngineUnavailable):
    """The engine cannot work; the message says why and, if anything, what helps."""


class UnknownAudio(Exception):
    """There is neither a transcript of the clip nor an engine, and the settings want no placeholder."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"no transcript of the audio with sha256 {sha256} is known, and no engine is there")
        self.sha256 = sha256


class Transcriber(Protocol):
    """Knows the transcripts of some clips."""

    def transcribe(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """Return the transcription of ``clip``, or ``None`` if this transcriber does not know it.

        Raises ``audio.decode.UndecodableAudio`` when the bytes are no audio it understands.
        """
        ...


class Listener(Protocol):
    """Transcribes any clip."""

    def transcribe(self, clip: Clip, options: TranscriptionOptions, look: Look) -> Transcription:
        """Return the transcription of ``clip``. While it or a segment is waited for, ``look`` is called.

        Raises what ``look`` does, ``UnusableAudio`` and ``EngineUnavailable``.
        """
        ...

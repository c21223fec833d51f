"""The protocols ``Transcriber`` and ``Listener``, and their values.

Times are seconds from the start of the clip. Languages are ISO 639-1 codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from mockserver.audio.clip import Clip
    from mockserver.engines.answered_by import AnsweredBy

Task = Literal["transcribe", "translate"]
Look = Callable[[], None]
"""Called repeatedly while a request waits for an engine. Raises if the answer is no longer needed."""


class Word(Struct, frozen=True):
    """A word with its punctuation, its times, and the engine's confidence (0 to 1)."""

    text: str
    start: float
    end: float
    probability: float | None = None


class TokenLogprob(NamedTuple):
    """A token of a transcript and its log probability."""

    token: str
    logprob: float


class Segment(Struct, frozen=True):
    """A section of a transcription, usually a sentence. ``text`` has no surrounding space.

    The engine did not provide fields that are ``None``; the room ``wire`` derives them.
    ``seek`` is the start of the decoding window in Whisper's frames of 10 ms.
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


class VadOptions(Struct, frozen=True):
    """Options of voice activity detection (the request's ``chunking_strategy``)."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 200


class TranscriptionOptions(Struct, frozen=True):
    """Options of one transcription request.

    ``languages`` are hints of the languages spoken; ``words`` requests word times.
    """

    task: Task = "transcribe"
    languages: tuple[str, ...] = ()
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    temperature: float = 0.0
    words: bool = False
    vad: VadOptions | None = None


class Transcription(Struct):
    """The transcription of a clip. ``segments`` may be an iterator that transcribes while it is read.

    ``answered_by`` names the engine. ``duration`` is in seconds.
    ``languages`` is empty if none was detected (silence).
    """

    answered_by: AnsweredBy
    duration: float
    languages: tuple[str, ...]
    segments: Iterable[Segment] = ()


class EngineUnavailable(Exception):
    """No engine can transcribe the clip now; the message gives the reason."""


class EngineBusy(EngineUnavailable):
    """The queue is full; the clip was not queued."""


class EngineFailed(EngineUnavailable):
    """The engine cannot work; the message gives the reason and, if there is one, the remedy."""


class UnknownAudio(Exception):
    """The clip has no known transcript, there is no engine, and the settings forbid the placeholder."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"unknown audio with sha256 {sha256}, and no engine to transcribe it")
        self.sha256 = sha256


class Transcriber(Protocol):
    """A source of transcripts of certain clips."""

    def transcribe(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """Return the transcription of ``clip``, or ``None`` if this transcriber does not know it.

        Raises ``audio.decode.UndecodableAudio`` if the bytes cannot be decoded.
        """
        ...


class Listener(Protocol):
    """An engine that transcribes any clip."""

    def transcribe(self, clip: Clip, options: TranscriptionOptions, look: Look) -> Transcription:
        """Return the transcription of ``clip``. ``look`` is called while waiting for it or for a segment.

        Raises what ``look`` raises, ``UnusableAudio`` and ``EngineUnavailable``.
        """
        ...


class Whisper(Listener, Protocol):
    """A Whisper model, in this process or in others. ``is_embedded`` if it is the embedded one, known to be small."""

    @property
    def model_name(self) -> str:
        """Return the name of the model, for people."""
        ...

    @property
    def is_embedded(self) -> bool:
        """Return whether it is the embedded model, which understands the server's own voices, not people."""
        ...

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        """Return its state; the reason of ``failed`` is in ``error``."""
        ...

    @property
    def error(self) -> str:
        """Return why it cannot transcribe; empty if it can."""
        ...

    def describe(self) -> dict[str, str]:
        """Return the engine, its model and its state, for people."""
        ...

    def is_in(self, folder: Path) -> bool:
        """Return whether the model is the one in ``folder``."""
        ...

    def start(self) -> None:
        """Begin to load the model, in the background. Further calls do nothing."""
        ...

    def wait(self) -> None:
        """Start loading, and wait until it ends or fails."""
        ...

    def close(self) -> None:
        """End its work. Unfinished clips fail with ``EngineFailed``."""
        ...

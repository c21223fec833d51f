"""What the caller sends: sentences in a voice of this server, or sound files, in the format of the session."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from mockserver.audio.decode import UnusableAudio, pcm_hasher, pcm_pieces
from mockserver.audio.resampling import Resampler
from mockserver.audio.telephony import Law, encode_g711
from mockserver.caller.record import CallFailed
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, SpeechFailed, Utterance
from mockserver.engines.spoken import Spoken
from mockserver.engines.transcription import Word
from mockserver.wording import shown

if TYPE_CHECKING:
    from mockserver.catalog.records import Voice
    from mockserver.engines.speech import Speaker
    from mockserver.engines.spoken import SpokenMemory

FRAME_MS = 20
FRAME = SPEECH_SAMPLE_RATE * FRAME_MS // 1000 * 2  # bytes of a frame at the rate of speech
_MAX_SECONDS = 3600.0  # of a sound file
_LAWS: dict[str, Law] = {"audio/pcmu": "mu", "audio/pcma": "a", "g711_ulaw": "mu", "g711_alaw": "a"}
_PCM_RATE = 24_000
_LOUDEST = 32_767


class Sound(Struct, frozen=True):
    """What the caller says: ``pcm`` is s16le mono at 24 kHz. The last word ends at ``speech_ms``, a whole number."""

    text: str
    pcm: bytes
    speech_ms: float


class CallerVoice:
    """The voice of a caller. With a ``memory`` of the server in this process, the server knows the words it hears."""

    def __init__(self, speaker: Speaker, voice: Voice, memory: SpokenMemory | None = None) -> None:
        self._speaker = speaker
        self._voice = voice
        self._memory = memory

    def say(self, text: str) -> Sound:
        """Return a sentence as sound. Raises ``CallFailed`` if it cannot be spoken."""
        utterance = Utterance(text, self._voice)
        pcm, words = bytearray(), list[Word]()
        try:
            for chunk in self._speaker.speak(utterance):
                pcm += chunk.pcm
                words += [Word(word.text, word.start, word.end) for word in chunk.words]
        except SpeechFailed as error:
            raise CallFailed(f"The caller cannot say {shown(text)}: {error}") from error
        if self._memory is not None:
            self._remember(self._memory, bytes(pcm), words, self._speaker.language_of(utterance))
        seconds = len(pcm) / (2 * SPEECH_SAMPLE_RATE)
        return Sound(text, bytes(pcm), float(round(1000 * (words[-1].end if words else seconds))))

    def _remember(self, memory: SpokenMemory, pcm: bytes, words: list[Word], language: str) -> None:
        digest = pcm_hasher(SPEECH_SAMPLE_RATE, 1)
        digest.update(pcm)
        spoken = Spoken(tuple(words), language, len(pcm) / (2 * SPEECH_SAMPLE_RATE))
        memory.remember(
            spoken, sha256=hashlib.sha256(pcm).hexdigest(), pcm_sha256=digest.hexdigest(), pcm=pcm
        )


def sound_of(path: Path) -> Sound:
    """Return the sound of a file. Raises ``CallFailed`` if it cannot be read."""
    try:
        pcm = b"".join(pcm_pieces(path.read_bytes(), SPEECH_SAMPLE_RATE, _MAX_SECONDS))
    except OSError as error:
        raise CallFailed(f"{path}: {error.strerror}.") from error
    except UnusableAudio as error:
        raise CallFailed(f"{path}: {error}") from error
    return Sound(path.name, pcm, float(round(len(pcm) / (2 * SPEECH_SAMPLE_RATE) * 1000)))


class FrameEncoder:
    """Encodes frames of speech in the format of a session."""

    def __init__(self, audio_format: str) -> None:
        """``audio_format`` is a name of the API, such as ``audio/pcmu``."""
        self._law = _LAWS.get(audio_format)
        self._resampler = Resampler(1, SPEECH_SAMPLE_RATE // 8_000)

    def encode(self, frame: bytes) -> bytes:
        """Return a frame, s16le mono at 24 kHz, in the format."""
        if self._law is None:
            return frame
        import numpy as np

        samples = self._resampler.resample(np.frombuffer(frame, "<i2"))
        pcm = np.clip(np.rint(samples * (_LOUDEST + 1)), -_LOUDEST, _LOUDEST).astype("<i2")
        return encode_g711(pcm.tobytes(), self._law)


def length_ms(size: int, audio_format: str) -> float:
    """Return the milliseconds of ``size`` bytes in a format of the API."""
    return size / 8 if audio_format in _LAWS else size * 500 / _PCM_RATE

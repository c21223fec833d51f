"""The speech of a response, in the format of the session, made as it is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING

from mockserver.audio.decode import pcm_hasher
from mockserver.audio.encode import write_wav
from mockserver.audio.resampling import Resampler
from mockserver.audio.telephony import Law, decode_g711, encode_g711
from mockserver.engines.spoken import Spoken
from mockserver.engines.transcription import Word
from mockserver.pipeline.said_audio import SaidAudio

if TYPE_CHECKING:
    from mockserver.engines.speech import SpeechChunk, Utterance
    from mockserver.engines.spoken import SpokenMemory
    from mockserver.providers.openai.realtime.configuration.parts import AudioFormat
    from mockserver.providers.openai.realtime.sounds import Encoding, Sound, Sounds
    from mockserver.providers.openai.realtime.turns.turn import Turn

_FACTOR = 3  # of the rate of speech and that of G.711
_DELAY = 2 * 30  # bytes by which the filter delays speech; a third of them in its output
_FULL_SCALE = 32_768

_LAWS: dict[str, Law] = {"audio/pcmu": "mu", "audio/pcma": "a"}
_ENCODINGS: dict[str, Encoding] = {
    "audio/pcm": "pcm16",
    "audio/pcmu": "g711_ulaw",
    "audio/pcma": "g711_alaw",
}


class OutputSpeech:
    """Speech that is taken piece by piece. ``chunks`` are those of a speaker; they are read when more is needed."""

    def __init__(self, chunks: Iterable[SpeechChunk], audio_format: AudioFormat) -> None:
        self._source = chunks
        self._chunks = iter(chunks)
        self._format = audio_format
        self._coder = _coder(audio_format)
        self._waiting = bytearray()  # samples that were not taken yet
        self._taken = bytearray()  # samples, as the client hears them
        self._words: list[Word] = []
        self._sent = hashlib.sha256()
        self._is_read = False

    @property
    def ms(self) -> float:
        """Return the milliseconds that were taken."""
        return len(self._taken) * 500 / self._format.rate

    def take(self, ms: float) -> bytes:
        """Return the next ``ms`` of audio, encoded; less at the end. Raises ``SpeechFailed``."""
        size = 2 * round(ms * self._format.rate / 1000)
        while len(self._waiting) < size and not self._is_read:
            self._read()
        samples = bytes(self._waiting[:size])
        del self._waiting[:size]
        encoded, heard = self._coder.encode(samples)
        self._taken += heard
        self._sent.update(encoded)
        return encoded

    def is_ended(self) -> bool:
        """Return whether everything was taken. Raises ``SpeechFailed``."""
        while not self._waiting and not self._is_read:
            self._read()
        return not self._waiting

    def sound(self, sounds: Sounds) -> Sound:
        """Return what was taken. Raises ``OSError`` if the disk is full."""
        return sounds.keep(bytes(self._taken), self._format.rate, _ENCODINGS[self._format.type])

    def remember(self, memory: SpokenMemory, language: str) -> None:
        """Remember what was taken, so that it is recognised when it is heard."""
        seconds = self.ms / 1000
        pcm = bytes(self._taken)
        digest = pcm_hasher(self._format.rate, 1)
        digest.update(pcm)
        memory.remember(
            Spoken(self._heard_words(), language, seconds),
            sha256=self._sent.hexdigest(),
            pcm_sha256=digest.hexdigest(),
            pcm=pcm,
            rate=self._format.rate,
            is_reply=True,
        )

    def said(self, turn: Turn, utterance: Utterance, *, is_stub: bool) -> SaidAudio:
        """Return what was taken, for the journal: the whole utterance, or the words before it was cut off."""
        is_whole = self._is_read and not self._waiting
        words = tuple(self._words) if is_whole else self._heard_words()
        said = SaidAudio(
            turn.response_id,
            "wav",
            self.ms / 1000,
            self._format.rate,
            utterance.text if is_whole or is_stub else " ".join(word.text for word in words),
            None if is_stub else utterance,
            words,
            at_ms=turn.speaks_from_ms,
        )
        if 0 < len(self._taken) <= turn.call.settings.keep_audio:
            said.keep(write_wav(bytes(self._taken), self._format.rate))
        return said

    def _heard_words(self) -> tuple[Word, ...]:
        seconds = self.ms / 1000
        return tuple(word for word in self._words if word.end <= seconds)

    def close(self) -> None:
        """End the synthesis."""
        if isinstance(self._source, Generator):
            self._source.close()

    def _read(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            self._is_read = True
            self._waiting += self._coder.finish()
            return
        self._words += [Word(word.text, word.start, word.end) for word in chunk.words]
        self._waiting += self._coder.feed(chunk.pcm)


class _Pcm:
    """The coder of the format in which speech is made."""

    def feed(self, pcm: bytes) -> bytes:
        """Return samples at the rate of the format."""
        return pcm

    def finish(self) -> bytes:
        """Return the last samples."""
        return b""

    def encode(self, samples: bytes) -> tuple[bytes, bytes]:
        """Return samples as they are sent, and as they are heard."""
        return samples, samples


class _G711(_Pcm):
    """The coder of a telephone's format, with a third of the samples."""

    def __init__(self, law: Law) -> None:
        self._law = law
        self._resampler = Resampler(1, _FACTOR)
        self._rest = bytearray()
        self._late = _DELAY // _FACTOR  # bytes that are still to be dropped

    def feed(self, pcm: bytes) -> bytes:
        import numpy as np

        self._rest += pcm
        whole = len(self._rest) // (2 * _FACTOR) * 2 * _FACTOR
        if not whole:
            return b""
        samples = np.frombuffer(bytes(self._rest[:whole]), "<i2")
        del self._rest[:whole]
        slower = np.round(self._resampler.resample(samples) * _FULL_SCALE)
        made = bytes(np.clip(slower, -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").data)
        late, self._late = self._late, max(0, self._late - len(made))
        return made[late:]

    def finish(self) -> bytes:
        return self.feed(bytes(_DELAY + -(len(self._rest) + _DELAY) % (2 * _FACTOR)))

    def encode(self, samples: bytes) -> tuple[bytes, bytes]:
        encoded = encode_g711(samples, self._law)
        return encoded, decode_g711(encoded, self._law)


def _coder(audio_format: AudioFormat) -> _Pcm:
    law = _LAWS.get(audio_format.type)
    return _Pcm() if law is None else _G711(law)

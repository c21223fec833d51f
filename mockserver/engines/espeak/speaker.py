"""The speaker, which uses espeak-ng through pyttsx3 in separate processes."""

from __future__ import annotations

import logging
import os
import re
from contextlib import closing
from typing import IO, TYPE_CHECKING

from mockserver.engines.espeak.helper import (
    END_FRAME,
    FAILURE_FRAME,
    FRAME,
    PCM_FRAME,
    STARTED,
    WORD,
    WORD_FRAME,
    SpeechLimits,
    SpeechRequest,
)
from mockserver.engines.espeak.processes import ForkingHelper, SpareProcesses
from mockserver.engines.espeak.words import WordTimes
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, SpeechChunk, SpeechFailed, SpokenWord

if TYPE_CHECKING:
    from collections.abc import Generator

    from mockserver.engines.espeak.processes import SpeechProcesses
    from mockserver.engines.speech import Utterance

log = logging.getLogger(__name__)

SILENCE_DURATION = 0.2  # seconds; the speech of a text without words
SILENCE = bytes(round(SILENCE_DURATION * SPEECH_SAMPLE_RATE) * 2)
DEFAULT_SLOTS = 8
DEFAULT_TIMEOUT = 30.0  # seconds
DEFAULT_LIMITS = SpeechLimits()
CAN_FORK = hasattr(os, "fork")

_WORD = re.compile(r"\S*")
_NO_LETTER = re.compile(r"[^\w\s]|_")


class Pyttsx3Speaker:
    """A ``Speaker`` with espeak-ng. The same utterance gives the same bytes on all machines with the same versions.

    Up to ``slots`` utterances are synthesised at a time; others wait in order of arrival. ``fork`` selects how
    processes are created, which affects the speed but not the bytes (see ``processes``). Forked processes are ended
    after ``timeout`` seconds without output, and if an utterance exceeds ``limits``.
    Processes are started when they are needed, or by ``start``. The speaker is thread-safe.
    """

    def __init__(
        self,
        slots: int = DEFAULT_SLOTS,
        *,
        fork: bool = CAN_FORK,
        timeout: float = DEFAULT_TIMEOUT,
        limits: SpeechLimits = DEFAULT_LIMITS,
    ) -> None:
        self._processes: SpeechProcesses = (
            ForkingHelper(slots, timeout, limits) if fork else SpareProcesses(slots)
        )

    def start(self) -> None:
        """Start a process, so that the first utterance need not wait for it."""
        self._processes.start()

    def speak(self, utterance: Utterance) -> Generator[SpeechChunk, None, None]:
        """Implement ``Speaker.speak``. Chunks last about 100 ms; a text without words is a short silence."""
        chunks = self._chunks(utterance)
        next(chunks)
        return chunks

    def _chunks(self, utterance: Utterance) -> Generator[SpeechChunk, None, None]:
        """Yield an empty chunk when a process begins to speak, then the chunks of the speech."""
        from mockserver.engines.espeak.delivery import deliver
        from mockserver.engines.espeak.rendering import Rendering

        delivery = deliver(utterance)
        rendering = Rendering(delivery.tempo)
        times = WordTimes(utterance.text)
        words: tuple[SpokenWord, ...] = ()
        with closing(self._frames(delivery.request)) as frames:
            next(frames, None)
            yield SpeechChunk(b"")
            for kind, payload in frames:
                if kind == WORD_FRAME:
                    sample, position = WORD.unpack(payload)
                    words += times.begin(position, rendering.time_of(sample))
                elif kind == PCM_FRAME and (pcm := rendering.feed(payload)):
                    yield SpeechChunk(pcm, words)
                    words = ()
        rest = rendering.finish() or SILENCE
        duration = rendering.duration or SILENCE_DURATION
        yield SpeechChunk(rest, words + times.finish(duration))

    def language_of(self, utterance: Utterance) -> str:
        """Implement ``Speaker.language_of``."""
        from mockserver.engines.espeak import delivery

        return delivery.language_of(utterance)

    def close(self) -> None:
        """Implement ``Speaker.close``."""
        self._processes.close()

    def _frames(self, request: SpeechRequest) -> Generator[tuple[bytes, bytes], None, None]:
        """Yield the kinds and payloads of the frames of the speech, up to its end. Before, ``STARTED`` is a kind.

        Some texts (".-Å") crash espeak-ng 1.52. The speech then continues after the last spoken word, with letters and
        digits only. If that crashes again, the rest is left out.
        """
        progress = _Progress()
        try:
            yield from progress.follow(self._answer(request))
        except _Died:
            text = _plain(request.text, progress.position)
            log.warning(
                "espeak-ng crashed on a text. The speech continues with letters and digits only: %.100r",
                text.lstrip(),
            )
            try:
                yield from progress.follow(self._answer(request._replace(text=text)))
            except _Died:
                log.warning("espeak-ng crashed again. The rest of the text is left out of the speech.")

    def _answer(self, request: SpeechRequest) -> Generator[tuple[bytes, bytes], None, None]:
        """Yield the kinds and payloads of the frames from one process. Raises ``_Died``."""
        if not request.text.strip():
            return
        with self._processes.answer(request) as stream:
            yield STARTED, b""
            while True:
                kind, payload = _read_frame(stream)
                if kind == END_FRAME:
                    return
                if kind == FAILURE_FRAME:
                    raise SpeechFailed(payload.decode())
                yield kind, payload


class _Died(SpeechFailed):
    """The process ended before the speech was complete."""


class _Progress:
    """The progress of a speech across processes: samples so far, and the start of the last word (characters)."""

    def __init__(self) -> None:
        self.samples = 0
        self.position: int | None = None

    def follow(
        self, frames: Generator[tuple[bytes, bytes], None, None]
    ) -> Generator[tuple[bytes, bytes], None, None]:
        """Yield the frames of a process, with the times of words relative to the start of the whole speech."""
        before = self.samples
        with closing(frames):
            for kind, payload in frames:
                if kind == WORD_FRAME:
                    sample, self.position = WORD.unpack(payload)
                    yield kind, WORD.pack(before + sample, self.position)
                else:
                    self.samples += len(payload) // 2
                    yield kind, payload


def _plain(text: str, position: int | None) -> str:
    """Return the text with spaces up to the end of the word at ``position`` and, after it, in place of punctuation."""
    word = None if position is None else _WORD.match(text, position)
    start = word.end() if word else 0
    return " " * start + _NO_LETTER.sub(" ", text[start:])


def _read_frame(stream: IO[bytes]) -> tuple[bytes, bytes]:
    kind, size = FRAME.unpack(_read(stream, FRAME.size))
    return kind, _read(stream, size)


def _read(stream: IO[bytes], size: int) -> bytes:
    try:
        data = stream.read(size)
    except ConnectionError:
        data = b""
    if len(data) < size:
        raise _Died("the speech process died while it spoke")
    return data

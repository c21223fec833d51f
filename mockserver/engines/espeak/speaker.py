"""The speaker: espeak-ng, through pyttsx3, in processes of its own."""

from __future__ import annotations

import logging
import os
import re
from contextlib import closing
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from mockserver.engines.espeak.helper import (
    END_FRAME,
    FAILURE_FRAME,
    FRAME,
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

SILENCE_DURATION = 0.2  # seconds; how a text sounds that has nothing to say
SILENCE = bytes(round(SILENCE_DURATION * SPEECH_SAMPLE_RATE) * 2)
DEFAULT_SLOTS = 8
DEFAULT_PATIENCE = 30.0  # seconds
DEFAULT_LIMITS = SpeechLimits()
CAN_FORK = hasattr(os, "fork")

_WORD = re.compile(r"\S*")
_NO_LETTER = re.compile(r"[^\w\s]|_")


class Pyttsx3Speaker:
    """Speaks with espeak-ng: the same utterance gives the same bytes, on any machine with the same versions.

    Up to ``slots`` utterances are synthesised at a time, others wait in the order of their arrival. ``fork``
    says how processes are made, which changes how fast it speaks but not what (see ``pyttsx3_processes``);
    those that are forked are given up after ``patience`` seconds without a sign of life, and when an utterance takes
    more than ``limits``.
    No process is started before it is needed, or ``start`` called. Safe to use from several threads.
    """

    def __init__(
        self,
        slots: int = DEFAULT_SLOTS,
        *,
        fork: bool = CAN_FORK,
        patience: float = DEFAULT_PATIENCE,
        limits: SpeechLimits = DEFAULT_LIMITS,
    ) -> None:
        self._processes: SpeechProcesses = (
            ForkingHelper(slots, patience, limits) if fork else SpareProcesses(slots)
        )

    def start(self) -> None:
        """Get ready to speak, so that the first utterance need not wait for it."""
        self._processes.start()

    def speak(self, utterance: Utterance) -> Generator[SpeechChunk, None, None]:
        """See ``Speaker``. Chunks last about 100 ms; a text with nothing to say is a short silence."""
        from mockserver.engines.espeak.delivery import deliver
        from mockserver.engines.espeak.rendering import Rendering

        delivery = deliver(utterance)
        rendering = Rendering(delivery.tempo)
        times = WordTimes(utterance.text)
        words: tuple[SpokenWord, ...] = ()
        with closing(self._frames(delivery.request)) as frames:
            for kind, payload in frames:
                if kind == WORD_FRAME:
                    sample, position = WORD.unpack(payload)
                    words += times.begin(position, rendering.time_of(sample))
                elif pcm := rendering.feed(payload):
                    yield SpeechChunk(pcm, words)
                    words = ()
        rest = rendering.finish() or SILENCE
        duration = rendering.duration or SILENCE_DURATION
        yield SpeechChunk(rest, words + times.finish(duration))

    def language_of(self, utterance: Utterance) -> str:
        """See ``Speaker``."""
        from mockserver.engines.espeak import delivery as pyttsx3_delivery

        return pyttsx3_delivery.language_of(utterance)

    def close(self) -> None:
        """See ``Speaker``."""
        self._processes.close()

    def _frames(self, request: SpeechRequest) -> Generator[tuple[bytes, bytes], None, None]:
        """Yield kinds and payloads of the frames of the speech, up to its end.

        Of some texts (".-Å") espeak-ng 1.52 dies. Then it goes on behind the word that sounded last, with letters and
        digits alone; what it dies of even so is left out.
        """
        progress = _Progress()
        try:
            yield from progress.follow(self._answer(request))
        except _Died:
            text = _plain(request.text, progress.position)
            log.warning(
                "espeak-ng died of a text; it goes on with letters and digits alone: %.100r", text.lstrip()
            )
            try:
                yield from progress.follow(self._answer(replace(request, text=text)))
            except _Died:
                log.warning("espeak-ng died again; the text from there on is left out of the speech.")

    def _answer(self, request: SpeechRequest) -> Generator[tuple[bytes, bytes], None, None]:
        """Yield kinds and payloads of the frames that one process answers. Raises ``_Died``."""
        if not request.text.strip():
            return
        with self._processes.answer(request) as stream:
            while True:
                kind, payload = _read_frame(stream)
                if kind == END_FRAME:
                    return
                if kind == FAILURE_FRAME:
                    raise SpeechFailed(payload.decode())
                yield kind, payload


class _Died(SpeechFailed):
    """The process that spoke has ended before its speech did."""


class _Progress:
    """How far a speech is that goes on in a second process: samples, and where its last word begins (characters)."""

    def __init__(self) -> None:
        self.samples = 0
        self.position: int | None = None

    def follow(
        self, frames: Generator[tuple[bytes, bytes], None, None]
    ) -> Generator[tuple[bytes, bytes], None, None]:
        """Yield the frames of a process, with the times of words counted from the start of the speech."""
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
    """Return a text with blanks up to the end of the word at ``position``, and for what is no letter or digit."""
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

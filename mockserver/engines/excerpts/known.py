"""The known speech of a server: the sound of fixtures, and of the last utterances that it has spoken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from mockserver.audio.decode import RECOGNISER_SAMPLE_RATE, UnusableAudio, pcm_pieces
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.excerpts.derived_times import spread
from mockserver.engines.excerpts.fingerprints import (
    HOP,
    RATE,
    Fingerprint,
    fingerprint,
    frame_at,
)
from mockserver.engines.excerpts.locating import Library, Part
from mockserver.engines.transcription import Segment, Transcription, Word
from mockserver.resources import FileNotReadable, read_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mockserver.audio.clip import Clip
    from mockserver.engines.fixtures import Fixture, FixtureTranscriber
    from mockserver.engines.spoken import SpokenMemory, SpokenSound
    from mockserver.engines.transcription import TranscriptionOptions

log = logging.getLogger(__name__)

_LONGEST = 3_600.0  # seconds; fixtures that last longer are recognised as whole files only
_LONGEST_TURN = 300.0  # seconds; longer sounds are not looked for
_EDGE = 3  # frames by which the end of a sound may be missed
_MAX_FILE_BYTES = 1 << 28
_FULL_SCALE = 32_768.0


class Excerpt(Struct, frozen=True):
    """Known speech that was found in a sound. The times of ``segments`` are those of the sound.

    ``is_whole`` if the last known sound in it is heard up to its end.
    """

    answered_by: AnsweredBy
    language: str
    segments: tuple[Segment, ...]
    is_whole: bool

    @property
    def text(self) -> str:
        """Return the words."""
        return " ".join(segment.text for segment in self.segments)


class _Known(Struct, frozen=True, eq=False):
    """A known sound with what is said in it."""

    print: Fingerprint
    segments: tuple[Segment, ...]
    language: str
    answered_by: AnsweredBy


class KnownSpeech:
    """A ``Transcriber`` of sounds that consist of parts of known ones.

    Fingerprints are made when a sound is first looked for. It is thread-safe.
    """

    def __init__(self, fixtures: FixtureTranscriber, spoken: SpokenMemory) -> None:
        self._fixtures = fixtures
        self._spoken = spoken
        self._of_fixtures: tuple[_Known, ...] | None = None
        self._of_utterances: dict[SpokenSound, _Known] = {}
        self._revision = -1  # of the memory of utterances
        self._known: tuple[_Known, ...] = ()
        self._library: Library | None = None
        self._lock = threading.Lock()

    def transcribe(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """Return the transcription of a clip if all that is said in it is known, else ``None``.

        Nothing is translated. Raises ``UnusableAudio``.
        """
        import numpy as np

        if options.task == "translate" or clip.duration > _LONGEST_TURN:
            return None
        samples = clip.samples().stretch(0, int(_LONGEST_TURN * RECOGNISER_SAMPLE_RATE))
        excerpt = self.find((samples * _FULL_SCALE).astype(np.int16), RECOGNISER_SAMPLE_RATE)
        if excerpt is None:
            return None
        return Transcription(excerpt.answered_by, clip.duration, (excerpt.language,), excerpt.segments)

    def find(self, samples: NDArray[np.int16], rate: int) -> Excerpt | None:
        """Return what is said in mono samples at 8, 16 or 24 kHz, or ``None`` if not all of it is known, or nothing."""
        library, known = self._current()
        if library is None or not len(samples):
            return None
        sound = fingerprint(samples, rate)
        parts = library.locate(sound, fingerprint(samples, rate, HOP // 2))
        if not parts:
            return None
        said = [(known[part.number], part) for part in parts]
        last, part = said[-1]
        limits = frame_at(0), frame_at(len(samples) / rate)
        segments = tuple(segment for found in said for segment in _segments(*found, limits))
        if not segments:
            return None
        heard_to_end = not last.print.active[part.at + part.end - part.begin + _EDGE :].any()
        return Excerpt(said[0][0].answered_by, said[0][0].language, segments, heard_to_end)

    def _current(self) -> tuple[Library | None, tuple[_Known, ...]]:
        """Return the known sounds of now."""
        with self._lock:
            if self._of_fixtures is None:
                self._of_fixtures = tuple(filter(None, map(_fixture, self._fixtures.fixtures)))
            revision = self._spoken.revision
            if self._revision != revision:
                self._revision = revision
                before = self._of_utterances
                self._of_utterances = {
                    sound: known
                    for sound in self._spoken.sounds()
                    if (known := before.get(sound) or _utterance(sound)) is not None
                }
                self._known = (*self._of_fixtures, *self._of_utterances.values())
                prints = [known.print for known in self._known]
                self._library = Library(prints) if prints else None
            return self._library, self._known


def _fixture(fixture: Fixture) -> _Known | None:
    """Return the sound of a fixture; ``None`` if it cannot be decoded or is too long."""
    import numpy as np

    if fixture.audio is None:
        return None
    try:
        data = read_bytes(fixture.audio, _MAX_FILE_BYTES)
        samples = np.frombuffer(b"".join(pcm_pieces(data, RATE, _LONGEST)), "<i2")
    except (FileNotReadable, UnusableAudio) as error:
        log.debug("%s: not recognised in streams: %s", fixture.audio, error)
        return None
    sound = fingerprint(samples, RATE)
    transcription = fixture.transcription(len(samples) / RATE, "transcribe")
    segments = tuple(transcription.segments) if transcription else ()
    if not fixture.segments:
        segments = tuple(spread(segments, sound.active))
    answered_by = AnsweredBy("fixture").with_detail("name", fixture.name)
    return _Known(sound, segments, fixture.language, answered_by)


def _utterance(sound: SpokenSound) -> _Known | None:
    """Return the sound of an utterance; ``None`` if its samples are not kept."""
    import numpy as np

    samples = sound.take()
    if not samples:
        return None
    known = fingerprint(np.frombuffer(samples, "<i2"), sound.rate)
    return _Known(known, sound.spoken.segments, sound.spoken.language, AnsweredBy("spoken"))


def _segments(known: _Known, part: Part, limits: tuple[float, float]) -> Iterator[Segment]:
    """Yield what is said in a part of a known sound, at the times of the sound in which it was found.

    ``limits`` are the frames at which that begins and ends. A word is said in the part if its middle is.
    """
    later = (part.begin - part.at) * HOP / RATE
    begin = max(part.begin - _EDGE, limits[0]) - part.begin + part.at
    end = min(part.end + _EDGE, limits[1]) - part.begin + part.at
    for segment in known.segments:
        words = segment.words or ()
        said = [word for word in words if begin <= _middle(word, known.print.active) < end]
        if len(said) == len(words):
            yield _moved(segment, words, later, segment.text)
        elif said:
            yield _moved(segment, said, later, " ".join(word.text for word in said))


def _moved(segment: Segment, words: Iterable[Word], later: float, text: str) -> Segment:
    moved = tuple(
        replace(word, start=_after(word.start, later), end=_after(word.end, later)) for word in words
    )
    return Segment(text, moved[0].start, moved[-1].end, words=moved, speaker=segment.speaker)


def _after(seconds: float, later: float) -> float:
    return round(max(seconds + later, 0.0), 3)


def _middle(word: Word, active: NDArray[np.bool_]) -> float:
    """Return the frame in the middle of what is heard of a word."""
    import numpy as np

    begin, end = (max(round(frame_at(seconds)), 0) for seconds in (word.start, word.end))
    heard = np.flatnonzero(active[begin:end])
    return begin + float(heard.mean()) if len(heard) else (begin + end) / 2

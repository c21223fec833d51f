"""Transcribes a clip with faster-whisper: detects speech and language, and decodes one window after the other.

It uses, beyond ``transcribe``, these functions of faster-whisper: ``generate_segments`` (see ``windows``),
``detect_language`` and ``restore_speech_timestamps``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ctranslate2
import numpy as np
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import restore_speech_timestamps

from mockserver.audio.decode import RECOGNISER_SAMPLE_RATE
from mockserver.engines.transcription import Segment, VadOptions, Word
from mockserver.engines.whisper.models import check_complete
from mockserver.engines.whisper.vad import Span, extract, speech_spans
from mockserver.engines.whisper.windows import Features, Pause, WindowedWhisper

if TYPE_CHECKING:
    from mockserver.audio.samples import Samples
    from mockserver.engines.transcription import TranscriptionOptions

_VOCABULARY = 51_864  # tokens; the size of OpenAI's smallest vocabulary
_MAX_TEMPERATURE = 1.0  # above it the tokens are noise, and each window has the maximum number of them
# Characters of a prompt (its end) or of keywords (their start). Whisper uses 223 tokens of each, and no token has more
# than 128 characters. Tokenizing one megabyte would take 200 MB of memory.
_MAX_HINT = 1 << 15
_VAD_BY_SETTING = VadOptions(prefix_padding_ms=400, silence_duration_ms=2_000)  # faster-whisper's defaults


class Recogniser:
    """The Whisper model in a folder (CTranslate2 format; see ``models``), with its search settings.

    ``device``, ``compute_type``, ``cpu_threads`` (per worker), ``num_workers`` and ``beam_size`` are faster-whisper's.
    ``vad_filter`` skips silence even if the request does not ask for it. ``temperature_fallback`` decodes a poor
    result again with random sampling, as Whisper does; answers then differ between requests.
    Raises ``EngineFailed`` if a file of the model is missing, and what CTranslate2 raises.
    """

    def __init__(
        self,
        folder: str,
        *,
        device: str = "auto",
        compute_type: str = "default",
        cpu_threads: int = 0,
        num_workers: int = 1,
        beam_size: int = 5,
        vad_filter: bool = False,
        temperature_fallback: bool = False,
    ) -> None:
        check_complete(Path(folder))
        ctranslate2.set_log_level(40)  # errors only: otherwise it logs every conversion of number formats
        self._model = WindowedWhisper(
            folder,
            local_files_only=True,
            device=device,
            compute_type=compute_type,
            cpu_threads=cpu_threads,
            num_workers=num_workers,
        )
        self._search: dict[str, Any] = {"beam_size": beam_size}
        if not temperature_fallback:
            self._search["temperature"] = 0.0
        self._vad = _VAD_BY_SETTING if vad_filter else None

    def transcribe(
        self, samples: Samples, seconds: float, options: TranscriptionOptions, pause: Pause
    ) -> tuple[str, Iterator[Segment]]:
        """Return the language spoken, and an iterator that decodes the segments. The clip lasts about ``seconds``.

        Raises what ``samples`` and ``pause`` raise.
        """
        return _Decoding(self._model.for_clip(), self._search, options).run(
            samples, seconds, options.vad or self._vad, pause
        )


class _Decoding:
    """The transcription of one clip. ``search`` are arguments of ``WhisperModel.transcribe``."""

    def __init__(self, model: WindowedWhisper, search: dict[str, Any], options: TranscriptionOptions) -> None:
        self._model = model
        self._is_multilingual: bool = model.model.is_multilingual
        self._options = options
        self._search = search
        if options.temperature:
            self._search = search | {"temperature": min(max(options.temperature, 0.0), _MAX_TEMPERATURE)}

    def run(
        self, samples: Samples, seconds: float, vad: VadOptions | None, pause: Pause
    ) -> tuple[str, Iterator[Segment]]:
        """Return the language and the segments of the clip; with ``vad``, of the speech detected in it."""
        language = self._hinted(samples, lambda: pause(seconds))
        spans: list[Span] = []
        sound = samples
        if vad:
            spans = speech_spans(samples, vad, lambda: pause(seconds))
            if not spans:
                return "", iter(())
            sound = extract(samples, spans)
        extractor = self._model.feature_extractor
        features = Features(extractor, sound, seconds, pause)
        if language is None and self._is_multilingual:
            language, _, _ = self._model.detect_language(features=features[:, : extractor.nb_max_frames])
        length = samples.made / RECOGNISER_SAMPLE_RATE
        return self._reported(language or "en"), self._segments(features, language, spans, length)

    def _hinted(self, samples: Samples, pause: Callable[[], None]) -> str | None:
        """Return the likeliest hinted language that the model supports; ``None`` if it should detect one."""
        if not self._is_multilingual:
            return None
        model, hints = self._model, self._options.languages
        known = [hint for hint in hints if model.hf_tokenizer.token_to_id(f"<|{hint}|>") is not None]
        if len(known) < 2:
            return known[0] if known else None
        pause()
        begin = samples.stretch(0, model.feature_extractor.n_samples)
        if len(begin) == 0:
            return known[0]
        _, _, probabilities = model.detect_language(begin)
        likelihood = dict(probabilities)
        return max(known, key=lambda language: likelihood.get(language, 0.0))

    def _reported(self, language: str) -> str:
        """Return the language for the answer. A model for English only reports the first hint, if there is one."""
        hints = self._options.languages
        return hints[0] if hints and language not in hints and not self._is_multilingual else language

    def _segments(
        self, features: Features, language: str | None, spans: list[Span], length: float
    ) -> Iterator[Segment]:
        """Return an iterator that decodes the segments; ``length`` is the clip's in seconds."""
        segments = self._decoded(features, language, spans, words=self._options.words)
        if self._options.words:
            first = next(segments, None)
            # Some small models transcribe nothing if word times are requested.
            if first is None:
                segments = self._decoded(features, language, spans, words=False)
            else:
                segments = chain((first,), segments)
        has_ids = self._model.hf_tokenizer.get_vocab_size() >= _VOCABULARY
        return (_segment(segment, length, has_ids=has_ids) for segment in segments)

    def _decoded(
        self, features: Features, language: str | None, spans: list[Span], *, words: bool
    ) -> Iterator[Any]:
        """Return faster-whisper's segments. ``transcribe`` is called without audio, to fill in all options."""
        model, options = self._model, self._options
        _, info = model.transcribe(
            np.zeros(1, np.float32),
            task=options.task,
            language=language,
            initial_prompt=options.prompt[-_MAX_HINT:] or None,
            hotwords=", ".join(options.keywords)[:_MAX_HINT] or None,
            word_timestamps=words,
            **self._search,
        )
        tokenizer = Tokenizer(
            model.hf_tokenizer, self._is_multilingual, task=options.task, language=info.language
        )
        segments = model.generate_segments(features, tokenizer, info.transcription_options, False)
        if spans:
            segments = restore_speech_timestamps(segments, spans, RECOGNISER_SAMPLE_RATE)
        return iter(segments)


def _segment(decoded: Any, duration: float, *, has_ids: bool) -> Segment:
    """Convert a segment of faster-whisper, with its times limited to ``duration``, the clip's in seconds.

    ``has_ids``: the model's token ids are those of OpenAI's vocabulary, not of a smaller one.
    """
    words = None
    if decoded.words is not None:
        words = tuple(
            Word(
                word.word.strip(),
                _within(word.start, duration),
                _within(word.end, duration),
                float(word.probability),
            )
            for word in decoded.words
        )
    return Segment(
        text=decoded.text.strip(),
        start=_within(decoded.start, duration),
        end=_within(decoded.end, duration),
        words=words,
        tokens=tuple(decoded.tokens) if has_ids else None,
        temperature=decoded.temperature,
        avg_logprob=decoded.avg_logprob,
        compression_ratio=decoded.compression_ratio,
        no_speech_prob=decoded.no_speech_prob,
        seek=decoded.seek,
    )


def _within(time: float, duration: float) -> float:
    """Return the time in seconds, rounded to milliseconds, at most ``duration``."""
    return round(min(float(time), duration), 3)

"""Computes features for faster-whisper window by window, so that audio of any length needs the memory of one window.

faster-whisper computes the features of the whole audio before it decodes the first window of 30 s. Here they are
computed when ``generate_segments`` reads them. The features, and therefore the transcript, are the same. The audio is
decoded twice, because the maximum of the whole spectrogram must be known first.

It uses, of faster-whisper, ``generate_segments``, which reads ``features.shape`` and ``features[:, begin:end]`` and
calls ``encode`` and ``generate_with_fallback``, and the ``stft`` and ``mel_filters`` of the ``FeatureExtractor``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from faster_whisper import WhisperModel

if TYPE_CHECKING:
    from faster_whisper.feature_extractor import FeatureExtractor
    from numpy.typing import NDArray

    from mockserver.audio.samples import Samples

Pause = Callable[[float], None]
"""Called before each window with the seconds left to transcribe. It may wait, or raise to end the transcription."""

_RANGE, _MIDDLE = np.float32(8), np.float32(4)  # log10 of power


class WindowedWhisper(WhisperModel):  # type: ignore[misc]
    """faster-whisper's model with a cache of the last window: the same window and prompt have the same result.

    Of hours of digital silence, only one window is decoded. ``for_clip`` returns a copy with a cache of its own.
    """

    _window: NDArray[np.float32] | None = None
    _encoded: Any = None
    _prompt: object = None
    _result: Any = None

    def for_clip(self) -> WindowedWhisper:
        """Return the same model for one clip."""
        return copy.copy(self)

    def encode(self, features: NDArray[np.float32]) -> Any:
        """Return the encoder's output for a window."""
        if self._window is None or not np.array_equal(features, self._window):
            self._encoded, self._prompt = super().encode(features), None
            self._window = features
        return self._encoded

    def generate_with_fallback(
        self, encoder_output: Any, prompt: list[int], tokenizer: Any, options: Any
    ) -> Any:
        """Return the decoder's result. It is random unless the temperature is 0, and then not cached."""
        if encoder_output is not self._encoded or prompt != self._prompt or options.temperatures != [0.0]:
            self._prompt = None
            self._result = super().generate_with_fallback(encoder_output, prompt, tokenizer, options)
            self._prompt = prompt
        return self._result


class Features:
    """The log-mel spectrogram of a clip, as ``FeatureExtractor`` computes it; ``features[:, begin:end]`` is a part.

    float32[mels, frames], 100 frames a second. It is computed in blocks of 30 s; read the parts in order.
    """

    def __init__(self, extractor: FeatureExtractor, samples: Samples, seconds: float, pause: Pause) -> None:
        """Read all samples, of about ``seconds``, for their number and the loudest frame."""
        self._extractor = extractor
        self._samples = samples
        self._pause = pause
        self._size = extractor.nb_max_frames  # frames of a block
        self._blocks: dict[int, NDArray[np.float32]] = {}
        self._loudest = np.float32(-np.inf)
        number, frames = 0, 1
        while number * self._size < frames:
            pause(seconds)
            self._loudest = max(self._loudest, self._block(number).max())
            number, frames = number + 1, samples.made // extractor.hop_length + 1
        self.shape = (len(extractor.mel_filters), frames)

    def __getitem__(self, part: tuple[slice, slice]) -> NDArray[np.float32]:
        """Return some frames, normalised: no value is more than 80 dB below the loudest of the clip."""
        begin, end, _ = part[1].indices(self.shape[1])
        self._pause((self.shape[1] - begin) * self._extractor.time_per_frame)
        first, size = begin // self._size, self._size
        blocks = [self._block(number) for number in range(first, first + 2) if number * size < end]
        frames = np.concatenate(blocks, axis=1)[:, begin - first * size : end - first * size]
        return (np.maximum(frames, self._loudest - _RANGE) + _MIDDLE) / _MIDDLE

    def _block(self, number: int) -> NDArray[np.float32]:
        """Return 30 s of the spectrogram, not normalised. The last two blocks are cached."""
        if number not in self._blocks:
            self._blocks.pop(number - 2, None)
            self._blocks[number] = self._log_mel(self._stretch(number * self._size))
        return self._blocks[number]

    def _stretch(self, frame: int) -> NDArray[np.float32]:
        """Return the samples of a block that begins with ``frame``.

        As in ``FeatureExtractor``, 10 ms of silence are appended, and the samples are mirrored at both ends.
        """
        hop, reach = self._extractor.hop_length, self._extractor.n_fft // 2
        begin, end = max(frame * hop - reach, 0), (frame + self._size - 1) * hop + reach
        stretch = self._samples.stretch(begin, end)
        if len(stretch) < end - begin:
            length = self._samples.made + hop
            end = (min(length // hop, frame + self._size) - 1) * hop + reach
            stretch = np.pad(stretch, (0, min(end, length) - begin - len(stretch)))
        mirrored = (reach if frame == 0 else 0, end - begin - len(stretch))
        return np.pad(stretch, mirrored, mode="reflect")

    def _log_mel(self, stretch: NDArray[np.float32]) -> NDArray[np.float32]:
        extractor = self._extractor
        if stretch.any():
            window = np.hanning(extractor.n_fft + 1)[:-1].astype(np.float32)
            spectrum = extractor.stft(
                stretch,
                extractor.n_fft,
                extractor.hop_length,
                window=window,
                center=False,
                return_complex=True,
            )
            mel = extractor.mel_filters @ np.abs(spectrum.astype(np.complex64)) ** 2
        else:  # digital silence: the same result, faster
            frames = (len(stretch) - extractor.n_fft) // extractor.hop_length + 1
            mel = np.zeros((len(extractor.mel_filters), frames), np.float32)
        log_mel: NDArray[np.float32] = np.log10(np.clip(mel, a_min=1e-10, a_max=None))
        return log_mel

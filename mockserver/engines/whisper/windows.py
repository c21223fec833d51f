"""Feeds faster-whisper window by window: audio of any length is transcribed in the memory of half a minute of it.

faster-whisper makes the features of the whole audio before it decodes the first of its windows of 30 s. Here they are
made when ``generate_segments`` reads them. The features, and so the transcript, are the same. Because the maximum of
the whole spectrogram must be known first, the audio is decoded twice.

What is used of faster-whisper: ``generate_segments``, which reads ``features.shape`` and ``features[:, begin:end]``
and calls ``encode`` and ``generate_with_fallback``, and the ``stft`` and ``mel_filters`` of the ``FeatureExtractor``.
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
"""Called before each window with the seconds that are still to be transcribed. May wait, or raise to end the work."""

_RANGE, _MIDDLE = np.float32(8), np.float32(4)  # of log10 of power


class WindowedWhisper(WhisperModel):  # type: ignore[misc]
    """faster-whisper's model. It remembers the last window: the same one, asked the same, has the same answer.

    So of hours of digital silence only one window is decoded. ``of_a_clip`` returns it with a memory of its own.
    """

    _window: NDArray[np.float32] | None = None
    _encoded: Any = None
    _asked: object = None
    _answer: Any = None

    def of_a_clip(self) -> WindowedWhisper:
        """Return the same model for one clip."""
        return copy.copy(self)

    def encode(self, features: NDArray[np.float32]) -> Any:
        """Return what the encoder makes of a window."""
        if self._window is None or not np.array_equal(features, self._window):
            self._encoded, self._asked = super().encode(features), None
            self._window = features
        return self._encoded

    def generate_with_fallback(
        self, encoder_output: Any, prompt: list[int], tokenizer: Any, options: Any
    ) -> Any:
        """Return what the decoder makes of it; by chance, unless the temperature is 0."""
        if encoder_output is not self._encoded or prompt != self._asked or options.temperatures != [0.0]:
            self._asked = None
            self._answer = super().generate_with_fallback(encoder_output, prompt, tokenizer, options)
            self._asked = prompt
        return self._answer


class Features:
    """The log-mel spectrogram of a sound, as ``FeatureExtractor`` makes it: ``features[:, begin:end]`` is a part of it.

    float32[mels, frames], 100 frames a second. It is made in blocks of 30 s; parts are to be taken in order.
    """

    def __init__(self, extractor: FeatureExtractor, samples: Samples, seconds: float, pause: Pause) -> None:
        """Read the whole sound, of about ``seconds``, for its length and its loudest frame."""
        self._extractor = extractor
        self._samples = samples
        self._pause = pause
        self._size = extractor.nb_max_frames  # of a block
        self._blocks: dict[int, NDArray[np.float32]] = {}
        self._loudest = np.float32(-np.inf)
        number, frames = 0, 1
        while number * self._size < frames:
            pause(seconds)
            self._loudest = max(self._loudest, self._block(number).max())
            number, frames = number + 1, samples.made // extractor.hop_length + 1
        self.shape = (len(extractor.mel_filters), frames)

    def __getitem__(self, part: tuple[slice, slice]) -> NDArray[np.float32]:
        """Return some frames, normalised: nothing is more than 80 dB below the loudest of the sound."""
        begin, end, _ = part[1].indices(self.shape[1])
        self._pause((self.shape[1] - begin) * self._extractor.time_per_frame)
        first, size = begin // self._size, self._size
        blocks = [self._block(number) for number in range(first, first + 2) if number * size < end]
        heard = np.concatenate(blocks, axis=1)[:, begin - first * size : end - first * size]
        return (np.maximum(heard, self._loudest - _RANGE) + _MIDDLE) / _MIDDLE

    def _block(self, number: int) -> NDArray[np.float32]:
        """Return 30 s of the spectrogram before it is normalised. The last two that were made are kept."""
        if number not in self._blocks:
            self._blocks.pop(number - 2, None)
            self._blocks[number] = self._log_mel(self._stretch(number * self._size))
        return self._blocks[number]

    def _stretch(self, frame: int) -> NDArray[np.float32]:
        """Return the samples of a block that begins with ``frame``.

        As in ``FeatureExtractor``, 10 ms of silence follow the sound, and it is mirrored beyond both ends.
        """
        hop, reach = self._extractor.hop_length, self._extractor.n_fft // 2
        begin, end = max(frame * hop - reach, 0), (frame + self._size - 1) * hop + reach
        heard = self._samples.stretch(begin, end)
        if len(heard) < end - begin:
            length = self._samples.made + hop
            end = (min(length // hop, frame + self._size) - 1) * hop + reach
            heard = np.pad(heard, (0, min(end, length) - begin - len(heard)))
        mirrored = (reach if frame == 0 else 0, end - begin - len(heard))
        return np.pad(heard, mirrored, mode="reflect")

    def _log_mel(self, heard: NDArray[np.float32]) -> NDArray[np.float32]:
        extractor = self._extractor
        if heard.any():
            window = np.hanning(extractor.n_fft + 1)[:-1].astype(np.float32)
            spectrum = extractor.stft(
                heard, extractor.n_fft, extractor.hop_length, window=window, center=False, return_complex=True
            )
            mel = extractor.mel_filters @ np.abs(spectrum.astype(np.complex64)) ** 2
        else:  # the same, at once
            frames = (len(heard) - extractor.n_fft) // extractor.hop_length + 1
            mel = np.zeros((len(extractor.mel_filters), frames), np.float32)
        log_mel: NDArray[np.float32] = np.log10(np.clip(mel, a_min=1e-10, a_max=None))
        return log_mel

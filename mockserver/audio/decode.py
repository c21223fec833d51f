"""Decodes audio in all documented containers to facts and samples."""

from __future__ import annotations

import contextlib
import hashlib
import io
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct

from mockserver.audio.content import Content
from mockserver.audio.mp4_index import UnreasonableIndex
from mockserver.audio.opening import CONTAINERS, open_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from av import AudioFrame, AudioResampler, AudioStream
    from av.container import InputContainer
    from numpy.typing import NDArray

RECOGNISER_SAMPLE_RATE = 16_000  # Hz; Whisper's input

# Headers with other values are invalid, and the resampler would need gigabytes for its filters.
_SAMPLE_RATES = range(1_000, 768_001)  # Hz
_MAX_CHANNELS = 64
_MAX_SAMPLES_PER_SECOND = 2 * 48_000  # of all channels; of audio with more, fewer seconds are decoded
_FRAMES = 500  # frames between two calls of ``look``; each is decoded in less than a millisecond


class UnusableAudio(Exception):
    """The clip cannot be decoded completely; the message gives the reason."""


class UndecodableAudio(UnusableAudio):
    """The bytes are not audio in a known container; the message gives the reason."""


class AudioTooLong(UnusableAudio):
    """The clip is longer than ``max_seconds``: the maximum of the caller, or less if it has many samples per second."""

    def __init__(self, max_seconds: float) -> None:
        super().__init__(f"the audio is longer than {max_seconds:g} seconds")
        self.max_seconds = max_seconds


class ClipFacts(Struct, frozen=True):
    """The facts of a clip: ``duration`` in seconds, ``sample_rate`` in Hz.

    ``pcm_sha256`` is the hash (see ``pcm_hasher``) of the decoded samples. It is the same in all lossless containers.
    """

    container: str
    codec: str
    duration: float
    channels: int
    sample_rate: int
    pcm_sha256: str


class Decoded(Struct, frozen=True):
    """A clip's facts and, if they were kept, its samples: float32[samples], mono, 16 kHz, from -1 to 1."""

    facts: ClipFacts
    samples: NDArray[np.float32] | None


def pcm_hasher(sample_rate: int, channels: int) -> hashlib._Hash:
    """Return a SHA-256 object for interleaved s16le PCM, initialised with the sample rate (Hz) and channel count."""
    return hashlib.sha256(f"{channels} x {sample_rate} Hz: ".encode())


def decode(
    data: bytes | Content,
    *,
    keep_seconds: float,
    max_seconds: float,
    look: Callable[[], None] = lambda: None,
) -> Decoded:
    """Decode a whole file in one pass. The samples are kept if it lasts at most ``keep_seconds``.

    Apart from these, memory does not grow with the clip. The first audio stream is used, video is ignored, a damaged or
    truncated file is decoded as far as possible. ``look`` is called repeatedly; if it raises, decoding ends.
    Raises ``UndecodableAudio`` and, after ``max_seconds``, ``AudioTooLong``; if the audio has more samples per second
    than 48 kHz stereo, after the number of samples that ``max_seconds`` of 48 kHz stereo have.
    """
    sound = _Sound(keep_seconds, max_seconds)
    with _opened(data) as (container, stream):
        for number, frame in enumerate(_frames(container, stream)):
            if number % _FRAMES == 0:
                look()
            sound.add(frame)
        sound.flush()
        return sound.decoded(CONTAINERS[container.format.name], stream.codec.canonical_name)


def pieces(data: bytes | Content, max_seconds: float) -> Iterator[NDArray[np.float32]]:
    """Yield the samples as they are decoded: float32[samples], mono, 16 kHz, the same as ``decode`` keeps.

    Memory does not grow with the clip. Raises ``UndecodableAudio`` and ``AudioTooLong``.
    """
    return map(_to_float, pcm_pieces(data, RECOGNISER_SAMPLE_RATE, max_seconds))


def pcm_pieces(data: bytes | Content, sample_rate: int, max_seconds: float) -> Iterator[bytearray]:
    """Yield the PCM as it is decoded, in pieces of about a second: s16le, mono, at ``sample_rate`` Hz.

    Memory does not grow with the clip. Raises ``UndecodableAudio`` and ``AudioTooLong``.
    """
    resampler, left = _Resampler("mono", sample_rate), max_seconds * sample_rate
    pcm = bytearray()
    with _opened(data) as (container, stream):
        for frame in chain(_frames(container, stream), (None,)):
            for resampled in resampler.resample(frame):
                left -= resampled.samples
                if left < 0:
                    raise AudioTooLong(max_seconds)
                pcm += _pcm(resampled)
            if len(pcm) >= 2 * sample_rate or frame is None:
                yield pcm
                pcm = bytearray()


@contextlib.contextmanager
def _opened(data: bytes | Content) -> Iterator[tuple[InputContainer, AudioStream]]:
    """Open the file and its first audio stream. Raises ``UndecodableAudio``, also while the stream is read."""
    from mockserver.audio.pyav import av

    content = Content.of(data)
    if content.size == 0:
        raise UndecodableAudio("the file is empty")
    try:
        with open_sound(content) as container:
            yield container, _audio_stream(container)
    except av.FFmpegError as error:
        raise UndecodableAudio(f"the audio cannot be decoded: {error.strerror}") from error
    except UnreasonableIndex as error:
        raise UndecodableAudio(f"the audio is not decoded: {error}") from error


def _audio_stream(container: InputContainer) -> AudioStream:
    if not container.streams.audio:
        raise UndecodableAudio("the file has no audio stream")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise UndecodableAudio("the audio codec is unknown")
    return stream


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Yield the frames of the stream, without those of damaged packets."""
    from mockserver.audio.pyav import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:  # The file is truncated; the decoder may still hold frames.
            packet = None
        with contextlib.suppress(av.FFmpegError):
            yield from stream.decode(packet)
        if packet is None or packet.size == 0:
            return


class _Resampler:
    """A converter of frames to s16 with one layout and rate (Hz). The format of the stream may change on the way.

    Raises ``UndecodableAudio`` for frames with an impossible number of channels or sample rate.
    """

    def __init__(self, layout: str, rate: int) -> None:
        self._layout = layout
        self._rate = rate
        self._frame_format: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def resample(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """Yield the frames that are ready after ``frame``; with ``None``, the frames that are held back."""
        from mockserver.audio.pyav import av

        if frame is not None:
            frame_format = (frame.format.name, frame.layout.name, frame.sample_rate)
            if frame_format != self._frame_format:
                yield from self.resample(None)
                channels = frame.layout.nb_channels
                if frame.sample_rate not in _SAMPLE_RATES or not 0 < channels <= _MAX_CHANNELS:
                    raise UndecodableAudio(f"{channels} channels at {frame.sample_rate} Hz")
                self._resampler = av.AudioResampler("s16", self._layout, self._rate)
                self._frame_format = frame_format
            frame.pts = None  # Gaps in the time stamps are not filled.
        if self._resampler is not None:
            yield from self._resampler.resample(frame)


class _Sound:
    """A collector of decoded frames: it counts, hashes and, up to a length, keeps them at the recogniser's rate."""

    def __init__(self, keep_seconds: float, max_seconds: float) -> None:
        self._keep_seconds = keep_seconds
        self._max_seconds = max_seconds
        self._kept: io.BytesIO | None = io.BytesIO()
        self._recogniser = _Resampler("mono", RECOGNISER_SAMPLE_RATE)
        self._native: _Resampler | None = None
        self._length = 0  # samples per channel

    def add(self, frame: AudioFrame) -> None:
        """Add a frame. The format of the stream may change on the way; the clip has the format of its first frame."""
        if self._native is None:
            self._native = self._begin(frame)
        self._resample(self._native, frame)

    def flush(self) -> None:
        """Add the frames that the resamplers hold back."""
        if self._native is not None:
            self._resample(self._native, None)

    def decoded(self, container: str, codec: str) -> Decoded:
        """Return the result. Raises ``UndecodableAudio`` if there were no samples."""
        if self._length == 0:
            raise UndecodableAudio("the file has no sound in it")
        duration = self._length / self._sample_rate
        sha256 = self._hash.hexdigest()
        facts = ClipFacts(container, codec, duration, self._channels, self._sample_rate, sha256)
        return Decoded(facts, None if self._kept is None else _to_float(self._kept.getbuffer()))

    def _begin(self, frame: AudioFrame) -> _Resampler:
        self._sample_rate, self._channels = frame.sample_rate, frame.layout.nb_channels
        self._hash = pcm_hasher(self._sample_rate, self._channels)
        self._max_seconds *= min(1.0, _MAX_SAMPLES_PER_SECOND / (self._sample_rate * self._channels))
        return _Resampler(frame.layout.name, self._sample_rate)

    def _resample(self, to_native: _Resampler, frame: AudioFrame | None) -> None:
        for native in to_native.resample(frame):
            self._hash.update(_pcm(native))
            self._length += native.samples
        if self._length > self._max_seconds * self._sample_rate:
            raise AudioTooLong(self._max_seconds)
        if self._length > self._keep_seconds * self._sample_rate:
            self._kept = None
        if self._kept is not None:
            for resampled in self._recogniser.resample(frame):
                self._kept.write(_pcm(resampled))


def _pcm(frame: AudioFrame) -> memoryview:
    """Return the samples of a packed s16 frame; its buffer may be longer."""
    return memoryview(frame.planes[0])[: frame.samples * frame.layout.nb_channels * 2]


def _to_float(pcm: bytearray | memoryview) -> NDArray[np.float32]:
    """Convert s16le ``pcm`` to samples from -1 to 1."""
    import numpy as np

    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    samples /= 32768.0
    return samples

"""Makes short audio files in every documented container."""

import hashlib
import io
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

RATE = 24_000  # Hz

# File type -> (FFmpeg's muxer, codec, rate in Hz, layout).
FILE_TYPES = {
    "flac": ("flac", "flac", RATE, "mono"),
    "m4a": ("ipod", "aac", 44_100, "stereo"),
    "mp3": ("mp3", "libmp3lame", RATE, "mono"),
    "mp4": ("mp4", "aac", RATE, "mono"),
    "mpeg": ("mpeg", "mp2", 44_100, "stereo"),
    "mpga": ("mp2", "mp2", 44_100, "stereo"),
    "oga": ("oga", "flac", RATE, "mono"),
    "ogg": ("ogg", "libopus", 48_000, "mono"),
    "wav": ("wav", "pcm_s16le", RATE, "mono"),
    "webm": ("webm", "libopus", 48_000, "mono"),
    "aac": ("adts", "aac", RATE, "mono"),
    "aac, stereo": ("adts", "aac", 44_100, "stereo"),
    "opus": ("opus", "libopus", 48_000, "mono"),
    "wav, 24 bits": ("wav", "pcm_s24le", RATE, "mono"),
    "wav, float": ("wav", "pcm_f32le", RATE, "stereo"),
    "wav, telephone": ("wav", "pcm_mulaw", 8_000, "mono"),
}


def tone(seconds: float, frequency: float = 220.0) -> bytes:
    """Return a tone that grows louder: s16le mono at ``RATE``."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 8000 * np.sin(2 * np.pi * frequency * time) * (0.6 + 0.4 * np.sin(9 * time))
    pcm: bytes = wave.astype("<i2").tobytes()
    return pcm


def pcm_hash(pcm: bytes, sample_rate: int, channels: int) -> str:
    """Return the hash of a sound: channel count, sample rate in Hz and interleaved s16le samples."""
    return hashlib.sha256(f"{channels} x {sample_rate} Hz: ".encode() + pcm).hexdigest()


def encode(pcm: bytes, file_type: str) -> bytes:
    """Return ``pcm`` (s16le mono at ``RATE``) as a file of one of ``FILE_TYPES``."""
    muxer, codec, rate, layout = FILE_TYPES[file_type]
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as container:
        stream = container.add_stream(codec, rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = layout
        frame = av.AudioFrame("s16", "mono", len(pcm) // 2)
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        frame.planes[0].update(pcm)
        resampler = av.AudioResampler(stream.format, layout, rate)
        for converted in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return file.getvalue()


def film(pcm: bytes) -> bytes:
    """Return an mp4 file in which a video stream comes before the audio stream."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        video = container.add_stream("mpeg4", 25)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = container.add_stream("aac", RATE)
        assert isinstance(audio, av.AudioStream)
        audio.layout = "mono"
        for number in range(25):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 10 * number, np.uint8), "rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        frame = av.AudioFrame("s16", "mono", len(pcm) // 2)
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        frame.planes[0].update(pcm)
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return file.getvalue()


def frequency_of(samples: npt.NDArray[np.float32], rate: int) -> float:
    """Return the strongest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax()) * rate / len(samples)

"""Every container of the API reference, made with PyAV and posted with the official SDK."""

from __future__ import annotations

import io

import av
import openai
import pytest
from openai.types.audio import TranscriptionVerbose

Clip = tuple[str, bytes]

TEXT = "Hello world, this is a test."
SECONDS = 2.0747916666666666

# extension, FFmpeg's muxer, codec, sample rate of the codec
LOSSLESS = [
    ("flac", "flac", "flac", 24_000),
    ("wav", "wav", "pcm_s16le", 24_000),
    ("ogg", "ogg", "flac", 24_000),
    ("oga", "oga", "flac", 24_000),
    ("m4a", "ipod", "alac", 24_000),
    ("mp4", "mp4", "flac", 24_000),
]
LOSSY = [
    ("m4a", "ipod", "aac", 24_000),
    ("mp3", "mp3", "libmp3lame", 24_000),
    ("mp4", "mp4", "aac", 24_000),
    ("mpeg", "mpeg", "mp2", 24_000),
    ("mpga", "mp3", "libmp3lame", 24_000),
    ("oga", "oga", "libopus", 48_000),
    ("ogg", "ogg", "libopus", 48_000),
    ("wav", "wav", "pcm_mulaw", 24_000),
    ("webm", "webm", "libopus", 48_000),
]


def convert(data: bytes, muxer: str, codec: str, rate: int) -> bytes:
    """Return an audio file in another container and codec."""
    written = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as source, av.open(written, "w", format=muxer) as target:
        stream = target.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        to_codec = av.AudioResampler(stream.codec_context.format, "mono", rate)
        for frame in source.decode(audio=0):
            for resampled in to_codec.resample(frame):
                target.mux(stream.encode(resampled))
        for resampled in to_codec.resample(None):
            target.mux(stream.encode(resampled))
        target.mux(stream.encode(None))
    return written.getvalue()


@pytest.mark.parametrize(("extension", "muxer", "codec", "rate"), LOSSLESS)
def test_a_known_clip_is_known_in_every_lossless_container(
    client: openai.OpenAI, hello: Clip, extension: str, muxer: str, codec: str, rate: int
) -> None:
    converted = convert(hello[1], muxer, codec, rate)
    assert converted != hello[1]
    raw = client.audio.transcriptions.with_raw_response.create(
        model="whisper-1", file=(f"clip.{extension}", converted)
    )
    assert raw.text == '{"text":"Hello world, this is a test.","usage":{"type":"duration","seconds":3}}'
    assert raw.headers["x-mock-answered-by"] == "fixture; name=hello"


@pytest.mark.parametrize(("extension", "muxer", "codec", "rate"), LOSSY)
@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe"])
def test_unknown_sound_is_decoded_in_every_lossy_container(
    client: openai.OpenAI, hello: Clip, model: str, extension: str, muxer: str, codec: str, rate: int
) -> None:
    if extension == "oga" and model != "whisper-1":
        extension = "ogg"  # they do not accept the other name
    raw = client.audio.transcriptions.with_raw_response.create(
        model=model, file=(f"clip.{extension}", convert(hello[1], muxer, codec, rate))
    )
    assert raw.headers["x-mock-answered-by"] == "placeholder"
    assert raw.parse().text.startswith("[mock transcript of 2.")


@pytest.mark.parametrize(("extension", "muxer", "codec", "rate"), LOSSY)
def test_the_duration_is_right_in_every_lossy_container(
    client: openai.OpenAI, hello: Clip, extension: str, muxer: str, codec: str, rate: int
) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=(f"clip.{extension}", convert(hello[1], muxer, codec, rate)),
        response_format="verbose_json",
    )
    assert isinstance(answer, TranscriptionVerbose)
    assert answer.duration == pytest.approx(SECONDS, abs=0.11)  # codecs pad to whole frames


def test_every_documented_extension_is_tried_here() -> None:
    tried = {extension for extension, *_ in LOSSLESS + LOSSY}
    assert tried == {"flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"}


def test_a_known_clip_of_two_channels_is_another_sound(client: openai.OpenAI, hello: Clip) -> None:
    written = io.BytesIO()
    with av.open(io.BytesIO(hello[1]), "r") as source, av.open(written, "w", format="wav") as target:
        stream = target.add_stream("pcm_s16le", rate=24_000)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "stereo"
        to_stereo = av.AudioResampler("s16", "stereo", 24_000)
        for frame in source.decode(audio=0):
            for resampled in to_stereo.resample(frame):
                target.mux(stream.encode(resampled))
        target.mux(stream.encode(None))
    raw = client.audio.transcriptions.with_raw_response.create(
        model="whisper-1", file=("stereo.wav", written.getvalue())
    )
    assert raw.headers["x-mock-answered-by"] == "placeholder"

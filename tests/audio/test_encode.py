import io
import itertools
import wave
from collections.abc import Iterator

import pytest

from mockserver.audio.decode import RECOGNISER_SAMPLE_RATE, UndecodableAudio, decode
from mockserver.audio.encode import CONTENT_TYPES, SPEECH_SAMPLE_RATE, encode_speech, write_wav
from tests.audio.containers import frequency_of, tone

TONE = tone(2.0)
ENCODED = [name for name in CONTENT_TYPES if name not in ("wav", "pcm")]


def pieces(size: int) -> Iterator[bytes]:
    """Return the tone in chunks of ``size`` bytes."""
    return (TONE[begin : begin + size] for begin in range(0, len(TONE), size))


def encoded(response_format: str, size: int = 4800) -> bytes:
    return b"".join(encode_speech(pieces(size), response_format))


@pytest.mark.parametrize(
    ("response_format", "container", "codec", "rate"),
    [
        ("mp3", "mp3", "mp3", 24_000),
        ("opus", "ogg", "opus", 48_000),
        ("aac", "aac", "aac", 24_000),
        ("flac", "flac", "flac", 24_000),
        ("wav", "wav", "pcm_s16le", 24_000),
    ],
)
def test_speech_sounds_the_same_in_every_format(
    response_format: str, container: str, codec: str, rate: int
) -> None:
    clip = decode(encoded(response_format), keep_seconds=60, max_seconds=60)
    assert clip.samples is not None
    facts = clip.facts
    assert (facts.container, facts.codec, facts.sample_rate, facts.channels) == (container, codec, rate, 1)
    assert facts.duration == pytest.approx(2.0, abs=0.09)  # mp3 and aac begin with a little silence.
    assert frequency_of(clip.samples, RECOGNISER_SAMPLE_RATE) == pytest.approx(220, abs=2)


def test_pcm_is_passed_on_as_it_is() -> None:
    assert encoded("pcm") == TONE


@pytest.mark.parametrize("response_format", CONTENT_TYPES)
def test_the_same_speech_gives_the_same_bytes_however_it_is_cut(response_format: str) -> None:
    assert (
        encoded(response_format, 4800) == encoded(response_format, 777) == encoded(response_format, len(TONE))
    )


@pytest.mark.parametrize("response_format", ["flac", "wav", "pcm"])
def test_half_a_sample_at_the_end_is_no_trouble(response_format: str) -> None:
    data = b"".join(encode_speech(iter([TONE, b"\x01"]), response_format))
    assert data.startswith(encoded(response_format)[:1000])


def test_mp3_is_128_kbits_per_second_throughout_and_begins_with_sound() -> None:
    data = encoded("mp3")
    frame_bytes = 128_000 // 8 * 576 // SPEECH_SAMPLE_RATE
    frames = [data[begin : begin + 3] for begin in range(0, len(data), frame_bytes)]
    assert len(data) % frame_bytes == 0
    assert {frame[:2] for frame in frames} == {b"\xff\xf3"}  # MPEG-2 layer III, no checksum
    assert {frame[2] >> 2 for frame in frames} == {0b1100_01}  # 128 kbit/s, 24 kHz
    assert b"Info" not in data
    assert b"Xing" not in data


def test_a_streamed_wav_does_not_know_its_length() -> None:
    data = encoded("wav")
    assert data[:12] == b"RIFF\xff\xff\xff\xffWAVE"
    assert data[36:44] == b"data\xff\xff\xff\xff"
    assert data[44:] == TONE


@pytest.mark.parametrize("response_format", CONTENT_TYPES)
def test_bytes_leave_while_speech_is_still_coming(response_format: str) -> None:
    taken = itertools.count()
    chunks = (chunk for chunk in pieces(4800) if next(taken) >= 0)
    stream = encode_speech(chunks, response_format)
    received = [next(stream), next(stream)]
    assert all(received)
    assert next(taken) <= 3
    stream_rest = b"".join(stream)
    assert b"".join(received) + stream_rest == encoded(response_format)


@pytest.mark.parametrize("response_format", CONTENT_TYPES)
def test_closing_the_stream_closes_the_speech(response_format: str) -> None:
    closed = []

    def speech() -> Iterator[bytes]:
        try:
            yield from pieces(4800)
        finally:
            closed.append(True)

    stream = encode_speech(speech(), response_format)
    next(stream), next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert closed


@pytest.mark.parametrize("response_format", CONTENT_TYPES)
def test_a_failure_of_the_speech_is_passed_on(response_format: str) -> None:
    def speech() -> Iterator[bytes]:
        yield TONE
        raise ConnectionError

    with pytest.raises(ConnectionError):
        list(encode_speech(speech(), response_format))


@pytest.mark.parametrize("response_format", CONTENT_TYPES)
def test_no_speech_is_no_sound(response_format: str) -> None:
    data = b"".join(encode_speech(iter([]), response_format))
    with pytest.raises(UndecodableAudio):
        decode(data, keep_seconds=0, max_seconds=60)


def test_a_written_wav_is_a_complete_file() -> None:
    with wave.open(io.BytesIO(write_wav(TONE, SPEECH_SAMPLE_RATE))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SPEECH_SAMPLE_RATE)
        assert file.readframes(file.getnframes()) == TONE


def test_every_format_has_its_content_type() -> None:
    assert CONTENT_TYPES == {
        "mp3": "audio/mpeg",
        "opus": "audio/opus",
        "aac": "audio/aac",
        "flac": "audio/flac",
        "wav": "audio/wav",
        "pcm": "audio/pcm",
    }

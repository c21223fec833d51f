import contextlib
import io
import random
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from faster_whisper.audio import decode_audio

from mockserver.audio.decode import (
    RECOGNISER_SAMPLE_RATE,
    AudioTooLong,
    Decoded,
    UndecodableAudio,
    decode,
    pcm_hasher,
)
from mockserver.audio.encode import wav_header, write_wav
from tests.audio.containers import FILE_TYPES, RATE, encode, film, frequency_of, pcm_hash, tone

TONE = tone(2.0)


def decoded(data: bytes, *, keep_seconds: float = 0.0, max_seconds: float = 60.0) -> Decoded:
    return decode(data, keep_seconds=keep_seconds, max_seconds=max_seconds)


@pytest.mark.parametrize("file_type", FILE_TYPES)
def test_every_file_type_is_heard(file_type: str) -> None:
    clip = decoded(encode(TONE, file_type), keep_seconds=60)
    assert clip.samples is not None
    assert clip.facts.duration == pytest.approx(2.0, abs=0.06)  # Lossy codecs pad.
    assert len(clip.samples) == pytest.approx(clip.facts.duration * RECOGNISER_SAMPLE_RATE, abs=1)
    assert frequency_of(clip.samples, RECOGNISER_SAMPLE_RATE) == pytest.approx(220, abs=2)


@pytest.mark.slow
@pytest.mark.parametrize("file_type", FILE_TYPES)
def test_samples_are_those_that_faster_whisper_would_decode(file_type: str) -> None:
    data = encode(TONE, file_type)
    samples = decoded(data, keep_seconds=60).samples
    assert samples is not None
    np.testing.assert_allclose(samples, decode_audio(io.BytesIO(data)), atol=1e-6)


def test_facts_name_container_codec_channels_and_rate() -> None:
    facts = decoded(encode(TONE, "m4a")).facts
    assert (facts.container, facts.codec, facts.channels, facts.sample_rate) == ("mp4", "aac", 2, 44_100)


def test_samples_are_kept_up_to_the_length_asked_for() -> None:
    assert decoded(encode(TONE, "wav")).samples is None
    assert decoded(encode(TONE, "wav"), keep_seconds=1.9).samples is None
    assert decoded(encode(TONE, "wav"), keep_seconds=2.0).samples is not None


@pytest.mark.parametrize("file_type", ["wav", "flac", "oga", "wav, 24 bits"])
def test_the_same_sound_has_the_same_hash_in_every_lossless_container(file_type: str) -> None:
    assert decoded(encode(TONE, file_type)).facts.pcm_sha256 == pcm_hash(TONE, RATE, 1)


def test_a_streamed_wav_of_unknown_length_has_the_hash_of_the_finished_one() -> None:
    streamed = wav_header(0xFFFFFFFF, RATE) + TONE
    assert decoded(streamed).facts == decoded(write_wav(TONE, RATE)).facts


def chunk(tag: bytes, content: bytes, size: int | None = None) -> bytes:
    return tag + struct.pack("<I", len(content) if size is None else size) + content


NOTES = chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf59.27.100\0")


@pytest.mark.parametrize(
    ("riff_size", "before", "data_size", "after"),
    [
        (None, b"", 0, b""),
        (0, b"", 0, b""),
        (0, b"", None, b""),
        (None, chunk(b"JUNK", bytes(28)), 0, b""),
        (None, NOTES, 0, b""),
        (None, b"", 0x7FFF_FFFF, b""),
        (None, b"", 3 * len(TONE), b""),
        (None, b"", None, NOTES),
        (None, b"", None, chunk(b"LIST", b"no end", 1 << 31)),
    ],
    ids=[
        "data 0",
        "all 0",
        "riff 0",
        "junk, data 0",
        "notes, data 0",
        "huge",
        "too much",
        "notes",
        "lying notes",
    ],
)
def test_a_wav_whose_header_was_never_finished_is_transcribed_to_its_end(
    riff_size: int | None, before: bytes, data_size: int | None, after: bytes
) -> None:
    header = wav_header(len(TONE), RATE)
    body = header[8:36] + before + chunk(b"data", TONE, data_size) + after
    clip = chunk(b"RIFF", body, riff_size)
    assert decoded(clip).facts == decoded(write_wav(TONE, RATE)).facts


def test_a_wav_without_sound_has_none() -> None:
    with pytest.raises(UndecodableAudio):
        decoded(wav_header(0, RATE))


def test_a_sound_at_another_rate_or_with_more_channels_is_another_sound() -> None:
    hashers = [pcm_hasher(RATE, 1), pcm_hasher(RATE, 2), pcm_hasher(16_000, 1)]
    assert len({hasher.hexdigest() for hasher in hashers}) == 3


def test_pcm_can_be_hashed_piece_by_piece() -> None:
    hasher = pcm_hasher(RATE, 1)
    hasher.update(TONE[:1001])
    hasher.update(TONE[1001:])
    assert hasher.hexdigest() == pcm_hash(TONE, RATE, 1)


def test_the_picture_of_a_film_is_ignored() -> None:
    facts = decoded(film(TONE)).facts
    assert (facts.container, facts.codec) == ("mp4", "aac")
    assert facts.duration == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize("file_type", ["wav", "flac", "mp3", "mpga", "ogg", "oga", "webm", "aac"])
def test_a_truncated_file_is_heard_as_far_as_it_goes(file_type: str) -> None:
    data = encode(TONE, file_type)
    assert 0.5 < decoded(data[: len(data) * 6 // 10]).facts.duration < 1.5


def test_a_damaged_packet_costs_only_its_own_sound() -> None:
    data = bytearray(encode(TONE, "mp3"))
    middle = len(data) // 2
    data[middle : middle + 300] = bytes(300)
    assert decoded(bytes(data)).facts.duration > 1.7


def test_a_stream_that_changes_on_the_way_is_heard_to_its_end_and_has_the_facts_of_its_start() -> None:
    clip = decoded(encode(TONE, "aac") + encode(TONE, "aac, stereo"), keep_seconds=60)
    assert clip.samples is not None
    assert (clip.facts.channels, clip.facts.sample_rate) == (1, RATE)
    assert clip.facts.duration == pytest.approx(4.0, abs=0.15)
    assert frequency_of(clip.samples[-RECOGNISER_SAMPLE_RATE:], RECOGNISER_SAMPLE_RATE) == pytest.approx(
        220, abs=2
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"This is no audio. " * 1000,
        b"\x89PNG\r\n\x1a\n" + bytes(5000),
        encode(TONE, "wav")[:20],
        encode(TONE, "mp4")[:2000],
        encode(TONE, "webm")[:60],
        write_wav(b"", RATE),
        bytes(100_000),
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.mp3\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
    ],
    ids=[
        "nothing",
        "a byte",
        "text",
        "image",
        "wav",
        "mp4",
        "webm",
        "silence",
        "zeros",
        "playlist",
        "concat",
    ],
)
def test_what_is_no_audio_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableAudio):
        decoded(data)


@pytest.mark.parametrize(
    ("rate", "channels"), [(1, 1), (2_000_000_000, 1), (RATE, 1000)], ids=["slow", "fast", "many"]
)
def test_a_header_that_cannot_be_true_is_refused(rate: int, channels: int) -> None:
    with pytest.raises(UndecodableAudio):
        decoded(write_wav(TONE, rate, channels))


def test_a_clip_over_the_bound_is_refused() -> None:
    decoded(encode(TONE, "wav"), max_seconds=2.0)
    with pytest.raises(AudioTooLong) as refusal:
        decoded(encode(TONE, "wav"), max_seconds=1.9)
    assert refusal.value.max_seconds == 1.9


def test_of_very_many_samples_a_second_fewer_seconds_are_decoded() -> None:
    eight_channels = write_wav(bytes(96_000 * 8 * 2), 96_000, 8)
    assert decoded(eight_channels, max_seconds=8.0).facts.duration == 1.0
    with pytest.raises(AudioTooLong) as refusal:
        decoded(eight_channels, max_seconds=7.9)
    assert refusal.value.max_seconds == pytest.approx(7.9 / 8)


def test_a_tag_that_claims_gigabytes_reserves_none_of_them() -> None:
    wav = write_wav(TONE, RATE)
    tag = b"LIST" + struct.pack("<I", 0xDF00001A) + b"INFOISFT" + struct.pack("<I", 0x1C00000E) + b"x" * 14
    script = (
        "import resource, sys; from mockserver.audio.decode import *\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))\n"
        "data = sys.stdin.buffer.read()\n"
        "print(decode(data, keep_seconds=0, max_seconds=60).facts.duration)"
    )
    run = subprocess.run([sys.executable, "-c", script], input=wav + tag, capture_output=True, check=False)
    assert run.stdout == b"2.0\n", run.stderr.decode()


def test_memory_does_not_grow_with_the_clip_when_samples_are_not_kept() -> None:
    minutes = write_wav(TONE * 150, RATE)
    decoded(minutes, max_seconds=400)
    tracemalloc.start()
    decoded(minutes, max_seconds=400)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000 < len(minutes)


def test_samples_are_made_in_little_more_memory_than_they_take() -> None:
    minutes = write_wav(TONE * 150, RATE)
    tracemalloc.start()
    samples = decoded(minutes, keep_seconds=400, max_seconds=400).samples
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert samples is not None
    assert kept < samples.nbytes + 500_000
    assert peak < 1.8 * samples.nbytes


def test_damaged_files_are_heard_or_refused_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(20261120)
    files = [encode(tone(0.5), file_type) for file_type in FILE_TYPES]
    for _ in range(600):
        data = bytearray(chance.choice(files))
        for _ in range(chance.choice((1, 4, 20))):
            at = chance.randrange(min(len(data), chance.choice((64, 500, len(data)))))
            data[at] = chance.choice((0, 255, data[at] ^ 1 << chance.randrange(8)))
        _heard_or_refused(bytes(data[: chance.choice((len(data), chance.randrange(len(data))))]))
    assert capfd.readouterr() == ("", "")


def test_noise_is_refused() -> None:
    chance = random.Random(20261120)
    for size in (1, 10, 100, 1000, 50_000) * 10:
        with pytest.raises(UndecodableAudio):
            decoded(chance.randbytes(size))


def _heard_or_refused(data: bytes) -> None:
    with contextlib.suppress(UndecodableAudio, AudioTooLong):
        assert decoded(data, keep_seconds=60).facts.duration > 0

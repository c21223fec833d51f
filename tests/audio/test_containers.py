"""The container of a file, recognised by its first bytes."""

from __future__ import annotations

import pytest

from mockserver.audio.containers import container_of
from mockserver.audio.content import Content
from mockserver.audio.decode import decode
from tests.audio.containers import FILE_TYPES, encode, film, tone

TONE = tone(0.3)


@pytest.mark.parametrize("file_type", FILE_TYPES)
def test_the_container_is_the_one_that_ffmpeg_finds(file_type: str) -> None:
    data = encode(TONE, file_type)
    assert container_of(Content(data)) == decode(data, keep_seconds=0, max_seconds=9).facts.container


def test_video_is_distinguished_from_sound_in_the_same_container() -> None:
    assert container_of(Content(film(TONE))) == "mp4-video"
    assert container_of(Content(encode(TONE, "m4a"))) == "mp4"


@pytest.mark.parametrize(
    ("file_type", "container"), [("mp3", "mp3"), ("aac", "aac"), ("flac", "flac"), ("mpga", "mp3")]
)
def test_a_tag_in_front_changes_nothing(file_type: str, container: str) -> None:
    data = encode(TONE, file_type)
    if data.startswith(b"ID3"):
        data = data[10 + data[9] :]
    tag = b"ID3\x04\x00\x00\x00\x00\x01\x48" + bytes(200)  # 1 * 128 + 72 bytes
    assert container_of(Content(tag + data)) == container


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ID",
        b"\xff",
        b"These are notes.",
        b"RIFF\x04\x00\x00\x00AVI ",
        b"\xff\xe1",
        b"\x00" * 100,
        b"#!AMR\n",
    ],
)
def test_what_has_no_mark_is_not_judged(data: bytes) -> None:
    assert container_of(Content(data)) is None

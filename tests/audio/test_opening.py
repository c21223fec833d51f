import subprocess
import sys

import pytest

from mockserver.audio.decode import decode
from tests.audio.containers import encode, film, tone
from tests.audio.pictures import HOLDERS, png, with_pictures

TONE = tone(2.0)
FACTS = (
    "import sys; from mockserver.audio.decode import decode\n"
    "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))\n"
    "print(decode(sys.stdin.buffer.read(), keep_seconds=0, max_seconds=60).facts)"
)


@pytest.mark.parametrize("file_type", HOLDERS)
def test_a_file_with_a_cover_is_heard(file_type: str) -> None:
    facts = decode(with_pictures(TONE, file_type, [png(8)]), keep_seconds=0, max_seconds=60).facts
    assert facts.duration == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize("file_type", [name for name in HOLDERS if name not in ("aac", "flac behind ID3")])
def test_no_pixel_of_a_cover_is_decoded(file_type: str) -> None:
    """In half a gigabyte of address space; the pixels of the cover are two."""
    data = with_pictures(TONE, file_type, [png(16_000)])
    run = subprocess.run([sys.executable, "-c", FACTS], input=data, capture_output=True, check=False)
    assert b"duration=2.0" in run.stdout, run.stderr.decode()


def test_twenty_large_covers_are_passed_over() -> None:
    data = with_pictures(TONE, "mp3", [png(8000)] * 20)
    run = subprocess.run([sys.executable, "-c", FACTS], input=data, capture_output=True, check=False)
    assert b"duration=2.0" in run.stdout, run.stderr.decode()


def test_a_cover_changes_nothing_of_the_sound() -> None:
    plain = decode(encode(TONE, "flac"), keep_seconds=0, max_seconds=60).facts
    assert decode(with_pictures(TONE, "flac", [png(8)]), keep_seconds=0, max_seconds=60).facts == plain


def test_the_pictures_of_a_film_are_passed_over() -> None:
    assert decode(film(TONE), keep_seconds=0, max_seconds=60).facts.codec == "aac"

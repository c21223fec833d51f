import hashlib
import subprocess
import sys

import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.content import Content
from mockserver.audio.decode import AudioTooLong, ClipFacts, UndecodableAudio
from mockserver.audio.encode import write_wav
from tests.audio.containers import RATE, pcm_hash, tone

TONE = tone(1.0)
WAV = write_wav(TONE, RATE)


def test_a_clip_knows_its_bytes_without_decoding_them() -> None:
    clip = Clip(b"any bytes", "Interview.final.MP3", max_seconds=60)
    assert clip.extension == "mp3"
    assert clip.sha256 == hashlib.sha256(b"any bytes").hexdigest()


@pytest.mark.parametrize("name", ["", "clip", "clip.", "folder.d/clip"])
def test_a_name_may_have_no_extension(name: str) -> None:
    assert Clip(WAV, name, max_seconds=60).extension == ""


def test_facts_come_from_the_audio() -> None:
    clip = Clip(WAV, "tone.wav", max_seconds=60)
    assert clip.duration == 1.0
    assert clip.facts == ClipFacts("wav", "pcm_s16le", 1.0, 1, RATE, pcm_hash(TONE, RATE, 1))


def test_samples_are_what_a_recogniser_hears() -> None:
    samples = Clip(WAV, "tone.wav", max_seconds=60).samples().stretch(0, 20_000)
    assert (samples.shape, samples.dtype.name) == ((16_000,), "float32")


def test_the_samples_of_a_short_clip_are_made_once() -> None:
    clip = Clip(WAV, "tone.wav", max_seconds=60, keep_samples=True)
    facts = clip.facts
    clip.content = Content(b"gone")
    assert len(clip.samples().stretch(0, 20_000)) == 16_000
    assert clip.facts is facts


def test_the_samples_of_a_long_clip_are_made_when_they_are_wanted() -> None:
    clip = Clip(write_wav(TONE * 31, RATE), "tone.wav", max_seconds=90, keep_samples=True)
    assert clip.duration == 31
    assert len(clip.samples().stretch(0, 32 * 16_000)) == 31 * 16_000
    clip.content = Content(b"gone")
    with pytest.raises(UndecodableAudio):
        clip.samples().stretch(0, 1)


def test_a_clip_of_known_facts_is_not_decoded_for_them() -> None:
    clip = Clip(b"no audio", "fixture.wav", max_seconds=60)
    clip.facts = ClipFacts("wav", "pcm_s16le", 1.5, 1, RATE, "0" * 64)
    assert clip.duration == 1.5


def test_a_clip_over_its_bound_is_reported_also_when_its_facts_were_known() -> None:
    clip = Clip(WAV, "fixture.wav", max_seconds=0.5)
    clip.facts = ClipFacts("wav", "pcm_s16le", 0.5, 1, RATE, "0" * 64)
    with pytest.raises(AudioTooLong):
        clip.samples().stretch(0, 16_000)


def test_reading_the_facts_of_a_file_that_is_no_audio_fails() -> None:
    with pytest.raises(UndecodableAudio):
        _ = Clip(b"no audio", "tone.wav", max_seconds=60).facts


def test_the_facts_of_a_long_clip_can_be_abandoned() -> None:
    looks = 0

    def leave() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise ConnectionResetError

    clip = Clip(write_wav(TONE * 300, RATE), "tone.wav", max_seconds=600, look=leave)
    with pytest.raises(ConnectionResetError):
        _ = clip.facts
    assert looks == 3


def test_reading_the_facts_of_a_clip_over_its_bound_fails() -> None:
    with pytest.raises(AudioTooLong):
        _ = Clip(WAV, "tone.wav", max_seconds=0.5).duration


def test_a_known_clip_costs_no_import_of_codecs_or_numpy() -> None:
    script = (
        "import sys; from mockserver.audio.clip import Clip; from mockserver.audio.decode import ClipFacts\n"
        "clip = Clip(b'data', 'fixture.wav', 60)\n"
        "clip.facts = ClipFacts('wav', 'pcm_s16le', 1.0, 1, 24000, '')\n"
        "print(clip.sha256[:4], clip.duration, {'av', 'numpy'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "3a6e 1.0 set()\n"

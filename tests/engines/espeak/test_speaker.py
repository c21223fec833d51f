import contextlib
import errno
import itertools
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mockserver.app import create_app, services_of
from mockserver.catalog.records import Voice
from mockserver.catalog.tables import Catalog
from mockserver.engines.espeak.speaker import Pyttsx3Speaker
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, SpeechChunk, SpeechFailed, SpokenWord, Utterance
from mockserver.settings.model import Settings

Samples = npt.NDArray[np.float64]

VOICES = {voice.name: voice for voice in Catalog().voices}
SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps in the sun until noon."
TIMEOUT = 4.0  # seconds
LONG_TEXT = (SENTENCE + " ") * 47  # 4089 characters, minutes of speech

on_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@pytest.fixture(scope="module")
def speaker() -> Iterator[Pyttsx3Speaker]:
    speaker = Pyttsx3Speaker()
    yield speaker
    speaker.close()


@pytest.fixture
def own_speaker() -> Iterator[Pyttsx3Speaker]:
    """Yield a speaker with one slot, for tests that kill its processes."""
    speaker = Pyttsx3Speaker(slots=1)
    yield speaker
    speaker.close()


def utterance(text: str = SENTENCE, voice: str | Voice = "sage", **options: Any) -> Utterance:
    return Utterance(text, VOICES[voice] if isinstance(voice, str) else voice, **options)


def pcm_of(speaker: Pyttsx3Speaker, spoken: Utterance) -> bytes:
    return b"".join(chunk.pcm for chunk in speaker.speak(spoken))


def words_of(speaker: Pyttsx3Speaker, spoken: Utterance) -> list[SpokenWord]:
    return [word for chunk in speaker.speak(spoken) for word in chunk.words]


def samples_of(speaker: Pyttsx3Speaker, spoken: Utterance) -> Samples:
    return np.frombuffer(pcm_of(speaker, spoken), "<i2").astype(np.float64)


def duration_of(speaker: Pyttsx3Speaker, spoken: Utterance) -> float:
    return len(pcm_of(speaker, spoken)) / 2 / SPEECH_SAMPLE_RATE


def children_of(parent: int) -> set[int]:
    children = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_the_name = stat.read_text().rpartition(")")[2].split()
        except OSError:  # It ended meanwhile.
            continue
        if int(after_the_name[1]) == parent and after_the_name[0] != "Z":
            children.add(int(stat.parent.name))
    return children


def signal_children_of(parent: int, number: signal.Signals) -> set[int]:
    """Send a signal to the children of a process that still run. Return them."""
    signalled = set()
    for child in children_of(parent):
        with contextlib.suppress(ProcessLookupError):  # It ended meanwhile.
            os.kill(child, number)
            signalled.add(child)
    return signalled


def helper_of(speaker: Pyttsx3Speaker) -> int:
    """Start a speaker; return the id of its process."""
    others = children_of(os.getpid())
    speaker.start()
    (helper,) = children_of(os.getpid()) - others
    return helper


def has_ended(*processes: int) -> bool:
    """Wait at most 30 seconds for the end of one of the processes; return whether it has ended."""
    with contextlib.ExitStack() as descriptors:
        try:
            opened = [descriptors.enter_context(os.fdopen(os.pidfd_open(process))) for process in processes]
        except ProcessLookupError:
            return True
        return bool(select.select(opened, [], [], 30)[0])


# Sound


def test_speech_is_16_bit_mono_at_24_khz_of_a_plausible_length(speaker: Pyttsx3Speaker) -> None:
    assert len(pcm_of(speaker, utterance())) % 2 == 0
    assert 4 < duration_of(speaker, utterance()) < 8


def test_the_same_utterance_gives_the_same_bytes_after_any_other(speaker: Pyttsx3Speaker) -> None:
    first = pcm_of(speaker, utterance("Breathe in, breathe out.", voice="nova"))
    pcm_of(speaker, utterance("Something else.", voice="onyx", speed=3.0))

    assert pcm_of(speaker, utterance("Breathe in, breathe out.", voice="nova")) == first


def test_another_speaker_gives_the_same_bytes(speaker: Pyttsx3Speaker, own_speaker: Pyttsx3Speaker) -> None:
    whispered = utterance(instructions="whisper")

    assert pcm_of(own_speaker, whispered) == pcm_of(speaker, whispered)


def test_a_fresh_process_for_each_utterance_gives_the_same_bytes(speaker: Pyttsx3Speaker) -> None:
    not_forking = Pyttsx3Speaker(slots=1, fork=False)
    try:
        assert pcm_of(not_forking, utterance()) == pcm_of(speaker, utterance())
        assert words_of(not_forking, utterance()) == words_of(speaker, utterance())
    finally:
        not_forking.close()


def test_sixteen_at_a_time_sound_as_one_by_one(speaker: Pyttsx3Speaker) -> None:
    utterances = [utterance(f"Number {number}. {SENTENCE}", voice) for number, voice in enumerate(VOICES)][
        :16
    ]
    utterances += [utterance(f"Faster, {number}.", speed=3.0) for number in range(16 - len(utterances))]
    one_by_one = [pcm_of(speaker, each) for each in utterances]

    with ThreadPoolExecutor(16) as pool:
        at_a_time = list(pool.map(lambda each: pcm_of(speaker, each), utterances))

    assert at_a_time == one_by_one


def test_the_thirteen_voices_differ_in_pitch_or_timbre_and_are_equally_loud(speaker: Pyttsx3Speaker) -> None:
    sounds = [samples_of(speaker, utterance(voice=voice)) for voice in VOICES]
    differences = [
        np.abs(spectrum(one) - spectrum(other)).mean() + 6 * abs(np.log2(pitch(one) / pitch(other)))
        for one, other in itertools.combinations(sounds, 2)
    ]
    loudness = [np.sqrt(np.mean(sound**2)) for sound in sounds]

    assert len(sounds) == 13
    assert min(differences) > 2
    assert max(loudness) / min(loudness) < 1.3


def frames_of(sound: Samples, length: int = 1024) -> Samples:
    """Return the stretches of the sound that are not silent."""
    frames = sound[: len(sound) // length * length].reshape(-1, length)
    energy = (frames**2).mean(axis=1)
    voiced: Samples = frames[energy > 0.1 * energy.max()]
    return voiced


def spectrum(sound: Samples) -> Samples:
    """Return the mean level in each of 32 bands up to 6 kHz, in dB relative to the total."""
    power = np.abs(np.fft.rfft(frames_of(sound) * np.hanning(1024))) ** 2
    bands = 10 * np.log10(power[:, :256].reshape(-1, 32, 8).mean(axis=(0, 2)))
    level: Samples = bands - bands.mean()
    return level


def pitch(sound: Samples) -> float:
    """Return the median of the fundamental frequencies (Hz), found by autocorrelation."""
    lags = np.arange(SPEECH_SAMPLE_RATE // 400, SPEECH_SAMPLE_RATE // 50)
    frames = frames_of(sound)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, 2048)) ** 2)[:, lags]
    return float(np.median(SPEECH_SAMPLE_RATE / lags[correlation.argmax(axis=1)]))


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
def test_speed_divides_the_duration(speaker: Pyttsx3Speaker, speed: float) -> None:
    expected = duration_of(speaker, utterance(LONG_TEXT[:400])) / speed

    assert duration_of(speaker, utterance(LONG_TEXT[:400], speed=speed)) == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize(
    "way", ["Whisper.", "in a monotone", "shout it", "with a British accent", "cheerfully"]
)
def test_instructions_change_the_sound(speaker: Pyttsx3Speaker, way: str) -> None:
    assert pcm_of(speaker, utterance(instructions=way)) != pcm_of(speaker, utterance())


def test_slow_speech_lasts_longer_and_quiet_speech_is_fainter(speaker: Pyttsx3Speaker) -> None:
    plain = samples_of(speaker, utterance())
    slow = samples_of(speaker, utterance(instructions="Speak slowly."))
    quiet = samples_of(speaker, utterance(instructions="Speak quietly."))

    assert len(slow) > 1.2 * len(plain)
    assert np.abs(quiet).max() < 0.6 * np.abs(plain).max()


def test_a_german_text_is_spoken_by_a_german(speaker: Pyttsx3Speaker) -> None:
    german = utterance("Ich heiße Jürgen und bin müde.")

    assert speaker.language_of(german) == "de"
    assert pcm_of(speaker, german) != pcm_of(speaker, utterance(german.text, language="en"))


# Times of words


@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("text", [SENTENCE, "It's in the house — of a man: $5.20! 😀 Über-gut…", "你好 世界"])
def test_words_are_those_of_the_text_in_order_and_within_the_speech(
    speaker: Pyttsx3Speaker, text: str, speed: float
) -> None:
    words = words_of(speaker, utterance(text, speed=speed))
    times = [time for word in words for time in (word.start, word.end)]

    assert [word.text for word in words] == text.split()
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] == pytest.approx(duration_of(speaker, utterance(text, speed=speed)))


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.0, 2.0])
def test_words_begin_when_they_are_heard(speaker: Pyttsx3Speaker, speed: float) -> None:
    chunks = list(speaker.speak(utterance("Mama. Never. Wool. Yellow. Lion. Moon.", speed=speed)))
    sound = np.abs(np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2").astype(np.float64))
    audible = np.flatnonzero(sound > 0.03 * sound.max()) / SPEECH_SAMPLE_RATE
    pauses = np.flatnonzero(np.diff(audible) > 0.05)
    heard = audible[pauses + 1]

    words = [word for chunk in chunks for word in chunk.words]
    assert len(words) == 6
    for word in words[1:]:
        assert np.abs(heard - word.start).min() < 0.04


def test_words_come_with_the_chunks_that_complete_them(speaker: Pyttsx3Speaker) -> None:
    delivered, words = 0.0, 0
    for chunk in speaker.speak(utterance()):
        for word in chunk.words:
            assert word.start <= delivered + len(chunk.pcm) / 2 / SPEECH_SAMPLE_RATE + 0.2
        delivered += len(chunk.pcm) / 2 / SPEECH_SAMPLE_RATE
        words += len(chunk.words)
        assert chunk.pcm
    assert words == len(SENTENCE.split())


# Unusual texts


@pytest.mark.parametrize("text", ["", " \n\t", "\x00", "\ud800"])
def test_a_text_with_nothing_to_say_is_a_short_silence(speaker: Pyttsx3Speaker, text: str) -> None:
    sound = samples_of(speaker, utterance(text))

    assert 0 < len(sound) < SPEECH_SAMPLE_RATE
    assert not sound.any()


@pytest.mark.parametrize(
    "text", ["😀", "a\x00b \ud83d c", "...", "\x01s450 fast?", "<speak>", "[[h@'loU]]", "日本"]
)
def test_odd_characters_are_no_failure(speaker: Pyttsx3Speaker, text: str) -> None:
    assert duration_of(speaker, utterance(text)) > 0


def test_angle_brackets_are_text_and_not_markup(speaker: Pyttsx3Speaker) -> None:
    marked_up = utterance('Wait <break time="9s"/> here')

    assert pcm_of(speaker, marked_up) != pcm_of(speaker, utterance("Wait here"))
    assert [word.text for word in words_of(speaker, marked_up)] == ["Wait", "<break", 'time="9s"/>', "here"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", [LONG_TEXT[:4096], "日" * 4096, "😀 " * 2048, "x" * 4096], ids=lambda text: text[:4]
)
def test_four_thousand_characters_are_spoken_to_the_end(speaker: Pyttsx3Speaker, text: str) -> None:
    words = words_of(speaker, utterance(text, speed=2.5))

    assert [word.text for word in words] == text.split()
    assert words[-1].end > 15


# Failures


@on_linux
def test_speech_is_delivered_while_it_is_made_and_goes_on_in_another_child_if_one_is_killed(
    own_speaker: Pyttsx3Speaker,
) -> None:
    helper = helper_of(own_speaker)
    speech = own_speaker.speak(utterance(LONG_TEXT))
    words = list(next(speech).words)
    signal_children_of(helper, signal.SIGKILL)  # the one that speaks, perhaps one that waits
    for chunk in speech:
        words += chunk.words

    assert [word.text for word in words] == LONG_TEXT.split()
    assert all(first.end <= second.start + 0.001 for first, second in itertools.pairwise(words))
    assert duration_of(own_speaker, utterance()) > 1


@pytest.mark.slow
@on_linux
def test_a_speech_of_which_two_children_die_ends_there(
    own_speaker: Pyttsx3Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    helper = helper_of(own_speaker)
    whole = duration_of(own_speaker, utterance(LONG_TEXT))
    spoken = 0
    for chunk in own_speaker.speak(utterance(LONG_TEXT)):
        spoken += len(chunk.pcm)
        signal_children_of(helper, signal.SIGKILL)

    assert "continues" in caplog.text
    assert spoken / 2 / SPEECH_SAMPLE_RATE < whole
    assert "left out" in caplog.text


@on_linux
def test_an_utterance_may_take_what_the_settings_say() -> None:
    settings = Settings(whisper_model="none", speech_seconds=7, speech_memory=200_000_000)
    with contextlib.closing(services_of(create_app(settings)).speaker) as limited:
        helper = helper_of(limited)
        speech = limited.speak(utterance(LONG_TEXT))
        next(speech)
        (table, *_) = [Path(f"/proc/{child}/limits").read_text() for child in sorted(children_of(helper))]
        speech.close()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in table.splitlines()}
    assert limits["Max cpu time"] == ["7", "7"]
    assert limits["Max address space"] == ["200000000", "200000000"]


@pytest.mark.parametrize("text", ["\ue000-\xc5", ".-\xc5", "\ufffd-\xf8", "\U0010ffff-\xe5"])
def test_a_text_that_espeak_dies_of_is_spoken(
    own_speaker: Pyttsx3Speaker, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    words = words_of(own_speaker, utterance(text, voice="alloy"))

    assert "espeak-ng crashed on a text" in caplog.text
    assert [word.text for word in words] == text.split()
    assert words[-1].end > 0.3


@on_linux
def test_a_killed_helper_is_replaced(own_speaker: Pyttsx3Speaker) -> None:
    helper = helper_of(own_speaker)
    before = pcm_of(own_speaker, utterance())
    os.kill(helper, signal.SIGKILL)

    assert pcm_of(own_speaker, utterance()) == before


@pytest.fixture
def impatient() -> Iterator[Pyttsx3Speaker]:
    """Yield a speaker with one slot and a short timeout for processes that hang."""
    speaker = Pyttsx3Speaker(slots=1, timeout=TIMEOUT)
    yield speaker
    speaker.close()


@pytest.mark.slow
@on_linux
def test_a_helper_that_hangs_is_replaced(impatient: Pyttsx3Speaker) -> None:
    helper = helper_of(impatient)
    before = pcm_of(impatient, utterance())
    os.kill(helper, signal.SIGSTOP)

    assert pcm_of(impatient, utterance()) == before
    assert has_ended(helper)


def stopped_in_speech(speaker: Pyttsx3Speaker, helper: int) -> tuple[Iterator[SpeechChunk], set[int]]:
    """Return a speech that has begun, and its child processes, which were stopped."""
    speech = speaker.speak(utterance(LONG_TEXT))
    next(speech)
    return speech, signal_children_of(helper, signal.SIGSTOP)


@pytest.mark.slow
@on_linux
def test_a_child_that_hangs_ends_its_utterance_and_holds_up_nobody_else(impatient: Pyttsx3Speaker) -> None:
    speech, children = stopped_in_speech(impatient, helper_of(impatient))

    with pytest.raises(SpeechFailed, match="hangs"):
        list(speech)
    assert duration_of(impatient, utterance()) > 1
    for child in children:
        os.kill(child, signal.SIGKILL)


@pytest.mark.slow
@on_linux
def test_who_waits_long_for_a_turn_does_not_take_the_helper_for_hung(impatient: Pyttsx3Speaker) -> None:
    helper = helper_of(impatient)
    speech, children = stopped_in_speech(impatient, helper)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(pcm_of, impatient, utterance())
        assert not wait([waiting], timeout=TIMEOUT + 1).done
        for child in children:
            os.kill(child, signal.SIGCONT)

        assert waiting.result()
    assert list(speech)
    os.kill(helper, 0)  # It has not been replaced.


@pytest.mark.slow
@on_linux
def test_signals_for_the_whole_group_leave_speech_to_be_finished(own_speaker: Pyttsx3Speaker) -> None:
    helper = helper_of(own_speaker)
    speech = own_speaker.speak(utterance(LONG_TEXT))
    first = next(speech).pcm
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(helper, number)
        signal_children_of(helper, number)

    assert first + b"".join(chunk.pcm for chunk in speech) == pcm_of(own_speaker, utterance(LONG_TEXT))
    os.kill(helper, 0)  # It has not been replaced.


@on_linux
def test_a_killed_spare_process_is_replaced() -> None:
    speaker = Pyttsx3Speaker(slots=1, fork=False)
    try:
        spare = helper_of(speaker)
        os.kill(spare, signal.SIGKILL)
        assert has_ended(spare)
        assert duration_of(speaker, utterance()) > 1
    finally:
        speaker.close()


@on_linux
def test_closing_the_iterator_ends_the_child(own_speaker: Pyttsx3Speaker) -> None:
    helper = helper_of(own_speaker)
    speech = own_speaker.speak(utterance(LONG_TEXT))
    next(speech)
    children = children_of(helper)
    speech.close()

    assert has_ended(*children)
    assert duration_of(own_speaker, utterance()) > 1


@pytest.mark.slow
def test_a_reader_that_rests_holds_no_slot(own_speaker: Pyttsx3Speaker) -> None:
    resting = own_speaker.speak(utterance(LONG_TEXT))
    first = next(resting).pcm

    assert duration_of(own_speaker, utterance()) > 1
    assert first + b"".join(chunk.pcm for chunk in resting) == pcm_of(own_speaker, utterance(LONG_TEXT))


@pytest.mark.slow
@on_linux
def test_a_child_ends_when_it_has_spoken_though_its_reader_rests(own_speaker: Pyttsx3Speaker) -> None:
    helper = helper_of(own_speaker)
    resting = [own_speaker.speak(utterance(LONG_TEXT, speed=speed)) for speed in (1.0, 1.1, 1.2)]
    for speech in resting:
        next(speech)
    assert duration_of(own_speaker, utterance()) > 1  # in turn, so that the others have been spoken

    assert len(children_of(helper)) <= 2  # the last one, and one that waits
    assert all(sum(len(chunk.pcm) for chunk in speech) > 100 * SPEECH_SAMPLE_RATE for speech in resting)


@pytest.mark.slow
@on_linux
def test_without_a_disk_a_resting_reader_is_waited_for(
    own_speaker: Pyttsx3Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pcm_of(own_speaker, utterance(LONG_TEXT))
    monkeypatch.setattr(tempfile, "TemporaryFile", _no_disk)

    assert pcm_of(own_speaker, utterance(LONG_TEXT)) == whole


def _no_disk(**_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_unknown_voice_of_the_engine_is_a_failure(speaker: Pyttsx3Speaker) -> None:
    unknown = Voice("nobody", "xx/nowhere", "f5", pitch=50, gain=1.0)

    with pytest.raises(SpeechFailed, match="xx/nowhere"):
        next(speaker.speak(utterance(voice=unknown)))


def test_a_closed_speaker_speaks_no_more() -> None:
    speaker = Pyttsx3Speaker()
    speaker.close()

    with pytest.raises(SpeechFailed, match="closed"):
        pcm_of(speaker, utterance())


def test_the_speech_begins_before_its_first_chunk_is_asked_for(own_speaker: Pyttsx3Speaker) -> None:
    chunks = own_speaker.speak(utterance())
    own_speaker.close()

    assert len(b"".join(chunk.pcm for chunk in chunks)) > 2 * SPEECH_SAMPLE_RATE


@on_linux
def test_closing_the_speaker_ends_its_helper() -> None:
    speaker = Pyttsx3Speaker()
    helper = helper_of(speaker)
    speaker.close()

    assert has_ended(helper)


@on_linux
def test_the_helper_ends_when_the_server_is_killed() -> None:
    script = (
        "import sys; from mockserver.engines.espeak.speaker import Pyttsx3Speaker; "
        "Pyttsx3Speaker().start(); print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        (helper,) = children_of(server.pid)
        server.kill()

    assert has_ended(helper)

"""What is heard window by window is what faster-whisper hears of the whole sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.vad import VadOptions as TheirVadOptions
from faster_whisper.vad import get_speech_timestamps
from numpy.typing import NDArray

from mockserver.audio.samples import Samples
from mockserver.catalog.tables import Catalog
from mockserver.engines.espeak.speaker import Pyttsx3Speaker
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, Utterance
from mockserver.engines.transcription import Segment, TranscriptionOptions, VadOptions
from mockserver.engines.whisper.models import embedded_model
from mockserver.engines.whisper.recogniser import Recogniser
from mockserver.engines.whisper.vad import extract, speech_spans
from mockserver.engines.whisper.windows import Features

Sound = NDArray[np.float32]

ENCODE = Tokenizer.encode
RATE = 16_000
PASSAGE = "My order has not arrived yet. Thank you for your help. Please call me back tomorrow at nine."
SEARCH = {"beam_size": 5, "temperature": 0.0}  # the parameters of our search


@pytest.fixture(scope="module")
def passage() -> Sound:
    """Some sentences, spoken, at 16 kHz (well enough)."""
    speaker = Pyttsx3Speaker()
    pcm = b"".join(chunk.pcm for chunk in speaker.speak(Utterance(PASSAGE, Catalog().voices[0])))
    speaker.close()
    spoken = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768
    times = np.arange(0, len(spoken) - 1, SPEECH_SAMPLE_RATE / RATE)
    sound: Sound = np.interp(times, np.arange(len(spoken)), spoken).astype(np.float32)
    return sound


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE), np.float32)


def noise(seconds: float, loudness: float) -> Sound:
    return (np.random.default_rng(7).standard_normal(round(seconds * RATE)) * loudness).astype(np.float32)


SOUNDS: dict[str, Callable[[Sound], Sound]] = {
    "a sentence": lambda said: said[: 2 * RATE],
    "just below a window": lambda said: np.concatenate((noise(30, 0.001), said))[-30 * RATE + 39 :],
    "a sample more than a window": lambda said: np.concatenate((said, said, said, said, said))[
        : 30 * RATE + 1
    ],
    "45 seconds": lambda said: np.concatenate([said] * 9)[: 45 * RATE],
    "a word after 29 s of silence": lambda said: np.concatenate((silence(29), said[:RATE], silence(40))),
    "speech, pauses, noise": lambda said: np.concatenate(
        (said, silence(47.3), said * 0.05, noise(9, 0.01), said, silence(35))
    ),
    "speech and a pause": lambda said: np.concatenate((said, silence(26), said * 0.5)),
    "nothing but noise": lambda said: noise(40, 0.05),
    "nothing but silence": lambda said: silence(70),
}
OPTIONS = {
    "words": TranscriptionOptions(words=True),
    "prompt and keywords": TranscriptionOptions(prompt="Hello there.", keywords=("order", "nine")),
    "translate": TranscriptionOptions(task="translate"),
    "voice detection": TranscriptionOptions(vad=VadOptions(0.4, 100, 500), words=True),
}


class Loaded:
    """The model as it is, and the one that hears window by window."""

    def __init__(self) -> None:
        folder = str(embedded_model())
        self.whole = WhisperModel(folder, device="cpu", cpu_threads=1, local_files_only=True)
        self.windowed = Recogniser(folder, device="cpu", cpu_threads=1)


@pytest.fixture(scope="module")
def models() -> Loaded:
    return Loaded()


def in_pieces(sound: Sound, size: int = 4_096) -> Samples:
    return Samples(lambda: (sound[begin : begin + size] for begin in range(0, len(sound), size)))


def go_on(left: float = 0.0) -> None:
    """Nobody else wants to be heard."""


def of_the_whole(model: WhisperModel, sound: Sound, options: TranscriptionOptions) -> list[Any]:
    """Return the segments of faster-whisper itself."""
    vad = options.vad
    arguments = dict[str, Any](SEARCH)
    if vad is not None:
        arguments |= {"vad_filter": True, "vad_parameters": theirs(vad)}
    segments, _ = model.transcribe(
        sound,
        task=options.task,
        initial_prompt=options.prompt or None,
        hotwords=", ".join(options.keywords) or None,
        word_timestamps=options.words,
        **arguments,
    )
    return list(segments)


def theirs(vad: VadOptions) -> TheirVadOptions:
    return TheirVadOptions(
        threshold=vad.threshold,
        speech_pad_ms=vad.prefix_padding_ms,
        min_silence_duration_ms=vad.silence_duration_ms,
    )


def facts(segment: Any) -> tuple[object, ...]:
    """Return what both kinds of segments have, except for times, which ours keeps within the clip."""
    words = [getattr(word, "word", getattr(word, "text", "")).strip() for word in segment.words or ()]
    return segment.text.strip(), segment.seek, segment.temperature, segment.compression_ratio, words


def probabilities(segment: Any) -> list[float]:
    """Return the probabilities, between 0 and 1, of a segment, of its silence and of its words."""
    words = [word.probability for word in segment.words or ()]
    return [math.exp(segment.avg_logprob), segment.no_speech_prob, *words]


def times(segment: Any, length: float) -> list[float]:
    every = [segment, *(segment.words or ())]
    return [round(min(float(time), length), 3) for each in every for time in (each.start, each.end)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "options"),
    [
        *(pytest.param(make, TranscriptionOptions(), id=name) for name, make in SOUNDS.items()),
        *(pytest.param(SOUNDS["speech and a pause"], each, id=name) for name, each in OPTIONS.items()),
    ],
)
def test_the_transcript_is_the_same(
    models: Loaded, passage: Sound, make: Callable[[Sound], Sound], options: TranscriptionOptions
) -> None:
    sound = make(passage)
    length = len(sound) / RATE
    heard = list(models.windowed.transcribe(in_pieces(sound), length, options, go_on)[1])
    expected = of_the_whole(models.whole, sound, options)
    if expected or not options.words:  # else faster-whisper drops the words
        assert list(map(facts, heard)) == list(map(facts, expected))
        # The last bit of the features can differ: on some processors that shows in the third digit.
        for each, same in zip(heard, expected, strict=True):
            assert probabilities(each) == pytest.approx(probabilities(same), abs=0.05)
        assert [times(each, length) for each in heard] == [times(each, length) for each in expected]


def test_the_sounds_of_these_tests_are_understood(models: Loaded, passage: Sound) -> None:
    segments = of_the_whole(models.whole, passage, TranscriptionOptions())
    assert [segment.text.strip() for segment in segments] == [f"{said}." for said in PASSAGE[:-1].split(". ")]


@pytest.mark.parametrize(
    "length",
    [0, 1, 100, 160, 201, 400, 16_000, 479_759, 479_760, 479_961, 480_000, 480_001, 960_039, 1_440_200],
)
def test_features_are_those_of_the_whole(length: int) -> None:
    extractor, sound = FeatureExtractor(), noise(100, 0.1)[:length]
    expected = extractor(sound)
    features = Features(extractor, in_pieces(sound), 100.0, go_on)
    assert features.shape == expected.shape
    for begin in range(0, features.shape[1], 1_357):  # windows overlap
        part = features[:, begin : begin + 3_000]
        assert np.allclose(part, expected[:, begin : begin + 3_000], rtol=0, atol=3e-7), (
            "except for the last bit"
        )


def test_no_more_features_are_made_than_are_looked_at() -> None:
    sound, made = noise(300, 0.1), 0

    def pieces() -> Iterator[Sound]:
        nonlocal made
        for begin in range(0, len(sound), RATE):
            made = begin + RATE
            yield sound[begin : begin + RATE]

    features = Features(FeatureExtractor(), Samples(pieces), 300.0, go_on)
    assert made == len(sound)
    _ = features[:, :3_000]
    assert made <= 31 * RATE


@pytest.mark.slow
@pytest.mark.parametrize(
    "vad", [VadOptions(), VadOptions(0.4, 100, 500), VadOptions(0.05, 1_000, 300)], ids=str
)
@pytest.mark.parametrize("make", SOUNDS.values(), ids=SOUNDS)
def test_speech_is_found_where_faster_whisper_finds_it(
    passage: Sound, make: Callable[[Sound], Sound], vad: VadOptions
) -> None:
    sound = make(passage)
    assert speech_spans(in_pieces(sound), vad, go_on) == get_speech_timestamps(sound, theirs(vad))


def test_speech_is_found_to_the_end_of_the_last_window(passage: Sound) -> None:
    patient = VadOptions(silence_duration_ms=2_000)
    for length in (32_000, 32_256, 32_255, 32_200):  # multiples of 512 and next to them
        sound = passage[:length]
        found = speech_spans(in_pieces(sound), patient, go_on)
        assert found == get_speech_timestamps(sound, theirs(patient))
        assert found[-1]["end"] == length


def test_only_what_was_found_is_left(passage: Sound) -> None:
    sound = np.concatenate([passage] * 10)
    spans = [{"start": 100, "end": 700_000}, {"start": 710_000, "end": 710_500}]
    left = extract(in_pieces(sound), spans)
    expected = np.concatenate((sound[100:700_000], sound[710_000:710_500]))
    assert np.array_equal(left.stretch(0, 9_999_999), expected)
    assert left.made == len(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("temperature", "really_heard"),
    [(0.0, 2), (1.0, 20)],
    ids=["a whole window, and the shorter one at the end", "all of them where chance decides"],
)
def test_silence_is_decoded_once(
    models: Loaded, monkeypatch: pytest.MonkeyPatch, temperature: float, really_heard: int
) -> None:
    generate, asked, turns = WhisperModel.generate_with_fallback, 0, 0

    def counting(self: WhisperModel, *arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return generate(self, *arguments)

    def count(left: float) -> None:
        nonlocal turns
        turns += 1

    monkeypatch.setattr(WhisperModel, "generate_with_fallback", counting)
    options, sound = TranscriptionOptions(temperature=temperature), silence(599)
    assert list(models.windowed.transcribe(in_pieces(sound), 599, options, count)[1]) == []
    assert asked == really_heard
    assert turns == 2 * 20, "each window is read twice, and may be the last one each time"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "decoded"), [(0.3, 0.3), (1.0, 1.0), (1e30, 1.0), (float("inf"), 1.0), (-3.0, 0.0)]
)
def test_temperatures_that_the_api_does_not_have_make_no_endless_noise(
    models: Loaded, passage: Sound, asked: float, decoded: float
) -> None:
    _, segments = models.windowed.transcribe(
        in_pieces(passage), 8, TranscriptionOptions(temperature=asked), go_on
    )
    assert {segment.temperature for segment in segments} == {decoded}


def test_of_a_long_prompt_only_what_is_read_is_cut_into_tokens(
    models: Loaded, passage: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def encode(self: Tokenizer, text: str) -> list[int]:
        seen.append(text)
        return list(ENCODE(self, text))

    monkeypatch.setattr(Tokenizer, "encode", encode)
    options = TranscriptionOptions(prompt="a" * 990_000 + " the end.", keywords=("order",) * 100_000)
    _, heard = models.windowed.transcribe(in_pieces(passage), len(passage) / RATE, options, go_on)
    list(heard)
    assert [text for text in seen if text.endswith(" the end.")]
    assert [text for text in seen if text.startswith(" order, order")]
    assert max(map(len, seen)) < 40_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "long", [{"prompt": "Somebody said this. " * 2_000}, {"keywords": ("order",) * 5_000}]
)
def test_what_is_heard_after_a_long_prompt_is_what_faster_whisper_hears(
    models: Loaded, passage: Sound, long: dict[str, Any]
) -> None:
    options = TranscriptionOptions(**long)
    expected = of_the_whole(models.whole, passage, options)
    _, heard = models.windowed.transcribe(in_pieces(passage), len(passage) / RATE, options, go_on)
    assert [segment.text for segment in heard] == [segment.text.strip() for segment in expected]


@pytest.mark.slow
def test_what_a_pause_raises_ends_the_work(models: Loaded, passage: Sound) -> None:
    sound, windows = np.concatenate([passage] * 30), 0

    def leave(left: float) -> None:
        nonlocal windows
        windows += 1
        if windows > 8:
            raise KeyboardInterrupt

    def listen() -> list[Segment]:
        return list(models.windowed.transcribe(in_pieces(sound), 240, TranscriptionOptions(), leave)[1])

    with pytest.raises(KeyboardInterrupt):
        listen()

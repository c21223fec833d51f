"""Fixtures: how they are written, and how they are found."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.decode import UndecodableAudio
from mockserver.audio.encode import write_wav
from mockserver.catalog.tables import Catalog
from mockserver.engines.fixtures import Fixture, FixtureError, FixtureTranscriber, load_fixtures
from mockserver.engines.transcription import Segment, Transcription, TranscriptionOptions, Word
from mockserver.validation import explanations as explain
from mockserver.validation.schemas import Schemas
from tests.conftest import FIXTURES

RATE = 16_000
TRANSCRIBE, TRANSLATE = TranscriptionOptions(), TranscriptionOptions(task="translate")

Load = Callable[..., list[Fixture]]


@pytest.fixture
def load(schemas: Schemas) -> Load:
    catalog = Catalog()

    def explained(document: object) -> str | None:
        if schemas.is_valid("mock/fixture", document):
            return None
        return explain.standard(schemas.violations("mock/fixture", document)[0]).message

    return lambda *folders: load_fixtures(folders, catalog, explained)


def sound(number: int = 1, seconds: int = 2) -> bytes:
    return write_wav(bytes([number, 0]) * (RATE * seconds), RATE)


def clip(data: bytes, name: str = "upload.wav") -> Clip:
    return Clip(data, name, max_seconds=60.0)


def write_text(folder: Path, name: str, text: str, audio: bytes | None = None) -> None:
    (folder / f"{name}.txt").write_text(text, "utf-8")
    if audio is not None:
        (folder / f"{name}.wav").write_bytes(audio)


def write_json(folder: Path, name: str, audio: bytes | None = None, **row: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(row), "utf-8")
    if audio is not None:
        (folder / f"{name}.wav").write_bytes(audio)


def heard(fixtures: list[Fixture], upload: Clip, options: TranscriptionOptions = TRANSCRIBE) -> Transcription:
    answer = FixtureTranscriber(fixtures).transcribe(upload, options)
    assert answer is not None
    return answer


def text_of(answer: Transcription) -> str:
    return " ".join(segment.text for segment in answer.segments)


def problem(load: Load, folder: Path) -> str:
    with pytest.raises(FixtureError) as refusal:
        load(folder)
    return str(refusal.value)


# Syntax


def test_a_text_beside_a_clip_is_enough(load: Load, tmp_path: Path) -> None:
    write_text(tmp_path, "greeting", "Good morning.\nHow are you?\n", sound())
    answer = heard(load(tmp_path), clip(sound()))
    assert (str(answer.answered_by), answer.duration, answer.languages) == (
        "fixture; name=greeting",
        2.0,
        ("en",),
    )
    assert [segment.text for segment in answer.segments] == ["Good morning.", "How are you?"]
    assert all(segment.words for segment in answer.segments)


def test_json_can_say_all_of_it(load: Load, tmp_path: Path) -> None:
    words = [{"word": "Oui.", "start": 0.5, "end": 1.0, "probability": 0.9}]
    segment = {"text": " Oui. ", "start": 0.5, "end": 1.0, "speaker": "B", "tokens": [1, 2], "words": words}
    write_json(tmp_path, "yes", sound(), language="fr", segments=[segment])
    answer = heard(load(tmp_path), clip(sound()))
    assert answer.languages == ("fr",)
    assert tuple(answer.segments) == (
        Segment("Oui.", 0.5, 1.0, words=(Word("Oui.", 0.5, 1.0, 0.9),), speaker="B", tokens=(1, 2)),
    )


def test_a_translation_is_timed_over_the_clip(load: Load, tmp_path: Path) -> None:
    write_json(tmp_path, "both", sound(), language="fr", text="Oui. Non.", translation="Yes. No.")
    first, second = heard(load(tmp_path), clip(sound()), TRANSLATE).segments
    assert (first.text, second.text) == ("Yes.", "No.")
    assert (first.start, second.end) == (0.0, 2.0)


def test_without_a_translation_somebody_else_must_translate(load: Load, tmp_path: Path) -> None:
    write_json(tmp_path, "yes", sound(), language="fr", text="Oui.")
    assert FixtureTranscriber(load(tmp_path)).transcribe(clip(sound()), TRANSLATE) is None


def test_english_is_its_own_translation(load: Load, tmp_path: Path) -> None:
    write_text(tmp_path, "greeting", "Good morning.", sound())
    assert text_of(heard(load(tmp_path), clip(sound()), TRANSLATE)) == "Good morning."


def test_a_clip_of_silence_has_no_segments_and_no_language(load: Load, tmp_path: Path) -> None:
    write_text(tmp_path, "nothing", "", sound())
    answer = heard(load(tmp_path), clip(sound()))
    assert (tuple(answer.segments), answer.languages) == ((), ())


# Look-up


def test_a_clip_is_found_by_its_bytes(load: Load, tmp_path: Path) -> None:
    write_text(tmp_path, "one", "One.", sound(1))
    write_text(tmp_path, "two", "Two.", sound(2))
    fixtures = load(tmp_path)
    assert text_of(heard(fixtures, clip(sound(1), "two.wav"))) == "One."
    assert text_of(heard(fixtures, clip(sound(2), "one.wav"))) == "Two."


def test_facts_spare_a_known_clip_its_decoding(load: Load, tmp_path: Path) -> None:
    data = b"these bytes would not decode"
    facts = {"container": "wav", "codec": "x", "duration": 7.5, "channels": 1, "sample_rate": RATE}
    facts["pcm_sha256"] = "0" * 64
    write_json(tmp_path, "odd", data, text="Seven and a half.", facts=facts)
    assert heard(load(tmp_path), clip(data)).duration == 7.5


@pytest.mark.parametrize(("muxer", "codec"), [("flac", "flac"), ("mp4", "alac")])
def test_a_clip_is_found_by_its_sound_in_another_container(
    load: Load, tmp_path: Path, muxer: str, codec: str
) -> None:
    write_text(tmp_path, "one", "One.", sound(1))
    written = io.BytesIO()
    with av.open(io.BytesIO(sound(1)), "r") as source, av.open(written, "w", format=muxer) as target:
        stream = target.add_stream(codec, rate=RATE)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        to_codec = av.AudioResampler(stream.codec_context.format, "mono", RATE)
        for frame in source.decode(audio=0):
            target.mux([packet for each in to_codec.resample(frame) for packet in stream.encode(each)])
        target.mux(stream.encode(None))
    assert text_of(heard(load(tmp_path), clip(written.getvalue()))) == "One."


def test_a_clip_is_found_by_its_name_whatever_it_sounds_like(load: Load, tmp_path: Path) -> None:
    write_json(tmp_path, "meetings", text="We met.", files=["meeting-*.wav", "minutes.mp3"])
    fixtures = load(tmp_path)
    assert text_of(heard(fixtures, clip(sound(9), "meeting-7.wav"))) == "We met."
    assert FixtureTranscriber(fixtures).transcribe(clip(sound(9), "Meeting-7.wav"), TRANSCRIBE) is None


def test_what_a_clip_is_counts_more_than_what_it_is_called(load: Load, tmp_path: Path) -> None:
    write_json(tmp_path, "named", text="By name.", files=["*"])
    write_text(tmp_path, "one", "One.", sound(1))
    fixtures = load(tmp_path)
    other_file = sound(1) + b"LIST\x04\x00\x00\x00INFO"
    assert text_of(heard(fixtures, clip(other_file))) == "One."
    assert text_of(heard(fixtures, clip(sound(2)))) == "By name."


def test_later_folders_come_before_earlier_ones(load: Load, tmp_path: Path) -> None:
    for name in ("earlier", "later"):
        (tmp_path / name).mkdir()
        write_text(tmp_path / name, "clip", f"The {name} one.", sound())
    fixtures = load(tmp_path / "earlier", tmp_path / "later")
    assert text_of(heard(fixtures, clip(sound()))) == "The later one."


def test_an_unknown_clip_is_nobodys(load: Load, tmp_path: Path) -> None:
    write_text(tmp_path, "one", "One.", sound(1))
    assert FixtureTranscriber(load(tmp_path)).transcribe(clip(sound(2)), TRANSCRIBE) is None
    assert FixtureTranscriber([]).transcribe(clip(sound(2)), TRANSCRIBE) is None


def test_what_is_no_sound_is_no_clip(load: Load, tmp_path: Path) -> None:
    write_text(tmp_path, "one", "One.", sound(1))
    with pytest.raises(UndecodableAudio):
        FixtureTranscriber(load(tmp_path)).transcribe(clip(b"no sound"), TRANSCRIBE)


def test_a_fixture_that_cannot_be_decoded_does_not_hide_the_others(
    load: Load, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.engines.fixtures._MAX_SECONDS", 5.0)
    write_text(tmp_path, "a-gone", "Gone.", sound(1))
    write_text(tmp_path, "b-noise", "Noise.", b"no sound")
    write_text(tmp_path, "c-long", "Long.", sound(2, seconds=6))
    write_text(tmp_path, "d-good", "Good.", sound(3))
    fixtures = FixtureTranscriber(load(tmp_path))
    (tmp_path / "a-gone.wav").unlink()
    answer = fixtures.transcribe(clip(sound(3) + b"LIST\x04\x00\x00\x00INFO"), TRANSCRIBE)
    assert answer is not None
    assert text_of(answer) == "Good."
    named = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert named == [str(tmp_path / f"{name}.wav") for name in ("a-gone", "b-noise", "c-long")]


# Errors


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON: "),
        ("[]", "docs/fixtures.md"),
        ("{}", "docs/fixtures.md"),
        ('{"text": 7}', "text"),
        ('{"text": "Hi.", "txet": "Hi."}', "txet"),
        ('{"segments": [{"text": "Hi.", "start": 0}]}', "segments[0]"),
        ('{"segments": [{"text": "Hi.", "start": "0", "end": 1}]}', "segments[0].start"),
        ('{"text": "Hi.", "language": "English"}', "language"),
        ('{"text": "Hi.", "audio": ""}', "audio"),
        ('{"segments": [{"text": "Hi.", "start": 0, "end": 86401}]}', "segments[0].end"),
        ('{"segments": [{"text": "Hi.", "start": 0, "end": 1, "avg_logprob": 0.1}]}', "avg_logprob"),
        ('{"segments": [{"text": "Hi.", "start": NaN, "end": 1}]}', "is not JSON: NaN is not JSON"),
        ('{"segments": [{"text": "Hi.", "start": 0, "end": 1e400}]}', "is not JSON: 1e400 is too large"),
        ('{"text": "Half a \\ud83d."}', "is not JSON: "),
        ("[" * 100_000, "is not JSON: it is nested too deeply"),
    ],
)
def test_bad_json_is_named_with_its_place(load: Load, tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "bad.json").write_text(content)
    (tmp_path / "bad.wav").write_bytes(sound())
    message = problem(load, tmp_path)
    assert message.startswith(f"{tmp_path / 'bad.json'}: ")
    assert says in message


def test_a_folder_that_is_not_there_is_named(load: Load, tmp_path: Path) -> None:
    assert problem(load, tmp_path / "nowhere") == (
        f"{tmp_path / 'nowhere'}: is not a folder. Give a folder of fixtures, or leave --fixtures out."
    )


def test_a_text_without_a_clip_is_named(load: Load, tmp_path: Path) -> None:
    write_text(tmp_path, "lonely", "Is anybody there?")
    assert problem(load, tmp_path).startswith(f"{tmp_path / 'lonely.txt'}: no audio file")


def test_a_text_that_is_not_utf_8_is_named(load: Load, tmp_path: Path) -> None:
    (tmp_path / "latin.wav").write_bytes(sound())
    (tmp_path / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    assert problem(load, tmp_path).startswith(f"{tmp_path / 'latin.txt'}: is not UTF-8 text: ")


def test_a_byte_order_mark_is_no_part_of_the_text(load: Load, tmp_path: Path) -> None:
    for number, (suffix, content) in enumerate([("txt", "Hi."), ("json", '{"text": "Hi."}')]):
        (tmp_path / f"{suffix}.{suffix}").write_text(content, "utf-8-sig")
        (tmp_path / f"{suffix}.wav").write_bytes(sound(number))
    assert [fixture.text for fixture in load(tmp_path)] == ["Hi.", "Hi."]


def test_a_hash_of_another_file_is_named_with_the_right_one(load: Load, tmp_path: Path) -> None:
    write_json(tmp_path, "clip", sound(), text="Hi.", sha256="0" * 64)
    right = hashlib.sha256(sound()).hexdigest()
    assert problem(load, tmp_path) == (
        f"{tmp_path / 'clip.json'}: `sha256` is not the hash of clip.wav ({right}). Correct it, or leave it out."
    )


def test_a_text_that_is_not_that_of_the_segments_is_named(load: Load, tmp_path: Path) -> None:
    write_json(tmp_path, "clip", sound(), text="Ho.", segments=[{"text": "Hi.", "start": 0, "end": 1}])
    assert problem(load, tmp_path) == (
        f"{tmp_path / 'clip.json'}: `text` differs from the text of the segments ('Hi.'). Leave one of them out."
    )


@pytest.mark.parametrize("audio", ["gone.wav", "../gone.wav", ".", "\0"])
def test_an_audio_file_that_is_not_there_is_named(load: Load, tmp_path: Path, audio: str) -> None:
    (tmp_path / "clip.json").write_text(json.dumps({"text": "Hi.", "audio": audio}))
    assert problem(load, tmp_path) == (
        f"{tmp_path / 'clip.json'}: `audio`: {tmp_path / audio} is not a file. Correct it, or leave it out."
    )


def segment(start: float, end: float, *words: tuple[float, float]) -> dict[str, object]:
    spoken = [{"word": "Hi.", "start": begin, "end": until} for begin, until in words]
    return {"text": "Hi.", "start": start, "end": end, "words": spoken}


@pytest.mark.parametrize(
    ("segments", "says"),
    [
        ([segment(0, 1), segment(2, 1)], "segments[1]: it ends before it starts."),
        ([segment(0, 1, (0, 1), (0.6, 0.5))], "segments[0].words[1]: it ends before it starts, or is not "),
        (
            [segment(0, 1, (0.5, 1.1))],
            "segments[0].words[0]: it ends before it starts, or is not within its ",
        ),
        ([segment(1, 2, (0.9, 2))], "segments[0].words[0]: it ends before it starts, or is not within its "),
    ],
)
def test_times_that_make_no_sense_are_named_with_their_place(
    load: Load, tmp_path: Path, segments: list[dict[str, object]], says: str
) -> None:
    write_json(tmp_path, "clip", sound(), segments=segments)
    assert problem(load, tmp_path).startswith(f"{tmp_path / 'clip.json'}: {says}")


def test_a_json_that_nothing_can_lead_to_is_named(load: Load, tmp_path: Path) -> None:
    write_json(tmp_path, "lonely", text="Is anybody there?")
    assert problem(load, tmp_path).startswith(f"{tmp_path / 'lonely.json'}: ")


# Shipped fixtures


def test_the_facts_of_the_shipped_fixtures_are_true(load: Load) -> None:
    fixtures = load(FIXTURES)
    assert {fixture.name for fixture in fixtures} >= {"hello", "fox", "bonjour", "support-call"}
    for fixture in fixtures:
        assert fixture.audio is not None
        assert clip(fixture.audio.read_bytes()).facts == fixture.facts
        assert fixture.facts is not None
        assert all(0 <= each.start < each.end <= fixture.facts.duration + 0.001 for each in fixture.segments)
        assert " ".join(each.text for each in fixture.segments) == fixture.text


def test_the_fixtures_that_ship_are_as_their_schema_says(schemas: Schemas) -> None:
    shipped = sorted(FIXTURES.glob("*.json"))
    assert len(shipped) == 4
    assert [schemas.violations("mock/fixture", json.loads(path.read_bytes())) for path in shipped] == [[]] * 4

"""Fixtures: clips with a known transcript.

A fixture is a JSON file (``schemas/mock/fixture.json``) or a text file that contains only the transcript, next to an
audio file of the same name. A clip is looked up by the SHA-256 of its file, then by the hash of its decoded PCM (the
same samples in another lossless container), then by its file name.
"""

from __future__ import annotations

import fnmatch
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from mockserver import strict_json
from mockserver.audio.clip import Clip
from mockserver.audio.decode import AudioTooLong, ClipFacts, UndecodableAudio
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.derive import segments_of, with_words
from mockserver.engines.transcription import Segment, Transcription, TranscriptionOptions, Word
from mockserver.installation import run_or_complain
from mockserver.resources import FileNotReadable, read_bytes, read_text

if TYPE_CHECKING:
    from mockserver.catalog.tables import Catalog

log = logging.getLogger(__name__)

_MAX_SECONDS = 86_400.0
_MAX_CLIP_BYTES = 1 << 28  # bytes; larger audio files of fixtures are not decoded

Explain = Callable[[object], str | None]  # returns what is wrong with a fixture's JSON, or None


class FixtureError(Exception):
    """A fixture cannot be used. The message names the file, the place in it and the remedy."""


class Fixture(Struct, frozen=True):
    """A clip with a known transcript. ``facts`` are those of its audio file, if the fixture states them."""

    name: str
    text: str
    language: str
    segments: tuple[Segment, ...] = ()
    translation: str = ""
    files: tuple[str, ...] = ()
    audio: Path | None = None
    sha256: str = ""
    facts: ClipFacts | None = None

    def transcription(self, duration: float, task: str) -> Transcription | None:
        """Return the transcription of a clip of this fixture that lasts ``duration`` seconds.

        Return ``None`` for the task ``translate`` if the fixture has no translation and is not English.
        """
        answered_by = AnsweredBy("fixture").with_detail("name", self.name)
        if task == "translate" and self.language != "en":
            if not self.translation:
                return None
            return Transcription(answered_by, duration, (self.language,), _timed(self.translation, duration))
        languages = (self.language,) if self.text else ()
        return Transcription(answered_by, duration, languages, self.segments or _timed(self.text, duration))


class FixtureTranscriber:
    """A ``Transcriber`` of the clips of fixtures. If two fixtures match a clip, the first is used."""

    def __init__(self, fixtures: Iterable[Fixture]) -> None:
        self.fixtures = tuple(fixtures)
        first = tuple(reversed(self.fixtures))
        self._by_sha256 = {fixture.sha256: fixture for fixture in first if fixture.sha256}
        self._by_name = tuple(fixture for fixture in self.fixtures if fixture.files)
        self._by_pcm: dict[str, Fixture] | None = None
        self._decoded: dict[str, ClipFacts] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Decode the fixtures' audio in the background. Otherwise the first unknown clip waits for it."""
        thread = threading.Thread(
            target=run_or_complain, args=[self._pcm_index], name="fixtures", daemon=True
        )
        thread.start()

    def transcribe(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """Return the fixture's transcription if the clip is known, else ``None``."""
        fixture = self.find(clip)
        if fixture is None:
            return None
        return fixture.transcription(clip.facts.duration, options.task)

    def find(self, clip: Clip) -> Fixture | None:
        """Return the fixture of ``clip``. A clip known by the hash of its file is decoded once for all requests."""
        fixture = self._by_sha256.get(clip.sha256)
        if fixture is not None:
            clip.facts = self._facts(fixture, clip)
            return fixture
        named = self._named(clip.name)
        if not self.fixtures:
            return None
        try:
            return self._pcm_index().get(clip.facts.pcm_sha256) or named
        except UndecodableAudio:
            if named is None:
                raise
            return named

    def _named(self, name: str) -> Fixture | None:
        for fixture in self._by_name:
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in fixture.files):
                return fixture
        return None

    def _facts(self, fixture: Fixture, clip: Clip) -> ClipFacts:
        """Return the facts of the fixture's own file, ``clip``. Raises ``UndecodableAudio``."""
        facts = fixture.facts or self._decoded.get(fixture.sha256)
        if facts is None:
            facts = self._decoded[fixture.sha256] = clip.facts
        return facts

    def _pcm_index(self) -> dict[str, Fixture]:
        with self._lock:
            if self._by_pcm is None:
                by_pcm: dict[str, Fixture] = {}
                for fixture in self.fixtures:
                    if fixture.audio is not None:
                        self._index(fixture, fixture.audio, by_pcm)
                self._by_pcm = by_pcm
            return self._by_pcm

    def _index(self, fixture: Fixture, audio: Path, by_pcm: dict[str, Fixture]) -> None:
        try:
            clip = Clip(
                b"" if fixture.facts else read_bytes(audio, _MAX_CLIP_BYTES), audio.name, _MAX_SECONDS
            )
            by_pcm.setdefault(self._facts(fixture, clip).pcm_sha256, fixture)
        except (UndecodableAudio, AudioTooLong, FileNotReadable) as error:
            log.warning(
                "%s: this fixture's audio cannot be decoded: %s. Only the hash of the file identifies it.",
                audio,
                error,
            )


def load_fixtures(folders: Sequence[Path], catalog: Catalog, explain: Explain) -> list[Fixture]:
    """Return the fixtures of some folders, those of later folders first.

    ``explain`` describes what is wrong with a fixture's JSON. Raises ``FixtureError`` for the first invalid fixture.
    """
    fixtures: list[Fixture] = []
    for folder in folders:
        found = []
        for path in _files_of(folder):
            if path.suffix == ".json":
                found.append(_from_json(path, catalog, explain))
            elif path.suffix == ".txt":
                found.append(_from_text(path, catalog))
        fixtures = found + fixtures
    return fixtures


def _files_of(folder: Path) -> list[Path]:
    """Return the paths in a folder, sorted by name. Raises ``FixtureError``."""
    if not os.path.isdir(folder):
        raise FixtureError(f"{folder}: is not a folder. Give a folder of fixtures, or leave --fixtures out.")
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise FixtureError(
            f"{folder}: cannot be read: {error.strerror}. Change its permissions, or leave --fixtures out."
        ) from error


def _name_of(path: Path) -> str:
    """Return a fixture's name: the stem of its file's name, with bytes that are not UTF-8 escaped."""
    return os.fsencode(path.stem).decode("utf-8", "backslashreplace")


def _from_json(path: Path, catalog: Catalog, explain: Explain) -> Fixture:
    try:
        row = strict_json.parse(read_bytes(path))
    except FileNotReadable as error:
        raise FixtureError(f"{path}: {error}") from error
    except ValueError as error:
        raise FixtureError(f"{path}: is not JSON: {error}. Correct it.") from error
    problem = explain(row)
    if problem:
        raise FixtureError(f"{path}: {problem} docs/fixtures.md describes the fields of a fixture.")
    misplaced = _misplaced(row.get("segments", ()))
    if misplaced:
        raise FixtureError(f"{path}: {misplaced}")
    segments = tuple(_segment(segment) for segment in row.get("segments", ()))
    text = " ".join(segment.text for segment in segments) if segments else row["text"].strip()
    if row.get("text", text).strip() != text:
        raise FixtureError(
            f"{path}: `text` differs from the text of the segments ({text!r}). Leave one of them out."
        )
    fixture = Fixture(
        name=_name_of(path),
        text=text,
        language=row.get("language", "en"),
        segments=segments,
        translation=row.get("translation", ""),
        files=tuple(row.get("files", ())),
        sha256=row.get("sha256", ""),
        facts=ClipFacts(**row["facts"]) if "facts" in row else None,
    )
    audio = path.parent / row["audio"] if "audio" in row else _audio_beside(path, catalog)
    if audio is None and not fixture.files and not fixture.sha256:
        raise FixtureError(
            f"{path}: no {path.stem}.{{{','.join(catalog.audio_extensions)}}} in the same folder. "
            "Add the clip, or name it by `audio`, `sha256` or `files`."
        )
    return _with_audio(fixture, audio, path)


def _from_text(path: Path, catalog: Catalog) -> Fixture:
    audio = _audio_beside(path, catalog)
    if audio is None:
        raise FixtureError(f"{path}: no audio file of the same name in this folder. Add it.")
    try:
        text = " ".join(read_text(path).split())
    except FileNotReadable as error:
        raise FixtureError(f"{path}: {error}") from error
    return _with_audio(Fixture(_name_of(path), text, "en"), audio, path)


def _with_audio(fixture: Fixture, audio: Path | None, path: Path) -> Fixture:
    if audio is None:
        return fixture
    if not os.path.isfile(audio):
        raise FixtureError(f"{path}: `audio`: {audio} is not a file. Correct it, or leave it out.")
    try:
        with audio.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FixtureError(
            f"{path}: its audio file cannot be read: {error.strerror}. Change its permissions."
        ) from error
    if fixture.sha256 and fixture.sha256 != sha256:
        raise FixtureError(
            f"{path}: `sha256` is not the hash of {audio.name} ({sha256}). Correct it, or leave it out."
        )
    return replace(fixture, audio=audio, sha256=sha256)


def _audio_beside(path: Path, catalog: Catalog) -> Path | None:
    for extension in catalog.audio_extensions:
        audio = path.with_suffix("." + extension)
        if audio.is_file():
            return audio
    return None


def _segment(row: dict[str, Any]) -> Segment:
    members = {name: value for name, value in row.items() if name != "words"}
    members["text"] = members["text"].strip()
    if "tokens" in members:
        members["tokens"] = tuple(members["tokens"])
    if "words" in row:
        members["words"] = tuple(
            Word(word["word"].strip(), word["start"], word["end"], word.get("probability"))
            for word in row["words"]
        )
    return with_words(Segment(**members))


def _misplaced(segments: Sequence[dict[str, Any]]) -> str | None:
    """Return a message for the first segment or word with impossible times; ``None`` if there is none."""
    for i, segment in enumerate(segments):
        if segment["end"] < segment["start"]:
            return f"segments[{i}]: it ends before it starts."
        for j, word in enumerate(segment.get("words", ())):
            if not segment["start"] <= word["start"] <= word["end"] <= segment["end"]:
                return f"segments[{i}].words[{j}]: it ends before it starts, or is not within its segment."
    return None


@lru_cache(maxsize=1024)
def _timed(text: str, duration: float) -> tuple[Segment, ...]:
    return tuple(with_words(segment) for segment in segments_of(text, duration))

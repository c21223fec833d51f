"""The checks of ``mockserver doctor``, which run in a child process because they can crash.

``main`` reads the pickled settings from standard input and the names of the checks from the arguments. It writes lines
of JSON to standard output: ``{"begins": NAME}`` before each check, then its ``Finding``.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mockserver.commands.failures import STARTUP_FAILURES
from mockserver.installation import (
    GONE,
    broken_part,
    complaint_about,
    incomplete_distributions,
    missing_parts,
    parts_in_use,
)

if TYPE_CHECKING:
    from mockserver.services import Services
    from mockserver.settings.model import Settings


class Finding(NamedTuple):
    """The result of a check: passed (``well``), or a problem with its remedy, which can be ``fatal``."""

    subject: str
    well: bool
    text: str
    fatal: bool = True


def main() -> None:
    """Run the checks that the arguments name."""
    results = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # keeps the output of libraries out of the results
    server = ServerUnderTest(pickle.loads(sys.stdin.buffer.read()))  # noqa: S301 - from the parent process
    for subject in sys.argv[1:]:
        for line in ({"begins": subject}, finding_of(subject, server)._asdict()):
            print(json.dumps(line), file=results, flush=True)
    server.close()


def finding_of(subject: str, server: ServerUnderTest) -> Finding:
    """Run the check of a ``subject`` and return its finding. Any exception is a finding, too."""
    try:
        return CHECKS[subject](server)
    except Exception as error:  # noqa: BLE001 - every exception is a finding
        return Finding(subject, False, broken_part(error) or f"{type(error).__name__}: {error}")


class ServerUnderTest:
    """A server with some settings but without its state, created when a check first needs it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def services(self) -> Services:
        """Return the services of the server."""
        from mockserver.app import build_services

        return build_services(replace(self.settings, state="", store="memory"))

    def close(self) -> None:
        """Stop the engines of the server, if it was created."""
        if "services" in vars(self):
            self.services.close()


def _files(_: ServerUnderTest) -> Finding:
    incomplete = list(incomplete_distributions())
    if incomplete:
        return Finding("files", False, "; ".join(incomplete))
    return Finding("files", True, "all installed files are complete")


def _libraries(_: ServerUnderTest) -> Finding:
    missing, broken, loaded = missing_parts(), [], []
    for part in parts_in_use():
        if part in missing:
            broken.append(complaint_about(part, GONE))
            continue
        try:
            importlib.import_module(part.module)
            loaded.append(part.distribution)
        except Exception as error:  # noqa: BLE001 - with any exception it cannot be used
            broken.append(broken_part(error) or complaint_about(part, f"{type(error).__name__}: {error}"))
    if broken:
        return Finding("libraries", False, "; ".join(dict.fromkeys(broken)))
    return Finding("libraries", True, f"{len(loaded)} can be loaded: {', '.join(loaded)}")


def _tables(_: ServerUnderTest) -> Finding:
    from mockserver.catalog.reading import read_table
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.commands.complaints import PACKAGE, TABLES
    from mockserver.engines.espeak.delivery import direction_of
    from mockserver.engines.text_language import language_of_text
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.providers.openai.response_headers import ResponseHeaders

    for table in TABLES:
        read_table(PACKAGE / table)
    catalog = Catalog()
    for model in catalog.models:
        catalog.card(model.id)
    in_use = (catalog.offers, catalog.custom_voices, catalog.audio_extensions, catalog.language_code("en"))
    ResponseHeaders(Ids("doctor"), Clock(), full=True, repeatable=False)
    direction_of("Speak slowly, with a British accent.")
    language_of_text("Zwei Bücher")
    counts = f"{len(catalog.models)} models, {len(catalog.voices)} voices, {len(ErrorTable().rows)} errors"
    return Finding("tables", all(in_use), f"{len(TABLES)} can be read: {counts}")


def _schemas(_: ServerUnderTest) -> Finding:
    from mockserver.app import OPERATIONS
    from mockserver.resources import data_folder
    from mockserver.validation.schemas import SchemaError, Schemas

    wanted = {operation.schema for operation in OPERATIONS if operation.schema}
    for real in (False, True):
        schemas = Schemas(data_folder("schemas"), real=real)
        if missing := sorted(wanted - schemas.names):
            raise SchemaError(f"schemas are missing: {', '.join(missing)}")
        for name in sorted(schemas.names):
            schemas.is_valid(name, {})
    if not schemas.violations("openai/create_speech.request", {"model": "tts-1"}):
        raise SchemaError("create_speech.request.json accepts an invalid request")
    count = len(schemas.names)
    return Finding("schemas", True, f"{count} validate requests and explain violations")


def _settings(server: ServerUnderTest) -> Finding:
    try:
        stubs = server.services.stubs.visible(None)
    except STARTUP_FAILURES as error:
        return Finding("settings", False, broken_part(error) or str(error))
    return Finding("settings", True, f"valid, with {len(stubs):,} stubs")


def _speech(_: ServerUnderTest) -> Finding:
    from mockserver.catalog.tables import Catalog
    from mockserver.engines.espeak.driver import espeak_facts
    from mockserver.engines.espeak.speaker import Pyttsx3Speaker
    from mockserver.engines.speech import SpeechFailed, Utterance

    speaker = Pyttsx3Speaker(slots=1)
    try:
        chunks = speaker.speak(Utterance("Hello world.", Catalog().voices[0]))
        size = sum(len(chunk.pcm) for chunk in chunks)
        facts = espeak_facts()
    except SpeechFailed as error:
        remedy = ". Reinstall the speech engine: pip install --force-reinstall pyttsx3 espeakng-loader"
        return Finding("speech", False, f"{error}{'' if 'pip install' in str(error) else remedy}")
    finally:
        speaker.close()
    engine = f"espeak-ng {facts.version} with {facts.voices} voices, from {facts.library}"
    return Finding("speech", True, f"{engine}; synthesized 'Hello world.': {size / 48000:.1f} s of audio")


def _codecs(_: ServerUnderTest) -> Finding:
    from mockserver.audio.clip import Clip
    from mockserver.audio.encode import CONTENT_TYPES, encode_speech

    broken = []
    for response_format in CONTENT_TYPES:
        try:
            encoded = b"".join(encode_speech(iter([bytes(24_000)]), response_format))
            if response_format != "pcm":
                Clip(encoded, f"x.{response_format}", 60.0).duration  # noqa: B018 - decodes it
        except Exception as error:  # noqa: BLE001 - every exception is a finding
            broken.append(f"{response_format} ({broken_part(error) or error})")
    if broken:
        remedy = "Reinstall: pip install --force-reinstall av numpy"
        return Finding("codecs", False, f"cannot encode and decode {', '.join(broken)}. {remedy}")
    return Finding("codecs", True, f"PyAV encodes and decodes {', '.join(CONTENT_TYPES)}")


def _whisper(server: ServerUnderTest) -> Finding:
    from mockserver.audio.clip import Clip
    from mockserver.audio.encode import write_wav
    from mockserver.commands.serve import UNKNOWN_AUDIO
    from mockserver.engines.transcription import EngineFailed, TranscriptionOptions
    from mockserver.engines.whisper.models import MISSING, is_installed

    remedy = "`mockserver models pull tiny` downloads a model, --whisper-model FOLDER names one"
    whisper = server.services.whisper
    if whisper is None:
        unknown_audio = UNKNOWN_AUDIO[server.settings.unknown_audio]
        text = f"turned off; {unknown_audio}. {remedy}." if is_installed() else f"{unknown_audio}. {MISSING}"
        return Finding("Whisper", False, text, fatal=False)
    whisper.wait()
    if whisper.error:
        return Finding("Whisper", False, whisper.error)
    try:
        silence = Clip(write_wav(bytes(32_000), 16_000), "silence.wav", 60.0)
        list(whisper.transcribe(silence, TranscriptionOptions(words=True), lambda: None).segments)
    except EngineFailed as error:
        return Finding("Whisper", False, str(error))
    limits = f"; it understands this server's voices, not people: {remedy}" if whisper.is_embedded else ""
    return Finding("Whisper", True, f"{whisper.model_name} is loaded and transcribes{limits}")


def _tokens(_: ServerUnderTest) -> Finding:
    from mockserver.wire import tokens

    vocabularies: tuple[tokens.Vocabulary, ...] = ("o200k_base", "cl100k_base")
    if all(tokens.load(vocabulary) for vocabulary in vocabularies):
        return Finding("tokens", True, f"splintr counts them exactly, with {' and '.join(vocabularies)}")
    return Finding(
        "tokens",
        False,
        "text tokens are estimated, because splintr is not installed. Install it with: pip install splintr-rs",
        fatal=False,
    )


def _fixtures(server: ServerUnderTest) -> Finding:
    from mockserver.audio.clip import Clip
    from mockserver.engines.fixtures import load_fixtures
    from mockserver.resources import data_folder

    catalog, known = server.services.catalog, server.services.fixtures
    # A server logs an error of the included fixtures and starts without them; here it is raised.
    load_fixtures([data_folder("fixtures")], catalog, lambda _: None)
    for fixture in known.fixtures:
        if fixture.audio is not None:
            clip = Clip(fixture.audio.read_bytes(), fixture.audio.name, server.settings.max_audio_seconds)
            if not clip.duration or known.find(clip) is None:
                return Finding(
                    "fixtures", False, f"{fixture.audio} is not recognised. Reinstall this server."
                )
    names = [fixture.name for fixture in known.fixtures]
    return Finding("fixtures", True, f"{len(names)}: {', '.join(names)}")


def _port(server: ServerUnderTest) -> Finding:
    import flask

    from mockserver.transport.http_server.listener import PortInUse
    from mockserver.transport.http_server.server import listen

    settings = server.settings
    try:
        listening = listen(settings, flask.Flask("doctor"))
    except PortInUse as error:
        return Finding("port", False, str(error), fatal=False)
    except OSError as error:
        return Finding("port", False, str(error))
    listening.stop()
    return Finding("port", True, f"{settings.host}:{settings.port} is free")


def _state(server: ServerUnderTest) -> Finding:
    from mockserver.state.inspection import inspect
    from mockserver.state.layout import StateFolderError
    from mockserver.state.value_rules import ValueRules

    try:
        is_well, text = inspect(Path(server.settings.state).absolute(), ValueRules(server.services.schemas))
    except StateFolderError as error:
        return Finding("state folder", False, str(error))
    return Finding("state folder", is_well, text, fatal=False)


CHECKS: dict[str, Callable[[ServerUnderTest], Finding]] = {
    "files": _files,
    "libraries": _libraries,
    "tables": _tables,
    "schemas": _schemas,
    "settings": _settings,
    "speech": _speech,
    "codecs": _codecs,
    "Whisper": _whisper,
    "tokens": _tokens,
    "fixtures": _fixtures,
    "port": _port,
    "state folder": _state,
}

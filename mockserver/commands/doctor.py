"""``mockserver doctor``: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from mockserver import namesake
from mockserver.app import build_services
from mockserver.audio.clip import Clip
from mockserver.audio.encode import CONTENT_TYPES, encode_speech
from mockserver.commands.failures import STARTUP_FAILURES
from mockserver.commands.serve import UNHEARD
from mockserver.engines.speech import SpeechFailed, Utterance
from mockserver.engines.whisper_models import MISSING, is_installed
from mockserver.server import PortInUse, listen
from mockserver.state.inspection import inspect
from mockserver.state.layout import StateFolderError
from mockserver.state.value_rules import ValueRules
from mockserver.wire import tokens

if TYPE_CHECKING:
    from mockserver.services import Services
    from mockserver.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found: well, or wrong with a remedy. Not all that is wrong is fatal."""

    subject: str
    well: bool
    text: str
    fatal: bool = True


def run(settings: Settings) -> None:
    """Prints the findings; exits with 1 when something essential does not work."""
    console = Console()
    findings = []
    for finding in examine(settings):
        mark = "[green]ok[/]   " if finding.well else "[red]wrong[/]" if finding.fatal else "[yellow]note[/] "
        console.print(f"{mark} {finding.subject}: ", end="", soft_wrap=True)
        console.print(finding.text, markup=False, highlight=False, soft_wrap=True)
        findings.append(finding)
    if any(not finding.well and finding.fatal for finding in findings):
        sys.exit(1)


def examine(settings: Settings) -> list[Finding]:
    """Tries everything the server needs."""
    try:
        services = build_services(replace(settings, state=""))
    except STARTUP_FAILURES as error:
        return [Finding("settings", False, str(error))]
    try:
        findings = [check(services) for check in CHECKS]
    finally:
        services.close()
    if complaint := namesake.complaint():
        findings.insert(0, Finding("package", False, complaint, fatal=namesake.is_in_charge()))
    if settings.state:
        findings.append(_state(services, settings.state))
    return findings


def _speech(services: Services) -> Finding:
    from mockserver.engines.pyttsx3_driver import espeak_facts

    try:
        utterance = Utterance("Hello world.", services.catalog.voices[0])
        size = sum(len(chunk.pcm) for chunk in services.speaker.speak(utterance))
    except SpeechFailed as error:
        return Finding("speech", False, f"{error} Install it with: pip install espeakng-loader")
    facts = espeak_facts()
    engine = f"espeak-ng {facts.version} with {facts.voices} voices, from {facts.library}"
    return Finding("speech", True, f"{engine}; said 'Hello world.' in {size / 48000:.1f} s of audio")


def _codecs(services: Services) -> Finding:
    silence = bytes(24_000)
    broken = []
    for response_format in CONTENT_TYPES:
        encoded = b"".join(encode_speech(iter([silence]), response_format))
        try:
            if response_format != "pcm":
                Clip(encoded, f"x.{response_format}", 60.0).duration  # noqa: B018 - decodes it
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the doctor looks for
            broken.append(f"{response_format} ({error})")
    if broken:
        return Finding(
            "codecs",
            False,
            f"cannot write and read back {', '.join(broken)}. Reinstall: pip install --force-reinstall av",
        )
    return Finding("codecs", True, f"PyAV writes and reads {', '.join(CONTENT_TYPES)}")


def _whisper(services: Services) -> Finding:
    remedy = "`mockserver models pull tiny` downloads a model, --whisper-model FOLDER names one"
    if services.whisper is None:
        unheard = UNHEARD[services.settings.unknown_audio]
        if not is_installed():
            return Finding("Whisper", False, f"{unheard}. {MISSING}", fatal=False)
        return Finding("Whisper", False, f"none is wanted; {unheard}. {remedy}.", fatal=False)
    services.whisper.wait()
    if services.whisper.state != "ready":
        return Finding("Whisper", False, services.whisper.error)
    whisper = services.whisper
    limits = f"; it understands this server's voices, not people: {remedy}" if whisper.is_embedded else ""
    return Finding("Whisper", True, f"{whisper.model_name} is loaded{limits}")


def _tokens(services: Services) -> Finding:
    del services  # every server counts alike
    vocabularies: tuple[tokens.Vocabulary, ...] = ("o200k_base", "cl100k_base")
    if all(tokens.load(vocabulary) for vocabulary in vocabularies):
        return Finding("tokens", True, f"splintr counts them exactly, by {' and '.join(vocabularies)}")
    return Finding(
        "tokens",
        False,
        "text tokens are estimated, because splintr is not installed. Install it with: pip install splintr-rs",
        fatal=False,
    )


def _port(services: Services) -> Finding:
    import flask

    settings = services.settings
    try:
        server = listen(settings, flask.Flask("doctor"))
    except PortInUse as error:
        return Finding("port", False, str(error), fatal=False)
    except OSError as error:
        return Finding("port", False, str(error))
    server.stop()
    return Finding("port", True, f"{settings.host}:{settings.port} is free")


def _fixtures(services: Services) -> Finding:
    names = [fixture.name for fixture in services.fixtures.fixtures]
    return Finding("fixtures", True, f"{len(names)}: {', '.join(names)}")


def _state(services: Services, path: str) -> Finding:
    try:
        is_well, text = inspect(Path(path).absolute(), ValueRules(services.schemas))
    except StateFolderError as error:
        return Finding("state folder", False, str(error))
    return Finding("state folder", is_well, text, fatal=False)


CHECKS: tuple[Callable[[Services], Finding], ...] = (_speech, _codecs, _whisper, _tokens, _fixtures, _port)

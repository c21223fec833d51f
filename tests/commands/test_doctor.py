"""`mockserver doctor`."""

from __future__ import annotations

import json
import re
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from mockserver.commands import doctor
from mockserver.commands.doctor import examine
from mockserver.commands.examination import ServerUnderTest, finding_of
from mockserver.engines.whisper.models import embedded_model
from mockserver.settings.model import Settings
from mockserver.state.folder import Folder
from mockserver.wire import tokens

pytestmark = pytest.mark.slow

Run = Callable[..., Result]


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that leaves only the checks of some subjects to `doctor`: all of them take seconds."""
    return lambda *subjects: monkeypatch.setattr(doctor, "CHECKS", subjects)


def test_a_healthy_machine_is_well(run: Run) -> None:
    result = run("doctor", "--port", "0")
    assert result.exit_code == 0
    files, libraries, tables, schemas, settings, speech, codecs, whisper, counted, fixtures, port = (
        result.stdout.splitlines()
    )
    assert files == "ok    files: all installed files are complete"
    assert re.fullmatch(r"ok    libraries: \d+ can be loaded: flask, .*", libraries)
    assert re.fullmatch(r"ok    tables: \d+ can be read: \d+ models, 13 voices, \d+ errors", tables)
    assert re.fullmatch(r"ok    schemas: \d+ validate requests and explain violations", schemas)
    assert settings == "ok    settings: valid, with 0 stubs"
    assert re.fullmatch(
        r"ok    speech: espeak-ng \S+ .*synthesized 'Hello world\.': 1\.\d s of audio", speech
    )
    assert codecs == "ok    codecs: PyAV encodes and decodes mp3, opus, aac, flac, wav, pcm"
    assert whisper.startswith(
        "ok    Whisper: embedded is loaded and transcribes; it understands this server's voices, not people: "
    )
    assert "mockserver models pull tiny" in whisper
    assert counted == "ok    tokens: splintr counts them exactly, with o200k_base and cl100k_base"
    assert fixtures == "ok    fixtures: 4: bonjour, fox, hello, support-call"
    assert port == "ok    port: 127.0.0.1:0 is free"


def test_a_custom_model_with_the_name_of_the_included_one_is_not_taken_for_it(
    run: Run, tmp_path: Path, only: Callable[..., None]
) -> None:
    only("Whisper")
    folder = Path(shutil.copytree(embedded_model(), tmp_path / "mine" / "embedded"))
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps({**config, "trained_on": "people"}))
    result = run("doctor", "--port", "0", "--whisper-model", "mine/embedded")
    assert "ok    Whisper: mine/embedded is loaded and transcribes\n" in result.stdout


def test_a_copy_of_the_model_that_ships_is_no_more_than_that(
    run: Run, tmp_path: Path, only: Callable[..., None]
) -> None:
    only("Whisper")
    shutil.copytree(embedded_model(), tmp_path / "tiny")
    result = run("doctor", "--port", "0", "--whisper-model", "tiny")
    assert (
        "ok    Whisper: embedded is loaded and transcribes; it understands this server's voices"
        in result.stdout
    )


def test_tokens_that_are_estimated_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "splintr", None)
    monkeypatch.setattr(tokens, "_tokenizers", {})
    finding = finding_of("tokens", ServerUnderTest(Settings()))
    assert not finding.fatal
    assert finding.text.startswith("text tokens are estimated, because splintr is not installed. ")
    assert "pip install splintr-rs" in finding.text


@pytest.mark.parametrize(
    ("unknown_audio", "expected"),
    [("placeholder", "gets a marked placeholder"), ("error", "is refused with a 503")],
)
def test_without_whisper_unknown_audio_is_not_heard(
    run: Run, unknown_audio: str, expected: str, only: Callable[..., None]
) -> None:
    only("Whisper")
    result = run("doctor", "--port", "0", "--whisper-model", "none", "--unknown-audio", unknown_audio)
    assert result.exit_code == 0
    assert f"note  Whisper: turned off; unknown audio {expected}. " in result.stdout


def test_a_whisper_model_that_is_none_is_fatal(run: Run, tmp_path: object, only: Callable[..., None]) -> None:
    only("Whisper", "codecs")
    with open("model.bin", "wb") as file:
        file.write(b"no model")
    result = run("doctor", "--port", "0", "--whisper-model", ".")
    assert result.exit_code == 1
    assert "wrong Whisper: cannot load the Whisper model ." in result.stdout
    assert "ok    codecs" in result.stdout


def test_a_port_in_use_is_no_disease(run: Run, only: Callable[..., None]) -> None:
    only("port")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("doctor", "--port", str(port))
    assert result.exit_code == 0
    assert f"note  port: 127.0.0.1:{port} is in use by another program." in result.stdout


def test_an_address_that_is_not_here_is_fatal(run: Run, only: Callable[..., None]) -> None:
    only("port")
    result = run("doctor", "--host", "192.0.2.1")
    assert result.exit_code == 1
    assert "wrong port: cannot listen on 192.0.2.1:4010: " in result.stdout


def test_bad_fixtures_are_fatal(run: Run, only: Callable[..., None]) -> None:
    only("settings", "codecs")
    result = run("doctor", "--fixtures", "nowhere")
    assert result.exit_code == 1
    assert "wrong settings: nowhere: is not a folder." in result.stdout
    assert "ok    codecs: " in result.stdout


def test_findings_are_also_for_programs() -> None:
    findings = list(examine(Settings(port=0, whisper_model="none")))
    assert [finding.subject for finding in findings] == [
        "files",
        "libraries",
        "tables",
        "schemas",
        "settings",
        "speech",
        "codecs",
        "Whisper",
        "tokens",
        "fixtures",
        "port",
    ]
    assert [finding.subject for finding in findings if not finding.well] == ["Whisper"]
    assert not any(finding.fatal for finding in findings if not finding.well)


def test_a_state_folder_is_tried(run: Run, tmp_path: Path, only: Callable[..., None]) -> None:
    only("state folder")
    result = run("doctor", "--port", "0", "--state", str(tmp_path / "state"))
    assert result.exit_code == 0
    assert f"ok    state folder: {tmp_path / 'state'} does not exist yet" in result.stdout


def test_a_state_folder_in_use_is_no_disease(run: Run, tmp_path: Path, only: Callable[..., None]) -> None:
    only("state folder")
    held = Folder(tmp_path / "state")
    result = run("doctor", "--port", "0", "--state", str(tmp_path / "state"))
    held.close()
    assert result.exit_code == 0
    assert f"note  state folder: state: another server is using {tmp_path / 'state'}." in result.stdout


def test_a_state_folder_that_is_a_file_is_fatal(run: Run, tmp_path: Path, only: Callable[..., None]) -> None:
    only("state folder")
    (tmp_path / "file").touch()
    result = run("doctor", "--port", "0", "--state", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert f"wrong state folder: state: {tmp_path / 'file'} cannot be used as a folder" in result.stdout

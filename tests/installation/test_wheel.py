"""The wheel is complete: built here, unpacked elsewhere, started without the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def test_schemas_fixtures_guides_and_tables_are_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    wanted = {
        f"mockserver/{path.relative_to(ROOT).as_posix()}"
        for folder in ("schemas", "fixtures", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    wanted |= {f"mockserver/catalog/{path.name}" for path in (ROOT / "mockserver" / "catalog").glob("*.toml")}
    assert wanted - packed == set()
    assert {"mockserver/py.typed", "mockserver/llms.txt"} <= packed
    assert [name for name in packed if name.startswith(("tests/", "docs/", "benchmarks/"))] == []


def test_it_serves_without_the_repository(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "unpacked")
    script = """
import pathlib, sys
import mockserver
from mockserver.testing.mock_server import MockServer
from mockserver.settings.model import Settings
import openai

clip = pathlib.Path(mockserver.__file__).parent / "fixtures" / "hello.wav"
settings = Settings(port=0, log_level="error")
with MockServer(settings) as server, openai.OpenAI(base_url=server.base_url, api_key="sk-mock-me") as client:
    print(clip.parents[1])
    print(client.audio.transcriptions.create(model="whisper-1", file=clip).text)
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello world.").content
    print(client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", spoken)).text)
    unknown = ("twice.mp3", spoken * 2)
    heard = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=unknown)
    print(heard.headers["x-mock-answered-by"])
    print(heard.parse().text)
"""
    (tmp_path / "elsewhere").mkdir()
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "elsewhere",
        env=os.environ | {"PYTHONPATH": str(tmp_path / "unpacked"), "HF_HUB_CACHE": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr == ""
    package, fixture, spoken, answered_by, heard = result.stdout.splitlines()
    assert Path(package) == tmp_path / "unpacked" / "mockserver"
    assert (fixture, spoken) == ("Hello world, this is a test.", "Hello world.")
    assert answered_by == "whisper; model=embedded"
    assert re.findall(r"\w+", heard.lower()) == ["hello", "world", "hello", "world"]

"""Each snippet of docs/clients.md runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver.testing.audio_api import AudioApi
from tests.clients.node import NPM

ROOT = Path(__file__).parents[2]
SERVED_AT = "http://127.0.0.1:4010"
PAGE = (ROOT / "docs" / "clients.md").read_text("utf-8")
SECTIONS = PAGE.partition("\n## Snippets\n")[2].partition("\n## ")[0].split("\n### ")[1:]
SNIPPETS = [
    pytest.param(language, program, id=f"{section.partition(chr(10))[0]}-{number}")
    for section in SECTIONS
    for number, (language, program) in enumerate(
        re.findall(r"^```(python|js)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL), 1
    )
]


def test_each_client_has_a_snippet() -> None:
    tables = PAGE.partition("\n## What is tested\n")[2].partition("`make test-realtime-clients`")[0]
    tested = re.findall(r"^\| `?([\w -]+?)`?(?:, \w+)? \|", tables, re.MULTILINE)
    assert sorted(set(tested) - {"client"}) == sorted(section.partition("\n")[0] for section in SECTIONS)
    assert all("```" in section for section in SECTIONS)


@pytest.mark.parametrize(("language", "program"), SNIPPETS)
def test_it_runs(language: str, program: str, audio_api: AudioApi, tmp_path: Path) -> None:
    file = tmp_path / ("snippet.mjs" if language == "js" else "snippet.py")
    file.write_text(program.replace(SERVED_AT, audio_api.url), "utf-8")
    (tmp_path / "node_modules").symlink_to(NPM / "node_modules", target_is_directory=True)
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures", target_is_directory=True)
    done = subprocess.run(
        ["node" if language == "js" else sys.executable, str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "LLM_USER_PATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr

"""The commands of the guide to several processes."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

from tests.docs.guides import DOCS, blocks
from tests.transport.http_server.talking import running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="workers need a system that can fork"),
]

COMMANDS = [
    line for block in blocks((DOCS / "scaling.md").read_text("utf-8"), "sh") for line in block.splitlines()
]


@pytest.mark.parametrize(
    "command", [each for each in COMMANDS if each.startswith("mockserver serve --workers")]
)
def test_the_server_of_the_guide_answers(tmp_path: Path, command: str) -> None:
    with running(tmp_path, *command.split()[2:]) as (_, url):
        assert httpx.get(f"{url}/ready").json() == {"status": "ready"}

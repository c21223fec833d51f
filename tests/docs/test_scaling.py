"""The commands of the guide to several processes."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.docs.guides import DOCS, blocks
from tests.redis_process import RedisProcess
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
        assert httpx.get(f"{url}/ready", timeout=60).json() == {"status": "ready"}


def test_a_server_uses_the_redis_of_the_guide(tmp_path: Path, redis_server: RedisProcess) -> None:
    (command,) = (
        each for each in COMMANDS if each.startswith("mockserver serve --store redis:") and "work" not in each
    )
    given = [redis_server.url() if each.startswith("redis://") else each for each in command.split()[2:]]
    with running(tmp_path, *given) as (_, url):
        assert httpx.get(f"{url}/ready", timeout=60).json() == {"status": "ready"}


def test_the_extra_of_the_guide_exists() -> None:
    (extra,) = (each for each in COMMANDS if each.startswith("pip install"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert extra == 'pip install "audio-mockserver[redis]"'
    assert any(each.startswith("redis") for each in project["optional-dependencies"]["redis"])

"""The examples of the guide of Realtime sessions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mockserver.testing.mock_server import MockServer
from tests.docs.guides import DOCS, RUNNABLE, blocks, program_runner

GUIDE = (DOCS / "realtime.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [pytest.param(each, id=str(number)) for number, each in enumerate(blocks(GUIDE, "python", RUNNABLE))],
)
def test_python_examples_run(program: str, server: MockServer, tmp_path: Path) -> None:
    done = program_runner(server, tmp_path)([sys.executable, "-c"], program)
    assert done.returncode == 0, done.stderr

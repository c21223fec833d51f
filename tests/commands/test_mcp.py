"""`mockserver mcp`: what cannot be used is refused in a line on standard error, before the protocol begins."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from mockserver.cli import main

Run = Callable[..., Any]


@pytest.fixture
def run() -> Run:
    from click.testing import CliRunner

    return lambda *arguments: CliRunner().invoke(main, ["mcp", *arguments])


def test_what_is_no_url_of_a_server_is_refused(run: Run) -> None:
    result = run("--url", "127.0.0.1:4010")
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(r"mockserver: --url: .+such as http://127\.0\.0\.1:4010\.\n", result.stderr)


def test_a_file_of_certificates_that_cannot_be_read_is_refused(run: Run) -> None:
    result = run("--url", "https://127.0.0.1:4010", "--ca-file", "no/such.pem")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no/such.pem: cannot be read" in result.stderr


def test_without_the_package_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    result = run()
    assert (result.exit_code, result.stdout) == (1, "")
    assert 'pip install "audio-mockserver[mcp]"' in result.stderr


def test_an_invalid_setting_is_refused(run: Run) -> None:
    result = run("--strictness", "loose")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "strictness" in result.stderr

"""The cost of a pytest fixture: set-up, one request, teardown; against aimock-pytest and pytest-httpserver."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import aimock, npm
from benchmarks.processes import clean_environment
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report import Options

_TESTS = 20  # in each run; the first one, which may start a server, is not counted
_ROUNDS = 3
_ALLOWED = 20.0  # milliseconds
_INSTALL_SECONDS = 180

_CONFTEST = """
import collections, http.client, json, pathlib, urllib.parse

durations = collections.defaultdict(float)

def pytest_runtest_logreport(report):
    assert report.passed, report.longreprtext
    durations[report.nodeid] += report.duration

def pytest_sessionfinish():
    pathlib.Path("durations.json").write_text(json.dumps(list(durations.values())))

def ask(url, key="sk-mock-me"):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]})
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["choices"][0]["message"]["content"] == "Scripted."
"""
_TEST = """
import pytest
from conftest import ask

@pytest.mark.parametrize("number", range({tests}))
def test_a_scripted_answer({fixture}, number):
    {script}
    ask({asked})
"""
_COMPLETION = {"choices": [{"message": {"role": "assistant", "content": "Scripted."}}]}


class _Suite(NamedTuple):
    """Tests with one fixture: how its answer is set, where requests go, what installs it."""

    fixture: str
    script: str
    asked: str
    package: str = ""


_OURS = _Suite("audio_api", 'audio_api.on_chat().say("Scripted.")', "audio_api.url, audio_api.api_key")
_AIMOCK = _Suite(
    "aimock",
    'aimock.on_message("Hello.", {"content": "Scripted."})',
    "aimock.base_url",
    "aimock-pytest==0.7.0",
)
_HTTPSERVER = _Suite(
    "httpserver",
    f'httpserver.expect_request("/v1/chat/completions").respond_with_json({_COMPLETION})',
    'httpserver.url_for("")',
    "pytest-httpserver",
)


class _NotThere(Exception):
    """A rival cannot be run here; the message says why."""


def run(options: Options) -> Iterator[Row]:
    """Run pytest as separate processes, in turn; return medians over the tests of all rounds."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        took: dict[_Suite, list[float]] = {_OURS: []}
        problems: dict[_Suite, str] = {}
        environments = {_OURS: clean_environment()}
        for rival in (_AIMOCK, _HTTPSERVER):
            try:
                environments[rival] = _environment(rival, options, scratch)
                took[rival] = []
            except (_NotThere, npm.NotThere) as error:
                problems[rival] = f"not compared: {error}"
        for _ in range(_ROUNDS):
            for suite in took:
                took[suite] += _durations(suite, environments[suite], scratch)
    ours = statistics.median(took[_OURS]) * 1000
    yield Row("a test with audio_api", "ms", ours, _ALLOWED, 1.0, f"median of {len(took[_OURS])} tests")
    for rival, what in ((_AIMOCK, "a Node process for each test"), (_HTTPSERVER, "one server, cleared")):
        if rival in problems:
            yield Row(f"against {rival.package}", note=problems[rival])
        else:
            theirs = statistics.median(took[rival]) * 1000
            yield Row(f"against {rival.package}", "ms", ours, theirs, note=what)


def _durations(suite: _Suite, environment: dict[str, str], scratch: Path) -> list[float]:
    """Return seconds of each test but the first: set-up, call and teardown."""
    folder = scratch / suite.fixture
    folder.mkdir(exist_ok=True)
    (folder / "conftest.py").write_text(_CONFTEST, "utf-8")
    test = _TEST.format(tests=_TESTS, fixture=suite.fixture, script=suite.script, asked=suite.asked)
    (folder / "test_it.py").write_text(test, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the tests with {suite.fixture} failed:\n{done.stdout}{done.stderr}")
    durations: list[float] = json.loads((folder / "durations.json").read_text("utf-8"))
    return durations[1:]


def _environment(rival: _Suite, options: Options, scratch: Path) -> dict[str, str]:
    """Return the environment with an installed rival. Raise ``_NotThere`` and ``npm.NotThere``."""
    site = scratch / f"site-{rival.fixture}"
    environment = clean_environment() | {"PYTHONPATH": str(site)}
    if rival is _AIMOCK:
        cli = aimock.find(options.aimock, scratch) / "dist" / "cli.js"
        environment["AIMOCK_CLI_PATH"] = str(cli)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(site), rival.package]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_SECONDS, env=os.environ)
    except (OSError, subprocess.SubprocessError) as error:
        raise _NotThere(f"pip could not install {rival.package} ({error})") from error
    return environment

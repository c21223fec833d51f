"""The GitHub Action: the scripts of its steps, run as a runner does, with the server of this checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
SERVER = ROOT / ".venv" / "bin" / "audio-mockserver"


class Job:
    """A job on a runner: its folder, its variables, and the step that starts the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for file in self.files.values():
            file.touch()

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a step with the variables of earlier steps."""
        environ = (
            os.environ | {name: str(path) for name, path in self.files.items()} | self.variables("GITHUB_ENV")
        )
        environ |= {"RUNNER_TEMP": str(self.folder), "AUDIO_MOCKSERVER": str(SERVER)} | variables
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)

    def start(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        variables = {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
        return self.run("bash", str(ROOT / "deploy" / "ci" / "start.sh"), **variables)

    def report(self) -> subprocess.CompletedProcess[str]:
        return self.run(
            sys.executable, str(ROOT / "deploy" / "ci" / "report.py"), str(self.folder / "report")
        )

    def variables(self, file: str) -> dict[str, str]:
        """Return the lines of a file as a dictionary."""
        lines = self.files[file].read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    job = Job(tmp_path)
    yield job
    job.report()  # ends the server


def ask(url: str, body: bytes | None = None) -> bytes:
    headers = {"Authorization": "Bearer sk-mock-ci", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        data: bytes = answer.read()
        return data


def has_ended(url: str) -> bool:
    """Return whether no server answers any more, within a while."""
    for _ in range(200):
        try:
            ask(url + "/health")
        except OSError as error:
            if "refused" in str(error):
                return True
        time.sleep(0.05)
    return False


def test_the_inputs_of_the_scripts_are_those_of_the_action() -> None:
    start = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "start")
    for name, value in start["env"].items():
        if name.startswith("INPUT_"):
            assert value == f"${{{{ inputs.{name.removeprefix('INPUT_').lower()} }}}}"
            assert name.removeprefix("INPUT_").lower() in ACTION["inputs"]
    assert "${{" not in start["run"], "an input must not become a part of a script"


def test_the_steps_of_a_job(job: Job, tmp_path: Path) -> None:
    stubs = tmp_path / "my stubs"
    stubs.mkdir()
    (stubs / "weather.yaml").write_text(
        "when: {endpoint: /v1/weather}\nreply: {json: {sky: blue}}\n", "utf-8"
    )
    started = job.start(stubs=str(stubs), tier="tier-1", args='--seed "a seed" --whisper-model none')
    assert started.returncode == 0, started.stderr
    outputs, exported = job.variables("GITHUB_OUTPUT"), job.variables("GITHUB_ENV")
    assert outputs["base-url"] == outputs["url"] + "/v1" == exported["OPENAI_BASE_URL"]
    assert exported["AUDIO_MOCKSERVER_URL"] == outputs["url"]
    assert exported["OPENAI_API_KEY"] == "sk-mock-ci"
    assert json.loads(ask(outputs["base-url"] + "/weather")) == {"sky": "blue"}
    limits = json.loads(ask(outputs["url"] + "/_mock/limits"))
    assert [each["tier"] for each in limits["accounts"]] == ["tier-1"]
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "```secret```"}]}
    ask(outputs["base-url"] + "/chat/completions", json.dumps(body).encode())

    reported = job.report()
    assert reported.returncode == 0, reported.stderr
    written = {path.name for path in (tmp_path / "report").iterdir()}
    assert written == {"journal.json", "report.json", "costs.json", "server.log", "summary.md"}
    summary = job.files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
    assert "GET /v1/weather" in summary
    assert "| gpt-4o-mini | 1 |" in summary
    assert summary.count("```") == 2, "a prompt cannot end the block of code"
    assert has_ended(outputs["url"])


def test_a_server_that_cannot_start_fails_the_step(job: Job) -> None:
    started = job.start(tier="tier-9")
    assert started.returncode == 1
    assert "::error::The mock server did not start." in started.stderr
    assert "tier-9" in started.stderr, "the server says why"


@pytest.mark.parametrize("args", ["--seed 1 --tier 'tier-2", '--seed "a'])
def test_args_with_an_open_quote_fail_the_step(job: Job, args: str) -> None:
    started = job.start(args=args)
    assert started.returncode == 1, "no server is started with a part of them"
    assert "Close each quote" in started.stderr


def test_args_may_be_empty_or_on_several_lines(job: Job) -> None:
    assert job.start(args=" \n ").returncode == 0
    assert job.report().returncode == 0
    started = job.start(args="--whisper-model none\n  --seed ''\n")
    assert started.returncode == 0, started.stderr


def test_nothing_of_an_input_is_executed(job: Job, tmp_path: Path) -> None:
    started = job.start(args=f"--seed '$(touch {tmp_path}/one)' --log-level error; touch {tmp_path}/two")
    assert started.returncode == 1, "`error;` is no log level"
    assert not (tmp_path / "one").exists()
    assert not (tmp_path / "two").exists()


def test_a_report_without_a_server_fails_nothing(tmp_path: Path) -> None:
    reported = Job(tmp_path).report()
    assert reported.returncode == 0
    assert "No server was started" in reported.stderr


def test_a_report_on_a_server_that_died(job: Job, tmp_path: Path) -> None:
    assert job.start().returncode == 0
    pid = int((tmp_path / "audio-mockserver" / "server.pid").read_text("utf-8"))
    os.kill(pid, 9)
    reported = job.report()
    assert reported.returncode == 0
    assert "audio-mockserver" in job.files["GITHUB_STEP_SUMMARY"].read_text("utf-8")


def test_a_report_that_cannot_be_written_ends_the_server(job: Job, tmp_path: Path) -> None:
    assert job.start(args="--whisper-model none").returncode == 0
    (tmp_path / "report").write_text("a file, not a folder", "utf-8")
    reported = job.report()
    assert reported.returncode == 0
    assert "cannot be written" in reported.stderr
    assert has_ended(job.variables("GITHUB_OUTPUT")["url"])


def test_a_report_uses_no_proxy(job: Job, tmp_path: Path) -> None:
    assert job.start(args="--whisper-model none").returncode == 0
    proxy = {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    reported = job.run(
        sys.executable, str(ROOT / "deploy" / "ci" / "report.py"), str(tmp_path / "report"), **proxy
    )
    assert reported.returncode == 0
    assert "entries" in json.loads((tmp_path / "report" / "journal.json").read_text("utf-8"))

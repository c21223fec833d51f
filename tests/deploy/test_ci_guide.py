"""The guide to continuous integration: its commands are run, and its workflows satisfy the schemas of their systems."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
WORKFLOWS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^<!-- by a test[^>]*-->\n```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS = ROOT / ".venv" / "bin"


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_workflow_satisfies_its_schema(workflow: str, tmp_path: Path) -> None:
    schema = "github-workflows" if "jobs:" in workflow else "gitlab-ci"
    triggered = workflow if schema == "gitlab-ci" else "on: push\n" + workflow
    (tmp_path / "workflow.yml").write_text(triggered, "utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run(
        [*command, "workflow.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_there_is_a_workflow_for_each_way() -> None:
    assert len(WORKFLOWS) == 3


def test_the_workflow_uses_inputs_that_the_action_has() -> None:
    job = yaml.safe_load(WORKFLOWS[0])["jobs"]["test"]
    used = {
        name for step in job["steps"] if "audio-mockserver" in step.get("uses", "") for name in step["with"]
    }
    assert used
    assert used <= ACTION["inputs"].keys()


def test_the_tables_list_inputs_and_outputs() -> None:
    listed = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    names = [name for row in listed for name in re.findall(r"`([\w-]+)`", row)]
    assert names == [*ACTION["inputs"], *ACTION["outputs"]]


def test_the_script_runs_in_any_system(tmp_path: Path) -> None:
    commands, _ = COMMANDS
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    variables = {
        "AUDIO_MOCKSERVER": str(PROGRAMS / "audio-mockserver"),
        "RUNNER_TEMP": str(tmp_path),
    }
    done = run(commands, tmp_path, variables)
    assert '"object": "list"' in done.stdout
    assert "GET /v1/models" in (tmp_path / "report" / "summary.md").read_text("utf-8")


def test_without_the_script_a_server_runs_beside_the_tests(tmp_path: Path) -> None:
    _, commands = COMMANDS
    npm = tmp_path / "npm"
    npm.write_text(
        '#!/bin/sh\nexec curl --fail --silent "http://127.0.0.1:$MOCKSERVER_PORT/health"\n', "utf-8"
    )
    npm.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    variables = {
        "PATH": os.pathsep.join([str(tmp_path), str(PROGRAMS), os.environ["PATH"]]),
        "MOCKSERVER_PORT": port,
        "MOCKSERVER_WHISPER_MODEL": "none",
    }
    done = run(commands.replace(":4010", f":{port}"), tmp_path, variables)
    assert '"status": "ok"' in done.stdout
    assert '"report"' in done.stdout


def run(commands: str, folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run commands of the guide, all of which must succeed."""
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done

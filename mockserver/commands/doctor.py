"""The command ``mockserver doctor``: reports what works on this machine, and how to fix what does not."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import click

from mockserver import namesake
from mockserver.commands.examination import CHECKS, Finding
from mockserver.commands.failures import one_line
from mockserver.installation import own_distribution

if TYPE_CHECKING:
    from mockserver.settings.model import Settings

# The child process has the same import path as this one.
_EXAMINE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from mockserver.commands.examination import main; main()"
)
_TIMEOUT = 120.0  # seconds that a check may take
_MARKS = {"ok": "green", "wrong": "red", "note": "yellow"}


def run(settings: Settings, *, as_json: bool = False) -> None:
    """Print the findings. Exit with status 1 if something essential does not work."""
    findings = []
    for finding in examine(settings):
        findings.append(finding)
        if not as_json:
            mark = "ok" if finding.well else "wrong" if finding.fatal else "note"
            color = None if "NO_COLOR" not in os.environ else False
            click.echo(
                f"{click.style(mark, fg=_MARKS[mark])}{' ' * (5 - len(mark))} {finding.subject}: {finding.text}",
                color=color,
            )
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    if any(not finding.well and finding.fatal for finding in findings):
        sys.exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield the finding of each check of the parts that a server with these settings needs."""
    if complaint := namesake.complaint():
        yield Finding("package", False, complaint, fatal=namesake.is_in_charge())
    left = [subject for subject in CHECKS if settings.state or subject != "state folder"]
    while left:
        for finding in _run_checks(left, settings):
            left.remove(finding.subject)
            yield finding


def _run_checks(subjects: list[str], settings: Settings) -> Iterator[Finding]:
    """Run checks in a child process, and yield their findings. A check that crashes the process is the last."""
    command = [sys.executable, "-W", "ignore", "-c", _EXAMINE, json.dumps(sys.path), *subjects]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
        assert process.stdin
        assert process.stdout
        with process, process.stdin, process.stdout:
            process.stdin.write(pickle.dumps(settings))
            process.stdin.close()
            begun = subjects[0]
            for line in _lines(process, process.stdout):
                if "begins" in line:
                    begun = line["begins"]
                else:
                    finding = Finding(**line)
                    yield Finding(finding.subject, finding.well, one_line(finding.text), finding.fatal)
                    begun = ""
        if begun:
            errors.seek(0)
            yield Finding(begun, False, _cause_of_death(process.returncode, errors))


def _lines(process: subprocess.Popen[bytes], results: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the lines of results of the process. Kill it if none arrives for ``_TIMEOUT`` seconds."""
    while True:
        timer = threading.Timer(_TIMEOUT, process.kill)
        timer.start()
        line = results.readline()
        timer.cancel()
        if not line.endswith(b"\n"):
            return
        yield json.loads(line)


def _cause_of_death(status: int, errors: IO[bytes]) -> str:
    """Return a message with the status of a process that ended early, and its last line on standard error."""
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    last_line = errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    return one_line(
        f"the check ended the process ({how}{': ' if last_line else ''}{last_line}). Reinstall what it uses: "
        f"pip install --force-reinstall {own_distribution()}"
    )

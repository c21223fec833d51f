"""`mockserver drift`, with the installed SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import Result

from mockserver.catalog.tables import Catalog
from mockserver.drift.findings import Finding, read_accepted, without_accepted

Run = Callable[..., Result]


@pytest.mark.slow
def test_all_differences_from_the_installed_sdk_are_reported_as_json_and_are_meant(run: Run) -> None:
    result = run("drift", "--all", "--format", "json")  # `make check` runs it without options
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    found = [Finding(**each) for each in document["findings"]]
    assert document["differences"] == len(found)
    assert ("missing_model", "gpt-5.1-mini") in {(each.kind, each.where) for each in found}
    assert without_accepted(found, read_accepted(Catalog().folder / "accepted_drift.toml")) == []


def test_without_the_sdk_the_remedy_is_printed_with_exit_status_2() -> None:
    program = (
        "import sys; from importlib import metadata; real = metadata.version\n"
        "def version(name):\n"
        "    if name == 'openai': raise metadata.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "metadata.version = version\n"
        "from mockserver.cli import main; sys.argv = ['mockserver', 'drift']; main()"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == (
        "mockserver: the official SDK (openai) is not installed, so there is nothing to compare with. "
        "Install it beside the mock server: pip install openai\n"
    )

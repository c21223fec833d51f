"""A rival of several benchmarks: npm's ``@copilotkit/aimock``, a mock server on Node.js."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks import npm
from benchmarks.processes import Server, clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from benchmarks.report import Options

_PACKAGE = "@copilotkit/aimock"


def start(
    options: Options, stack: ExitStack, scratch: Path, fixture: Mapping[str, object]
) -> tuple[Server | None, str]:
    """Start aimock with one fixture, until ``stack`` ends; return it and its version, or why it does not run."""
    try:
        package = find(options.aimock, scratch)
    except npm.NotThere as error:
        return None, f"not compared: {error}"
    running = stack.enter_context(server(package, scratch, [fixture]))
    return running, f"aimock {npm.version(package)}"


def server(package: Path, scratch: Path, fixtures: Sequence[Mapping[str, object]]) -> Server:
    """Return aimock with these fixtures, ready to be started."""
    written = scratch / "aimock.json"
    written.write_text(json.dumps({"fixtures": fixtures}), "utf-8")
    command = ["node", str(package / "dist" / "cli.js"), "--port", "PORT", "--log-level", "warn"]
    return Server([*command, "--fixtures", str(written)], environment=clean_environment(), ready="/health")


def find(folder: Path | None, scratch: Path) -> Path:
    """Return the installed package, as ``npm.find`` does. Raises ``npm.NotThere``."""
    npm.need("node", "Node.js")
    return npm.find(_PACKAGE, folder, scratch)

"""The rival of the upload and chat benchmarks: npm's ``@copilotkit/aimock``, a mock server on Node.js."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import Server, clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

    from benchmarks.report import Options

_PACKAGE = "@copilotkit/aimock"
_INSTALL_SECONDS = 180


class NotThere(Exception):
    """aimock cannot be run here; the message says why, and a remedy."""


def start(
    options: Options, stack: ExitStack, scratch: Path, fixture: Mapping[str, object]
) -> tuple[Server | None, str]:
    """Start aimock with one fixture, until ``stack`` ends; return it and its version, or why it does not run."""
    try:
        package = find(options.aimock, scratch)
    except NotThere as error:
        return None, f"not compared: {error}"
    fixtures = scratch / "aimock.json"
    fixtures.write_text(json.dumps({"fixtures": [fixture]}), "utf-8")
    command = ["node", str(package / "dist" / "cli.js"), "--port", "PORT", "--log-level", "warn"]
    server = Server([*command, "--fixtures", str(fixtures)], environment=clean_environment(), ready="/health")
    version = json.loads((package / "package.json").read_text("utf-8"))["version"]
    return stack.enter_context(server), f"aimock {version}"


def find(folder: Path | None, scratch: Path) -> Path:
    """Return the installed package: in ``folder``, else in ``AIMOCK_DIR``, else installed into ``scratch``."""
    if shutil.which("node") is None:
        raise NotThere("Node.js is not installed. Install it, or leave out aimock")
    if folder is None and "AIMOCK_DIR" in os.environ:
        folder = Path(os.environ["AIMOCK_DIR"])
    if folder is None:
        _install(scratch)
        folder = scratch
    package = folder / "node_modules" / _PACKAGE
    if not package.is_dir():
        raise NotThere(f"{package} is missing. Install it with: npm install --prefix {folder} {_PACKAGE}")
    return package.resolve()


def _install(folder: Path) -> None:
    command = [
        "npm",
        "install",
        "--prefix",
        str(folder),
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        _PACKAGE,
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotThere(f"npm could not install {_PACKAGE} ({error}); give a folder with --aimock") from error

"""The rival of the upload benchmark: npm's ``@copilotkit/aimock``, a mock server on Node.js."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.processes import Server, clean_environment

_PACKAGE = "@copilotkit/aimock"
_INSTALL_SECONDS = 180


class NotThere(Exception):
    """aimock cannot be run here; the message says why and what helps."""


def find(folder: Path | None, scratch: Path) -> Path:
    """The installed package: in ``folder``, else in ``AIMOCK_DIR``, else installed into ``scratch``."""
    if shutil.which("node") is None:
        raise NotThere("there is no Node.js here")
    if folder is None and "AIMOCK_DIR" in os.environ:
        folder = Path(os.environ["AIMOCK_DIR"])
    if folder is None:
        _install(scratch)
        folder = scratch
    package = folder / "node_modules" / _PACKAGE
    if not package.is_dir():
        raise NotThere(f"{package} is not there; install it with: npm install --prefix {folder} {_PACKAGE}")
    return package.resolve()


def version(package: Path) -> str:
    """The version of the installed package."""
    return str(json.loads((package / "package.json").read_text("utf-8"))["version"])


def server(package: Path, text: str, scratch: Path) -> Server:
    """aimock, answering every transcription with ``text``."""
    fixture = {"match": {"endpoint": "transcription"}, "response": {"transcription": {"text": text}}}
    fixtures = scratch / "aimock.json"
    fixtures.write_text(json.dumps({"fixtures": [fixture]}), "utf-8")
    command = ["node", str(package / "dist" / "cli.js"), "--port", "PORT", "--log-level", "warn"]
    return Server([*command, "--fixtures", str(fixtures)], environment=clean_environment(), ready="/health")


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

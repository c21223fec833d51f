"""Packages of npm that the benchmarks run: those of a folder, else installed for one run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

_INSTALL_SECONDS = 180


class NotThere(Exception):
    """A rival cannot be run here; the message says why, and a remedy."""


def find(name: str, folder: Path | None, scratch: Path) -> Path:
    """Return an installed package: in ``folder``, else in ``AIMOCK_DIR``, else installed into ``scratch``."""
    if folder is None and "AIMOCK_DIR" in os.environ:
        folder = Path(os.environ["AIMOCK_DIR"])
    if folder is None:
        _install(name, scratch)
        folder = scratch
    package = folder / "node_modules" / name
    if not package.is_dir():
        raise NotThere(f"{package} is missing. Install it with: npm install --prefix {folder} {name}")
    return package.resolve()


def version(package: Path) -> str:
    """Return the version of an installed package."""
    return str(json.loads((package / "package.json").read_text("utf-8"))["version"])


def need(program: str, name: str) -> None:
    """Raise ``NotThere`` if a program that a rival needs is not installed. ``name`` is what people call it."""
    if shutil.which(program) is None:
        raise NotThere(f"{name} is not installed")


def _install(name: str, folder: Path) -> None:
    options = ["--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(
            ["npm", "install", *options, name], check=True, capture_output=True, timeout=_INSTALL_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NotThere(f"npm could not install {name} ({error}); give a folder with --aimock") from error

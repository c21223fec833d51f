"""Builds the distributions as a release does, and reads them."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECTS = {"audio-mockserver": ROOT, "audio-mockserver-light": ROOT / "light"}
NAMES = tuple(PROJECTS)


@dataclass(frozen=True)
class Distribution:
    """The files of a distribution."""

    name: str
    sdist: Path
    wheel: Path

    @property
    def in_sdist(self) -> dict[str, bytes]:
        """Return the files of the sdist by their names below its root folder."""
        with tarfile.open(self.sdist) as archive:
            return {
                member.name.partition("/")[2]: content.read()
                for member in archive.getmembers()
                if (content := archive.extractfile(member)) is not None
            }

    @property
    def in_wheel(self) -> dict[str, bytes]:
        return files_of(self.wheel)

    @property
    def metadata(self) -> Message:
        (text,) = (data for name, data in self.in_wheel.items() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(text.decode())


def build(name: str, folder: Path) -> Distribution:
    """Build the sdist of a distribution, and the wheel from the sdist, offline."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / name)]
    subprocess.run([*command, str(PROJECTS[name])], check=True, capture_output=True)
    (sdist,), (wheel,) = (list((folder / name).glob(f"*{end}")) for end in (".tar.gz", ".whl"))
    return Distribution(name, sdist, wheel)


def files_of(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel by their names."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}

"""What Hatchling runs to build audio-mockserver-light: metadata and files of audio-mockserver, without Whisper.

In a checkout they are those of the parent folder. An sdist has the files in itself, and the metadata in ``PKG-INFO``.
"""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

LEFT_OUT = {"faster-whisper", "splintr-rs"}
TAKEN_OVER = (
    "classifiers",
    "description",
    "keywords",
    "license",
    "optional-dependencies",
    "requires-python",
    "urls",
)
FILES = {
    "mockserver": "mockserver",
    **{name: f"mockserver/{name}" for name in ("schemas", "fixtures", "docs", "llms.txt")},
}


class LightMetadata(MetadataHookInterface):
    """A metadata hook that fills in what ``pyproject.toml`` leaves out."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the metadata of the whole distribution to ``metadata``."""
        if is_sdist(self.root):
            return
        checkout = Path(self.root).parent
        whole = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]
        metadata.update({name: whole[name] for name in TAKEN_OVER})
        metadata["readme"] = runpy.run_path(str(checkout / "hatch_build.py"))["readme_of"](checkout)
        metadata["dependencies"] = [each for each in whole["dependencies"] if name_of(each) not in LEFT_OUT]


class LightFiles(BuildHookInterface[Any]):
    """A build hook that adds the files of the package to the wheel."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        """Add the files to ``build_data``."""
        root = Path(self.root) if is_sdist(self.root) else Path(self.root).parent
        build_data["force_include"] |= {str(root / name): place for name, place in FILES.items()}


def is_sdist(root: str) -> bool:
    """Return whether ``root`` is an unpacked sdist."""
    return (Path(root) / "PKG-INFO").is_file()


def name_of(requirement: str) -> str:
    """Return the name of the distribution that is required."""
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return found[0]

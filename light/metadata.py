"""The metadata of audio-mockserver-light: that of audio-mockserver without the largest dependencies."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LEFT_OUT = {"faster-whisper", "splintr-rs"}
TAKEN_OVER = (
    "classifiers",
    "description",
    "entry-points",
    "keywords",
    "license",
    "requires-python",
    "scripts",
)


class LightMetadata(MetadataHookInterface):
    """A build hook that fills in the dynamic metadata of ``pyproject.toml``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the metadata of the whole distribution to ``metadata``."""
        root = Path(self.root).parent
        whole = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
        metadata.update({name: whole[name] for name in TAKEN_OVER})
        metadata["scripts"] |= {"audio-mockserver-light": whole["scripts"]["audio-mockserver"]}
        metadata["readme"] = {
            "text": (root / whole["readme"]).read_text("utf-8"),
            "content-type": "text/markdown",
        }
        metadata["dependencies"] = [each for each in whole["dependencies"] if name_of(each) not in LEFT_OUT]


def name_of(requirement: str) -> str:
    """Return the name of the distribution that is required."""
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return found[0]

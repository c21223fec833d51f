"""What Hatchling runs to build audio-mockserver: the readme as package indexes show it."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?!https?:|#)(?P<path>[^)\s]+)\)")


class Readme(MetadataHookInterface):
    """A metadata hook that adds the readme."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the readme to ``metadata``, unless it is that of an sdist, which has it already."""
        metadata.setdefault("readme", readme_of(Path(self.root)))


def readme_of(root: Path) -> dict[str, str]:
    """Return the readme of the checkout ``root`` for the metadata, with its links to files of this version.

    An index shows the readme on a page of its own, so relative links would lead nowhere.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    version = runpy.run_path(str(root / "mockserver" / "version.py"))["__version__"]
    repository = project["urls"]["Repository"]

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link["picture"] else "blob"
        return f"{link['picture']}[{link['text']}]({repository}/{kind}/v{version}/{link['path']})"

    text = _LINK.sub(absolute, (root / "README.md").read_text("utf-8"))
    return {"text": text, "content-type": "text/markdown"}

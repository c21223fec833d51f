"""The guides that ship with the package: the pages of ``docs/``, and ``llms.txt``, their index for language models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from mockserver.resources import data_folder

if TYPE_CHECKING:
    from pathlib import Path

_GROUP = re.compile(r"^## (.+)$")
_ROW = re.compile(r"^\| \[(?P<name>[\w.-]+\.md)\]\((?P<target>[\w.-]+\.md)\) \| (?P<contents>.+) \|$")


class Guide(NamedTuple):
    """A guide: the name of its file, its contents in a line, and its group in the index."""

    name: str
    contents: str
    group: str

    @property
    def path(self) -> Path:
        """Return its file, in Markdown."""
        return data_folder("docs") / self.name


def guides() -> Iterator[Guide]:
    """Yield the guides that ``docs/README.md`` lists, in its order."""
    group = ""
    for line in (data_folder("docs") / "README.md").read_text("utf-8").splitlines():
        if heading := _GROUP.match(line):
            group = heading[1]
        elif row := _ROW.match(line):
            yield Guide(row["name"], row["contents"], group)


def guide(name: str) -> Guide | None:
    """Return the guide in the file ``name``; ``None`` if there is none."""
    return next((each for each in guides() if each.name == name), None)


def llms_file() -> Path:
    """Return the file ``llms.txt``, which is beside the folder of guides."""
    return data_folder("docs").parent / "llms.txt"

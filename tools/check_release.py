"""Checks before a release that a tag, the version of the package and the changelog agree.

``python -m tools.check_release v0.1.0`` prints the version, or exits with status 1 and the reason. The version is in
``mockserver/version.py``, not derived from the tag: so a checkout, an sdist and a copy without git have the same one.
"""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def problems(root: Path, tag: str) -> list[str]:
    """Return what prevents a release of the checkout ``root`` as ``tag``."""
    version = version_of(root)
    found = []
    if tag != f"v{version}":
        found.append(
            f"the tag {tag} is not v{version}. Set __version__ in mockserver/version.py, or the tag."
        )
    heading = re.search(
        rf"^## \[{re.escape(version)}\] - (.*)$", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    if heading is None:
        found.append(f"CHANGELOG.md has no section [{version}]. Add it.")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", heading[1]):
        found.append(f"CHANGELOG.md says {heading[1]!r} for {version}. Write the date of the release.")
    package = root / "js" / "package.json"
    if package.is_file() and (other := json.loads(package.read_text("utf-8"))["version"]) != version:
        found.append(f"js/package.json has version {other}, not {version}. Set it.")
    return found


def version_of(root: Path) -> str:
    """Return the version of the checkout ``root``."""
    version: str = runpy.run_path(str(root / "mockserver" / "version.py"))["__version__"]
    return version


def notes(root: Path) -> str:
    """Return the section of the changelog about the version of the checkout ``root``."""
    section = re.compile(
        rf"^## \[{re.escape(version_of(root))}\].*?\n(.*?)(?=^## \[|\Z)", re.MULTILINE | re.DOTALL
    )
    found = section.search((root / "CHANGELOG.md").read_text("utf-8"))
    return found[1].strip() + "\n" if found else ""


def main(arguments: list[str]) -> None:
    """Check the release of the tag in ``arguments``; with ``--notes`` print its part of the changelog."""
    if arguments == ["--notes"]:
        print(notes(ROOT), end="")
        return
    (tag,) = arguments
    found = problems(ROOT, tag)
    for problem in found:
        print(f"cannot release: {problem}", file=sys.stderr)
    if found:
        sys.exit(1)
    print(version_of(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Writes a CycloneDX document for each distribution: the locked dependencies of its image, with their hashes.

``python -m tools.sbom FOLDER`` needs cyclonedx-py, of the dependency group ``release``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.check_release import ROOT, version_of

LOCKS = {"audio-mockserver": "image.txt", "audio-mockserver-light": "image-slim.txt"}


def document(name: str, lock: Path, version: str) -> dict[str, Any]:
    """Return the document of a distribution whose dependencies are those of ``lock``."""
    program = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(lock)]
    options = ["--output-reproducible", "--output-format", "JSON"]
    written = subprocess.run([*program, *options], check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(written)
    found["metadata"]["component"] = {
        "bom-ref": name,
        "type": "application",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "licenses": [{"license": {"id": "MIT"}}],
    }
    refs = sorted(component["bom-ref"] for component in found["components"])
    found["dependencies"] = [{"ref": name, "dependsOn": refs}, *({"ref": ref} for ref in refs)]
    return found


def main(folder: Path) -> None:
    """Write the documents to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lock in LOCKS.items():
        text = json.dumps(document(name, ROOT / "requirements" / lock, version_of(ROOT)), indent=2)
        (folder / f"{name}.cdx.json").write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

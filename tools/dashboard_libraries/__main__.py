"""Copies the libraries of the dashboard's pages into the package: ``make dashboard-libraries``.

Modules import each other by path, so that a browser finds them without an import map. ``libraries.toml`` has what was
copied, with versions, licences and hashes.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

_MODULES = Path(__file__).parent / "node_modules"
_VENDOR = Path(__file__).parents[2] / "mockserver" / "dashboard" / "static" / "js" / "vendor"
_FILES = {  # by package
    "preact": {"preact.mjs": "dist/preact.mjs", "hooks.mjs": "hooks/dist/hooks.mjs"},
    "htm": {"htm.mjs": "dist/htm.mjs"},
}
_SOURCE_MAP = re.compile(r"\n//# sourceMappingURL=.*\n?")


def main() -> None:
    """Copy the files, and write the table."""
    _VENDOR.mkdir(parents=True, exist_ok=True)
    table = [
        "# The libraries of the dashboard's pages, copied from npm packages by `make dashboard-libraries`.\n"
    ]
    for package, files in _FILES.items():
        manifest = json.loads((_MODULES / package / "package.json").read_text("utf-8"))
        licence = f"{package}.LICENSE"
        (_VENDOR / licence).write_bytes((_MODULES / package / "LICENSE").read_bytes())
        for name, source in files.items():
            text = (_MODULES / package / source).read_text("utf-8")
            text = _SOURCE_MAP.sub("\n", text).replace('from"preact"', 'from"./preact.mjs"')
            (_VENDOR / name).write_text(text, "utf-8")
            table += [
                f'["{name}"]',
                f'package = "{package}"',
                f'version = "{manifest["version"]}"',
                f'license = "{manifest["license"]}"',
                f'license_file = "{licence}"',
                f'sha256 = "{hashlib.sha256(text.encode()).hexdigest()}"\n',
            ]
    (_VENDOR / "libraries.toml").write_text("\n".join([*table, "# End of the table.\n"]), "utf-8")


if __name__ == "__main__":
    main()

"""Writes the OpenAPI document of the control API to a file: ``python -m tools.control_document FILE``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mockserver.control.openapi import describe
from mockserver.control.operations import OPERATIONS

if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(describe(OPERATIONS)), "utf-8")

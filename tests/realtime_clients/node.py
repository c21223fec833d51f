"""Clients in JavaScript: runs a scenario of `npm/scenarios.mjs`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from mockserver.testing.mock_server import MockServer

NPM = Path(__file__).parent / "npm"


def run(server: MockServer, scenario: str, audio: Path | None = None) -> Any:
    """Return the result of a scenario. Raises ``AssertionError`` if the program fails."""
    environment = os.environ | {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OPENAI_API_KEY": "sk-node",
        "NODE_EXTRA_CA_CERTS": str(server.ca_file or ""),
    }
    command = ["node", str(NPM / "run.mjs"), scenario, *([str(audio)] if audio else [])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

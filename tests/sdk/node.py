"""Runs sessions of the official SDK for JavaScript and TypeScript in Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mockserver.testing.mock_server import MockServer
from tests.conftest import FIXTURES

SDK = Path(__file__).parent


def run_session(script: str, server: MockServer, api_key: str = "sk-mock-npm", **variables: str) -> Any:
    """Run ``tests/sdk/SCRIPT``; return the JSON that it printed. Skip without Node or the SDK."""
    node, package = shutil.which("node"), npm_package()
    if node is None or package is None:
        pytest.skip("needs Node, and the npm package openai in NODE_PATH or tests/sdk/node_modules")
    environment = {
        "PATH": os.environ["PATH"],
        "SDK": str(package),
        "CLIP": str(FIXTURES / "hello.wav"),
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": api_key,
        **variables,
    }
    session = subprocess.run(
        [node, str(SDK / script)], capture_output=True, text=True, env=environment, check=False
    )
    assert session.returncode == 0, session.stderr
    return json.loads(session.stdout)


def npm_package() -> Path | None:
    """Return the folder of the npm package ``openai``: the installed one, or that of the environment."""
    folders = [*os.environ.get("NODE_PATH", "").split(os.pathsep), str(SDK / "node_modules")]
    candidates = (Path(folder) / "openai" for folder in folders if folder)
    return next((folder for folder in candidates if (folder / "index.mjs").is_file()), None)

"""The guide to installation: the command that makes certificates."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.docs.guides import DOCS, blocks

TLS = re.split(r"^## ", (DOCS / "install.md").read_text("utf-8"), flags=re.MULTILINE)
SECTION = next(part for part in TLS if part.startswith("Over TLS\n"))


@pytest.mark.slow
def test_the_certificates_that_are_made_beforehand_are_served(tmp_path: Path) -> None:
    *_, commands = blocks(SECTION, "sh")
    assert commands.splitlines()[:2] == ["mkdir certificates", "python -m trustme -d certificates"]
    folder = tmp_path / "certificates"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "trustme", "-q", "-d", str(folder)], check=True)
    files = {"tls_cert": str(folder / "server.pem"), "tls_key": str(folder / "server.key")}
    assert all(
        f"--{name.replace('_', '-')} certificates/{Path(file).name}" in commands
        for name, file in files.items()
    )
    with MockServer(Settings(port=0, whisper_model="none", **files)) as server:  # type: ignore[arg-type]
        trusted = ssl.create_default_context(cafile=folder / "client.pem")
        answer = httpx.get(f"{server.url}/_mock/health", verify=trusted, trust_env=False)
    assert answer.status_code == 200

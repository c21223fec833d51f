"""Clients of other projects, used as their documentation says; only the environment points them to the server.

`make test-clients` runs these tests. A client that is not installed is not tested; in continuous integration it is an
error.
"""

from __future__ import annotations

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from mockserver.testing.audio_api import AudioApi

pytest.register_assert_rewrite("tests.clients.scenarios")

HERE = Path(__file__).parent
IMPORTS = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)


def missing(module: Path) -> list[str]:
    """Return what a module of tests needs and is not installed: packages, or Node with its packages."""
    text = module.read_text("utf-8")
    packages = sorted({name for name in IMPORTS.findall(text) if find_spec(name) is None})
    has_node = shutil.which("node") is not None and (HERE / "npm" / "node_modules").is_dir()
    return packages if has_node or "tests.clients.node" not in text else [*packages, "node"]


MISSING = {} if "CI" in os.environ else {module.name: missing(module) for module in HERE.glob("test_*.py")}
collect_ignore = [name for name, packages in MISSING.items() if packages]


def pytest_report_header() -> list[str]:
    """Name the modules that are left out."""
    return [f"left out, not installed: {name} ({', '.join(MISSING[name])})" for name in collect_ignore]


# Read by the clients at import: use the prices of the package, and send no traces and no statistics of use.
os.environ.update(
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    OPENAI_AGENTS_DISABLE_TRACING="1",
    AGNO_TELEMETRY="false",
    HAYSTACK_TELEMETRY_ENABLED="False",
)


@pytest.fixture
def azure(audio_api: AudioApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables that clients of Azure OpenAI read."""
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", audio_api.url)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", audio_api.api_key)
    monkeypatch.setenv("OPENAI_API_VERSION", "2025-04-01-preview")
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_BASE")

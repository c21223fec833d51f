"""Clients of other projects, used as their documentation says; only the environment points them to the server.

`make test-clients` runs these tests. A client that is not installed is an error, not a skipped test.
"""

from __future__ import annotations

import os

import pytest

from mockserver.testing.audio_api import AudioApi

pytest.register_assert_rewrite("tests.clients.scenarios")

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

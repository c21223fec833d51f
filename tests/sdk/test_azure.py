"""The official SDK for JavaScript and TypeScript as a client of Azure."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.testing.mock_server import MockServer
from tests.sdk.node import run_session

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(server: MockServer) -> dict[str, Any]:
    """Return the report of a session in Node."""
    result: dict[str, Any] = run_session("azure.mjs", server, api_key="sk-mock-tier-5-npm-azure")
    return result


@pytest.mark.parametrize("paths", ["classic", "v1"])
def test_it_gets_azures_answers(seen: dict[str, Any], paths: str) -> None:
    assert seen[paths] == {
        "answer": "You wrote: Hi.",
        "severity": "safe",
        "text": "You wrote: Hi.",
        "empty": 1,
        "heard": "Hello world, this is a test.",
        "spoken": "RIFF",
        "response": ["You wrote: Hi.", "gpt-4o"],
        "refused": [404, "DeploymentNotFound"],
    }

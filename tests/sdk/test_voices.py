"""The official SDK for JavaScript and TypeScript creates voices and speaks with them."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.testing.mock_server import MockServer
from tests.sdk.node import run_session

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(server: MockServer) -> dict[str, Any]:
    """Return the report of a session in Node."""
    result: dict[str, Any] = run_session("voices.mjs", server, api_key="sk-mock-tier-5-npm-voices")
    return result


def test_a_consent_is_kept_and_renamed(seen: dict[str, Any]) -> None:
    assert seen["renamed"] == seen["consent"] | {"name": "Jane Doe"}
    assert seen["listed"] == ["Jane Doe"]
    assert seen["forgotten"]["deleted"] is True


def test_voices_are_made_of_samples_and_prompts(seen: dict[str, Any]) -> None:
    assert (seen["voice"]["type"], seen["prompted"]["type"]) == ("audio_sample", "prompt")
    assert seen["prompted"]["prompt"] == "An old sailor."
    assert seen["deleted"]["object"] == "audio.voice.deleted"


def test_a_voice_speaks_until_it_is_deleted(seen: dict[str, Any]) -> None:
    assert seen["sameSound"] is True
    refused = {name: (each["status"], each["param"]) for name, each in seen["refusals"].items()}
    assert refused == {"deleted": (404, "voice"), "prompted": (400, "voice"), "consent": (404, "consent")}

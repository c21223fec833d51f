"""`GET /_mock/catalog`: the facts of every model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

NOON = 1_800_000_000.0  # 2027-01-15
ME = {"authorization": "Bearer sk-mock-catalog"}


@pytest.fixture
def server() -> Iterator[MockServer]:
    """Yield a server whose clock stands still in January 2027."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=NOON)
    with MockServer(settings) as running:
        yield running


def listed(server: MockServer, headers: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Return the models of the catalog by id."""
    models = httpx.get(f"{server.url}/_mock/catalog", headers=headers).json()["models"]
    by_id = {each["id"]: each for each in models}
    assert len(by_id) == len(models)
    return by_id


def test_a_model_has_its_facts(server: MockServer) -> None:
    assert listed(server)["gpt-4o-mini-transcribe"] == {
        "id": "gpt-4o-mini-transcribe",
        "name": "GPT-4o mini Transcribe",
        "summary": "Speech recognition built on GPT-4o mini; more accurate, and surer of the language, than Whisper.",
        "kind": "model",
        "provider": "openai",
        "like": None,
        "alias_of": None,
        "snapshot": "gpt-4o-mini-transcribe-2025-12-15",
        "endpoints": ["v1/audio/transcriptions", "v1/realtime"],
        "created": 1742068596,
        "shutdown_date": "2027-02-26",
        "is_shut_down": False,
        "replacements": ["gpt-transcribe", "gpt-live-transcribe"],
        "prices": {"text_input": 1.25, "text_output": 5.0, "audio_input": 3.0},
        "modalities": {"text": "input and output", "image": "not supported", "audio": "input only"},
        "limit_group": "gpt-4o-mini-transcribe",
        "context_window": 16000,
    }


def test_a_snapshot_shuts_down_with_its_model(server: MockServer) -> None:
    snapshot = listed(server)["gpt-4o-mini-transcribe-2025-12-15"]
    assert (snapshot["kind"], snapshot["alias_of"]) == ("snapshot", "gpt-4o-mini-transcribe")
    assert snapshot["shutdown_date"] == "2027-02-26"
    assert snapshot["replacements"] == ["gpt-transcribe", "gpt-live-transcribe"]


def test_shutdown_dates_follow_the_clock(server: MockServer) -> None:
    assert (listed(server)["tts-1"]["is_shut_down"], listed(server)["whisper-1"]["is_shut_down"]) == (
        True,
        False,
    )
    httpx.put(f"{server.url}/_mock/clock", json={"advance": 60 * 86_400})
    assert listed(server)["whisper-1"]["is_shut_down"]
    httpx.put(f"{server.url}/_mock/clock", json={"set": 0})
    assert not listed(server)["tts-1"]["is_shut_down"]


def test_replacements_are_models_of_the_catalog(server: MockServer) -> None:
    models = listed(server)
    replaced = [each for each in models.values() if each["replacements"]]
    assert replaced
    for model in replaced:
        assert model["shutdown_date"]
        assert all(models[name]["shutdown_date"] is None for name in model["replacements"])


def test_a_custom_model_is_that_of_its_account(server: MockServer) -> None:
    httpx.post(f"{server.url}/_mock/models", json={"id": "gpt-7", "like": "whisper-1"}, headers=ME)
    own = listed(server, ME)["gpt-7"]
    assert (own["kind"], own["like"], own["endpoints"][0]) == (
        "custom",
        "whisper-1",
        "v1/audio/transcriptions",
    )
    assert (own["shutdown_date"], own["replacements"]) == (None, [])
    assert listed(server)["gpt-7"] == own
    assert "gpt-7" not in listed(server, {"authorization": "Bearer sk-mock-other"})


def test_a_model_of_the_tables_can_be_replaced(server: MockServer) -> None:
    httpx.post(f"{server.url}/_mock/models", json={"id": "tts-1", "shutdown_date": "2030-01-01"})
    assert (listed(server)["tts-1"]["kind"], listed(server)["tts-1"]["is_shut_down"]) == ("custom", False)


def test_offers_of_other_providers_are_listed(server: MockServer) -> None:
    offer = listed(server)["#g1_whisper-large"]
    assert (offer["kind"], offer["provider"], offer["endpoints"]) == ("offer", "aimlapi", ["v1/stt/create"])
    assert offer["created"] is None

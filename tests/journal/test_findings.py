"""The findings about calls that a test may overlook."""

from __future__ import annotations

import openai
import pytest

from mockserver.journal.findings import findings
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.journal.journal_records import record


@pytest.mark.parametrize(
    ("path", "error", "endpoint", "finding"),
    [
        (
            "/v1/threads",
            "endpoint_not_served",
            "threads",
            "POST /v1/threads is not served by this mock server. Send the messages with POST /v1/chat/completions",
        ),
        (
            "/v1/images/edits",
            "endpoint_not_served",
            "images",
            "POST /v1/images/edits is not served by this mock server. Script the answer with a stub. See docs/",
        ),
        (
            "/v1/audio/transcription",
            "unknown_url",
            None,
            "POST /v1/audio/transcription: the API has no such URL. Did you mean /v1/audio/transcriptions?",
        ),
        ("/v1/foo", "unknown_url", None, "POST /v1/foo: the API has no such URL. A stub can answer it"),
        (
            "/v1//models",
            "unknown_url",
            None,
            "POST /v1//models: the API has no such URL. Remove the slash at the end of the base URL.",
        ),
        (
            "/chat/completions",
            "unknown_url",
            None,
            "POST /chat/completions: the API has no such URL. Add /v1 to the base URL.",
        ),
        (
            "/audio/transcriptions",
            None,
            "transcriptions",
            "POST /audio/transcriptions: the base URL lacks /v1. The real API answers with 404. Add /v1.",
        ),
    ],
)
def test_what_is_wrong_with_a_call_is_reported_once(
    path: str, error: str | None, endpoint: str | None, finding: str
) -> None:
    entry = record(path=path, error=error, endpoint=endpoint)
    (found,) = findings([entry, entry])
    assert found.startswith(finding)


def test_a_call_can_be_wrong_in_two_ways() -> None:
    found = findings([record(path="/images/edits", error="endpoint_not_served", endpoint="images")])
    assert [line.partition(" ")[2].partition(".")[0] for line in found] == [
        "/images/edits is not served by this mock server",
        "/images/edits: the base URL lacks /v1",
    ]


def test_good_calls_and_other_errors_are_no_findings() -> None:
    azure = record(path="/openai/deployments/whisper-1/audio/transcriptions", endpoint="transcriptions")
    refused, failed = record(error="invalid_api_key", status=401), record(error="server_error")
    assert findings([record(), azure, refused, failed]) == []


def test_a_model_that_the_tier_may_not_use_is_not_reported_as_unknown() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="error", unsupported_model="404")
    with MockServer(settings) as server:
        api = server.account()
        api.set_tier("free")
        with pytest.raises(openai.NotFoundError):
            api.client.chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": "Hi."}])
        finding = api.exchanges().splitlines()[-1]
    assert finding == ("The usage tier of this account does not have the model 'gpt-5.1'. Set another tier.")


def test_a_path_that_a_model_lacks_is_not_reported_as_misspelt() -> None:
    entry = record(path="/v1/audio/translations", error="unknown_url", model="gpt-4o-transcribe")
    assert findings([entry]) == [
        "POST /v1/audio/translations: the API does not have this URL for the model 'gpt-4o-transcribe'."
    ]


def test_models_of_other_providers_cannot_be_added() -> None:
    assert findings([record(path="/v1/stt/create", error="model_not_found", model="nova-9")]) == []

"""What is told of calls that a test may overlook."""

from __future__ import annotations

import pytest

from mockserver.double.findings import findings
from tests.double.journal_records import record


@pytest.mark.parametrize(
    ("path", "error", "endpoint", "finding"),
    [
        (
            "/v1/responses",
            "endpoint_not_served",
            "responses",
            "POST /v1/responses is not served by this mock server. Use chat completions instead: openai.chat()",
        ),
        (
            "/v1/embeddings",
            "endpoint_not_served",
            "embeddings",
            "POST /v1/embeddings is not served by this mock server. Script the answer with a stub. See docs/",
        ),
        (
            "/openai/v1/responses",
            "endpoint_not_served",
            None,
            "POST /openai/v1/responses is not served by this mock server. Call the paths of OpenAI's API",
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
            "POST /v1//models: the API has no such URL. Does the base URL end with a slash?",
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
            "POST /audio/transcriptions: the base URL lacks /v1; the real API answers such calls with 404.",
        ),
    ],
)
def test_what_is_wrong_with_a_call_is_told_once(
    path: str, error: str | None, endpoint: str | None, finding: str
) -> None:
    entry = record(path=path, error=error, endpoint=endpoint)
    (told,) = findings([entry, entry])
    assert told.startswith(finding)


def test_a_call_can_be_wrong_in_two_ways() -> None:
    told = findings([record(path="/embeddings", error="endpoint_not_served", endpoint="embeddings")])
    assert [line.partition(" ")[2].partition(".")[0] for line in told] == [
        "/embeddings is not served by this mock server",
        "/embeddings: the base URL lacks /v1; the real API answers such calls with 404",
    ]


def test_of_good_calls_and_other_errors_there_is_nothing_to_tell() -> None:
    assert (
        findings([record(), record(error="invalid_api_key", status=401), record(error="server_error")]) == []
    )

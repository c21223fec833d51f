"""``/_mock/faults``: faults that are added over the control API, as clients of the official SDK see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.conftest import RawResponse

OTHER_KEY = "sk-mock-tier-5-not-concerned-by-faults"

Control = Callable[..., Any]


@pytest.fixture
def control(send: Callable[..., RawResponse], api_key: str) -> Control:
    """Return a function that calls the control API for this test's account and checks the status."""

    def call(
        method: str,
        path: str = "faults",
        body: object = None,
        *,
        status: int = 200,
        key: str | None = api_key,
    ) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        response = send(method, f"/_mock/{path}", data, key=key)
        assert response.status == status, response.body
        return response.json()

    return call


@pytest.fixture
def fault(control: Control) -> Callable[..., Any]:
    """Return a function that adds a fault for this test's account."""
    return lambda **document: control("POST", "faults", document, status=201)


def chat(client: openai.OpenAI) -> Any:
    messages: Any = [{"role": "user", "content": "Hello there."}]
    return client.chat.completions.create(model="gpt-4o-mini", messages=messages)


def test_an_added_fault_is_returned_with_its_id_and_counts(fault: Control) -> None:
    described = fault(error="rate_limit_requests", times=2)
    assert described.pop("id").startswith("fault-")
    assert described == {"error": "rate_limit_requests", "times": 2, "hits": 0, "seen": 0}


def test_two_failures_then_success(client: openai.OpenAI, fault: Control, control: Control) -> None:
    fault(error="rate_limit_requests", times=2, id="twice")
    for _ in range(2):
        with pytest.raises(openai.RateLimitError):
            chat(client)
    assert chat(client).choices
    assert (control("GET", "faults/twice")["hits"], control("GET", "faults/twice")["seen"]) == (2, 2)


def test_the_sdk_retries_until_it_succeeds(client: openai.OpenAI, fault: Control) -> None:
    fault(error="overloaded", times=2, retry_after=0.01)
    answer = client.with_options(max_retries=2).models.with_raw_response.list()
    assert answer.retries_taken == 2


def test_the_sdk_retries_a_reset_connection(
    client: openai.OpenAI, fault: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    fault(fault="connection_reset", at="before", times=1)
    assert client.with_options(max_retries=1).models.list().data


@pytest.mark.parametrize(
    "document",
    [
        {"fault": "connection_reset"},
        {"fault": "connection_reset", "at": "before"},
        {"fault": "truncated_body"},
        {"fault": "wrong_content_length", "seconds": 0},
        {"fault": "hang", "seconds": 0.05},
    ],
)
def test_a_broken_connection_is_a_connection_error(
    client: openai.OpenAI, fault: Control, document: dict[str, Any]
) -> None:
    fault(**document)
    with pytest.raises(openai.APIConnectionError):
        chat(client)


def test_a_hang_is_a_timeout(client: openai.OpenAI, fault: Control) -> None:
    fault(fault="hang")
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.2).models.list()


def test_malformed_json_is_no_answer(client: openai.OpenAI, fault: Control) -> None:
    fault(fault="malformed_json")
    with pytest.raises(ValueError, match=r"Expecting ',' delimiter"):
        chat(client)


def test_a_stream_that_is_cut_ends_in_an_error(client: openai.OpenAI, fault: Control) -> None:
    fault(fault="sse_cut", after=2)
    messages: Any = [{"role": "user", "content": "Hello there."}]
    events = iter(client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True))
    assert [next(events).object for _ in range(2)] == ["chat.completion.chunk"] * 2
    with pytest.raises(openai.APIConnectionError):
        next(events)


def test_a_fault_of_streams_lets_others_pass(
    client: openai.OpenAI, fault: Control, hello: tuple[str, bytes]
) -> None:
    fault(fault="sse_garble", times=1)
    assert client.audio.transcriptions.create(model="gpt-4o-transcribe", file=hello).text
    events = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=hello, stream=True)
    with pytest.raises(json.JSONDecodeError):
        list(events)


def test_a_fault_hits_only_requests_of_its_pattern(
    client: openai.OpenAI, fault: Control, hello: tuple[str, bytes]
) -> None:
    fault(error="server_error", when={"endpoint": "transcriptions", "heard": "hello world"})
    assert chat(client).choices
    with pytest.raises(openai.InternalServerError):
        client.audio.transcriptions.create(model="whisper-1", file=hello)


def test_faults_are_listed_most_recent_first(fault: Control, control: Control) -> None:
    for kind in ("hang", "latency"):
        fault(fault=kind, when={"model": "none"})
    own = [each for each in control("GET")["faults"] if each.get("when") == {"model": "none"}]
    assert [each["fault"] for each in own] == ["latency", "hang"]


def test_a_fault_is_replaced(fault: Control, control: Control, client: openai.OpenAI) -> None:
    fault(fault="hang", id="it")
    assert control("PUT", "faults/it", {"error": "conflict"})["error"] == "conflict"
    with pytest.raises(openai.ConflictError):
        chat(client)


def test_a_fault_is_removed(fault: Control, control: Control, client: openai.OpenAI) -> None:
    fault(fault="hang", id="it")
    assert control("DELETE", "faults/it") == {"deleted": "it"}
    assert chat(client).choices
    control("GET", "faults/it", status=404)


def test_all_faults_are_removed(fault: Control, control: Control, client: openai.OpenAI) -> None:
    fault(fault="hang")
    fault(error="conflict")
    control("DELETE")
    assert chat(client).choices


def test_another_key_sees_nothing_of_it(fault: Control, control: Control, client: openai.OpenAI) -> None:
    fault(fault="hang", id="mine")
    control("GET", "faults/mine", status=404, key=OTHER_KEY)
    control("DELETE", key=OTHER_KEY)
    assert control("GET", "faults/mine")["id"] == "mine"
    assert chat(client.with_options(api_key=OTHER_KEY)).choices


def test_a_fault_without_a_key_concerns_every_account_and_only_those_without_a_key_change_it(
    control: Control, client: openai.OpenAI, api_key: str
) -> None:
    document = {"error": "conflict", "when": {"headers": {"x-run": api_key}}, "times": 1}
    id_ = control("POST", "faults", document, status=201, key=None)["id"]
    try:
        for key in (api_key, OTHER_KEY):
            with pytest.raises(openai.ConflictError):
                client.with_options(api_key=key).models.list(extra_headers={"x-run": api_key})
        assert control("GET", f"faults/{id_}")["hits"] == 1
        assert control("GET", f"faults/{id_}", key=None)["hits"] == 2
        control("DELETE", f"faults/{id_}", status=404)
        control("PUT", f"faults/{id_}", document, status=404)
    finally:
        control("DELETE", f"faults/{id_}", key=None)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "Missing required parameter: 'error'."),
        ({"fault": "hang", "error": "conflict"}, "Give either 'error' or 'fault'."),
        ({"error": "no_such"}, "error: unknown error 'no_such'. "),
        ({"fault": "hang", "colour": "red"}, "Unknown parameter: 'colour'."),
        ({"fault": "hang", "when": {"colour": "red"}}, "Unknown parameter: 'when.colour'."),
        (
            {"fault": "slow_drip", "at": "before"},
            "at: slow_drip does not take it. These do: connection_reset.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_place(
    control: Control, document: dict[str, Any], message: str
) -> None:
    assert control("POST", "faults", document, status=400)["error"].startswith(message)


def test_an_id_that_is_not_that_of_the_url_is_refused(fault: Control, control: Control) -> None:
    fault(fault="hang", id="it")
    refused = control("PUT", "faults/it", {"fault": "hang", "id": "that"}, status=400)
    assert refused["error"].startswith("id: differs from the one in the URL ('it').")

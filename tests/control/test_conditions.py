"""Invalid conditions are refused wherever they can be given, and none stops the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import RawResponse

Control = Callable[..., RawResponse]

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello there."}]}


@pytest.fixture
def control(send: Callable[..., RawResponse], api_key: str) -> Control:
    """Return a function that calls the control API, or the API itself, with this test's account."""

    def call(method: str, path: str, body: object = None) -> RawResponse:
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return send(method, path if path.startswith("/v1") else f"/_mock/{path}", data, headers, key=api_key)

    return call


def documents_with(when: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return every document that has conditions, by the path that takes it."""
    return [
        ("stubs", {"when": when, "reply": {"say": "Hi."}}),
        ("faults", {"when": when, "error": "overloaded"}),
        ("verify", {"when": when}),
        ("wait", {"when": when, "timeout": 0}),
        ("journal/query", {"when": when}),
        ("journal/count", {"when": when}),
    ]


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ({"user_text": 5}, "user_text"),
        ({"user_text": ["a"]}, "user_text"),
        ({"user_text": None}, "user_text"),
        ({"user_text": -0.0}, "user_text"),
        ({"user_text": {}}, "user_text: is empty"),
        ({"heard": {"matches": None}}, "heard.matches"),
        ({"prompt": {"equals": {"a": 1}}}, "prompt.equals"),
        ({"fields": {"model": {"contains": 5}}}, "fields.model.contains"),
        ({"fields": {"model": {"contains": {"a": 1}}}}, "fields.model.contains"),
        ({"fields": {"model": {"matches": {}}}}, "fields.model.matches"),
        ({"fields": {"model": {"present": 1}}}, "fields.model.present"),
        (
            {"fields": {"model": {"equals": 1, "matches": "("}}},
            "fields.model: '(' is not a regular expression",
        ),
        ({"fields": {"$[?@ =~ /(/]": 1}}, "is not a JSONPath: '(' is not a regular expression"),
        ({"fields": {"$[?search(@, '(')]": 1}}, "is not a JSONPath: '(' is not a regular expression"),
        ({"fields": {f"a[{'9' * 5_000}]": 1}}, "is not a path"),
        ({"fields": {f"a.{'9' * 5_000}": 1}}, "is not a path"),
        ({"fields": {"": 1}}, "is not a path"),
        ({"headers": {"x-run": 7}}, "headers.x-run"),
        ({"headers": {"x-run": {"contains": 7}}}, "headers.x-run.contains"),
        ({"headers": {"x-run": {"macthes": "7"}}}, "Did you mean 'matches'?"),
        ({"user_text": r"(a)\1"}, "references to groups"),
        ({"user_text": "(" * 9_999}, "more than 100 deep"),
        ({"user_text": "a" * 10_001}, "10000 characters"),
        ({"endpoint": "/v1/" + "*a" * 2_000}, "more than 10000 characters"),
        ({"duration": 1e308}, "duration"),
        ({"channels": 10**300}, "channels"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_conditions_of_a_wrong_type_are_refused_everywhere(
    control: Control, when: dict[str, Any], reason: str
) -> None:
    for path, document in documents_with(when):
        response = control("POST", path, document)
        assert response.status == 400, (path, response.body)
        assert reason in response.json()["error"]  # type: ignore[index]
    assert control("POST", "/v1/chat/completions", CHAT).status == 200


@pytest.mark.parametrize(
    ("path", "document", "reason"),
    [
        ("journal/query", {"limit": 5.0}, "limit: must be a whole number"),
        ("stubs", {"reply": {"json": 1, "status": 200.0}}, "status: must be a whole number"),
        (
            "stubs",
            {"reply": {"json": 1, "status": 204}},
            "a response with status 204 has no body. Give body: ''",
        ),
        ("stubs", {"reply": {"events": [{"event": "a\r\nb", "data": 1}]}}, "events[0]"),
        ("stubs", {"reply": {"text": "a", "duration": 1e308}}, "reply.duration"),
        ("stubs", {"reply": {"segments": [{"text": "a", "start": 1e308}]}}, "reply.segments[0].start"),
        ("stubs", {"reply": {"segments": [{"text": "a", "avg_logprob": 1e308}]}}, "avg_logprob"),
        ("stubs", {"reply": {"logprobs": [{"token": "a", "logprob": -1e308}]}}, "logprob"),
        ("stubs", {"reply": {"say": "a", "tokens_per_second": 1e-300}}, "tokens_per_second"),
        ("stubs", {"reply": {"say": "a" * 1_048_577}}, "reply.say"),
        ("stubs", {"reply": {"say": "a"}, "times": 10**300}, "times"),
        ("stubs", {"reply": {"error": {"name": "overloaded", "retry_after": 1e308}}}, "retry_after"),
        ("faults", {"fault": "slow_drip", "bytes_per_second": 1e-300}, "bytes_per_second"),
        ("faults", {"error": "overloaded", "from": 1e308}, "from"),
        ("verify", {"exactly": 10**300}, "exactly"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_could_not_be_done_or_sent_is_refused_when_it_is_given(
    control: Control, path: str, document: dict[str, Any], reason: str
) -> None:
    response = control("POST", path, document)
    assert response.status == 400
    assert reason in response.json()["error"]  # type: ignore[index]


def test_what_is_nested_deeply_is_refused(control: Control) -> None:
    value: Any = "{{ count }}"
    for _ in range(900):
        value = [value]
    response = control("POST", "stubs", {"reply": {"json": value, "template": True}})
    assert response.status == 400
    assert response.json() == {"error": "The body is nested more than 100 deep. Send a flatter one."}


@pytest.mark.parametrize(
    ("part", "state"),
    [
        ("stubs", {"stubs": [{}], "counters": {}}),
        ("stubs", {"stubs": [{"account_id": None, "document": {}}], "counters": {}}),
        ("stubs", {"stubs": [], "counters": {"a": {"used": {"b": "c"}, "scenarios": {}}}}),
        ("stubs", {}),
        ("faults", {"faults": [{"document": {"error": "overloaded"}}], "headers": {}}),
        ("faults", {"faults": [], "headers": {"overloaded": {"a": [1]}}}),
    ],
    ids=str,
)
def test_a_snapshot_of_another_form_is_refused_and_changes_nothing(
    control: Control, part: str, state: dict[str, Any]
) -> None:
    assert control("POST", "stubs", {"id": "kept", "reply": {"say": "Hi."}}).status == 201
    snapshot: Any = control("GET", "snapshot").json()
    snapshot["state"][part] = state
    response = control("PUT", "snapshot", snapshot)
    assert response.status == 400
    assert f"state.{part}" in response.json()["error"]  # type: ignore[index]
    assert control("GET", "stubs/kept").status == 200


@pytest.mark.parametrize(
    "when",
    [
        {"user_text": "(a+)+$"},
        {"user_text": r"(\w+\s?)*x$"},
        {"fields": {"$.messages[?match(@.content, '(a+)+$')]": {"present": True}}},
        {"fields": {"messages[0].content": {"matches": "(a|aa)+$"}}},
        {"endpoint": "/v1/*a*a*a*a*a*a*a*a*a*a*a*a*b"},
    ],
    ids=str,
)
def test_no_pattern_stops_the_server(control: Control, when: dict[str, Any]) -> None:
    """Send patterns on which a backtracking engine would work for years and block all threads."""
    control("POST", "stubs", {"when": when, "reply": {"json": {}}})
    control("POST", "faults", {"when": when, "error": "overloaded"})
    path = "/v1/" + "a" * 4_000 if "endpoint" in when else "/v1/chat/completions"
    chat = CHAT | {"messages": [{"role": "user", "content": "a" * 100_000 + "!"}]}
    with ThreadPoolExecutor(8) as threads:
        requests = [threads.submit(control, "POST", path, chat) for _ in range(8)]
        assert control("GET", "health").status == 200
        assert {request.result().status for request in requests} == {404 if "endpoint" in when else 200}
    assert control("POST", "verify", {"when": when, "at_least": 0}).status == 200


def test_a_path_that_takes_too_long_does_not_match_and_says_so(control: Control) -> None:
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"a": deep}
    path = "$..[?(@..[?(@..[?(@..[?(@..x)])])])]"
    control("POST", "stubs", {"when": {"fields": {path: {"present": False}}}, "reply": {"say": "Scripted."}})
    function = {"name": "f", "parameters": {"type": "object", "default": deep}}
    chat = CHAT | {"tools": [{"type": "function", "function": function}]}
    assert b"Scripted." not in control("POST", "/v1/chat/completions", chat).body
    answer: Any = control("POST", "verify", {"when": {"fields": {path: {"present": False}}}}).json()
    assert f"fields: {path}: it takes more than 300,000 steps" in answer["near_misses"][0]["differences"]


def test_a_template_that_takes_too_long_is_an_error_and_the_server_goes_on(control: Control) -> None:
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    control("POST", "stubs", {"reply": {"say": endless, "template": True}})
    with ThreadPoolExecutor(8) as threads:
        requests = [threads.submit(control, "POST", "/v1/chat/completions", CHAT) for _ in range(8)]
        assert control("GET", "health").status == 200
        answers: list[Any] = [request.result().json() for request in requests]
    assert {answer["error"]["code"] for answer in answers} == {"mock_template_failed"}
    assert "it takes more than 500,000 steps" in answers[0]["error"]["message"]

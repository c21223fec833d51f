"""Requests for responses are refused in the words and in the order of the service."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from mockserver.catalog.tables import Catalog
from mockserver.providers.openai.responses.refusals.wording import distance
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse
from tests.docs.guides import DOCS

Send = Callable[..., RawResponse]
Body = dict[str, Any]

CATALOG = Catalog()
JSON = {"Content-Type": "application/json"}
PATH = "/v1/responses"
TABLE = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text("utf-8"))
ROWS: dict[str, Body] = {row["name"]: row for row in TABLE["refusal"]}
AUDIO = {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}}

# Faulty members, in the order in which the service refuses them: the place that it names, and a request with the fault.
SCHEMA_ORDER: dict[str, Body] = {
    "previous_response_id": {"previous_response_id": 7},
    "prompt": {"prompt": 7},
    "moderation": {"moderation": 7},
    "include": {"include": 7},
    "tools": {"tools": 7},
    "tool_choice": {"tool_choice": 7},
    "metadata": {"metadata": 7},
    "text": {"text": 7},
    "temperature": {"temperature": "x"},
    "top_p": {"top_p": "x"},
    "presence_penalty": {"presence_penalty": "x"},
    "frequency_penalty": {"frequency_penalty": "x"},
    "parallel_tool_calls": {"parallel_tool_calls": "x"},
    "stream": {"stream": "x"},
    "stream_options": {"stream_options": "x"},
    "background": {"background": "x"},
    "max_output_tokens": {"max_output_tokens": "x"},
    "max_tool_calls": {"max_tool_calls": "x"},
    "reasoning": {"reasoning": "x"},
    "user": {"user": 7},
    "safety_identifier": {"safety_identifier": 7},
    "prompt_cache_options": {"prompt_cache_options": 7},
    "prompt_cache_key": {"prompt_cache_key": 7},
    "prompt_cache_retention": {"prompt_cache_retention": 7},
    "truncation": {"truncation": 7},
    "instructions": {"instructions": 7},
    "store": {"store": 7},
    "service_tier": {"service_tier": 7},
    "top_logprobs": {"top_logprobs": "x"},
    "context_management": {"context_management": 7},
}
# One fault of each phase: how the message begins, and the request.
PHASES: dict[str, Body] = {
    "Missing required parameter: 'model'": {"model": None},
    "Missing required parameter: 'input'": {"input": None},
    "Unknown parameter: 'zzz'": {"zzz": 1},
    "Invalid type for 'input[0]'": {"input": [7]},
    "Invalid value: 'bogus'. Supported values are: 'auto' and 'disabled'": {"truncation": "bogus"},
    "Conversation with id": {"conversation": "conv_x"},
    "Prompt with id": {"prompt": {"id": "pmpt_x"}},
    "Previous response with id": {"previous_response_id": "resp_x"},
    'One of "input"': {"input": []},
    "Unsupported parameter: 'temperature'": {"temperature": 0.5},
    "Unsupported parameter: 'top_p'": {"top_p": 0.5},
    "Unsupported parameter: 'presence_penalty'": {"presence_penalty": 0.5},
    "Unsupported parameter: 'frequency_penalty'": {"frequency_penalty": 0.5},
    "logprobs are not supported": {"top_logprobs": 3},
    "Unsupported value: 'minimal'": {"reasoning": {"effort": "minimal"}},
}
EXCLUSIVE = {"Conversation with id", "Prompt with id", "Previous response with id", 'One of "input"'}


def post(send: Send, body: Body | str, key: str | None, path: str = PATH, **headers: str) -> RawResponse:
    data = body if isinstance(body, str) else json.dumps(body)
    return send("POST", path, data.encode(), JSON | headers, key=key)


def request_of(row: Body) -> Body | str:
    if "raw" in row:
        return str(row["raw"])
    members: Body = json.loads(row.get("body", "{}"))
    return {"model": row.get("model", "gpt-4o"), "input": "Hi"} | members


def refused(send: Send, key: str, *faults: Body) -> str:
    """Return the message for a request with faults; the first of two with the same member counts."""
    body: Body = {"model": "gpt-5.6-terra", "input": "Hi"}
    for fault in reversed(faults):
        body |= fault
    kept = {name: value for name, value in body.items() if value is not None}
    response = post(send, kept, key)
    document: Any = response.json()
    assert response.status in (400, 404), response.body
    return str(document["error"]["message"])


@pytest.mark.parametrize("name", ROWS)
def test_a_request_is_refused_in_the_words_of_the_service(send: Send, api_key: str, name: str) -> None:
    row = ROWS[name]
    response = post(send, request_of(row), api_key)
    error = {
        "message": row["message"],
        "type": "invalid_request_error",
        "param": row.get("param"),
        "code": row.get("code"),
    }
    assert response.body.decode() == json.dumps({"error": error}, indent=2)
    assert response.status == row.get("status", 400)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", ["temperature a string", "unknown model", "effort without reasoning"])
def test_a_stream_is_refused_before_it_begins(send: Send, api_key: str, name: str) -> None:
    row = ROWS.get(name, ROWS["model unknown"])
    body = request_of(row)
    assert isinstance(body, dict)
    response = post(send, body | {"stream": True}, api_key)
    assert response.status == 400
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.body)["error"]["message"] == row["message"]


@pytest.mark.parametrize("pair", list(combinations(SCHEMA_ORDER, 2))[::7], ids=" ".join)
def test_of_two_faults_that_of_the_first_parameter_is_told(
    send: Send, api_key: str, pair: tuple[str, str]
) -> None:
    first, second = pair
    message = refused(send, api_key, SCHEMA_ORDER[second], SCHEMA_ORDER[first])
    assert message.startswith(f"Invalid type for '{first}'")


@pytest.mark.parametrize("pair", list(combinations(PHASES, 2)), ids=" / ".join)
def test_of_two_faults_that_of_the_first_phase_is_told(
    send: Send, api_key: str, pair: tuple[str, str]
) -> None:
    first, second = pair
    if {first, second} <= EXCLUSIVE or PHASES[first].keys() & PHASES[second].keys():
        pytest.skip("a request cannot have both")
    assert refused(send, api_key, PHASES[first], PHASES[second]).startswith(first)


def test_the_conversation_is_looked_up_before_the_prompt_and_the_prompt_before_the_response(
    send: Send, api_key: str
) -> None:
    conversation, prompt = {"conversation": "conv_x"}, {"prompt": {"id": "pmpt_x"}}
    previous = {"previous_response_id": "resp_x"}
    assert refused(send, api_key, conversation, prompt).startswith("Conversation")
    assert refused(send, api_key, prompt, previous).startswith("Prompt")


def test_the_schema_is_checked_before_the_model_exists(send: Send, api_key: str) -> None:
    assert refused(send, api_key, {"model": "nope", "store": 7}).startswith("Invalid type for 'store'")
    assert refused(send, api_key, {"model": "nope", "conversation": "conv_x"}).startswith(
        "The requested model"
    )


@pytest.mark.parametrize("name", list(SCHEMA_ORDER))
def test_null_stands_for_an_absent_member(send: Send, api_key: str, name: str) -> None:
    response = post(send, {"model": "gpt-4o", "input": "Hi", name: None}, api_key)
    assert response.status == 200, response.body


@pytest.mark.parametrize(
    ("model", "effort", "accepted"),
    [
        ("gpt-5", None, False),
        ("gpt-5", "minimal", False),
        ("gpt-5.1", None, True),
        ("gpt-5.1", "low", False),
        ("gpt-5.5", None, False),
        ("gpt-5.5", "none", True),
        ("gpt-5.6-luna", "none", True),
        ("gpt-6-astra", None, False),
        ("o3", None, False),
        ("gpt-4.1-nano", None, True),
    ],
)
def test_temperature_is_for_models_that_do_not_reason(
    send: Send, api_key: str, model: str, effort: str | None, accepted: bool
) -> None:
    reasoning = {"reasoning": {"effort": effort}} if effort else {}
    response = post(send, {"model": model, "input": "Hi", "temperature": 0.5} | reasoning, api_key)
    assert (response.status == 200) is accepted, response.body


@pytest.mark.parametrize(
    ("model", "efforts"),
    [
        ("gpt-5-nano", "minimal low medium high"),
        ("gpt-5-pro", "high"),
        ("o1-pro", "low medium high"),
        ("gpt-5.1", "none low medium high"),
        ("gpt-5.4-mini", "none low medium high xhigh"),
        ("gpt-5.2-chat-latest", "medium"),
        ("gpt-5.4-pro", "medium high xhigh"),
        ("gpt-6-sol", "none low medium high xhigh max"),
        ("gpt-6-astra", "low medium high xhigh max"),
    ],
)
def test_a_model_accepts_its_efforts(send: Send, api_key: str, model: str, efforts: str) -> None:
    all_efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
    accepted = [
        effort
        for effort in all_efforts
        if post(send, {"model": model, "input": "Hi", "reasoning": {"effort": effort}}, api_key).status == 200
    ]
    assert accepted == efforts.split()


def test_audio_is_accepted_where_the_documentation_decides(send: Send, api_key: str) -> None:
    body = {"model": "gpt-4o", "input": [{"role": "user", "content": [AUDIO]}]}
    answer = post(send, body, api_key, **{"X-Mock-Strictness": "schema"})
    assert answer.status == 200, answer.body


def test_a_call_of_an_earlier_response_must_be_answered(send: Send, api_key: str) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    called: Any = post(
        send, {"model": "gpt-4o", "input": "Call f.", "tools": [tool], "tool_choice": "required"}, api_key
    ).json()
    (call,) = called["output"]
    body = {"model": "gpt-4o", "previous_response_id": called["id"], "input": "Well?"}
    refusal: Any = post(send, body, api_key).json()
    assert refusal["error"]["message"] == f"No tool output found for function call {call['call_id']}."
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "7"}
    assert post(send, body | {"input": [output]}, api_key).status == 200


def test_a_response_that_ended_while_it_reasoned_can_be_continued(send: Send, api_key: str) -> None:
    asked = {"model": "gpt-5", "input": "Hi", "max_output_tokens": 16}
    cut: Any = post(send, asked, api_key).json()
    assert [item["type"] for item in cut["output"]] == ["reasoning"]
    body = {"model": "gpt-5", "previous_response_id": cut["id"], "input": "Go on."}
    assert post(send, body, api_key).status == 200


def test_an_input_beyond_the_context_window_is_refused_unless_it_may_be_truncated(
    send: Send, api_key: str
) -> None:
    body = {"model": "gpt-4", "input": "word " * 9000}
    refusal = post(send, body, api_key)
    document: Any = refusal.json()
    assert refusal.status == 400
    assert document["error"]["message"].startswith("Your input exceeds the context window of this model.")
    assert (document["error"]["param"], document["error"]["code"]) == ("input", "context_length_exceeded")
    assert post(send, body | {"truncation": "auto"}, api_key).status == 200


def names_of_limits(response: RawResponse) -> list[str]:
    return [name for name in response.headers if name.startswith("x-ratelimit")]


def test_refusals_have_no_headers_of_limits(send: Send, api_key: str) -> None:
    refusal = post(send, {"model": "gpt-4o", "input": "Hi", "temperature": "x"}, api_key)
    assert names_of_limits(refusal) == []
    assert {"openai-organization", "openai-project", "openai-processing-ms"} <= refusal.headers.keys()
    assert "x-openai-proxy-wasm" not in refusal.headers


def test_answers_have_them_except_in_the_background_and_with_mcp(send: Send, api_key: str) -> None:
    body = {"model": "gpt-4o", "input": "Hi"}
    mcp = {"type": "mcp", "server_label": "s", "server_url": "https://example.com/mcp"}
    answer = post(send, body, api_key)
    assert len(names_of_limits(answer)) == 6
    assert "x-openai-proxy-wasm" not in answer.headers
    assert names_of_limits(post(send, body | {"tools": [mcp]}, api_key)) == []


@pytest.mark.parametrize(
    ("model", "shown"),
    [("gpt-4.1", True), ("gpt-5-nano", True), ("gpt-5.4", True), ("gpt-4o-mini", False), ("o4-mini", False)],
)
def test_streams_of_some_models_have_them(send: Send, api_key: str, model: str, shown: bool) -> None:
    answer = post(send, {"model": model, "input": "Hi", "stream": True}, api_key)
    assert bool(names_of_limits(answer)) is shown


def test_a_used_up_limit_is_refused_without_headers(send: Send, api_key: str, server: MockServer) -> None:
    server.account(api_key).set_limits("gpt-4o", requests_per_minute=1)
    body = {"model": "gpt-4o", "input": "Hi"}
    assert post(send, body, api_key).status == 200
    refusal = post(send, body, api_key)
    assert refusal.status == 429
    assert names_of_limits(refusal) == []
    assert "retry-after" not in refusal.headers
    assert refusal.body.startswith(b'{\n  "error": {\n    "message": "Rate limit reached for gpt-4o')
    assert refusal.body.endswith(b"}")


@pytest.mark.parametrize("path", [PATH, "/v1/conversations"])
def test_keys_are_refused_in_the_words_of_the_service(send: Send, path: str) -> None:
    refusal = post(send, {}, None, path)
    document: Any = refusal.json()
    assert refusal.status == 401
    assert document["error"]["message"] == "Missing bearer or basic authentication in header"
    assert refusal.headers["www-authenticate"] == 'Bearer realm="OpenAI API"'
    assert {"openai-processing-ms", "openai-version"} <= refusal.headers.keys()
    assert "openai-organization" not in refusal.headers
    refusal = post(send, {}, "sk-mock-invalid-12345", path)
    document = refusal.json()
    assert document["error"]["code"] == "invalid_api_key"
    assert refusal.body == json.dumps(document, indent=2).encode()


def test_conversations_have_the_header_of_the_proxy_and_no_limits(send: Send, api_key: str) -> None:
    answer = post(send, {}, api_key, "/v1/conversations")
    assert answer.status == 200
    assert answer.headers["x-openai-proxy-wasm"] == "v0.1"
    assert names_of_limits(answer) == []


def test_a_path_below_a_conversation_that_there_is_not(send: Send, api_key: str) -> None:
    path = "/v1/conversations/conv_x/messages"
    refusal = post(send, {}, api_key, path)
    document: Any = refusal.json()
    assert refusal.status == 404
    assert document["error"]["message"] == f"Invalid URL (POST {path})"


def test_letters_beyond_ascii_are_escaped(send: Send, api_key: str) -> None:
    refusal = post(send, {"model": "gpt-4o", "input": "Hi", "größe": 1}, api_key)
    assert b"Unknown parameter: 'gr\\u00f6\\u00dfe'." in refusal.body


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [("stop", "store", 2), ("strem", "stream", 1), ("a", "a", 0), ("", "ab", 2), ("abc", "acb", 2)],
)
def test_the_distance_of_two_names(one: str, other: str, letters: int) -> None:
    assert distance(one, other, 2) == letters


def test_the_distance_of_very_different_names_is_more_than_asked_for() -> None:
    assert distance("temperature", "n", 2) == 3


@pytest.mark.parametrize("path", ["/v1/responses/input_tokens", "/v1/responses/compact"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"model": "nope", "input": "Hi"}, "The requested model 'nope' does not exist."),
        ({"model": "whisper-1", "input": "Hi"}, "The requested model 'whisper-1' is not supported"),
        ({"model": "gpt-4o", "input": "Hi", "zzz": 1}, "Unknown parameter: 'zzz'."),
        ({"model": "gpt-4o", "input": [7]}, "Invalid type for 'input[0]': expected an input item"),
        ({"model": "gpt-4o"}, 'One of "input" or "previous_response_id"'),
        ({"model": "gpt-4o", "previous_response_id": "resp_x"}, "Previous response with id 'resp_x'"),
        (
            {"model": "gpt-4o", "input": [{"role": "user", "content": [AUDIO]}]},
            "Invalid value: 'input_audio'.",
        ),
    ],
)
def test_counting_and_compacting_are_refused_in_the_same_words(
    send: Send, api_key: str, path: str, body: Body, message: str
) -> None:
    refusal = post(send, body, api_key, path)
    document: Any = refusal.json()
    assert refusal.status == 400
    assert document["error"]["message"].startswith(message)
    assert names_of_limits(refusal) == []


def test_counting_has_no_headers_of_limits_and_compacting_has(send: Send, api_key: str) -> None:
    body = {"model": "gpt-4o", "input": "Hi"}
    counted = post(send, body, api_key, "/v1/responses/input_tokens")
    compacted = post(send, body, api_key, "/v1/responses/compact")
    assert (counted.status, compacted.status) == (200, 200)
    assert names_of_limits(counted) == []
    assert len(names_of_limits(compacted)) == 6


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("", {"metadata": "x"}, "Invalid type for 'metadata': expected a metadata object"),
        (
            "",
            {"items": [{"type": "bogus"}]},
            "Invalid value: 'bogus'. Supported values are: 'additional_tools'",
        ),
        ("", {"zzz": 1}, "Unknown parameter: 'zzz'."),
        ("/conv_x", {}, "Missing required parameter: 'metadata'."),
        ("/conv_x/items", {}, "Missing required parameter: 'items'."),
        ("/conv_x/items", {"items": [{"role": "user"}]}, "Missing required parameter: 'items[0].content'."),
    ],
)
def test_conversations_are_refused_in_the_same_words(
    send: Send, api_key: str, path: str, body: Body, message: str
) -> None:
    refusal = post(send, body, api_key, f"/v1/conversations{path}")
    document: Any = refusal.json()
    assert refusal.status == 400
    assert document["error"]["message"].startswith(message)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "Invalid 'limit': integer below minimum value."),
        ("limit=x", "Invalid type for 'limit': expected an integer, but got a string instead."),
        ("order=up", "Invalid value: 'up'. Supported values are: 'asc' and 'desc'."),
        ("include[]=x", "Invalid value: 'x'. Supported values are: 'file_search_call.results'"),
    ],
)
def test_pages_of_items_are_refused_in_the_same_words(
    send: Send, api_key: str, query: str, message: str
) -> None:
    made: Any = post(send, {}, api_key, "/v1/conversations").json()
    refusal = send("GET", f"/v1/conversations/{made['id']}/items?{query}", key=api_key)
    document: Any = refusal.json()
    assert refusal.status == 400
    assert document["error"]["message"].startswith(message)


def test_the_guide_has_the_efforts_of_the_catalog() -> None:
    guide = (DOCS / "responses.md").read_text("utf-8")
    table = guide.partition("| model | `reasoning.effort` |")[2].partition("\n\n")[0].splitlines()[2:]
    assert len(table) > 8
    for line in table:
        models, efforts, sampling = (cell.strip() for cell in line.strip("|").split("|"))
        for name in re.findall("`(.+?)`", models):
            card = CATALOG.model(name)
            assert card is not None
            assert card.responses is not None
            rules = card.responses
            assert list(rules.efforts) == re.findall("`(.+?)`", efforts), name
            expected = (
                "with the effort `none`" if "none" in rules.efforts else "no" if rules.efforts else "yes"
            )
            assert sampling == expected + (", which is the default" if rules.effort == "none" else ""), name

"""Stubs and faults as YAML: bodies, whose refusals name a line and a column, and answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import RawResponse

YAML = {"content-type": "application/yaml; charset=utf-8"}
STUB = """\
id: sunny
when:
  user_text: weather
reply:
  say: |
    It is sunny.
    And warm.
"""

Send = Callable[..., RawResponse]


@pytest.fixture
def post(send: Send, api_key: str) -> Callable[..., RawResponse]:
    """Return a function that sends YAML for the account of this test."""
    return lambda path, text, method="POST": send(method, f"/_mock/{path}", text.encode(), YAML, api_key)


def test_a_stub_of_yaml_is_as_one_of_json(post: Send, send: Send, api_key: str) -> None:
    added = post("stubs", STUB)
    assert (added.status, added.headers["content-type"]) == (201, "application/json")
    document = {
        "id": "sunny",
        "when": {"user_text": "weather"},
        "reply": {"say": "It is sunny.\nAnd warm.\n"},
    }
    assert added.json() == {**document, "used": 0}
    shown = send("GET", "/_mock/stubs/sunny", b"", {"accept": "application/yaml"}, api_key)
    assert (shown.status, shown.headers["content-type"]) == (200, "application/yaml")
    assert shown.body.decode() == STUB
    assert post("stubs/sunny", shown.body.decode(), "PUT").json() == added.json()


def test_a_fault_of_yaml(post: Send, send: Send, api_key: str) -> None:
    post("faults", "{id: twice, error: 503, times: 2, enabled: no}".replace("no", "false"))
    shown = send("GET", "/_mock/faults/twice", b"", {"accept": "text/html, application/x-yaml"}, api_key)
    assert shown.body == b"id: twice\nerror: 503\ntimes: 2\nenabled: false\n"


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "application/json, application/yaml", "text/html"]
)
def test_json_is_the_answer_unless_yaml_is_preferred(
    post: Send, send: Send, api_key: str, accept: str
) -> None:
    post("stubs", STUB)
    assert send("GET", "/_mock/stubs/sunny", b"", {"accept": accept}, api_key).json()


def test_keys_are_not_in_yaml_either(post: Send, send: Send, api_key: str) -> None:
    post("stubs", f"id: mine\nwhen: {{headers: {{authorization: Bearer {api_key}}}}}\nreply: {{say: Hi.}}")
    shown = send("GET", "/_mock/stubs/mine", b"", {"accept": "application/yaml"}, api_key)
    assert api_key not in shown.body.decode()
    assert "sha256:" in shown.body.decode()


@pytest.mark.parametrize(
    ("path", "text", "line", "column", "error"),
    [
        ("stubs", "when:\n  fil: a.wav\nreply: {text: Hi.}", 2, 3, "Unknown parameter: 'when.fil'. Did you mean 'file'?"),
        ("stubs", "when: {}\nreply:\n  text: 5", 3, 3, "Invalid type for 'reply.text'"),
        ("stubs", "when: {}\nreplies:\n- text: Hi.\n- text: [1]", 4, 3, "Invalid type for 'replies[1].text'"),
        ("stubs", "id: x\nwhen: {}", 1, 1, "needs reply or replies, and just one of them."),
        ("stubs", "when:\n  user_text: (a)\\1\nreply: {text: Hi.}", 2, 3, "user_text: "),
        ("stubs", "when:\n  endpoint: chats\nreply: {text: Hi.}", 2, 3, "endpoint: unknown endpoint 'chats'."),
        ("stubs", "reply:\n  status: 204\n  json: 1", 2, 3, "reply: "),
        ("stubs", "when:\n  file: a\n   b: c\nreply: {}", 3, 5, "The body: is not YAML: "),
        ("stubs", "a: 1\na: 2", 2, 1, "The body: 'a' is given twice, first on line 1."),
        ("stubs", "- reply: {text: Hi.}", 1, 1, "The body is not one object."),
        ("stubs", "reply: {text: a}\n---\nreply: {text: b}", 3, 1, "The body is not one object."),
        ("stubs", "", 1, 1, "The body is not one object."),
        ("stubs", "a: " + "[" * 200, 1, 104, "The body: is nested more than 100 deep."),
        ("faults", "error: server_error\nuntil: 1\nfrom: 2", 2, 1, "until: must be after 'from'."),
        ("faults", "error: server_eror", 1, 1, "error: "),
        ("faults", "fault: hang\nwhen:\n  turn: x", 3, 3, "Invalid type for 'when.turn'"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_place(
    post: Send, path: str, text: str, line: int, column: int, error: str
) -> None:
    refused = post(path, text)
    assert refused.status == 400
    found: Any = refused.json()
    assert found["error"].startswith(error)
    assert (found["line"], found["column"]) == (line, column)


def test_bytes_that_are_no_text_are_refused_by_their_place(send: Send) -> None:
    refused = send("POST", "/_mock/stubs", b"reply:\n  text: \xff", YAML)
    assert refused.json() == {
        "error": "The body: byte 15 is not UTF-8. Save it as UTF-8.",
        "line": 2,
        "column": 9,
    }


def test_an_alias_that_would_be_too_much_is_refused(post: Send) -> None:
    bomb = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n" + "\n".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    found: Any = post("stubs", bomb).json()
    assert "values, aliases included" in found["error"]


def test_a_body_with_very_many_values_is_refused(post: Send) -> None:
    found: Any = post("stubs", f"a: [{'1,' * 100_001}]").json()
    assert found["error"] == "The body: has more than 100000 values, aliases included."
    assert found["line"] == 1


def test_what_is_refused_for_another_reason_has_no_place(post: Send) -> None:
    assert post("stubs/none", STUB, "PUT").json() == {
        "error": "Unknown stub 'none'. GET /_mock/stubs lists them."
    }


def test_other_calls_take_yaml_too(send: Send, api_key: str) -> None:
    answer: Any = send("PATCH", "/_mock/settings", b"speech_language: de", YAML, api_key).json()
    assert answer["changed"] == {"speech_language": "de"}
    assert send("POST", "/_mock/reset", b"", YAML, api_key).status == 200

"""The limits of templates and JSONPaths that the settings allow: in stubs, faults and queries of the journal."""

from __future__ import annotations

import random
import re
import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from mockserver.app import create_app
from mockserver.settings.model import Settings

KEY = {"Authorization": "Bearer sk-mock-me"}
WORDS = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}] * 200}
DEEP = {"fields": {"$..content": "Hello."}}


def client(**limits: Any) -> FlaskClient:
    return create_app(Settings(whisper_model="none", strict_stubs=True, **limits)).test_client()


def said(client: FlaskClient, stub: dict[str, Any]) -> tuple[int, str]:
    """Return the status and the text of an answer that the stub may give."""
    assert client.post("/_mock/stubs", json=stub).status_code in (200, 201)
    answer = client.post("/v1/chat/completions", json=WORDS, headers=KEY)
    return answer.status_code, answer.get_data(as_text=True)


def templated(text: str) -> dict[str, Any]:
    return {"when": {"endpoint": "chat"}, "reply": {"text": text, "template": True}}


@pytest.mark.parametrize(
    ("limits", "text", "reason"),
    [
        ({"template_steps": 2_000}, "{% for i in range(9000) %}{% endfor %}", "more than 2,000 steps"),
        ({"template_characters": 500}, "{{ request.messages | json }}", "more than 500 characters"),
        ({"script_seconds": 0.01}, "{% for i in range(99999) %}{% endfor %}", r"more than 0\.01 seconds"),
    ],
    ids=["steps", "characters", "seconds"],
)
def test_a_template_may_take_what_the_settings_say(limits: dict[str, Any], text: str, reason: str) -> None:
    status, answer = said(client(**limits), templated(text))
    assert status == 500
    assert re.search(reason, answer)


@pytest.mark.parametrize("times", [1, 30])
def test_the_templates_of_a_reply_share_what_they_may_take(times: int) -> None:
    loop = "{% for i in range(100) %}{% endfor %}done"
    stub = {"when": {"endpoint": "chat"}, "reply": {"json": [loop] * times, "template": True}}
    status, answer = said(client(template_steps=2_000), stub)
    assert (status, "takes more than 2,000 steps" in answer) == ((200, False) if times == 1 else (500, True))


@pytest.mark.parametrize("member", ["reply", "replies"])
def test_a_stub_has_only_so_much_text_in_templates(member: str) -> None:
    plain, filled_in = "x" * 60_000, "{{ count }}" + "x" * 60_000

    def answer(text: str) -> Any:
        reply = {"json": [f"{text}{number}" for number in range(5)], "template": True}
        stub = {"when": {"endpoint": "chat"}, member: reply if member == "reply" else [reply]}
        return client().post("/_mock/stubs", json=stub)

    assert answer(plain).status_code == 201
    refused = answer(filled_in)
    assert refused.status_code == 400
    assert "at most 262144 characters together" in refused.get_json()["error"]


def test_a_template_may_be_allowed_more() -> None:
    loops = "{% for i in range(9999) %}{% for j in range(60) %}{% endfor %}{% endfor %}done"
    status, answer = said(client(template_steps=10_000_000, script_seconds=60), templated(loops))
    assert (status, "done" in answer) == (200, True)


@pytest.mark.parametrize(("steps", "status"), [(100, 404), (100_000, 200)])
def test_a_json_path_of_a_stub_may_take_what_the_settings_say(steps: int, status: int) -> None:
    assert said(client(path_steps=steps), {"when": DEEP, "reply": {"say": "Hi."}})[0] == status


@pytest.mark.parametrize(("steps", "status"), [(100, 404), (100_000, 503)])
def test_a_json_path_of_a_fault_may_take_what_the_settings_say(steps: int, status: int) -> None:
    asked = client(path_steps=steps)
    assert asked.post("/_mock/faults", json={"error": 503, "when": DEEP}).status_code in (200, 201)
    assert asked.post("/v1/chat/completions", json=WORDS, headers=KEY).status_code == status


@pytest.mark.parametrize("kind", ["stubs", "faults"])
@pytest.mark.parametrize(("times", "is_enough"), [(1, True), (30, False)])
def test_the_paths_that_a_request_is_matched_with_share_what_they_may_take(
    kind: str, times: int, is_enough: bool, caplog: pytest.LogCaptureFixture
) -> None:
    asked = client(path_steps=5_000)
    for number in range(times):
        when = {"fields": {f"$..{kind}_{number}": "Bye."}}
        document = (
            {"when": when, "error": 503} if kind == "faults" else {"when": when, "reply": {"say": "Hi."}}
        )
        assert asked.post(f"/_mock/{kind}", json=document).status_code == 201
    asked.post("/_mock/stubs", json={"priority": -1, "reply": {"say": "Else."}})
    answer = asked.post("/v1/chat/completions", json=WORDS, headers=KEY)
    assert answer.get_json()["choices"][0]["message"]["content"] == "Else."
    assert ("path_steps" in answer.headers.get("x-mock-warning", "")) == (not is_enough)
    assert ("it takes more than 5,000 steps" in caplog.text) == (not is_enough)


def test_what_a_fault_took_is_not_left_to_stubs() -> None:
    asked = client(path_steps=4_000)  # enough for one path
    asked.post("/_mock/stubs", json={"when": DEEP, "reply": {"say": "Hi."}})
    assert asked.post("/v1/chat/completions", json=WORDS, headers=KEY).status_code == 200
    asked.post("/_mock/faults", json={"error": 503, "when": {"fields": {"$..content": "Bye."}}})
    answer = asked.post("/v1/chat/completions", json=WORDS, headers=KEY)
    assert answer.status_code == 404
    assert "it takes more than 4,000 steps" in answer.get_json()["error"]["message"]


def test_the_regular_expressions_of_a_request_share_the_seconds() -> None:
    asked = client(script_seconds=0.05)
    text = "".join(random.Random(1).choices("ab", k=100_000))
    for number in range(60):  # each takes about as long as all of them may
        when = {"user_text": f"(a|b)*a(a|b){{14}}x{number}"}
        asked.post("/_mock/faults", json={"error": 503, "when": when})
    chat = WORDS | {"messages": [{"role": "user", "content": text}]}
    began = time.thread_time()
    answer = asked.post("/v1/chat/completions", json=chat, headers=KEY | {"x-mock-strict-stubs": "false"})
    assert time.thread_time() - began < 60 * 0.02
    assert answer.status_code == 200
    assert "script_seconds" in answer.headers["x-mock-warning"]


def test_a_single_search_that_may_take_too_long_is_not_begun() -> None:
    asked = client(script_seconds=0.05)
    asked.post("/_mock/stubs", json={"when": {"user_text": "((a?b?)*){1000}z"}, "reply": {"say": "Hi."}})
    chat = WORDS | {"messages": [{"role": "user", "content": "ab" * 50_000}]}
    answer = asked.post("/v1/chat/completions", json=chat, headers=KEY)
    assert answer.status_code == 404
    assert "it may take more than 0.05 seconds in 100,000 characters" in answer.get_json()["error"]["message"]


@pytest.mark.parametrize("steps", [100, 100_000])
def test_a_question_to_the_journal_may_take_what_the_settings_say(steps: int) -> None:
    asked = client(path_steps=steps)
    asked.post("/v1/chat/completions", json=WORDS, headers=KEY)
    is_enough = steps == 100_000
    counted = asked.post("/_mock/journal/count", json={"when": DEEP})
    assert (counted.status_code, counted.get_json().get("count")) == ((200, 1) if is_enough else (400, None))
    none = {"fields": {"$..content": "Bye."}}
    found = asked.post("/_mock/journal/query", json={"when": none})
    assert found.status_code == (200 if is_enough else 400)
    verified = asked.post("/_mock/verify", json={"when": none, "exactly": 0})
    assert verified.status_code == (200 if is_enough else 422)
    assert ("path_steps" in verified.get_data(as_text=True)) == (not is_enough)


def test_a_large_pattern_is_timed_in_short_texts_too() -> None:
    asked = client(script_seconds=0.05)
    for _ in range(30):
        chat = WORDS | {"messages": [{"role": "user", "content": "ab" * 200}]}
        asked.post("/v1/chat/completions", json=chat, headers=KEY)
    refused = asked.post("/_mock/journal/count", json={"when": {"user_text": "((a?b?)*){1000}z"}})
    assert refused.status_code == 400
    assert "script_seconds" in refused.get_json()["error"]

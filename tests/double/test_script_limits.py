"""What templates and JSONPaths may take, as the settings say: of stubs, of faults, in questions to the journal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from mockserver.app import create_app
from mockserver.settings import Settings

KEY = {"Authorization": "Bearer sk-mock-me"}
WORDS = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}] * 200}
DEEP = {"fields": {"$..content": "Hello."}}


def client(**limits: Any) -> FlaskClient:
    return create_app(Settings(whisper_model="none", strict_stubs=True, **limits)).test_client()


def said(client: FlaskClient, stub: dict[str, Any]) -> tuple[int, str]:
    """The status and the text of an answer that the stub may give."""
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
    status, told = said(client(**limits), templated(text))
    assert status == 500
    assert re.search(reason, told)


@pytest.mark.parametrize("times", [1, 30])
def test_the_templates_of_a_reply_share_what_they_may_take(times: int) -> None:
    loop = "{% for i in range(100) %}{% endfor %}done"
    stub = {"when": {"endpoint": "chat"}, "reply": {"json": [loop] * times, "template": True}}
    status, told = said(client(template_steps=2_000), stub)
    assert (status, "takes more than 2,000 steps" in told) == ((200, False) if times == 1 else (500, True))


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
    status, told = said(client(template_steps=10_000_000, script_seconds=60), templated(loops))
    assert (status, "done" in told) == (200, True)


@pytest.mark.parametrize(("steps", "status"), [(100, 404), (100_000, 200)])
def test_a_json_path_of_a_stub_may_take_what_the_settings_say(steps: int, status: int) -> None:
    assert said(client(path_steps=steps), {"when": DEEP, "reply": {"say": "Hi."}})[0] == status


@pytest.mark.parametrize(("steps", "status"), [(100, 404), (100_000, 503)])
def test_a_json_path_of_a_fault_may_take_what_the_settings_say(steps: int, status: int) -> None:
    asked = client(path_steps=steps)
    assert asked.post("/_mock/faults", json={"error": 503, "when": DEEP}).status_code in (200, 201)
    assert asked.post("/v1/chat/completions", json=WORDS, headers=KEY).status_code == status


@pytest.mark.parametrize(("steps", "count"), [(100, 0), (100_000, 1)])
def test_a_json_path_to_the_journal_may_take_what_the_settings_say(steps: int, count: int) -> None:
    asked = client(path_steps=steps)
    asked.post("/v1/chat/completions", json=WORDS, headers=KEY)
    assert asked.post("/_mock/journal/count", json={"when": DEEP}).get_json() == {"count": count}

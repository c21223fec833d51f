"""``/_mock/journal/<id>/code`` and ``…/near-misses``: an exchange as code, and the stubs that nearly answered it."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

from mockserver.testing.mock_server import MockServer

_HELLO: list[Any] = [{"role": "user", "content": "Good evening."}]


class Control:
    """The control API as one account."""

    def __init__(self, server: MockServer, api_key: str) -> None:
        self._url = f"{server.url}/_mock"
        self._headers = {"authorization": f"Bearer {api_key}"}

    def get(self, path: str) -> Any:
        return httpx.get(self._url + path, headers=self._headers).raise_for_status().json()

    def post(self, path: str, document: object) -> Any:
        answer = httpx.post(self._url + path, headers=self._headers, json=document)
        return answer.raise_for_status().json()

    def latest(self) -> str:
        return str(self.get("/journal")["entries"][-1]["id"])

    def code(self) -> dict[str, Any]:
        code: dict[str, Any] = self.get(f"/journal/{self.latest()}/code")
        return code

    def near_misses(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/journal/{self.latest()}/near-misses")
        return found


@pytest.fixture
def control(server: MockServer, api_key: str) -> Control:
    return Control(server, api_key)


def test_the_nearest_stubs_are_listed_with_what_differs(control: Control, client: openai.OpenAI) -> None:
    control.post("/stubs", {"id": "far", "when": {"endpoint": "speech"}, "reply": {"say": "No."}})
    control.post(
        "/stubs",
        {
            "id": "near",
            "name": "A greeting",
            "when": {"endpoint": "chat", "user_text": "morning"},
            "reply": {"say": "Hi."},
        },
    )
    client.chat.completions.create(model="gpt-4o-mini", messages=_HELLO)
    misses = control.near_misses()["near_misses"]
    assert misses[0] == {
        "stub": "near",
        "name": "A greeting",
        "source": None,
        "differences": ["user_text: wanted /morning/, got 'Good evening.'"],
    }
    assert [each["stub"] for each in misses] == ["near", "far"]


def test_the_stub_that_answered_is_no_near_miss(control: Control, client: openai.OpenAI) -> None:
    control.post("/stubs", {"when": {"endpoint": "chat"}, "reply": {"say": "Hi."}})
    client.chat.completions.create(model="gpt-4o-mini", messages=_HELLO)
    assert control.near_misses()["near_misses"] == []


def test_a_stub_that_was_added_later_would_answer(control: Control, client: openai.OpenAI) -> None:
    client.chat.completions.create(model="gpt-4o-mini", messages=_HELLO)
    control.post("/stubs", {"id": "later", "when": {"endpoint": "chat"}, "reply": {"say": "Hi."}})
    assert control.near_misses()["near_misses"][0]["differences"] == []


@pytest.mark.parametrize(
    ("stub", "difference"),
    [
        (
            {"when": {"endpoint": "chat"}, "enabled": False, "reply": {"say": "Hi."}},
            "enabled: is switched off",
        ),
        (
            {"when": {"model": "gpt-*"}, "reply": {"segments": [{"text": "Hi."}]}},
            "reply: cannot answer this endpoint",
        ),
        (
            {"when": {"endpoint": "chat"}, "scenario": {"name": "a", "state": "b"}, "reply": {"say": "Hi."}},
            "scenario: wanted 'b', is 'started'",
        ),
    ],
)
def test_a_stub_can_match_and_still_not_answer(
    control: Control, client: openai.OpenAI, stub: dict[str, Any], difference: str
) -> None:
    control.post("/stubs", stub)
    client.chat.completions.create(model="gpt-4o-mini", messages=_HELLO)
    assert control.near_misses()["near_misses"][0]["differences"] == [difference]


def test_a_strict_refusal_named_the_nearest_stub(control: Control, client: openai.OpenAI) -> None:
    control.post(
        "/stubs",
        {"id": "near", "when": {"endpoint": "chat", "user_text": "morning"}, "reply": {"say": "Hi."}},
    )
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(
            model="gpt-4o-mini", messages=_HELLO, extra_headers={"x-mock-strict-stubs": "true"}
        )
    refusal = control.near_misses()["refusal"]
    assert "The nearest is 'near': user_text: wanted /morning/, got 'Good evening.'" in refusal


def test_near_misses_do_not_show_keys(control: Control, client: openai.OpenAI, api_key: str) -> None:
    control.post(
        "/stubs", {"when": {"headers": {"authorization": f"Bearer {api_key}x"}}, "reply": {"say": "Hi."}}
    )
    client.chat.completions.create(model="gpt-4o-mini", messages=_HELLO)
    assert api_key not in str(control.near_misses())


def test_a_request_of_no_account_sees_the_stubs_of_all(server: MockServer) -> None:
    httpx.get(f"{server.url}/v1/models")
    entries = httpx.get(f"{server.url}/_mock/journal").json()["entries"]
    refused = next(each for each in reversed(entries) if each["status"] == 401)
    found = httpx.get(f"{server.url}/_mock/journal/{refused['id']}/near-misses")
    assert found.json()["near_misses"] == []


def test_code_has_no_secrets_and_names_what_it_leaves_out(
    control: Control, client: openai.OpenAI, api_key: str
) -> None:
    client.chat.completions.create(
        model="gpt-4o-mini",
        messages=_HELLO,
        extra_headers={"x-api-key": "secret-of-somebody", "x-tenant": "blue"},
    )
    code = control.code()
    assert api_key not in str(code)
    assert "secret-of-somebody" not in str(code)
    assert "# Left out, because secret: the header x-api-key." in code["curl"]
    assert '-H "authorization: Bearer $OPENAI_API_KEY"' in code["curl"]
    assert "-H 'x-tenant: blue'" in code["curl"]
    assert "x-stainless" not in code["curl"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [("x" * 5_000, "too large"), ("My key is sk-123456789012345678901234.", "is secret")],
)
def test_what_the_journal_does_not_have_is_missing(
    control: Control, client: openai.OpenAI, content: str, reason: str
) -> None:
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": content}])
    code = control.code()
    assert code["curl"] is code["python"] is code["test"] is None
    assert reason in code["missing"]["curl"]
    assert code["missing"]["curl"].startswith("messages[0].content: ")
    assert code["fault"]


def test_an_answer_that_the_journal_keeps_becomes_a_stub(control: Control, client: openai.OpenAI) -> None:
    before = client.models.retrieve("gpt-4o-mini")
    stub = control.post("/stubs", control.code()["stub"])
    assert stub["when"] == {"endpoint": "/v1/models/gpt-4o-mini", "method": "GET"}
    assert client.models.retrieve("gpt-4o-mini") == before
    assert control.get(f"/stubs/{stub['id']}")["used"] == 1


def test_a_turn_of_a_session_becomes_a_stub(server: MockServer, control: Control, api_key: str) -> None:
    account = server.account(api_key)
    with account.caller() as caller:
        caller.say("Hello, how are you?")
        caller.hear()
    code = control.code()
    assert code["curl"] is None
    assert "docs/realtime.md" in code["missing"]["curl"]
    assert code["stub"]["when"]["heard"] == {"equals": "Hello, how are you?"}
    assert [each.get("fault") for each in code["fault"]][:2] == ["realtime_failed", "realtime_error"]

    control.post("/stubs", code["stub"] | {"reply": {"say": "Changed."}})
    with account.caller() as caller:
        caller.say("Hello, how are you?")
        assert caller.hear().text == "Changed."
    assert control.near_misses()["near_misses"] == []


def test_azure_has_its_own_header_for_the_key(server: MockServer, control: Control, api_key: str) -> None:
    path = "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"
    httpx.post(server.url + path, json={"messages": _HELLO}, headers={"api-key": api_key}).raise_for_status()
    code = control.code()
    assert f"curl -sS '{server.url}{path}'" in code["curl"]
    assert '-H "api-key: $OPENAI_API_KEY"' in code["curl"]
    assert '"api-key": os.environ["OPENAI_API_KEY"]' in code["python"]


def test_the_code_has_the_address_of_the_server_as_the_caller_knows_it(
    server: MockServer, control: Control, client: openai.OpenAI
) -> None:
    client.models.list()
    address = server.url.replace("127.0.0.1", "localhost")
    code = httpx.get(f"{address}/_mock/journal/{control.latest()}/code").raise_for_status().json()
    assert code["curl"].startswith(f"curl -sS {address}/v1/models")
    assert f'base_url="{address}/v1"' in code["python"]


@pytest.mark.parametrize("what", ["code", "near-misses"])
def test_an_unknown_entry_is_refused(server: MockServer, what: str) -> None:
    answer = httpx.get(f"{server.url}/_mock/journal/req_none/{what}")
    assert answer.status_code == 404
    assert "x-request-id" in answer.json()["error"]

"""API keys are never stored or written: not in the journal, snapshots, limits, costs and metrics, nor in the log."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from mockserver.accounts.redaction import Secrets
from mockserver.app import create_app
from mockserver.settings.model import Settings
from tests.conftest import RawResponse, multipart

Send = Callable[..., RawResponse]

LONG, SHORT = "sk-proj-Zq8-bYw_7Rk29DfTtLm4-{}", "hunter2-{}"
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}


def journal(send: Send, headers: dict[str, str]) -> str:
    return send("GET", "/_mock/journal", headers=headers, key=None).body.decode()


@pytest.mark.parametrize("pattern", [LONG, SHORT])
@pytest.mark.parametrize(
    "carrier",
    [
        *(
            "X-Functions-Key",
            "Ocp-Apim-Subscription-Key",
            "X-Signature",
            "X-Secret",
            "Proxy-Authorization",
            "Cookie",
        ),
        *("Referer", "User-Agent", "X-Anything", "Sec-WebSocket-Protocol"),
    ],
)
def test_the_key_is_in_no_header_of_the_journal(send: Send, pattern: str, carrier: str) -> None:
    key = pattern.format(carrier.lower())
    auth = {"Authorization": f"Bearer {key}"}
    for value in (
        key,
        f"Bearer {key}",
        f"http://localhost/?x=1&key={key}",
        f"realtime, openai-insecure-api-key.{key}",
    ):
        assert send("GET", "/v1/models", headers=auth | {carrier: value}, key=None).status == 200
    entries = journal(send, auth)
    assert entries.count('"method": "GET"') == 4
    assert key not in entries


@pytest.mark.parametrize("pattern", [LONG, SHORT])
@pytest.mark.parametrize(
    "name", ["key", "api_key", "code", "sig", "auth", "token", "access_token", "after", "x"]
)
def test_the_key_is_in_no_query_and_no_path_of_the_journal_and_the_log(
    send: Send, caplog: pytest.LogCaptureFixture, pattern: str, name: str
) -> None:
    key = pattern.format(name)
    auth = {"Authorization": f"Bearer {key}"}
    with caplog.at_level(logging.DEBUG):
        for path in (
            f"/v1/models?{name}={key}",
            f"/v1/models/{key}",
            f"/v1/{key}/models",
            f"/{key}",
            f"/models/{key}",
        ):
            send("GET", path, headers=auth, key=None)
    entries = journal(send, auth)
    assert entries.count('"method": "GET"') == 5
    assert key not in entries
    assert key not in caplog.text


def test_a_secret_argument_is_hidden_whoever_calls(send: Send) -> None:
    send(
        "GET", "/v1/models?code=open-sesame&access_token=open-sesame&limit=2", key="sk-mock-tier-5-somebody-1"
    )
    entries = journal(send, {"Authorization": "Bearer sk-mock-tier-5-somebody-1"})
    assert "open-sesame" not in entries
    assert '"limit": "2"' in entries


def test_the_key_is_in_no_body_of_the_journal(send: Send) -> None:
    key = LONG.format("body")
    auth = {"Authorization": f"Bearer {key}"}
    tool = {
        "type": "function",
        "function": {"name": "log_in", "parameters": {"properties": {"password": {"type": "string"}}}},
    }
    chat = CHAT | {
        "api_key": "hunter2-in-the-body",
        "messages": [{"role": "user", "content": f"My key is {key}."}],
        "tools": [tool],
        "metadata": {
            "api_key": key,
            key: "name",
            "url": "https://files.example/a.wav?lang=en&X-Amz-Signature=hunter2",
        },
        "user": key,
    }
    lenient = auth | {"x-mock-strictness": "off", "Content-Type": "application/json"}
    answer = send("POST", "/v1/chat/completions", json.dumps(chat).encode(), lenient, key=None)
    assert answer.status == 200
    form, content_type = multipart([("model", "whisper-1"), ("prompt", key)], (f"{key}.wav", b"no audio"))
    send("POST", "/v1/audio/transcriptions", form, auth | content_type, key=None)
    entries = journal(send, auth)
    assert key not in entries
    assert "hunter2" not in entries
    assert "https://files.example/a.wav?lang=en&X-Amz-Signature=" in entries
    assert "log_in" in entries
    assert json.loads(entries)["entries"][0]["request"]["tools"] == [tool], "a schema is no secret"


def test_long_texts_hide_the_key_also_at_their_end(send: Send) -> None:
    key = LONG.format("long")
    auth = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for length in (60, 4080, 4090):
        text = "x " * (length // 2) + key + " x" * 4000
        chat = CHAT | {"messages": [{"role": "user", "content": text}]}
        send("POST", "/v1/chat/completions", json.dumps(chat).encode(), auth, key=None)
    assert key[8:16] not in journal(send, auth)


@pytest.mark.parametrize("key", ["tiny-k9", "sk-mock-me", "twelve-chars", "thirteen-char", "fifteen-letters"])
def test_short_keys_are_shown_nowhere(send: Send, key: str) -> None:
    auth = {"Authorization": f"Bearer {key}"}
    send(
        "POST",
        "/v1/chat/completions",
        json.dumps(CHAT).encode(),
        auth | {"Content-Type": "application/json"},
        key=None,
    )
    reports = [
        send(method, f"/_mock/{path}", body, headers, key=None)
        for headers in (auth, {})
        for method, path, body in (
            ("GET", "journal", b""),
            ("GET", "limits?model=gpt-4o-mini", b""),
            ("GET", "costs", b""),
            ("GET", "metrics", b""),
            ("GET", "settings", b""),
            ("GET", "snapshot", b""),
        )
    ]
    assert {each.status for each in reports} == {200}
    assert [each.body for each in reports if key.encode() in each.body] == []
    assert send("POST", "/_mock/reset", b"{}", auth, key=None).json()["account"] == "***"  # type: ignore[index]


def test_the_password_of_a_basic_header_is_hidden(send: Send) -> None:
    password = "correct-horse-battery"
    basic = base64.b64encode(f"ann:{password}".encode()).decode()
    send("GET", f"/v1/models/{password}", headers={"Authorization": f"Basic {basic}"}, key=None)
    entries = journal(send, {"Authorization": f"Basic {basic}"})
    assert password not in entries
    assert basic not in entries


def test_a_header_of_another_account_is_not_in_the_message_that_no_stub_matches(
    send: Send, api_key: str
) -> None:
    stub = {
        "id": "secret-header",
        "when": {"endpoint": "chat", "headers": {"x-api-key": "another-secret-key"}},
        "reply": {"say": "Hello."},
    }
    auth = {"Authorization": f"Bearer {api_key}"}
    assert send("POST", "/_mock/stubs", json.dumps(stub).encode(), auth, key=None).status == 201
    strict = auth | {
        "x-mock-strict-stubs": "true",
        "Content-Type": "application/json",
        "x-api-key": "a-wrong-secret",
    }
    refused = send("POST", "/v1/chat/completions", json.dumps(CHAT).encode(), strict, key=None)
    assert refused.status >= 400
    assert b"secret-header" in refused.body
    assert b"another-secret-key" not in refused.body


ANYTHING = {"hash": hashlib.sha256(b"-").hexdigest(), "length": 1, "ignore_case": False}  # with a hyphen
SAID = {"messages": [{"role": "user", "content": "My key is KEY."}]}


def test_a_key_of_another_account_is_not_in_the_message_that_no_stub_matches(
    send: Send, api_key: str
) -> None:
    auth = {"Authorization": f"Bearer {api_key}"}
    send("GET", "/v1/models", headers=auth, key=None)
    stub = {
        "id": "of-all",
        "when": {"endpoint": "chat", "user_text": f"({api_key})"},
        "reply": {"say": "No."},
    }
    assert send("POST", "/_mock/stubs", json.dumps(stub).encode(), key=None).status == 201
    strict = {"Authorization": "Bearer sk-mock-tier-5-other-9", "x-mock-strict-stubs": "true"}
    strict["Content-Type"] = "application/json"
    refused = send("POST", "/v1/chat/completions", json.dumps(CHAT).encode(), strict, key=None)
    assert send("DELETE", "/_mock/stubs/of-all", key=None).status == 200
    assert b"of-all" in refused.body
    assert api_key.encode() not in refused.body


PATTERNS: list[tuple[dict[str, Any], dict[str, str], dict[str, Any]]] = [
    ({"headers": {"authorization": "Bearer KEY"}}, {}, {}),
    ({"headers": {"Authorization": {"equals": "Bearer KEY"}}}, {}, {}),
    ({"headers": {"authorization": {"contains": "KEY"}}}, {}, {}),
    ({"headers": {"authorization": {"matches": "KEY"}}}, {}, {}),
    ({"headers": {"authorization": {"matches": "bearer KEY", "present": True}}}, {}, {}),
    ({"headers": {"authorization": {"matches": "^bearer KEY$"}}}, {}, {}),
    ({"headers": {"authorization": {"contains": "KEY", "matches": "KEY"}}}, {}, {}),
    ({"headers": {"x-functions-key": "KEY"}}, {"x-functions-key": "KEY"}, {}),
    ({"headers": {"x-anything": {"contains": "KEY"}}}, {"x-anything": "is KEY"}, {}),
    ({"account": "KEY"}, {}, {}),
    ({"fields": {"metadata.api_key": "KEY"}}, {}, {"metadata": {"api_key": "KEY"}}),
    ({"fields": {"$.metadata.api_key": {"equals": "KEY"}}}, {}, {"metadata": {"api_key": "KEY"}}),
    ({"headers": {"x-anything": {"matches": "is (KEY)$"}}}, {"x-anything": "is KEY"}, {}),
    ({"user_text": "KEY"}, {}, SAID),
    ({"user_text": {"equals": "My key is KEY."}}, {}, SAID),
    ({"user_text": {"contains": "KEY"}}, {}, SAID),
    ({"user_text": "key is (KEY)"}, {}, SAID),
    ({"user_text": "(?i)key is (?:KEY)"}, {}, SAID),
    ({"headers": {"x-api-key": {"equals": "KEY", "sha256": ANYTHING}}}, {"x-api-key": "KEY"}, {}),
    ({"user_text": "^My key (is|was) KEY"}, {}, SAID),
    ({"prompt": "(KEY)+"}, {}, {"messages": [{"role": "system", "content": "KEY"}, *CHAT["messages"]]}),
    ({"fields": {"metadata.x": {"matches": "(KEY)"}}}, {}, {"metadata": {"x": "a KEY"}}),
    ({"fields": {"user": "KEY"}}, {}, {"user": "KEY"}),
]


def filled(value: Any, key: str) -> Any:
    return json.loads(json.dumps(value).replace("KEY", key))


@pytest.mark.parametrize(("when", "headers", "members"), PATTERNS)
def test_a_restored_pattern_matches_what_it_did_without_the_key(
    send: Send, api_key: str, when: dict[str, Any], headers: dict[str, str], members: dict[str, Any]
) -> None:
    auth = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    stub = {
        "id": "keyed",
        "when": {"endpoint": "chat", **filled(when, api_key)},
        "reply": {"say": "Matched."},
    }
    fault = {"id": "keyed", "when": filled(when, api_key), "error": "overloaded", "times": 1}

    def ask(key: str) -> RawResponse:
        named = auth if headers or members else {**auth, "Authorization": f"Bearer {key}"}
        body = json.dumps(CHAT | filled(members, key)).encode()
        return send("POST", "/v1/chat/completions", body, named | filled(headers, key), key=None)

    assert send("POST", "/_mock/stubs", json.dumps(stub).encode(), auth, key=None).status == 201
    assert send("POST", "/_mock/faults", json.dumps(fault).encode(), auth, key=None).status == 201
    snapshot = send("GET", "/_mock/snapshot", headers=auth, key=None).body
    assert api_key.encode() not in snapshot
    assert send("POST", "/_mock/reset", b"{}", auth, key=None).status == 200
    assert b"Matched." not in ask(api_key).body
    assert send("PUT", "/_mock/snapshot", snapshot, auth, key=None).status == 200
    assert ask(api_key).status == 503, "the fault"
    assert b"Matched." in ask(api_key).body, "the stub"
    if "|" not in str(when) and "+" not in str(when):
        assert b"Matched." not in ask(api_key.replace("test", "tset")).body
    again = send("GET", "/_mock/snapshot", headers=auth, key=None).json()
    assert again["state"]["stubs"]["stubs"] == json.loads(snapshot)["state"]["stubs"]["stubs"]  # type: ignore[index]


ESCAPED = [
    {"user_text": re.escape("KEY is it")},
    {"user_text": "KEY"},
    {"model": "KEY*"},
    {"file": ["KEY.wav"]},
]


@pytest.mark.parametrize("when", ESCAPED)
@pytest.mark.parametrize("asks", ["the caller", "another", "nobody"])
def test_no_key_is_in_lists_of_stubs_and_faults_or_in_snapshots(
    send: Send, api_key: str, when: dict[str, Any], asks: str
) -> None:
    auth = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    escaped = when if "KEY is it" not in str(when) else {"user_text": re.escape(f"{api_key} is it")}
    when = filled(escaped, api_key)
    for kind, what in (("stubs", {"reply": {"say": f"It is {api_key}."}}), ("faults", {"error": 503})):
        document = {"id": "keyed", "name": api_key, "when": when, **what}
        added = send("POST", f"/_mock/{kind}", json.dumps(document).encode(), auth, key=None)
        assert added.status == 201
        assert api_key.encode() not in added.body.replace(b"\\", b"")
    headers = {"the caller": auth, "another": {"Authorization": "Bearer sk-mock-other-9"}, "nobody": {}}[asks]
    for path in ("stubs", "faults", "snapshot"):
        answer = send("GET", f"/_mock/{path}", headers=headers, key=None)
        assert answer.status == 200
        assert api_key.encode() not in answer.body.replace(b"\\", b"")
        assert (b"keyed" in answer.body) == (asks != "another")


def test_a_restored_pattern_of_a_file_matches_what_it_did_without_the_key(send: Send, api_key: str) -> None:
    auth = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    for file in (f"{api_key}.wav", f"*{api_key}.w?v"):
        stub = {"id": "keyed", "when": {"file": file}, "reply": {"text": "Matched."}}
        assert send("POST", "/_mock/stubs", json.dumps(stub).encode(), auth, key=None).status == 201
        snapshot = send("GET", "/_mock/snapshot", headers=auth, key=None).body
        assert api_key.encode() not in snapshot
        assert send("PUT", "/_mock/snapshot", snapshot, auth, key=None).status == 200
        form, content_type = multipart([("model", "whisper-1")], (f"{api_key}.wav", b"no audio"))
        lenient = auth | content_type | {"x-mock-strictness": "off"}
        assert b"Matched." in send("POST", "/v1/audio/transcriptions", form, lenient, key=None).body


@pytest.mark.parametrize(
    "value", ["Token {}", "ApiKey {}", "api-key {}", "Token token={}", "key={}", "a=b; key={}", 'sid="{}"']
)
def test_a_key_behind_a_scheme_of_others_is_hidden(send: Send, api_key: str, value: str) -> None:
    auth = {"Authorization": f"Bearer {api_key}", "X-Anything": value.format("hunter2-any")}
    send("GET", "/v1/models?session=hunter2-session&sid=hunter2-sid", headers=auth, key=None)
    named = {"X-Session": "hunter2-session", "X-SID": "hunter2-sid", "X-Session-Id": "hunter2-sid"}
    send("GET", "/v1/models", headers=auth | named, key=None)
    entries = journal(send, auth)
    assert entries.count('"method": "GET"') == 2
    assert "hunter2-" not in entries


@pytest.mark.parametrize(
    "wrong",
    [
        *(5, None, True, "", "abc", "A" * 64, [], {}, [[]], [5], {"hash": "a" * 64}),
        *(
            {"hash": "a" * 64, "length": 0, "ignore_case": True},
            {"hash": 5, "length": 3, "ignore_case": True},
        ),
    ],
)
@pytest.mark.parametrize("condition", ["headers", "fields"])
def test_a_hash_that_is_none_is_refused(send: Send, api_key: str, condition: str, wrong: object) -> None:
    stub = {"when": {condition: {"authorization": {"sha256": wrong}}}, "reply": {"say": "Never."}}
    refused = send("POST", "/_mock/stubs", json.dumps(stub).encode(), key=api_key)
    assert refused.status == 400
    assert "sha256" in refused.json()["error"]  # type: ignore[index]


def test_the_control_token_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    token = "hunter2-opens-sesame"
    app = create_app(Settings(whisper_model="none", control_token=token))
    client = app.test_client()
    right, wrong = {"x-mock-control-token": token}, {"x-mock-control-token": "no"}
    with caplog.at_level(logging.DEBUG):
        answers = [
            client.get("/v1/models", headers=right | {"Authorization": "Bearer sk-mock-tokens"}).data,
            client.get(f"/v1/{token}", headers=right | {"Authorization": "Bearer sk-mock-tokens"}).headers,
            client.get("/_mock/clock", headers=wrong).data,
            client.get(f"/_mock/{token}", headers=wrong).data,
            *(
                client.get(f"/_mock/{path}", headers=right).data
                for path in ("settings", "journal", "snapshot", "health", "openapi.json", "metrics")
            ),
        ]
    assert token not in caplog.text
    assert [each for each in answers if token in str(each)] == []


@pytest.mark.parametrize(
    "unit", ["sk-", "sk-a ", "Bearer ", "bearer", "://", "?a", "%", "a=", "?a=", "://a", "&b;"]
)
def test_no_text_takes_longer_than_its_length(unit: str) -> None:
    text, secrets = (
        unit * 100_000,
        Secrets(["sk-proj-Zq8-bYw_7Rk29DfTtLm4"]),
    )  # hours, if each character starts the search again
    assert secrets.hide(text) == text
    assert secrets.hide_in_header("referer", text)

"""The recorded parts of a request hold neither secrets nor megabytes."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from werkzeug.test import create_environ

from mockserver.accounts.redaction import Secrets
from mockserver.audio.clip import Clip
from mockserver.audio.uploads import AudioPlace
from mockserver.journal import redacted
from mockserver.pipeline.adapters.wsgi_adapter import request_of

KEY = "sk-mock-tier-5-somebody"
NONE = Secrets(())
LONG = "x" * (redacted.MAX_CHARACTERS + 1)


@pytest.mark.parametrize(
    ("header", "value", "shown"),
    [
        ("AUTHORIZATION", f"Bearer {KEY}", "Bearer sk-mock-***********body"),
        ("AUTHORIZATION", "Bearer short", "Bearer ***"),
        ("AUTHORIZATION", "Basic dXNlcjpwYXNzd29yZDEyMw==", "Basic ***"),
        ("AUTHORIZATION", KEY, "***"),
        ("PROXY_AUTHORIZATION", f"Bearer {KEY}", "Bearer sk-mock-***********body"),
        ("X_API_KEY", KEY, "sk-mock-***********body"),
        ("COOKIE", "session=0123456789abcdef", "***"),
        ("X_MOCK_CONTROL_TOKEN", "hunter2", "***"),
        ("USER_AGENT", "OpenAI/Python", "OpenAI/Python"),
    ],
)
def test_headers_are_written_down_without_secrets(header: str, value: str, shown: str) -> None:
    name = header.replace("_", "-").lower()
    request = request_of(create_environ() | {f"HTTP_{header}": value})
    shown_headers = redacted.headers(request.headers, request.secrets)
    assert shown_headers[name] == shown


def test_of_an_environ_only_headers_are_written_down() -> None:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "",
        "wsgi.input": object(),
        "HTTP_X_LONG": LONG,
    }
    headers = redacted.headers(request_of(create_environ() | environ).headers, NONE)
    assert headers.pop("host") == "localhost"
    assert headers["content-type"] == "application/json"
    assert len(headers.pop("x-long")) < 100
    assert headers.keys() == {"content-type"}


def test_query_arguments_are_written_down_by_name() -> None:
    assert redacted.query("limit=2&after=&a=1&a=2&a=3&api_key=0123456789", NONE) == {
        "limit": "2",
        "after": "",
        "a": ["1", "2", "3"],
        "api_key": "***",
    }


def test_facts_stand_for_the_audio_of_a_chat() -> None:
    clip = Clip(bytes(10_000), "audio.wav", 60)
    part = {"type": "input_audio", "input_audio": {"data": base64.b64encode(clip.content.read()).decode()}}
    document = {"model": "m", "messages": [{"role": "user", "content": [part]}]}
    written = redacted.document(document, {AudioPlace(0, 0): clip}, NONE)
    facts = {"base64_bytes": 10_000, "sha256": clip.sha256}
    assert written["messages"][0]["content"][0]["input_audio"] == {"data": facts}
    assert written["model"] == "m"


def test_of_several_files_only_the_long_ones_are_replaced_and_the_chat_stays_as_it_is() -> None:
    short, long = Clip(bytes(10), "audio.wav", 60), Clip(bytes(10_000), "audio.wav", 60)
    parts = [
        {"type": "input_audio", "input_audio": {"data": base64.b64encode(each.content.read()).decode()}}
        for each in (short, long)
    ]
    document = {"messages": [{"role": "system", "content": "Listen."}, {"role": "user", "content": parts}]}
    before = json.dumps(document)
    written = redacted.document(document, {AudioPlace(1, 0): short, AudioPlace(1, 1): long}, NONE)
    kept, replaced = written["messages"][1]["content"]
    assert kept == parts[0]
    assert replaced["input_audio"]["data"] == {"base64_bytes": 10_000, "sha256": long.sha256}
    assert json.dumps(document) == before


def test_files_of_messages_that_were_dropped_are_written_down_nowhere() -> None:
    assert redacted.document({"model": "m"}, {AudioPlace(0, 0): Clip(b"", "", 60)}, NONE) == {"model": "m"}


def test_length_and_beginning_stand_for_a_long_text() -> None:
    written = redacted.document({"prompt": LONG, "input": LONG[1:]}, {}, NONE)
    assert written == {"prompt": {"length": len(LONG), "starts": "x" * 80}, "input": LONG[1:]}


@pytest.mark.parametrize("value", [None, {}, []])
def test_a_document_may_have_many_names_and_no_text(value: object) -> None:
    whole = {f"{number:>100}": value for number in range(100)}
    assert redacted.document(whole, {}, NONE) == whole


def test_of_very_many_values_only_their_number_is_written_down() -> None:
    many = [{"role": "user", "content": "Hi"}] * 10_000
    assert redacted.document({"model": "m", "messages": many}, {}, NONE) == {
        "model": "m",
        "messages": {"values": 10_000},
    }


def test_what_is_nested_too_deeply_is_not_written_down() -> None:
    deep: Any = "deep"
    for _ in range(900):
        deep = [deep]
    written = json.dumps(redacted.document({"model": "m", "messages": deep}, {}, NONE))
    assert written.startswith('{"model": "m", "messages": [[[')
    assert '[{"values": 1}]' in written


@pytest.mark.parametrize(
    ("document", "written"),
    [
        ({"text": f"It is {KEY}."}, {"text": "It is sk-mock-***********body."}),
        (
            {"text": [f"https://ann:pw@host/?sig={KEY}"]},
            {"text": ["https://***@host/?sig=sk-mock-***********body"]},
        ),
        ({"metadata": {"password": "hunter2", "page": 1}}, {"metadata": {"password": "***", "page": 1}}),
        ({f"{KEY}": None}, {"sk-mock-***********body": None}),
        ([[{"a": LONG}]], [[{"a": {"length": len(LONG), "starts": "x" * 80}}]]),
        ({"text": "100%", "n": [1, 2.5, True]}, {"text": "100%", "n": [1, 2.5, True]}),
    ],
)
def test_an_answer_is_written_down_without_secrets(document: Any, written: Any) -> None:
    assert redacted.answer(document, Secrets([KEY])) == written


def test_facts_stand_for_the_audio_and_the_vectors_of_an_answer() -> None:
    sound = bytes(6_000)
    audio = {"id": "audio_1", "data": base64.b64encode(sound).decode(), "transcript": "Hello."}
    written = redacted.answer({"audio": audio, "data": [{"embedding": [0.5] * 1536}]}, NONE)
    facts = {"base64_bytes": 6_000, "sha256": hashlib.sha256(sound).hexdigest()}
    assert written == {"audio": {**audio, "data": facts}, "data": [{"embedding": {"values": 1536}}]}


def test_a_long_text_that_is_no_audio_is_shortened() -> None:
    assert redacted.answer({"data": "é" * 5_000}, NONE) == {"data": {"length": 5_000, "starts": "é" * 80}}


def test_the_tokens_of_an_answer_are_no_secrets() -> None:
    logprobs = {"content": [{"token": "Hi", "logprob": -0.5, "bytes": [72], "top_logprobs": []}]}
    assert redacted.answer(logprobs, NONE) == logprobs


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("x-request-id", "req_1", "req_1"),
        ("x-ratelimit-remaining-tokens", "149999992", "149999992"),
        ("x-echo", KEY, "sk-mock-***********body"),
        ("set-cookie", "session=0123456789abcdef", "***"),
        ("x-api-key", "0123456789", "***"),
        ("location", "https://host/?sig=0123456789", "https://host/?sig=***"),
        ("x-note", "Bearer 0123456789", "Bearer ***"),
        ("x-long", LONG, "x" * 80 + "…"),
    ],
)
def test_headers_of_an_answer_are_written_down_without_secrets(name: str, value: str, shown: str) -> None:
    assert redacted.response_headers({"server": "x", name: value}, Secrets([KEY])) == {
        "server": "x",
        name: shown,
    }

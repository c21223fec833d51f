"""The request of a journal entry, with what is needed to send it again; the command that does it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.reproducing.reasons import CannotReproduce
from mockserver.reproducing.sent import FileInBase64, local_name, sent_request
from mockserver.reproducing.shell import command
from tests.journal.journal_records import HELLO, TRANSCRIPTION

_MULTIPART = {"content-type": "multipart/form-data; boundary=x", "content-length": "99999"}
_JSON = {"content-type": "application/json", "content-length": "99"}
# Every command of the script that is called curl prints its arguments and its input.
_CURL = 'curl() { printf \'%s\\0\' "$@"; [[ "$*" == *@-* ]] && cat; true; }\n'
_TEXTS = st.text(
    st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), min_size=1, max_size=30
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def entry(**members: Any) -> dict[str, Any]:
    return {**TRANSCRIPTION, "audio": [], "request": {}, "realtime": None, "connection": None, **members}


def chat(document: dict[str, Any], **members: Any) -> dict[str, Any]:
    given_members = {
        "endpoint": "chat",
        "operation": "create_chat_completion",
        "path": "/v1/chat/completions",
    }
    return entry(**{"headers": _JSON, "request": document, **given_members, **members})


def upload(**members: Any) -> dict[str, Any]:
    document = {"model": "whisper-1", "file": ""}
    return entry(**{"headers": _MULTIPART, "request": document, "audio": [HELLO], **members})


def run(script: str, folder: Path) -> list[str]:
    """Return the arguments of curl in a script, and then its input."""
    done = subprocess.run(
        ["bash"], input=(_CURL + script).encode(), cwd=folder, capture_output=True, check=True, timeout=60
    )
    assert done.stderr == b""
    return done.stdout.decode().split("\0")


def test_a_form_has_its_files_and_fields() -> None:
    sent = sent_request(upload())
    assert sent.kind == "multipart"
    assert sent.document == {"model": "whisper-1"}
    assert sent.uploads == (("file", "hello.wav", "hello.wav"),)
    assert sent.files == {"hello.wav": HELLO["sha256"]}


def test_an_empty_field_is_no_file() -> None:
    sent = sent_request(upload(request={"prompt": "", "file": ""}))
    assert sent.document == {"prompt": ""}
    assert [each.field for each in sent.uploads] == ["file"]


def test_audio_in_json_is_a_file() -> None:
    audio = {"base64_bytes": 9, "sha256": HELLO["sha256"]}
    sent = sent_request(chat({"messages": [{"data": audio}]}, audio=[HELLO]))
    assert sent.document == {"messages": [{"data": FileInBase64("hello.wav")}]}
    assert sent.files == {"hello.wav": HELLO["sha256"]}


def test_files_of_the_same_name_are_told_apart() -> None:
    other = {**HELLO, "sha256": "12" * 32}
    sent = sent_request(
        chat(
            {"a": [{"base64_bytes": 9, "sha256": each["sha256"]} for each in (HELLO, other)]},
            audio=[HELLO, other],
        )
    )
    assert list(sent.files) == ["hello.wav", "1-hello.wav"]


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("hello.wav", "hello.wav"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("-rf", "rf"),
        (".hidden", "hidden"),
        ("a\nb;c,d\"e'f.wav", "a_b_c_d_e_f.wav"),
        ("grüße 1.mp3", "grüße 1.mp3"),
        ("", "file"),
        ("x" * 300 + ".wav", "x" * 96 + ".wav"),
    ],
)
def test_files_are_read_from_the_current_folder_by_a_safe_name(name: str, local: str) -> None:
    assert local_name(name) == local


@pytest.mark.parametrize(
    ("headers", "credentials", "shown"),
    [
        ({"authorization": "Bearer sk-***"}, ("authorization", "Bearer "), {}),
        ({"api-key": "0123***"}, ("api-key", ""), {}),
        ({"accept": "text/event-stream", "user-agent": "x"}, None, {"accept": "text/event-stream"}),
        ({"accept": "*/*", "x-stainless-os": "Linux", "x-mock-fault": "503"}, None, {"x-mock-fault": "503"}),
    ],
)
def test_headers_that_matter_are_kept(
    headers: dict[str, str], credentials: tuple[str, str] | None, shown: dict[str, str]
) -> None:
    sent = sent_request(entry(method="GET", headers=headers))
    assert sent.credentials == credentials
    assert sent.headers == shown


def test_secret_headers_and_arguments_are_named() -> None:
    headers = {"cookie": "***", "x-note": "mine is sk-mock-*****5-me"}
    sent = sent_request(entry(method="GET", headers=headers, query={"key": "ab***", "page": ["1", "2"]}))
    assert sent.left_out == ("the header cookie", "the header x-note", "the argument key")
    assert sent.query == "page=1&page=2"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"headers": _JSON}, "does not have the body"),
        ({"headers": {"upgrade": "websocket"}}, "WebSocket"),
        ({"path": "/v1/files/sk-mock-*****5-me"}, "path has a secret"),
        ({"headers": _JSON, "request": {"a": [{"b": "***"}]}}, r"^a\[0\]\.b: is secret"),
        ({"headers": _JSON, "request": {"a": {"length": 9_999, "starts": "x"}}}, "^a: is too large"),
        ({"headers": _JSON, "request": {"a": {"values": 9_999}}}, "^a: is too large"),
        ({"headers": {"x-long": "x" * 80 + "…"}}, "^x-long: is too long"),
    ],
)
def test_what_the_journal_does_not_have_is_said(members: dict[str, Any], reason: str) -> None:
    with pytest.raises(CannotReproduce, match=reason):
        sent_request(entry(**members))


def test_arguments_of_calls_that_are_not_served_are_no_body() -> None:
    sent = sent_request(chat({"prompt": "x", "page": "1"}, operation=None, query={"page": "1"}))
    assert sent.document == {"prompt": "x"}


@settings(max_examples=25)
@given(
    document=st.dictionaries(st.text(min_size=1, max_size=5), _VALUES, min_size=1, max_size=4),
    tenant=_TEXTS.filter(str.isascii),
    query=st.dictionaries(_TEXTS, _TEXTS, max_size=3),
    path=_TEXTS,
)
def test_the_command_has_every_character_of_a_request(
    tmp_path_factory: pytest.TempPathFactory,
    document: dict[str, Any],
    tenant: str,
    query: dict[str, str],
    path: str,
) -> None:
    sent = sent_request(
        chat(document, path=f"/v1/{path}", query=query, headers={**_JSON, "x-tenant": tenant})
    )
    url, *options, _ = run(command(sent, "http://127.0.0.1:4010"), tmp_path_factory.getbasetemp())[1:]
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == list(query.items())
    assert options[options.index("-H") + 3] == f"x-tenant: {tenant}"
    assert json.loads(options[options.index("--data-raw") + 1]) == document


@settings(max_examples=25)
@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_the_command_has_every_character_of_a_form(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    sent = sent_request(upload(request={"prompt": value or "@x", "list": [value, "<b"], "file": ""}))
    options = run(command(sent, "http://127.0.0.1:4010"), tmp_path_factory.getbasetemp())[2:]
    fields = [options[place + 1] for place, option in enumerate(options) if option == "--form-string"]
    assert fields == [f"prompt={value or '@x'}", f"list[]={value}", "list[]=<b"]
    assert options[options.index("-F") + 1] == "file=@hello.wav"


def test_files_in_json_are_written_by_the_shell(tmp_path: Path) -> None:
    (tmp_path / "hello.wav").write_bytes(b"a recording")
    audio = {"base64_bytes": 9, "sha256": HELLO["sha256"]}
    sent = sent_request(chat({"it's": "$HOME %s \\n", "data": audio}, audio=[HELLO]))
    body = run(command(sent, "http://127.0.0.1:4010"), tmp_path)[-1]
    assert json.loads(body) == {"it's": "$HOME %s \\n", "data": "YSByZWNvcmRpbmc="}


@pytest.mark.parametrize(
    ("document", "reason"),
    [({"prompt": "a\0b", "file": ""}, "NUL"), ({"a=b": "x", "file": ""}, "name of a field")],
)
def test_what_a_command_cannot_send_is_said(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(CannotReproduce, match=reason):
        command(sent_request(upload(request=document)), "http://127.0.0.1:4010")

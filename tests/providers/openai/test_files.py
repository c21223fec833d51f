"""`/v1/files`, through the official SDK, and its refusals."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types import FileObject

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse, multipart, parse_response

NOW = 1_800_000_000
LINES = b'{"custom_id": "1"}\n'
DAY = 86_400


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """Yield a server whose clock stands still."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=NOW)
    with MockServer(settings) as running:
        yield running


@pytest.fixture(autouse=True)
def now(server: MockServer) -> None:
    """Return the time at which each test begins."""
    server.clock.reset()


def upload(client: openai.OpenAI, name: str = "a.jsonl", data: bytes = LINES, **changes: Any) -> FileObject:
    return client.files.create(**{"file": (name, data), "purpose": "batch", **changes})


def refusal(error: openai.APIStatusError) -> tuple[int, str, str | None, str | None]:
    body = error.response.json()["error"]
    return error.status_code, body["message"], body["param"], body["code"]


def test_an_uploaded_file_is_described(client: openai.OpenAI) -> None:
    file = upload(client)
    assert file.id.startswith("file-")
    assert (file.filename, file.bytes, file.purpose, file.status) == ("a.jsonl", 19, "batch", "processed")
    assert file.created_at == NOW


def test_its_bytes_come_back_exactly(client: openai.OpenAI) -> None:
    data = bytes(range(256)) * 1000 + b"\r\n--\r\n"
    file = upload(client, 'ünusual "name".jsonl', data)
    response = client.files.content(file.id)
    assert response.content == data
    headers = response.response.headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-length"] == str(len(data))
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%BCnusual%20%22name%22.jsonl"


def test_a_plain_name_is_returned_unchanged(client: openai.OpenAI) -> None:
    response = client.files.content(upload(client, "my data.jsonl").id).response
    assert response.headers["content-disposition"] == 'attachment; filename="my data.jsonl"'


def test_an_empty_file_is_kept(client: openai.OpenAI) -> None:
    file = upload(client, data=b"")
    assert file.bytes == 0
    assert client.files.content(file.id).content == b""


def test_a_body_in_chunks_is_kept(client: openai.OpenAI, server: MockServer, api_key: str) -> None:
    body, headers = multipart([("purpose", "batch")], ("a.jsonl", LINES))
    pieces = iter([body[:50], body[50:]])
    url, key = f"{server.base_url}/files", {"Authorization": f"Bearer {api_key}"}
    file = httpx.post(url, content=pieces, headers=headers | key).json()
    assert client.files.content(file["id"]).content == LINES


def test_a_file_is_found_by_its_id(client: openai.OpenAI) -> None:
    file = upload(client)
    assert client.files.retrieve(file.id) == file


def test_a_deleted_file_is_gone(client: openai.OpenAI) -> None:
    file = upload(client)
    deleted = client.files.delete(file.id)
    assert (deleted.id, deleted.deleted) == (file.id, True)
    for method in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            method(file.id)


def test_an_unknown_file_is_refused_byte_for_byte(
    send: Callable[..., RawResponse], server: MockServer
) -> None:
    message = "No such File object: fake_id"
    response = send("GET", "/v1/files/fake_id")
    assert response.status == 404
    assert response.json() == {
        "error": {"message": message, "type": "invalid_request_error", "param": "id", "code": None},
        "detail": {"message": message, "code": None},
    }


def test_nobody_sees_the_files_of_others(client: openai.OpenAI, server: MockServer) -> None:
    file = upload(client)
    stranger = client.with_options(api_key="sk-mock-stranger")
    assert stranger.files.list().data == []
    for method in (stranger.files.retrieve, stranger.files.content, stranger.files.delete):
        with pytest.raises(openai.NotFoundError):
            method(file.id)
    assert client.files.retrieve(file.id) == file


def test_the_async_sdk_does_the_same(server: MockServer) -> None:
    async def use() -> tuple[FileObject, bytes, list[FileObject], bool]:
        async with openai.AsyncOpenAI(
            base_url=server.base_url, api_key="sk-mock-async", _strict_response_validation=True
        ) as client:
            file = await client.files.create(file=("a.jsonl", LINES), purpose="batch")
            content = await client.files.content(file.id)
            listed = [each async for each in client.files.list(limit=1)]
            return file, content.content, listed, (await client.files.delete(file.id)).deleted

    file, content, listed, deleted = asyncio.run(use())
    assert (content, listed, deleted) == (LINES, [file], True)


def test_files_are_listed_newest_first(client: openai.OpenAI) -> None:
    made = [upload(client, name) for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
    assert client.files.list().data == made[::-1]
    assert client.files.list(order="asc").data == made


def test_lists_come_in_pages(client: openai.OpenAI) -> None:
    made = [upload(client, name) for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
    first = client.files.list(limit=2, order="asc")
    assert first.data == made[:2]
    page = first.to_dict()
    assert (page["first_id"], page["last_id"], first.has_more) == (made[0].id, made[1].id, True)
    last = client.files.list(limit=2, order="asc", after=made[1].id)
    assert (last.data, last.has_more) == (made[2:], False)
    assert list(client.files.list(limit=1, order="asc")) == made


def test_a_list_can_be_of_one_purpose(client: openai.OpenAI) -> None:
    upload(client)
    wanted = upload(client, purpose="user_data")
    assert client.files.list(purpose="user_data").data == [wanted]


@pytest.mark.parametrize(
    ("arguments", "param"),
    [({"limit": 0}, "limit"), ({"limit": 10_001}, "limit"), ({"order": "up"}, "order")],
)
def test_a_page_that_makes_no_sense_is_refused(
    client: openai.OpenAI, arguments: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.files.list(**arguments)
    assert caught.value.param == param


def test_a_page_after_an_unknown_file_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.files.list(after="file-gone")
    assert refusal(caught.value)[:3] == (404, "No such File object: file-gone", "after")


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 30 * DAY),
        ({"purpose": "user_data"}, None),
        ({"expires_after": {"anchor": "created_at", "seconds": 3600}}, 3600),
    ],
)
def test_files_expire_when_they_should(
    client: openai.OpenAI, api: AudioApi, server: MockServer, changes: dict[str, Any], seconds: int | None
) -> None:
    file = upload(client, **changes)
    assert file.expires_at == (seconds and NOW + seconds)
    server.clock.advance((seconds or 300 * DAY) - 1)
    assert client.files.list().data == [file]
    server.clock.advance(1)
    assert len(client.files.list().data) == (0 if seconds else 1)


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (
            3599,
            (
                "Invalid 'expires_after.seconds': integer below minimum value. Expected a value >= 3600, "
                "but got 3599 instead."
            ),
        ),
        (
            2_592_001,
            (
                "Invalid 'expires_after.seconds': integer above maximum value. Expected a value <= 2592000, "
                "but got 2592001 instead."
            ),
        ),
    ],
)
def test_a_file_stays_between_an_hour_and_30_days(client: openai.OpenAI, seconds: int, message: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        upload(client, expires_after={"anchor": "created_at", "seconds": seconds})
    assert refusal(caught.value)[:3] == (400, message, "expires_after.seconds")


def test_an_unknown_purpose_is_refused(client: openai.OpenAI) -> None:
    message = "'music' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'"
    with pytest.raises(openai.BadRequestError) as caught:
        upload(client, purpose="music")
    assert refusal(caught.value) == (400, message, "purpose", None)
    assert caught.value.response.json()["detail"] == {"message": message, "code": None}


@pytest.mark.parametrize(("purpose", "service"), [("batch", "Batch"), ("fine-tune", "Fine-Tuning")])
@pytest.mark.parametrize("name", ["notes.txt", "a.json", "a.jsonl.gz", "jsonl", "upload"])
def test_lines_of_json_need_a_name_that_says_so(
    client: openai.OpenAI, purpose: str, service: str, name: str
) -> None:
    message = f"Invalid file format for {service} API. Must be .jsonl"
    with pytest.raises(openai.BadRequestError) as caught:
        upload(client, name, purpose=purpose)
    assert refusal(caught.value) == (400, message, None, None)
    assert caught.value.response.json()["detail"] == {"message": message, "code": None}
    assert upload(client, "Lines.JSONL", purpose=purpose).filename == "Lines.JSONL"
    assert upload(client, name, purpose="user_data").filename == name


@pytest.mark.parametrize("strictness", ["schema", "off"])
def test_other_strictness_takes_any_name(client: openai.OpenAI, strictness: str) -> None:
    lenient = client.with_options(default_headers={"x-mock-strictness": strictness})
    assert upload(lenient, "notes.txt").purpose == "batch"


@pytest.mark.parametrize("missing", ["file", "purpose"])
def test_what_is_missing_is_named(send: Callable[..., RawResponse], server: MockServer, missing: str) -> None:
    fields = [] if missing == "purpose" else [("purpose", "batch")]
    body, headers = multipart(fields, None if missing == "file" else ("a.jsonl", LINES))
    response = send("POST", "/v1/files", body, headers)
    error = json.loads(response.body)["error"]
    assert (response.status, error["param"]) == (400, missing)
    assert error["message"] == f"Missing required parameter: '{missing}'."


@pytest.mark.parametrize("boundary", ["edge", "", "e" * 300], ids=["not in the body", "empty", "too long"])
def test_what_is_no_form_is_refused(send: Callable[..., RawResponse], boundary: str) -> None:
    response = send("POST", "/v1/files", b"{}", {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    assert response.status == 400
    assert json.loads(response.body)["error"]["message"] == "Could not parse multipart form"


def test_what_says_that_it_is_no_form_is_refused(send: Callable[..., RawResponse]) -> None:
    response = send("POST", "/v1/files", b"{}", {"Content-Type": "application/json"})
    assert response.status == 400
    assert json.loads(response.body)["error"]["message"].startswith(
        "Unsupported content type: 'application/json'. This API method only accepts 'multipart/form-data' requests"
    )


def test_a_file_of_more_than_512_megabytes_is_refused(server: MockServer) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/files HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer sk-mock-large\r\n"
        f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {600 << 20}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode())
        connection.shutdown(socket.SHUT_WR)
        response = parse_response(b"".join(iter(lambda: connection.recv(65536), b"")))
    message = "The file has 629145600 bytes or more; a file may have at most 536870912."
    assert response.status == 413
    assert json.loads(response.body)["error"]["message"] == message


def test_a_batch_has_at_most_200_megabytes(client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.providers.openai.files._MAX_BATCH_BYTES", 10)
    with pytest.raises(openai.APIStatusError) as caught:
        upload(client)
    message = "The file has 19 bytes; a file of purpose batch may have at most 10."
    assert refusal(caught.value) == (413, message, "file", None)
    upload(client, purpose="user_data")


@pytest.mark.parametrize("purpose", ["assistants", "user_data", "vision"])
def test_some_files_are_not_given_back(client: openai.OpenAI, purpose: Any) -> None:
    file = upload(client, purpose=purpose)
    with pytest.raises(openai.BadRequestError) as caught:
        client.files.content(file.id)
    assert refusal(caught.value) == (400, f"Not allowed to download files of purpose: {purpose}", None, None)
    lenient = client.with_options(default_headers={"x-mock-strictness": "schema"})
    assert lenient.files.content(file.id).content == LINES


@pytest.mark.parametrize("strictness", ["schema", "off"])
def test_answers_satisfy_the_documented_schema(
    client: openai.OpenAI, schemas: Schemas, strictness: str
) -> None:
    marked = client.with_options(default_headers={"x-mock-strictness": strictness})
    file = marked.files.with_raw_response.create(file=("a", LINES), purpose="user_data").http_response.json()
    listed = marked.files.with_raw_response.list().http_response.json()
    deleted = marked.files.with_raw_response.delete(file["id"]).http_response.json()
    for name, document in (("file", file), ("file_list", listed), ("file_deleted", deleted)):
        assert schemas.violations(f"openai/{name}.response", document) == []


def test_an_empty_page_satisfies_the_documented_schema(client: openai.OpenAI, schemas: Schemas) -> None:
    marked = client.with_options(default_headers={"x-mock-strictness": "schema"})
    empty = marked.files.with_raw_response.list().http_response.json()
    assert schemas.violations("openai/file_list.response", empty) == []


def test_strictness_off_keeps_whatever_comes(send: Callable[..., RawResponse], server: MockServer) -> None:
    body, headers = multipart([("purpose", "music"), ("expires_after", "never")], ("a", LINES))
    response = send("POST", "/v1/files", body, headers | {"x-mock-strictness": "off"})
    assert json.loads(response.body)["purpose"] == "user_data"
    missing = send("POST", "/v1/files", b"", headers | {"x-mock-strictness": "off"})
    assert json.loads(missing.body)["error"]["message"] == "Missing required parameter: 'file'."


def test_a_stub_answers_a_file_by_its_name(client: openai.OpenAI, api: AudioApi) -> None:
    api.on("create_file", file="scripted*").fail("conflict")
    with pytest.raises(openai.ConflictError):
        upload(client, "scripted.jsonl")
    upload(client, "other.jsonl")
    assert [file.filename for file in client.files.list()] == ["other.jsonl"]


def test_a_stub_answers_with_a_file_of_its_own(client: openai.OpenAI, api: AudioApi) -> None:
    scripted = {
        "id": "file-scripted",
        "object": "file",
        "bytes": 1,
        "created_at": 1,
        "filename": "s",
        "purpose": "batch",
        "status": "processed",
    }
    api.on("create_file").reply_json(scripted)
    assert upload(client).id == "file-scripted"
    assert client.files.list().data == []


def test_faults_hit_files_too(client: openai.OpenAI, api: AudioApi) -> None:
    api.fail_next("server_error", endpoint="create_file")
    with pytest.raises(openai.InternalServerError):
        upload(client)
    assert client.files.list().data == []


def test_a_download_breaks_off_where_a_fault_says_so(client: openai.OpenAI, api: AudioApi) -> None:
    file = upload(client, data=bytes(300_000))
    api.break_next("truncated_body", endpoint="download_file")
    with pytest.raises((openai.APIConnectionError, httpx.RemoteProtocolError)):
        client.files.content(file.id)
    assert len(client.files.content(file.id).content) == 300_000


def test_a_deleted_file_is_still_sent_to_who_is_reading_it(client: openai.OpenAI) -> None:
    data = bytes(range(256)) * 20_000
    file = upload(client, data=data)
    with client.files.with_streaming_response.content(file.id) as response:
        client.files.delete(file.id)
        assert response.read() == data


def test_a_condition_on_the_sound_of_a_file_does_not_hold(client: openai.OpenAI, api: AudioApi) -> None:
    api.on("create_file", duration=(0, None)).fail("conflict")
    assert upload(client).filename == "a.jsonl"


def test_a_full_disk_is_an_error_of_the_server(
    client: openai.OpenAI, api: AudioApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(openai.InternalServerError):
        upload(client, data=bytes(100_000))
    monkeypatch.undo()
    assert client.files.list().data == []


def test_an_unknown_field_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        upload(client, extra_body={"colour": "red"})
    assert refusal(caught.value) == (400, "Unknown parameter: 'colour'.", "colour", "unknown_parameter")


def test_the_journal_has_the_facts_of_a_file(client: openai.OpenAI, api: AudioApi) -> None:
    upload(client, data=b"{}")
    (entry,) = api.journal
    (file,) = entry["audio"]
    assert (file["place"], file["file"], file["size"]) == ("file", "a.jsonl", 2)
    assert file["sha256"] == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert entry["request"]["purpose"] == "batch"


def test_a_reset_forgets_the_files_of_an_account(client: openai.OpenAI, api: AudioApi) -> None:
    upload(client)
    api.reset()
    assert client.files.list().data == []


def test_with_a_seed_ids_are_the_same_again() -> None:
    def first() -> str:
        settings = Settings(port=0, whisper_model="none", log_level="warning", seed="7")
        with MockServer(settings) as running:
            return upload(running.client).id

    assert first() == first()


def test_strictness_schema_answers_for_a_file_that_was_not_uploaded(
    client: openai.OpenAI, schemas: Schemas
) -> None:
    lenient = client.with_options(default_headers={"x-mock-strictness": "schema"})
    file = lenient.files.retrieve("file-nobody")
    assert schemas.violations("openai/file.response", file.to_dict()) == []
    assert (file.id, lenient.files.content("file-nobody").read()) == ("file-nobody", b"")
    assert lenient.files.delete("file-nobody").deleted
    assert lenient.files.list().data == []  # nothing was stored

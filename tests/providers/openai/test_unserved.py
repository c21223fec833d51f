"""Calls that no endpoint answers: their errors, their journal entries, and stubs for them."""

from __future__ import annotations

import http.client
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
import yaml

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse, multipart

Send = Callable[..., RawResponse]
JSON = {"Content-Type": "application/json"}
INVALID = "sk-mock-invalid-0123456789-0000"


@pytest.fixture
def api(server: MockServer) -> Iterator[AudioApi]:
    """Return the test double of a new account."""
    account = server.account()
    yield account
    account.reset()


def error_of(response: RawResponse) -> dict[str, Any]:
    body = response.json()
    assert isinstance(body, dict)
    error: dict[str, Any] = body["error"]
    return error


def test_a_call_that_is_not_served_says_so_and_what_to_do(api: AudioApi) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        api.client.post("/threads", body={}, cast_to=object)
    assert refused.value.code == "mock_endpoint_not_served"
    message = refused.value.message
    assert "OpenAI has POST /v1/threads, but this mock server does not serve it." in message
    for remedy in ("Send the messages with POST /v1/chat/completions instead.", "docs/clients.md"):
        assert remedy in message


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/threads"),
        ("POST", "/v1/images/generations"),
        ("POST", "/v1/fine_tuning/jobs"),
        ("GET", "/v1/threads/thread_1"),
        ("DELETE", "/v1/vector_stores/vs_1/files/file-1"),
        ("GET", "/v1/organization/usage/completions"),
    ],
)
def test_the_stub_that_the_message_gives_works(api: AudioApi, send: Send, method: str, path: str) -> None:
    response = send(method, path, b"{}", JSON, key=api.api_key)
    assert (response.status, error_of(response)["code"]) == (404, "mock_endpoint_not_served")
    found = re.search(r"\{when: .+?\}\}\}", error_of(response)["message"])
    assert found is not None
    httpx.post(
        f"{api.url}/_mock/stubs",
        json=yaml.safe_load(found[0]),
        headers={"Authorization": f"Bearer {api.api_key}"},
    ).raise_for_status()
    answer = send(method, path, b"{}", JSON, key=api.api_key)
    assert (answer.status, answer.body) == (200, b"{}")


def test_a_websocket_is_refused_in_the_same_words(api: AudioApi) -> None:
    upgrade = {
        "Authorization": f"Bearer {api.api_key}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    live = httpx.get(f"{api.base_url}/live/sessions?model=gpt-live-1", headers=upgrade)
    assert (live.status_code, live.json()["error"]["code"]) == (404, "mock_endpoint_not_served")
    assert "OpenAI has GET /v1/live/sessions (a WebSocket)" in live.json()["error"]["message"]
    assert "stub" not in live.json()["error"]["message"]
    browsers = upgrade | {"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{api.api_key}"}
    del browsers["Authorization"]
    assert httpx.get(f"{api.base_url}/live/sessions", headers=browsers).status_code == 404
    assert [entry["endpoint"] for entry in api.journal] == ["live", "live"]
    assert api.api_key not in json.dumps(api.journal)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/embeddings", "POST"),
        ("GET", "/v1/responses", "POST"),
        ("PUT", "/v1/responses/resp_1", "DELETE, GET"),
        ("GET", "/v1/audio/speech", "POST"),
        ("PUT", "/v1/files/file-1", "DELETE, GET"),
    ],
)
def test_the_refusal_of_a_wrong_method_names_the_right_ones(
    api: AudioApi, send: Send, method: str, path: str, allowed: str
) -> None:
    response = send(method, path, b"{}", JSON, key=api.api_key)
    assert (response.status, response.headers["allow"]) == (405, allowed)
    assert error_of(response)["message"] == f"Only {allowed} requests are accepted."
    assert api.journal[-1]["error"] == "method_not_supported"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/embeddings"),
        ("PATCH", "/v1/responses/resp_1"),
        ("PUT", "/v1/models"),
        ("GET", "/v1/audio/voices"),
    ],
)
def test_a_stub_answers_a_wrong_method_if_it_names_it(
    api: AudioApi, send: Send, method: str, path: str
) -> None:
    stub = api.on(path).reply_json({"ok": True})
    assert send(method, path, b"{}", JSON, key=api.api_key).status == 405
    assert stub.used == 0
    api.on(path, method=method, times=1).reply_json({"ok": True}, status=202)
    assert send(method, path, b"{}", JSON, key=api.api_key).status == 202
    assert send(method, path, b"{}", JSON, key=api.api_key).status == 405


def test_fields_look_into_queries_and_url_encoded_forms(api: AudioApi) -> None:
    api.on("/v1/things", fields={"colour": "blue", "size": "2"}).reply_json({"ok": True})
    api.on("list_files", fields={"purpose": "batch"}).reply_json({"object": "list", "data": []})
    with httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {api.api_key}"}) as ask:
        assert ask.get("/v1/things?colour=blue&size=2").json() == {"ok": True}
        assert ask.post("/v1/things?size=2", data={"colour": "blue"}).json() == {"ok": True}
        assert ask.post("/v1/things", data={"colour": "red", "size": "2"}).status_code == 404
        assert ask.get("/v1/files?purpose=batch").json() == {"object": "list", "data": []}
        assert "has_more" in ask.get("/v1/files?purpose=vision").json()
    with pytest.raises(ValueError, match="has a query, which is not part of the path"):
        api.on("/v1/things?colour=blue").reply_json({})


def test_headers_of_a_stub_replace_those_of_the_server(api: AudioApi, send: Send) -> None:
    headers = {"x-request-id": "mine", "Openai-Organization": "org-theirs", "x-other": "1"}
    api.on("images").reply_json({}, headers=headers)
    answered = httpx.post(
        f"{api.base_url}/images/generations", json={}, headers={"Authorization": f"Bearer {api.api_key}"}
    ).headers
    for name, value in headers.items():
        assert answered.get_list(name) == [value]


def test_calls_are_journaled_with_account_and_body_and_can_be_verified(api: AudioApi) -> None:
    for _ in range(2):
        with pytest.raises(openai.NotFoundError):
            api.client.images.generate(model="gpt-image-1", prompt="A cat.")
    entry = api.journal[0]
    assert entry["account"]
    assert (entry["endpoint"], entry["operation"]) == ("images", None)
    assert entry["model"] == "gpt-image-1"
    assert entry["prompt"] == "A cat."
    assert entry["request"]["prompt"] == "A cat."
    api.verify("images", times=2, model="gpt-image-*", prompt="a cat")
    api.verify("/v1/images/generations", times=2, method="POST", fields={"prompt": "A cat."}, status=404)
    api.verify(error="endpoint_not_served", times=2)
    with pytest.raises(AssertionError, match=r"near miss: .* POST /v1/images/generations gpt-image-1"):
        api.verify("/v1/images/generations", fields={"prompt": "Another."})
    assert "POST /v1/images/generations gpt-image-1" in api.exchanges()


def test_unknown_paths_are_journaled_too(api: AudioApi, send: Send) -> None:
    response = send("POST", "/v1/audio/transcribe", b'{"model": "whisper-1"}', JSON, key=api.api_key)
    assert error_of(response)["message"] == "Invalid URL (POST /v1/audio/transcribe)"
    (entry,) = api.journal
    assert (entry["endpoint"], entry["error"]) == (None, "unknown_url")
    assert entry["request"] == {"model": "whisper-1"}
    api.verify("/v1/audio/transcribe", times=1)
    api.verify("/v1/audio/*", times=1)


def test_long_texts_and_forms_are_kept_as_those_of_other_requests(api: AudioApi, send: Send) -> None:
    send("POST", "/v1/videos", json.dumps({"input": "x" * 5000}).encode(), JSON, key=api.api_key)
    body, headers = multipart([("purpose", "x")], ("note.wav", b"some bytes"))
    send("POST", "/v1/videos", body, headers, key=api.api_key)
    send("POST", "/v1/videos", b"\xff no form", {"Content-Type": "multipart/form-data"}, key=api.api_key)
    send("POST", "/v1/videos", b"[1, 2]", JSON, key=api.api_key)
    texts, form, *others = api.journal
    assert texts["request"]["input"] == {"length": 5000, "starts": "x" * 80}
    assert form["request"]["purpose"] == "x"
    assert form["audio"][0]["file"] == "note.wav"
    assert [entry["request"] for entry in others] == [{}, {}]


def test_a_body_beyond_the_bound_is_refused_as_elsewhere() -> None:
    settings = Settings(port=0, whisper_model="none", max_body_bytes=100, log_level="error")
    with MockServer(settings) as small, pytest.raises(openai.APIStatusError) as refused:
        small.client.images.generate(model="gpt-image-1", prompt="x" * 200)
    assert refused.value.status_code == 413


@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/foo"])
def test_a_wrong_key_is_refused_first(send: Send, path: str) -> None:
    response = send("POST", path, b"{}", JSON, key=INVALID)
    assert (response.status, error_of(response)["code"]) == (401, "invalid_api_key")
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert send("POST", path, b"{}", JSON, key=None).status == 401


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/conversations", "/v1/moderations"])
def test_some_services_ask_for_the_key_themselves(send: Send, path: str) -> None:
    response = send("POST", path, b"{}", JSON, key=None)
    assert (response.status, response.headers["content-type"]) == (401, "application/json")
    assert response.headers["www-authenticate"] == 'Bearer realm="OpenAI API"'
    assert error_of(response)["message"] == "Missing bearer or basic authentication in header"


def test_below_audio_a_wrong_key_has_the_layout_of_audio(send: Send) -> None:
    response = send("GET", "/v1/audio/unheard-of", key=INVALID)
    assert (response.status, response.headers["content-type"]) == (401, "text/plain")


def test_the_log_warns_once_of_each_path(caplog: pytest.LogCaptureFixture) -> None:
    with MockServer(Settings(port=0, whisper_model="none")) as running:
        with caplog.at_level(logging.WARNING, "mockserver.endpoints"):
            for path in (
                "images/edits",
                "images/edits",
                "threads/thread_1",
                "threads/thread_2",
                "foo",
                "foo",
            ):
                key = {"Authorization": "Bearer sk-mock-me"}
                httpx.request("GET" if "_" in path else "POST", f"{running.base_url}/{path}", headers=key)
        messages = [record.getMessage() for record in caplog.records]
    assert [text.split(" is not served")[0].split(": the API")[0] for text in messages] == [
        "POST /v1/images/edits",
        "GET /v1/threads/{thread_id}",
        "POST /v1/foo",
    ]


# --- scripted -------------------------------------------------------------------------------------------------


def test_images_are_answered_by_a_stub(api: AudioApi) -> None:
    answer = {"created": 1, "data": [{"b64_json": "AAAA"}]}
    stub = api.on("images", fields={"prompt": "A cat."}).reply_json(answer)
    found = api.client.images.generate(model="gpt-image-1", prompt="A cat.")
    assert found.data is not None
    assert found.data[0].b64_json == "AAAA"
    with pytest.raises(openai.NotFoundError):
        api.client.images.generate(model="gpt-image-1", prompt="A dog.")
    assert stub.used == 1
    assert api.journal[0]["stub"] == stub.id


def test_the_stub_that_nearly_matched_is_named(api: AudioApi) -> None:
    api.on_chat(user_text="Hi.").say("Hello.")
    api.on("images", fields={"prompt": "A cat."}, name="cats").reply_json({})
    with pytest.raises(openai.NotFoundError) as refused:
        api.client.images.generate(model="gpt-image-1", prompt="A dog.")
    assert "No stub matches it. The nearest is 'cats': fields: prompt: wanted 'A cat.', got 'A dog.'" in (
        refused.value.message
    )
    with pytest.raises(openai.NotFoundError, match=r"Script the answer with a stub: \{when: "):
        api.client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file="file-1")


def response(text: str, status: str = "completed") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": "gpt-4o-mini",
        "output": [message] if text else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def test_responses_are_answered_by_a_sequence_of_stubs(api: AudioApi) -> None:
    on_responses = api.on("/v1/responses")
    on_responses.fail("rate_limit_requests").then.reply_json(
        response("{{ request.input }} {{ count }}"), template=True
    ).then.reply_json({"error": {"message": "Nothing.", "type": "x"}}, status=418)
    with pytest.raises(openai.RateLimitError):
        api.client.responses.create(model="gpt-4o-mini", input="Hello.")
    assert api.client.responses.create(model="gpt-4o-mini", input="Hello.").output_text == "Hello. 1"
    with pytest.raises(openai.APIStatusError) as refused:
        api.client.responses.create(model="gpt-4o-mini", input="Hello.")
    assert refused.value.status_code == 418


def test_a_stream_of_responses_is_answered_event_by_event(api: AudioApi) -> None:
    delta = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0}
    events = [
        {"type": "response.created", "sequence_number": 0, "response": response("", "in_progress")},
        delta | {"sequence_number": 1, "delta": "It is "},
        delta | {"sequence_number": 2, "delta": "sunny."},
        {"type": "response.completed", "sequence_number": 3, "response": response("It is sunny.")},
    ]
    api.on("responses", fields={"stream": True}).reply_events(events, headers={"x-run": "7"})
    stream = api.client.responses.create(model="gpt-4o-mini", input="Weather?", stream=True)
    said = [each.delta for each in stream if each.type == "response.output_text.delta"]
    assert said == ["It is ", "sunny."]
    assert stream.response.headers["x-run"] == "7"
    (entry,) = api.journal
    assert (entry["stream_events"], entry["stream_pieces"]) == (4, 4)


def test_events_are_sent_in_pieces_as_the_api_writes_them(api: AudioApi, send: Send) -> None:
    given = [
        {"type": "a", "n": 1},
        {"n": 2},
        {"event": "b", "data": {"n": 3}},
        {"data": "two\nlines"},
        "[DONE]",
    ]
    api.on("/v1/foo/bar").reply_events(given)
    answer = send("POST", "/v1/foo/bar", b"{}", JSON, key=api.api_key)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.chunks == (
        b'event: a\ndata: {"type":"a","n":1}\n\n',
        b'data: {"n":2}\n\n',
        b'event: b\ndata: {"n":3}\n\n',
        b"data: two\ndata: lines\n\n",
        b"data: [DONE]\n\n",
    )


def test_events_of_audio_endpoints_are_written_as_theirs_are(api: AudioApi, send: Send) -> None:
    api.on_speech().reply_events([{"type": "speech.audio.done"}, "[DONE]"])
    body = json.dumps({"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hi.", "stream_format": "sse"})
    answer = send("POST", "/v1/audio/speech", body.encode(), JSON, key=api.api_key)
    assert answer.chunks == (b'data: {"type":"speech.audio.done"}\r\n\r\n', b"data: [DONE]\r\n\r\n")


def test_faults_hit_them(api: AudioApi, send: Send) -> None:
    fault = api.fail_next("server_error", endpoint="/v1/images/generations")
    with pytest.raises(openai.InternalServerError):
        api.client.images.generate(model="gpt-image-1", prompt="A cat.")
    assert fault.hits == 1
    api.break_next("malformed_json", endpoint="images")
    api.on("images").reply_json({"created": 1, "data": []})
    answer = send("POST", "/v1/images/generations", b"{}", JSON, key=api.api_key)
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    header = {"x-mock-fault": "overloaded"}
    assert send("POST", "/v1/foo", b"{}", JSON | header, key=api.api_key).status == 503
    assert [entry["error"] for entry in api.journal] == ["server_error", None, "overloaded"]


@pytest.mark.parametrize(("query", "headers"), [("?stream=true", {}), ("", {"Accept": "text/event-stream"})])
def test_faults_break_scripted_events(api: AudioApi, query: str, headers: dict[str, str]) -> None:
    api.on("/v1/responses/{id}").reply_events([{"n": 1}, {"n": 2}, {"n": 3}])
    fault = api.break_next("sse_cut", after=1)
    asked = headers | {"Authorization": f"Bearer {api.api_key}"}
    plain = httpx.get(f"{api.base_url}/responses/resp_1", headers={"Authorization": asked["Authorization"]})
    assert (plain.text.count("data:"), fault.hits) == (3, 0)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{api.base_url}/responses/resp_1{query}", headers=asked)
    assert fault.hits == 1


def test_rate_limits_do_not_count_them(server: MockServer) -> None:
    account = server.account(tier="free")
    account.on("images").reply_json({"created": 1, "data": []})
    for _ in range(10):
        answer = account.client.images.with_raw_response.generate(model="gpt-image-1", prompt="A cat.")
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("x-ratelimit-")]


def test_a_path_may_be_that_of_a_served_endpoint_with_its_id(api: AudioApi) -> None:
    api.on("/v1/files/file-7", method="GET").reply_json({"id": "file-7", "object": "file"})
    api.on("/v1/batches/{id}/cancel").reply_json({"id": "batch_7"})
    assert api.client.files.retrieve("file-7").id == "file-7"
    assert api.client.batches.cancel("batch_1").id == "batch_7"
    with pytest.raises(openai.NotFoundError):
        api.client.files.retrieve("file-8")


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("respones", "endpoint: unknown endpoint 'respones'. Did you mean 'responses'? "),
        ("transcription", "endpoint: unknown endpoint 'transcription'. Did you mean 'transcriptions'? "),
        ("xyzzy", "endpoint: unknown endpoint 'xyzzy'. docs/stubs.md lists the names. A path "),
    ],
)
def test_a_name_that_there_is_not_is_reported_shortly(api: AudioApi, endpoint: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        api.on(endpoint)
    assert len(str(refused.value)) < 200


def test_a_path_that_is_nearly_a_known_one_is_taken_with_a_warning(
    api: AudioApi, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mockserver.scripting.stubs.registry"):
        api.on("/v1/respones").reply_json({})
        api.on("/v1/something/else/altogether").reply_json({})
    (record,) = caplog.records
    assert "'/v1/respones'" in record.getMessage()
    assert "Did you mean '/v1/responses'?" in record.getMessage()


def test_words_cannot_answer_what_is_not_served(api: AudioApi) -> None:
    with pytest.raises(ValueError, match=r"text answers chat, .*, not images\."):
        api.on("/v1/images/generations").reply("Hello.")


def test_a_call_without_v1_is_answered_with_a_warning(api: AudioApi, send: Send) -> None:
    answer = send("GET", "/models", key=api.api_key)
    assert answer.status == 200
    assert answer.headers["x-mock-warning"] == (
        "The base URL lacks /v1: the real API answers GET /models with 404."
    )
    assert "x-mock-warning" not in send("GET", "/v1/models", key=api.api_key).headers
    refused = send("POST", "/images/generations", b"{}", JSON, key=api.api_key)
    assert error_of(refused)["code"] == "mock_endpoint_not_served"
    assert "x-mock-warning" in refused.headers
    assert "x-mock-warning" not in send("GET", "/foo", key=api.api_key).headers


def test_strict_urls_refuse_it_as_the_real_api_does(api: AudioApi, send: Send) -> None:
    api.configure(strict_urls=True)
    for method, path in [("POST", "/chat/completions"), ("GET", "/models"), ("POST", "/embeddings")]:
        answer = send(method, path, b"{}", JSON, key=api.api_key)
        assert (answer.status, error_of(answer)["message"]) == (404, f"Invalid URL ({method} {path})")
        assert "x-mock-warning" not in answer.headers
    assert send("GET", "/v1/models", key=api.api_key).status == 200
    api.configure(strict_urls=None)
    header = {"x-mock-strict-urls": "true"}
    assert send("GET", "/models", headers=header, key=api.api_key).status == 404


@pytest.mark.parametrize(
    "path", ["/v1//chat/completions", "//v1/chat/completions", "/v1/chat//completions", "///v1//x?y=1", "//"]
)
def test_double_slashes_are_of_no_url(api: AudioApi, send: Send, path: str) -> None:
    answer = send("POST", path, b'{"model": "gpt-4o-mini"}', JSON, key=api.api_key)
    assert answer.status == 404
    assert error_of(answer)["message"] == f"Invalid URL (POST {path.partition('?')[0]})"
    assert api.journal[-1]["path"] == path.partition("?")[0]


def test_a_connection_lives_on_after_a_refusal(server: MockServer, api: AudioApi) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    sockets = []
    for path in ("//v1/models", "/v1/images/generations", "//v1/models"):
        connection.request("POST", path, b"{}", {"Authorization": f"Bearer {api.api_key}"})
        refused = connection.getresponse()
        assert (refused.status, refused.read()[-2:]) == (404, b"}\n")
        sockets.append(connection.sock)
    assert sockets[0] is sockets[1] is sockets[2] is not None
    connection.close()

"""``/v1/batches``, through the official SDK."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from uuid import UUID

import openai
import pytest
from openai.types import Batch
from openai.types.chat import ChatCompletion

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse
from tests.providers.openai.batch_work.conftest import (
    ENDED,
    Batches,
    as_jsonl,
    batches,
    chat_line,
    chat_lines,
    checked,
    failure,
)
from tests.providers.openai.conftest import JSON, sound, user
from tests.waiting import eventually

__all__ = ["batches"]  # a fixture

Clip = tuple[str, bytes]
Send = Callable[..., RawResponse]


@pytest.fixture
def api(server: MockServer, api_key: str) -> Any:
    """Return the test double of the account of ``batches``."""
    return server.account(api_key)


def test_a_batch_is_answered_line_by_line(batches: Batches) -> None:
    batch = batches.run(chat_lines(3))
    assert batch.status == "completed"
    assert batch.model == "gpt-4o-mini-2024-07-18"
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 3, "completed": 3, "failed": 0}
    assert batch.error_file_id is None
    lines = batches.output(batch)
    assert [line["custom_id"] for line in lines] == ["line-0", "line-1", "line-2"]
    for line in lines:
        assert set(line) == {"id", "custom_id", "response", "error"}
        assert line["id"].startswith("batch_req_")
        assert line["error"] is None
        assert line["response"]["status_code"] == 200
        assert str(UUID(line["response"]["request_id"])) == line["response"]["request_id"]
        ChatCompletion.model_validate(line["response"]["body"], strict=True)
    words = [line["response"]["body"]["choices"][0]["message"]["content"] for line in lines]
    assert words == ["You wrote: Line 0.", "You wrote: Line 1.", "You wrote: Line 2."]


def test_a_new_batch_has_everything_to_come(batches: Batches) -> None:
    file_id = batches.upload(chat_lines(1))
    batch = batches.of_file(file_id, metadata={"run": "7"}).to_dict()
    created, batch_id = batch.pop("created_at"), batch.pop("id")
    assert int(str(batch_id)[6:14], 16) == created
    assert batch == {
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "model": batch["model"],
        "errors": None,
        "input_file_id": file_id,
        "completion_window": "24h",
        "status": batch["status"],
        "output_file_id": None,
        "error_file_id": None,
        "in_progress_at": batch["in_progress_at"],
        "expires_at": int(str(created)) + 86_400,
        "finalizing_at": None,
        "completed_at": None,
        "failed_at": None,
        "expired_at": None,
        "cancelling_at": None,
        "cancelled_at": None,
        "request_counts": batch["request_counts"],
        "usage": batch["usage"],
        "metadata": {"run": "7"},
    }


def test_usage_is_that_of_all_answers(batches: Batches) -> None:
    batch = batches.run(chat_lines(3))
    used = [line["response"]["body"]["usage"] for line in batches.output(batch)]
    assert [set(each["prompt_tokens_details"]) for each in used] == [{"cached_tokens", "audio_tokens"}] * len(
        used
    )
    assert batch.usage is not None
    assert batch.usage.to_dict() == {
        "input_tokens": sum(each["prompt_tokens"] for each in used),
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": sum(each["completion_tokens"] for each in used),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sum(each["total_tokens"] for each in used),
    }


def test_a_refused_line_is_in_the_error_file(batches: Batches) -> None:
    batch = batches.run([chat_line("good"), chat_line("bad", temperature=9)])
    assert batch.status == "completed"
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 2, "completed": 1, "failed": 1}
    assert [line["custom_id"] for line in batches.output(batch)] == ["good"]
    (line,) = batches.errors(batch)
    assert (line["custom_id"], line["error"]) == ("bad", None)
    assert line["response"]["status_code"] == 400
    assert line["response"]["body"]["error"]["code"] == "decimal_above_max_value"


def test_lines_are_judged_like_any_other_request(batches: Batches) -> None:
    malformed = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi", "tool_calls": []}]
    lines = [
        chat_line("nulls", tools=None, tool_choice=None, user=None),
        chat_line("no calls", messages=malformed),
        chat_line(
            "open", tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
        ),
    ]
    batch = batches.run(lines)
    assert [line["custom_id"] for line in batches.output(batch)] == ["nulls"]
    refused = {line["custom_id"]: line["response"]["body"]["error"]["code"] for line in batches.errors(batch)}
    assert refused == {"no calls": "empty_array", "open": "invalid_function_parameters"}


def test_without_a_good_line_there_is_no_output_file(batches: Batches) -> None:
    batch = batches.run([chat_line("bad", temperature=9)])
    assert (batch.status, batch.output_file_id) == ("completed", None)
    assert len(batches.errors(batch)) == 1


def test_the_files_of_a_batch_are_files(batches: Batches) -> None:
    file_id = batches.upload([chat_line("good"), chat_line("bad", temperature=9)])
    expiry: Any = {"anchor": "created_at", "seconds": 3600}
    batch = batches.until(batches.of_file(file_id, output_expires_after=expiry), *ENDED)
    for name, made in (("output", batch.output_file_id), ("error", batch.error_file_id)):
        assert made is not None
        file = batches.client.files.retrieve(made)
        assert (file.purpose, file.filename) == ("batch_output", f"{batch.id}_{name}.jsonl")
        assert file.expires_at == file.created_at + 3600


def test_what_a_batch_made_has_the_form_that_was_recorded(batches: Batches) -> None:
    batch = batches.run([chat_line("good"), chat_line("bad", temperature=9)])
    assert batch.output_file_id is not None
    file = batches.client.files.retrieve(batch.output_file_id)
    assert file.expires_at == file.created_at + 30 * 86_400  # recorded in 2026
    (good,), (bad,) = batches.output(batch), batches.errors(batch)
    for line in (good, bad):
        assert list(line) == ["id", "custom_id", "response", "error"]
        assert list(line["response"]) == ["status_code", "request_id", "body"]
        assert UUID(line["response"]["request_id"])  # as in 2026, never `req_…`
    usage = good["response"]["body"]["usage"]
    assert list(usage["prompt_tokens_details"]) == ["cached_tokens", "audio_tokens"]
    assert bad["response"]["status_code"] == 400


def test_a_deleted_input_file_changes_nothing_for_its_batch(batches: Batches) -> None:
    file_id = batches.upload(chat_lines(2))
    batch = batches.of_file(file_id)
    batches.client.files.delete(file_id)
    assert len(batches.output(batches.until(batch, *ENDED))) == 2


def spoken_line(custom_id: str, clip: Clip, **changes: Any) -> dict[str, Any]:
    data = base64.b64encode(clip[1]).decode()
    part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    messages = [{"role": "user", "content": [part]}]
    return chat_line(custom_id, model="gpt-4o-mini-audio-preview", messages=messages, **changes)


def test_lines_can_speak_and_be_heard(batches: Batches, hello: Clip) -> None:
    audio = {"voice": "alloy", "format": "wav"}
    lines = [
        spoken_line("heard", hello),
        spoken_line("spoken", hello, modalities=["text", "audio"], audio=audio),
    ]
    heard, spoken = batches.output(batches.run(lines))
    assert "Hello world, this is a test." in heard["response"]["body"]["choices"][0]["message"]["content"]
    sound = spoken["response"]["body"]["choices"][0]["message"]["audio"]
    assert "Hello world, this is a test." in sound["transcript"]
    assert base64.b64decode(sound["data"]).startswith(b"RIFF")


def test_stubs_answer_lines_in_the_order_of_the_file(batches: Batches, api: Any) -> None:
    api.on_chat(model="gpt-4o-mini").say("First.").then.say("Second.")
    batch = batches.run(chat_lines(3))
    words = [line["response"]["body"]["choices"][0]["message"]["content"] for line in batches.output(batch)]
    assert words == ["First.", "Second.", "Second."]


def test_a_fault_hits_a_single_line(batches: Batches, api: Any) -> None:
    api.fail_next("server_error", endpoint="chat")
    batch = batches.run(chat_lines(2))
    (line,) = batches.errors(batch)
    assert (line["custom_id"], line["response"]["status_code"]) == ("line-0", 500)
    assert len(batches.output(batch)) == 1


def test_a_line_whose_answer_breaks_off_has_no_response(batches: Batches, api: Any) -> None:
    api.break_next("connection_reset", endpoint="chat")
    (line,) = batches.errors(batches.run(chat_lines(2)))
    assert line["response"] is None
    assert line["error"] == {"code": "request_timeout", "message": "The request timed out."}


def test_lines_are_known_by_their_headers(batches: Batches, api: Any) -> None:
    batch = batches.run([chat_line("erste Zeile"), chat_line("second")])
    entries = [entry for entry in api.journal if entry["endpoint"] == "chat"]
    assert [entry["headers"]["x-mock-custom-id"] for entry in entries] == ["erste%20Zeile", "second"]
    assert {entry["headers"]["x-mock-batch"] for entry in entries} == {batch.id}
    assert [entry["status"] for entry in entries] == [200, 200]


def test_the_journal_says_of_a_line_who_heard_its_audio(
    batches: Batches, api: Any, hello: tuple[str, bytes]
) -> None:
    batches.run([chat_line("heard", model="gpt-4o-mini-audio-preview", messages=[user([sound(hello[1])])])])
    (entry,) = [entry for entry in api.journal if entry["endpoint"] == "chat"]
    assert entry["answered_by"] == "responder; heard-by=fixture/hello"


def test_a_stub_can_answer_one_line(batches: Batches, api: Any) -> None:
    api.on_chat(headers={"x-mock-custom-id": "second"}).say("Scripted.")
    batch = batches.run([chat_line("first"), chat_line("second")])
    words = [line["response"]["body"]["choices"][0]["message"]["content"] for line in batches.output(batch)]
    assert words == ["You wrote: Hello.", "Scripted."]


def test_a_stub_can_answer_a_line_with_anything(batches: Batches, api: Any) -> None:
    api.on_chat().reply_json({"usage": "none", "text": "line\nbreak"}).then.reply_bytes(b"no JSON \xff")
    first, second = batches.output(batches.run(chat_lines(2)))
    assert first["response"]["body"] == {"usage": "none", "text": "line\nbreak"}
    assert second["response"]["body"] == "no JSON \N{REPLACEMENT CHARACTER}"


def test_settings_of_the_creation_hold_for_its_lines(batches: Batches) -> None:
    lines = [chat_line("odd", model="gpt-audio-x", temperature=1)]
    assert batches.run(lines).status == "failed"
    assert batches.run(lines, headers={"x-mock-strictness": "schema"}).status == "completed"


def test_lines_cost_half(batches: Batches, server: MockServer, hello: Clip) -> None:
    line = spoken_line("a", hello)
    create: Any = batches.client.chat.completions.create
    create(**line["body"])
    (full,) = control(server, batches, "costs")["rows"]
    batches.run([line])
    (both,) = control(server, batches, "costs")["rows"]
    assert (full["requests"], both["requests"]) == (1, 2)
    assert both["cost_usd"] == pytest.approx(1.5 * full["cost_usd"])


def test_lines_touch_no_bucket(server: MockServer) -> None:
    batches = Batches(server.account("sk-mock-tier-1-batch-buckets").client)
    assert batches.run(chat_lines(3)).status == "completed"

    def used() -> dict[str, int]:
        return {kind: gauge["used"] for kind, gauge in gauges(server, batches).items()}

    eventually(
        lambda: used()["enqueued_tokens"] == 0
    )  # the batch leaves the queue after it is seen to be completed
    assert used() == {
        "requests_per_minute": 0,
        "requests_per_day": 0,
        "tokens_per_minute": 0,
        "images_per_minute": 0,
        "enqueued_tokens": 0,
    }


def control(server: MockServer, batches: Batches, subject: str) -> Any:
    request = urllib.request.Request(
        f"{server.url}/_mock/{subject}", headers={"Authorization": f"Bearer {batches.client.api_key}"}
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def gauges(server: MockServer, batches: Batches) -> dict[str, Any]:
    (account,) = control(server, batches, "limits?model=gpt-4o-mini")["accounts"]
    (group,) = account["groups"]
    return {gauge["kind"]: gauge for gauge in group["limits"]}


def test_the_queue_is_as_large_as_the_tier_has_it() -> None:
    with MockServer(Settings(port=0, whisper_model="none", frozen_time=1_800_000_000.0)) as server:
        account = server.account("sk-mock-tier-1-queue")
        batches, lines = Batches(account.client), [chat_line("a", "x" * 7_999_990)]  # two million tokens
        waiting = batches.create(lines, {"x-mock-batch-seconds": "60"})
        server.clock.advance(60)
        batches.until(waiting, "in_progress")
        full = gauges(server, batches)["enqueued_tokens"]
        assert (full["limit"], full["used"], full["remaining"], full["window_seconds"]) == (
            2_000_000,
            2_000_000,
            0,
            0,
        )
        organization = control(server, batches, "limits")["accounts"][0]["organization"]
        message = (
            f"Enqueued token limit reached for gpt-4o-mini in organization {organization}. Limit: 2,000,000 "
            "enqueued tokens. Please try again once some in_progress batches have been completed."
        )
        assert failure(batches.run(chat_lines(1))) == [("token_limit_exceeded", None, None, message)]
        batches.client.batches.cancel(waiting.id)
        server.clock.advance(60)
        batches.until(waiting, "cancelled")
        assert gauges(server, batches)["enqueued_tokens"]["used"] == 0
        assert batches.run(chat_lines(1)).status == "completed"


def test_the_queue_can_be_given_another_size(batches: Batches) -> None:
    batch = batches.run([chat_line("a", "x" * 393)], {"x-mock-limits": "enqueued_tokens=99"})
    ((code, *_, message),) = failure(batch)
    assert code == "token_limit_exceeded"
    assert "Limit: 99 enqueued tokens" in str(message)
    assert (
        batches.run([chat_line("a", "x" * 393)], {"x-mock-limits": "enqueued_tokens=100"}).status
        == "completed"
    )


def test_a_tier_without_a_queue_takes_no_batch(server: MockServer) -> None:
    free = Batches(server.account("sk-mock-free-no-batches").client)
    ((code, _, _, message),) = failure(free.run(chat_lines(1)))
    assert code == "token_limit_exceeded"
    assert message is not None
    assert "Limit: 0 enqueued tokens" in message


def test_errors_of_the_input_are_reported_by_line(batches: Batches) -> None:
    lines = as_jsonl([chat_line("a"), chat_line("a")]) + b"{oops\n"
    batch = batches.run(lines)
    assert [error[:3] for error in failure(batch)] == [
        ("duplicate_custom_id", 2, "custom_id"),
        ("invalid_json_line", 3, None),
    ]
    assert batch.failed_at is not None
    assert batch.request_counts is not None
    assert batch.request_counts.total == 0


@pytest.mark.parametrize("model", ["gpt-audio", "whisper-1", "nonexistent"])
def test_a_model_without_batches_is_refused(batches: Batches, model: str) -> None:
    message = f"The provided model '{model}' is not supported by the Batch API."
    assert failure(batches.run([chat_line("a", model=model)])) == [
        ("model_not_found", 1, "body.model", message)
    ]


def test_an_unknown_file_fails_the_batch(batches: Batches) -> None:
    batch = batches.until(batches.of_file("file-unknown"), *ENDED)
    ((code, line, param, message),) = failure(batch)
    assert (code, line, param) == ("invalid_request", None, "file_id")
    assert message is not None
    assert message.startswith("Cannot find file file-unknown, or organization org-")


def test_a_file_for_another_purpose_fails_the_batch(batches: Batches) -> None:
    file_id = batches.upload(chat_lines(1), purpose="user_data")
    ((code, _, param, _),) = failure(batches.until(batches.of_file(file_id), *ENDED))
    assert (code, param) == ("invalid_request", "file_id")


REFUSED = [
    ({"input_file_id": None}, "Missing required parameter: 'input_file_id'.", "missing_required_parameter"),
    ({"completion_window": "1h"}, "Invalid value: '1h'. Supported values are: '24h'.", "invalid_value"),
    (
        {"endpoint": "/v1/audio/transcriptions"},
        (
            "Invalid value: '/v1/audio/transcriptions'. Supported values are: '/v1/responses', "
            "'/v1/chat/completions', '/v1/embeddings', '/v1/completions', '/v1/moderations', "
            "'/v1/images/generations', '/v1/images/edits', and '/v1/videos'."
        ),
        "invalid_value",
    ),
    (
        {"endpoint": "/v1/videos"},
        (
            "This server has no '/v1/videos' for batches. What it has: '/v1/chat/completions', "
            "'/v1/completions', '/v1/embeddings', '/v1/moderations', '/v1/responses'."
        ),
        "mock_endpoint_not_served",
    ),
    (
        {"metadata": {"tags": ["a"]}},
        "Invalid type for 'metadata.tags': expected a string, but got an array instead.",
        "invalid_type",
    ),
    (
        {"output_expires_after": {"anchor": "created_at", "seconds": 60}},
        (
            "Invalid 'output_expires_after.seconds': integer below minimum value. "
            "Expected a value >= 3600, but got 60 instead."
        ),
        "integer_below_min_value",
    ),
]


@pytest.mark.parametrize(("changes", "message", "code"), REFUSED)
def test_a_creation_is_refused(send: Send, changes: dict[str, Any], message: str, code: str) -> None:
    asked = {
        "input_file_id": "file-a",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    } | changes
    body = json.dumps({name: value for name, value in asked.items() if value is not None}).encode()
    response = send("POST", "/v1/batches", body, JSON)
    error = json.loads(response.body)["error"]
    assert (response.status, error["message"], error["code"]) == (400, message, code)


@pytest.mark.parametrize("path", ["", "/cancel"])
def test_an_unknown_batch_is_not_found(send: Send, path: str) -> None:
    response = send("POST" if path else "GET", f"/v1/batches/batch_unknown{path}")
    assert response.status == 404
    assert json.loads(response.body)["error"] == {
        "message": "No batch found with id 'batch_unknown'.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_a_batch_that_has_ended_cannot_be_cancelled(batches: Batches) -> None:
    batch = batches.run(chat_lines(1))
    with pytest.raises(openai.ConflictError) as refusal:
        batches.client.batches.cancel(batch.id)
    assert refusal.value.body == {
        "message": "Cannot cancel a batch with status 'completed'.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_batches_are_listed_page_by_page_the_latest_first(batches: Batches) -> None:
    file_id = batches.upload(chat_lines(1))
    ids = [batches.of_file(file_id).id for _ in range(5)][::-1]
    page = batches.client.batches.list(limit=2)
    assert ([each.id for each in page.data], page.has_more) == (ids[:2], True)
    assert [each.id for each in batches.client.batches.list(limit=2)] == ids
    last = batches.client.batches.list(limit=2, after=ids[3])
    assert ([each.id for each in last.data], last.has_more) == (ids[4:], False)
    with pytest.raises(openai.NotFoundError, match="No batch found with id 'batch_x'"):
        batches.client.batches.list(after="batch_x")


def test_accounts_do_not_see_each_others_batches(batches: Batches, server: MockServer) -> None:
    other = Batches(server.account().client)
    batch = batches.run(chat_lines(1))
    assert other.client.batches.list().data == []
    with pytest.raises(openai.NotFoundError):
        other.client.batches.retrieve(batch.id)
    with pytest.raises(openai.NotFoundError):
        other.client.batches.cancel(batch.id)
    ((code, *_),) = failure(other.until(other.of_file(batch.input_file_id), *ENDED))
    assert code == "invalid_request"


def test_in_the_schema_s_own_strictness_every_answer_satisfies_it(
    send: Send, schemas: Schemas, batches: Batches
) -> None:
    batches.run(chat_lines(1))
    relaxed = {"x-mock-strictness": "schema"}
    key = batches.client.api_key
    for method, path, schema in (
        ("GET", "/batches", "batch_list"),
        ("GET", "/batches/batch_unknown", "batch"),
        ("POST", "/batches/batch_unknown/cancel", "batch"),
    ):
        response = send(method, f"/v1{path}", headers=relaxed, key=key)
        assert response.status == 200
        assert schemas.violations(f"openai/{schema}.response", response.json()) == []


def test_in_the_schema_s_own_strictness_every_documented_endpoint_is_taken(
    send: Send, batches: Batches
) -> None:
    asked = {"input_file_id": "file-a", "endpoint": "/v1/videos", "completion_window": "24h"}
    relaxed, key = JSON | {"x-mock-strictness": "schema"}, batches.client.api_key
    response = send("POST", "/v1/batches", json.dumps(asked).encode(), relaxed, key=key)
    assert response.status == 200
    batch = batches.until(Batch.model_validate(response.json()), *ENDED)
    ((code, *_),) = failure(batch)
    assert code == "mock_endpoint_not_served"


def test_the_asynchronous_sdk_runs_a_batch(server: MockServer, api_key: str) -> None:
    async def run() -> tuple[Batch, str]:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key=api_key, max_retries=0) as client:
            file = await client.files.create(file=("in.jsonl", as_jsonl(chat_lines(2))), purpose="batch")
            batch = await client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            deadline = time.monotonic() + 60
            while batch.status not in ENDED and time.monotonic() < deadline:
                batch = checked(await client.batches.retrieve(batch.id))
            assert [each.id async for each in client.batches.list()] == [batch.id]
            return batch, (await client.files.content(str(batch.output_file_id))).text

    batch, output = asyncio.run(run())
    assert batch.status == "completed"
    assert len(output.splitlines()) == 2

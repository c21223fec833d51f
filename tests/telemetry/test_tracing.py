"""Each exchange is a span, with the conventions for generative AI, made by the real SDK."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from opentelemetry.trace import SpanKind, StatusCode
from websockets.sync.client import connect

from mockserver.telemetry.tracing import clean
from tests.telemetry.conftest import Traced
from tests.waiting import eventually

HELLO: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "sk-proj-Zx81mbT0pVq4nLr7cWy2"


def ended(traced: Traced, name: str) -> Any:
    """Wait for the span with that name, which ends after the client has its answer; return it."""
    assert eventually(lambda: any(each.name == name for each in traced.spans)), traced.spans
    return traced.span(name)


def test_a_chat_has_the_attributes_of_the_conventions(traced: Traced) -> None:
    answer = traced.api.client.chat.completions.create(
        **HELLO, temperature=0.5, max_completion_tokens=50, seed=7, stop=["END"]
    )
    span = ended(traced, "chat gpt-4o-mini")
    assert span.kind == SpanKind.SERVER
    assert span.status.status_code == StatusCode.UNSET
    host, port = traced.server.url.removeprefix("http://").split(":")
    assert answer.usage is not None
    wanted = {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "url.path": "/v1/chat/completions",
        "url.scheme": "http",
        "server.address": host,
        "server.port": int(port),
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.output.type": "text",
        "gen_ai.usage.input_tokens": answer.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": answer.usage.completion_tokens,
        "mockserver.answered_by": "responder",
        "mockserver.project": traced.api.journal[0]["project"],
        "mockserver.request.id": traced.api.journal[0]["id"],
    }
    assert {name: span.attributes.get(name) for name in wanted} == wanted
    assert span.resource.attributes["service.name"] == "audio-mockserver"
    assert "Hello" not in json.dumps(dict(span.attributes))


def test_the_trace_of_the_client_is_continued(traced: Traced) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
    traced.api.client.chat.completions.create(**HELLO, extra_headers=headers)
    span = ended(traced, "chat gpt-4o-mini")
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert span.context.trace_state.get("vendor") == "1"


@pytest.mark.parametrize("header", ["", "00-0-0-01", "nonsense", f"00-{TRACE}-{PARENT}", "\xff" * 50])
def test_what_is_no_context_begins_a_trace(traced: Traced, header: str) -> None:
    sent: dict[str, Any] = {
        "traceparent": header.encode("latin-1"),
        "Authorization": f"Bearer {traced.api.api_key}",
    }
    httpx.get(f"{traced.server.url}/v1/models", headers=sent, trust_env=False)
    span = ended(traced, "GET /v1/models")
    assert span.parent is None


def test_a_trace_that_the_client_does_not_sample_is_not_sent(traced: Traced) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    traced.api.client.chat.completions.create(**HELLO, extra_headers=headers)
    traced.api.client.models.retrieve("tts-1")
    ended(traced, "GET /v1/models/{id}")
    assert [each.name for each in traced.spans] == ["GET /v1/models/{id}"]


def test_the_span_of_a_stream_ends_with_it(traced: Traced) -> None:
    stream = traced.api.client.chat.completions.create(
        **HELLO, stream=True, stream_options={"include_usage": True}
    )
    first = next(iter(stream))
    assert first.choices
    for _ in stream:
        pass
    span = ended(traced, "chat gpt-4o-mini")
    assert span.attributes["gen_ai.usage.output_tokens"] > 0
    assert (span.end_time - span.start_time) / 1e6 >= span.attributes["mockserver.first_byte_ms"]


def test_a_client_that_leaves_during_a_stream_is_noted(traced: Traced) -> None:
    traced.api.on_chat().reply("word " * 300, tokens_per_second=20)
    stream = traced.api.client.chat.completions.create(**HELLO, stream=True)
    next(iter(stream))
    stream.close()
    span = ended(traced, "chat gpt-4o-mini")
    assert span.attributes["mockserver.hung_up"]
    assert span.attributes["error.type"] == "client_disconnected"


def test_errors_have_their_names_and_those_of_the_server_the_status(traced: Traced) -> None:
    traced.api.fail_next("rate_limit_requests")
    with pytest.raises(openai.RateLimitError):
        traced.api.client.chat.completions.create(**HELLO)
    limited = ended(traced, "chat gpt-4o-mini")
    assert (limited.attributes["error.type"], limited.status.status_code) == (
        "rate_limit_requests",
        StatusCode.UNSET,
    )
    traced.api.fail_next("server_error")
    with pytest.raises(openai.InternalServerError):
        traced.api.client.embeddings.create(model="text-embedding-3-small", input="Hi.")
    failed = ended(traced, "embeddings text-embedding-3-small")
    assert (failed.attributes["error.type"], failed.status.status_code) == ("server_error", StatusCode.ERROR)
    assert failed.attributes["mockserver.fault"] == "error"


def test_a_broken_connection_is_an_error(traced: Traced) -> None:
    traced.api.break_next("connection_reset", at="before")
    with pytest.raises(openai.APIConnectionError):
        traced.api.client.chat.completions.create(**HELLO)
    span = ended(traced, "chat gpt-4o-mini")
    assert (span.attributes["error.type"], span.status.status_code) == ("connection_lost", StatusCode.ERROR)


def test_stubs_and_costs_are_named(traced: Traced) -> None:
    stub = traced.api.on("embeddings").embed([1.0])
    traced.api.client.embeddings.create(model="text-embedding-3-small", input="Hi.")
    span = ended(traced, "embeddings text-embedding-3-small")
    assert span.attributes["mockserver.stub"] == stub.id
    assert span.attributes["mockserver.cost_usd"] == pytest.approx(4e-8)


def test_speech_and_transcriptions_have_operations_of_their_own(traced: Traced) -> None:
    options: Any = {"model": "tts-1", "voice": "nova", "response_format": "wav"}
    audio = traced.api.client.audio.speech.create(input="Good day.", **options).content
    traced.api.client.audio.transcriptions.create(model="whisper-1", file=("a.wav", audio))
    assert ended(traced, "speech tts-1").attributes["gen_ai.output.type"] == "speech"
    heard = ended(traced, "transcription whisper-1")
    assert heard.attributes["gen_ai.output.type"] == "text"
    assert heard.attributes["mockserver.audio_seconds"] == pytest.approx(0.82, abs=0.3)


def test_azure_is_another_provider(traced: Traced) -> None:
    client = openai.AzureOpenAI(
        azure_endpoint=traced.server.url, api_key=traced.api.api_key, api_version="2024-10-21"
    )
    with client:
        client.chat.completions.create(**HELLO)
    assert ended(traced, "chat gpt-4o-mini").attributes["gen_ai.provider.name"] == "azure.ai.openai"


def test_unknown_paths_and_what_is_no_request_are_spans(traced: Traced) -> None:
    headers = {"Authorization": f"Bearer {traced.api.api_key}"}
    httpx.get(f"{traced.server.url}/v1/nothing?api_key={SECRET}", headers=headers, trust_env=False)
    span = ended(traced, "GET")
    assert span.attributes["error.type"] == "unknown_url"
    assert "http.route" not in span.attributes


def test_a_session_has_its_turns_as_children(traced: Traced) -> None:
    traced.api.on_realtime(turn=2).say("It is sunny.")
    with traced.api.caller() as call:
        call.say("Good morning.")
        call.hear()
        call.say("Is it raining?")
        call.hear()
    session = ended(traced, "realtime gpt-realtime")
    turns: list[Any] = [each for each in traced.spans if each.name == "chat gpt-realtime"]
    assert [each.attributes["mockserver.turn"] for each in turns] == [1, 2]
    for each in turns:
        assert each.parent.span_id == session.context.span_id
        assert each.kind == SpanKind.INTERNAL
        assert session.start_time <= each.start_time <= each.end_time <= session.end_time
        assert each.attributes["gen_ai.conversation.id"] == session.attributes["gen_ai.conversation.id"]
        assert each.attributes["gen_ai.usage.input_tokens"] > 0
    assert turns[1].attributes["mockserver.stub"] == "stub-1"
    assert "gen_ai.usage.input_tokens" not in session.attributes
    assert session.attributes["mockserver.turns"] == 2


def test_messages_of_a_web_socket_are_linked_to_its_handshake(traced: Traced) -> None:
    url = traced.server.url.replace("http", "ws") + "/v1/responses"
    headers = {"Authorization": f"Bearer {traced.api.api_key}"}
    with connect(url, additional_headers=headers, proxy=None) as web_socket:
        web_socket.send(json.dumps({"type": "response.create", "model": "gpt-4o-mini", "input": "Hi."}))
        while json.loads(web_socket.recv())["type"] != "response.completed":
            pass
    message = ended(traced, "chat gpt-4o-mini")
    handshake: Any = traced.span("GET /v1/responses")
    (link,) = message.links
    assert link.context.span_id == handshake.context.span_id
    assert message.attributes["mockserver.connection"] == handshake.attributes["mockserver.request.id"]


def test_what_was_said_is_sent_only_if_a_setting_says_so(start: Callable[..., Traced]) -> None:
    traced = start(otel_content=True)
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather in Rome?"},
    ]
    traced.api.on_chat().call_tool("get_weather", city="Rome")
    traced.api.client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    attributes = ended(traced, "chat gpt-4o-mini").attributes
    assert json.loads(attributes["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Weather in Rome?"}]}
    ]
    assert json.loads(attributes["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "name": "get_weather", "arguments": '{"city":"Rome"}'}],
            "finish_reason": "tool_call",
        }
    ]


@pytest.mark.parametrize("content", [False, True])
def test_keys_are_in_no_attribute(start: Callable[..., Traced], content: bool) -> None:
    traced = start(otel_content=content)
    api = traced.server.account(SECRET)
    api.client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": f"My key is {SECRET}."}]
    )
    headers = {"Authorization": f"Bearer {SECRET}", "User-Agent": f"agent/{SECRET}"}
    httpx.get(f"{traced.server.url}/v1/files/{SECRET}", headers=headers, trust_env=False)
    ended(traced, "chat gpt-4o-mini")
    ended(traced, "GET /v1/files/{id}")
    for span in traced.spans:
        assert SECRET not in span.to_json()


def test_unpaired_surrogates_are_replaced() -> None:
    found = clean({"text": "\ud800a", "texts": ["\udfff"], "number": 1, "flag": True})
    assert found == {"text": "?a", "texts": ["?"], "number": 1, "flag": True}


def test_bytes_that_are_no_request_make_no_span(traced: Traced) -> None:
    host, port = traced.server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"\xff\xfe\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")
    assert traced.spans == []


def test_spans_need_no_journal(start: Callable[..., Traced]) -> None:
    traced = start(journal_entries=0)
    traced.api.client.chat.completions.create(**HELLO)
    for _ in traced.api.client.chat.completions.create(**HELLO, stream=True):
        pass
    assert eventually(lambda: len(traced.spans) == 2)
    assert [each.name for each in traced.spans] == ["chat gpt-4o-mini"] * 2
    assert traced.api.journal == []


def test_tokens_and_durations_are_measured(traced: Traced) -> None:
    answer = traced.api.client.chat.completions.create(**HELLO)
    for _ in traced.api.client.chat.completions.create(**HELLO, stream=True):
        pass
    traced.api.client.models.list()
    ended(traced, "GET /v1/models")
    metrics = traced.metrics
    (duration,) = metrics["gen_ai.server.request.duration"]
    assert duration.count == 2
    assert duration.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
    }
    (first,) = metrics["gen_ai.server.time_to_first_token"]
    assert first.count == 1
    tokens = {each.attributes["gen_ai.token.type"]: each for each in metrics["gen_ai.client.token.usage"]}
    assert answer.usage is not None
    assert tokens["input"].sum == 2 * answer.usage.prompt_tokens
    assert tokens["output"].sum == 2 * answer.usage.completion_tokens


def test_names_of_models_that_do_not_exist_are_no_labels(traced: Traced) -> None:
    for number in range(3):
        with pytest.raises(openai.NotFoundError):
            traced.api.client.chat.completions.create(**HELLO | {"model": f"gpt-{number}00"})
    assert eventually(lambda: len(traced.spans) == 3)
    (duration,) = traced.metrics["gen_ai.server.request.duration"]
    assert duration.attributes["error.type"] == "model_not_found"
    assert "gen_ai.request.model" not in duration.attributes

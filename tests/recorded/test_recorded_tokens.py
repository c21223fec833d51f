"""Token counts of recorded answers of the real API, row by row of ``tests/data/tokens.toml``, over a socket."""

from __future__ import annotations

import base64
import json
import struct
import tomllib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver import MockServer
from mockserver.catalog.tables import Catalog
from mockserver.wire import tokens, usage
from mockserver.wire.image_tokens import image_tokens
from tests.conftest import RawResponse

Sender = Callable[..., RawResponse]

TABLE = tomllib.loads((Path(__file__).parents[1] / "data" / "tokens.toml").read_text("utf-8"))


def complete(send: Sender, body: dict[str, Any], key: str) -> dict[str, Any]:
    answer = send(
        "POST", "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}, key
    )
    assert answer.status == 200, answer.body
    completion: dict[str, Any] = json.loads(answer.body)
    return completion


@pytest.mark.parametrize("row", TABLE["chat"], ids=lambda row: row["name"].replace(" ", "-"))
def test_a_chat_takes_the_tokens_that_were_recorded(
    row: dict[str, Any], server: MockServer, send: Sender, api_key: str
) -> None:
    api = server.account(api_key)
    if "reply" in row:
        api.on_chat().reply(row["reply"])
    if "calls" in row:
        api.on_chat().reply(tool_calls=[{"name": name, "arguments": text} for name, text in row["calls"]])
    counts = complete(send, {"model": row["model"], **json.loads(row["request"])}, api_key)["usage"]
    if "prompt" in row:
        assert counts["prompt_tokens"] == row["prompt"]
    if "completion" in row:
        assert counts["completion_tokens"] == row["completion"] - row.get("reasoning", 0)


@pytest.mark.parametrize("row", TABLE["response"], ids=lambda row: row["name"].replace(" ", "-"))
def test_a_response_takes_the_tokens_that_were_recorded(
    row: dict[str, Any], server: MockServer, send: Sender, api_key: str
) -> None:
    stub = server.account(api_key).on_response()
    if "reply" in row:
        stub.reply(row["reply"])
    else:
        stub.reply(tool_calls=[{"name": name, "arguments": text} for name, text in row["calls"]])
    body = {"model": row["model"], **json.loads(row["request"])}
    answer = send(
        "POST", "/v1/responses", json.dumps(body).encode(), {"Content-Type": "application/json"}, api_key
    )
    counts = json.loads(answer.body)["usage"]
    if "input" in row:
        assert counts["input_tokens"] == row["input"]
    written = counts["output_tokens"] - counts["output_tokens_details"]["reasoning_tokens"]
    assert written == pytest.approx(row["output"] - row.get("reasoning", 0), abs=row.get("within", 0))


@pytest.mark.parametrize("row", TABLE["transcript"], ids=lambda row: row["text"][:20].replace(" ", "-"))
def test_a_transcript_takes_the_tokens_that_were_recorded(row: dict[str, Any]) -> None:
    counts = usage.transcription(
        seconds=row["seconds"],
        text=row["text"],
        known_speakers=row.get("known_speakers", ()),
        diarized=row["model"].endswith("diarize"),
    )
    assert counts["input_token_details"] == {"text_tokens": row.get("read", 0), "audio_tokens": row["audio"]}
    assert counts["output_tokens"] == pytest.approx(row["output"], abs=row.get("within", 0))


@pytest.mark.parametrize("row", TABLE["speech"], ids=lambda row: row["text"][:20].replace(" ", "-"))
def test_spoken_text_takes_the_tokens_that_were_recorded(row: dict[str, Any]) -> None:
    counts = usage.speech(row["text"], row["seconds"])
    assert (counts["input_tokens"], counts["output_tokens"]) == (row["input"], row["output"])


@pytest.mark.parametrize(
    "row", TABLE["image"], ids=lambda row: "-".join(map(str, (row["model"], *row["size"])))
)
def test_an_image_takes_the_tokens_that_are_documented(row: dict[str, Any]) -> None:
    rules = Catalog().token_rules(row["model"]).image
    width, height = row["size"]
    assert image_tokens(width, height, row.get("detail", "auto"), rules) == row["tokens"]


def png(width: int, height: int) -> str:
    """Return a black image as a ``data:`` URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((1 + width) * height))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        (png(60, 30), 255),
        (png(1024, 1024), 765),
        ("https://images.example.com/photo.png", 0),
    ],
    ids=["small", "large", "elsewhere"],
)
def test_an_image_in_a_request_is_counted(send: Sender, api_key: str, url: str, taken: int) -> None:
    parts = [{"type": "text", "text": "What's in this image?"}]
    image = {"type": "image_url", "image_url": {"url": url}}

    def prompt(*content: dict[str, Any]) -> int:
        body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": list(content)}]}
        return int(complete(send, body, api_key)["usage"]["prompt_tokens"])

    assert prompt(*parts, image) - prompt(*parts) == taken


def test_the_text_of_the_recorded_image_is_counted_too(send: Sender, api_key: str) -> None:
    content = [
        {"type": "text", "text": "What's in this image?"},
        {"type": "image_url", "image_url": {"url": png(60, 30)}},
    ]
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": content}]}
    assert complete(send, body, api_key)["usage"]["prompt_tokens"] == 267


def test_the_recorded_sentence_has_the_recorded_tokens() -> None:
    heard = [token.decode() for token in tokens.split("Hello world, this is a test.")]
    assert heard == ["Hello", " world", ",", " this", " is", " a", " test", "."]

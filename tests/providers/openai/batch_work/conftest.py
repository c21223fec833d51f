"""Runs batches through the official SDK, whose types check every object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from openai.types import Batch

from mockserver.testing.mock_server import MockServer
from tests.waiting import eventually

ENDED = ("completed", "failed", "expired", "cancelled")

Line = dict[str, Any]


def chat_line(custom_id: str, text: str = "Hello.", **changes: Any) -> Line:
    """Return a chat completion as a line of an input file."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **changes}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def chat_lines(count: int) -> list[Line]:
    return [chat_line(f"line-{number}", f"Line {number}") for number in range(count)]


def as_jsonl(lines: Iterable[Line]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@dataclass(frozen=True)
class Batches:
    """The batches of one account."""

    client: openai.OpenAI

    def upload(self, lines: bytes | Iterable[Line], purpose: Any = "batch") -> str:
        content = lines if isinstance(lines, bytes) else as_jsonl(lines)
        return self.client.files.create(file=("requests.jsonl", content), purpose=purpose).id

    def create(self, lines: bytes | Iterable[Line], headers: Mapping[str, str] | None = None) -> Batch:
        return self.of_file(self.upload(lines), headers)

    def of_file(self, file_id: str, headers: Mapping[str, str] | None = None, **options: Any) -> Batch:
        batch = self.client.batches.create(
            input_file_id=file_id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            extra_headers=headers,
            **options,
        )
        return checked(batch)

    def until(self, batch: Batch, *statuses: str, completed: int = 0) -> Batch:
        """Return the batch once it has one of the statuses and ``completed`` answered lines."""

        def reached() -> bool:
            nonlocal batch
            batch = checked(self.client.batches.retrieve(batch.id))
            counts = batch.request_counts
            return batch.status in statuses and counts is not None and counts.completed >= completed

        assert eventually(reached), f"{batch.status}, not {statuses}: {batch}"
        return batch

    def run(self, lines: bytes | Iterable[Line], headers: Mapping[str, str] | None = None) -> Batch:
        """Create a batch; return it once it has ended."""
        return self.until(self.create(lines, headers), *ENDED)

    def output(self, batch: Batch) -> list[Line]:
        """Return the lines of the output file."""
        return self._lines(batch.output_file_id)

    def errors(self, batch: Batch) -> list[Line]:
        """Return the lines of the error file."""
        return self._lines(batch.error_file_id)

    def _lines(self, file_id: str | None) -> list[Line]:
        return (
            []
            if file_id is None
            else [json.loads(line) for line in self.client.files.content(file_id).iter_lines()]
        )


def checked(batch: Batch) -> Batch:
    Batch.model_validate(batch.to_dict(), strict=True)
    return batch


def failure(batch: Batch) -> list[tuple[str | None, int | None, str | None, str | None]]:
    """Return code, line, parameter and message of each error of a failed batch."""
    assert batch.status == "failed"
    assert batch.errors is not None
    return [(error.code, error.line, error.param, error.message) for error in batch.errors.data or ()]


@pytest.fixture
def batches(client: openai.OpenAI) -> Batches:
    return Batches(client)


def batches_of(server: MockServer, key: str = "sk-mock-tier-5-batches") -> Batches:
    """Return the batches of an account of another server."""
    return Batches(server.account(key).client)

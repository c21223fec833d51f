"""Batches of embeddings, moderations and completions."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openai.types import Batch

from mockserver.catalog.tables import Catalog
from mockserver.providers.openai.batch_work.lines import BatchErrors, InputCheck, read_lines
from mockserver.providers.openai.routes import CREATE_EMBEDDING
from mockserver.validation.schemas import Schemas
from tests.providers.openai.batch_work.conftest import ENDED, Batches, as_jsonl, batches

__all__ = ["batches"]  # a fixture

SMALL = "text-embedding-3-small"


def run(batches: Batches, endpoint: Any, *bodies: dict[str, Any]) -> Batch:
    lines = [
        {"custom_id": f"line-{number}", "method": "POST", "url": endpoint, "body": body}
        for number, body in enumerate(bodies)
    ]
    batch = batches.client.batches.create(
        input_file_id=batches.upload(lines), endpoint=endpoint, completion_window="24h"
    )
    return batches.until(batch, *ENDED)


def test_embeddings(batches: Batches) -> None:
    bodies = [{"model": SMALL, "input": text, "dimensions": 4} for text in ("a parcel", "a museum")]
    batch = run(batches, "/v1/embeddings", *bodies, {"model": SMALL, "input": ""})
    assert (batch.status, batch.model) == ("completed", SMALL)
    lines = batches.output(batch)
    assert [len(line["response"]["body"]["data"][0]["embedding"]) for line in lines] == [4, 4]
    (refused,) = batches.errors(batch)
    assert refused["response"]["body"]["error"]["message"].startswith("'$.input' is invalid.")
    assert batch.usage is not None
    assert (batch.usage.input_tokens, batch.usage.output_tokens, batch.usage.total_tokens) == (4, 0, 4)


def test_moderations_need_no_model(batches: Batches) -> None:
    batch = run(batches, "/v1/moderations", {"input": "Hello."}, {"input": "[flag: hate]"})
    assert batch.status == "completed"
    flagged = [line["response"]["body"]["results"][0]["flagged"] for line in batches.output(batch)]
    assert flagged == [False, True]


@pytest.mark.parametrize("model", ["gpt-3.5-turbo-instruct", "davinci-002"])
def test_completions(batches: Batches, model: str) -> None:
    batch = run(batches, "/v1/completions", {"model": model, "prompt": "Say hello"})
    (line,) = batches.output(batch)
    assert line["response"]["body"]["choices"][0]["text"] == "You wrote: Say hello."
    assert batch.usage is not None
    assert (batch.usage.input_tokens, batch.usage.output_tokens, batch.usage.total_tokens) == (2, 6, 8)


def test_all_texts_of_a_batch_have_a_limit(schemas: Schemas) -> None:
    body = {"model": SMALL, "input": ["a"] * 2048}
    lines = [
        {"custom_id": str(number), "method": "POST", "url": "/v1/embeddings", "body": body}
        for number in range(25)
    ]
    for count, codes in ((24, []), (25, ["too_many_inputs"])):
        check = InputCheck(CREATE_EMBEDDING, schemas, BatchErrors(), Catalog().model)
        for line in read_lines(io.BytesIO(as_jsonl(lines[:count])), 100_000):
            check.add(line)
        check.finish()
        assert [error["code"] for error in check.errors] == codes
    assert check.inputs == 25 * 2048

"""The lines of an input file: their positions and their errors."""

from __future__ import annotations

import io

import pytest

from mockserver.catalog.tables import Catalog
from mockserver.providers.openai.batch_work.lines import BatchErrors, InputCheck, read_lines
from mockserver.providers.openai.routes import CREATE_CHAT_COMPLETION
from mockserver.validation.schemas import Schemas
from tests.providers.openai.batch_work.conftest import as_jsonl, chat_line


def looked_at(schemas: Schemas, content: bytes) -> InputCheck:
    check = InputCheck(CREATE_CHAT_COMPLETION, schemas, BatchErrors(), Catalog().model)
    for line in read_lines(io.BytesIO(content), 10_000):
        check.add(line)
    check.finish()
    return check


def test_lines_have_their_numbers_and_the_offset_of_the_next_line() -> None:
    file = io.BytesIO(b'{"a": 1}\n\n  \n{"b": 2}\r\nlast')
    found = list(read_lines(file, 100))
    assert [(line.number, line.end, line.data) for line in found] == [
        (1, 9, b'{"a": 1}\n'),
        (4, 23, b'{"b": 2}\r\n'),
        (5, 27, b"last"),
    ]
    assert list(read_lines(file, 100, offset=9, number=1)) == found[1:]


def test_a_line_that_is_too_long_is_cut_off_and_the_next_one_is_found() -> None:
    content = b"x" * 200_000 + b"\nshort\n"
    long, short = read_lines(io.BytesIO(content), 10)
    assert long == (1, 200_001, b"x" * 11)
    assert short == (2, 200_007, b"short\n")


def test_what_is_in_order_is_counted(schemas: Schemas) -> None:
    check = looked_at(schemas, as_jsonl([chat_line("a", "12345678"), chat_line("b", "123456789")]))
    assert (check.total, check.tokens, check.errors) == (2, 8, [])
    assert check.model is not None
    assert check.model.id == "gpt-4o-mini"


def changed(**changes: object) -> bytes:
    line = chat_line("a") | changes
    return as_jsonl([{name: value for name, value in line.items() if value is not None}])


@pytest.mark.parametrize(
    ("content", "code", "param", "message"),
    [
        (b"{not json\n", "invalid_json_line", None, "This line is not parseable as valid JSON."),
        (b"[]\n", "invalid_json_line", None, "This line is not parseable as valid JSON."),
        (
            changed(custom_id=None),
            "missing_required_parameter",
            "custom_id",
            "Missing required parameter: 'custom_id'.",
        ),
        (changed(url=None), "missing_required_parameter", "url", "Missing required parameter: 'url'."),
        (
            changed(method=None),
            "missing_required_parameter",
            "method",
            "Missing required parameter: 'method'.",
        ),
        (changed(body=None), "missing_required_parameter", "body", "Missing required parameter: 'body'."),
        (
            changed(method="GET"),
            "invalid_value",
            "method",
            "Invalid value: 'GET'. Supported values are: 'POST'.",
        ),
        (
            changed(custom_id=7),
            "invalid_type",
            "custom_id",
            "Invalid type for 'custom_id': expected a string, but got an integer instead.",
        ),
        (
            changed(url="/v1/embeddings"),
            "invalid_url",
            "url",
            "The URL provided for this request does not match the batch endpoint.",
        ),
        (changed(body={"messages": []}), "invalid_request", "body.model", "Model parameter is required."),
        (
            changed(body={"model": "gpt-4o-mini"}),
            "invalid_request",
            "body.messages",
            "Messages parameter is required.",
        ),
        (
            as_jsonl([chat_line("a", stream=True)]),
            "streaming_unsupported",
            "body.stream",
            "Chat Completions: Streaming is not supported in the Batch API.",
        ),
        (
            as_jsonl([chat_line("a", model="nonexistent")]),
            "model_not_found",
            "body.model",
            "The provided model 'nonexistent' is not supported by the Batch API.",
        ),
    ],
)
def test_an_invalid_line_is_reported(
    schemas: Schemas, content: bytes, code: str, param: str | None, message: str
) -> None:
    check = looked_at(schemas, content)
    assert check.errors == [{"code": code, "line": 1, "message": message, "param": param}]


def test_a_custom_id_must_not_come_twice(schemas: Schemas) -> None:
    check = looked_at(schemas, as_jsonl([chat_line("a"), chat_line("b"), chat_line("a")]))
    (error,) = check.errors
    assert (error["code"], error["line"], error["param"]) == ("duplicate_custom_id", 3, "custom_id")
    assert error["message"] == (
        "The custom_id 'a' for this request is a duplicate of another request. "
        "The custom_id parameter must be unique for each request in a batch."
    )


def test_all_lines_must_name_the_same_model(schemas: Schemas) -> None:
    check = looked_at(schemas, as_jsonl([chat_line("a"), chat_line("b", model="gpt-4o")]))
    (error,) = check.errors
    assert (error["code"], error["line"], error["param"]) == ("mismatched_model", 2, "body.model")
    assert error["message"] == (
        "The model 'gpt-4o' for this request does not match the rest of the batch. "
        "Each batch must contain requests for a single model."
    )


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_lines_is_reported(schemas: Schemas, content: bytes) -> None:
    (error,) = looked_at(schemas, content).errors
    assert (error["code"], error["line"]) == ("empty_file", None)


def test_too_many_lines_are_reported(schemas: Schemas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.providers.openai.batch_work.lines.MAX_LINES", 2)
    check = looked_at(schemas, as_jsonl(chat_line(str(number)) for number in range(3)))
    assert check.is_finished
    (error,) = check.errors
    assert error["message"] == "The number of requests in the input file exceeds the maximum of 2."


def test_enough_errors_are_enough(schemas: Schemas) -> None:
    assert looked_at(schemas, b"x\n" * 100).is_finished
    assert not looked_at(schemas, b"x\n" * 99).is_finished


def test_a_line_of_more_values_than_a_request_may_have_is_none(schemas: Schemas) -> None:
    line = as_jsonl([chat_line("1", messages=[{"role": "user", "content": ",,,,"}])])
    for most, errors in ((30, 0), (10, 1)):
        check = InputCheck(CREATE_CHAT_COMPLETION, schemas, BatchErrors(), Catalog().model, most)
        check.add(next(read_lines(io.BytesIO(line), 10_000)))
        assert [error["code"] for error in check.errors] == ["invalid_json_line"] * errors

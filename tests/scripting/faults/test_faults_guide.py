"""docs/faults.md agrees with the code."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from mockserver.errors import ErrorTable
from mockserver.scripting.faults.definition import define
from mockserver.scripting.faults.fault import ERROR
from mockserver.scripting.faults.header import document_of
from mockserver.scripting.faults.kinds import KINDS, PARAMETERS
from mockserver.validation.schemas import Schemas
from tests.docs.guides import DOCS, table

GUIDE = DOCS / "faults.md"
ERRORS = ErrorTable()
FAULTS = table(GUIDE, "fault")


def code(cell: str) -> str:
    return cell.strip("`")


def spelled_in_python(call: str) -> dict[str, Any]:
    """Return the fault of a call such as ``audio_api.break_next("hang", seconds=1)``."""
    tree = ast.parse(call, mode="eval").body
    assert isinstance(tree, ast.Call)
    assert isinstance(tree.func, ast.Attribute)
    options = {each.arg: ast.literal_eval(each.value) for each in tree.keywords if each.arg}
    return {
        {"fail_next": "error", "break_next": "fault"}[tree.func.attr]: ast.literal_eval(tree.args[0]),
        **options,
    }


def test_every_kind_of_fault_has_an_example() -> None:
    examples = [json.loads(code(row[2])) for row in FAULTS]
    assert [each.get("fault", ERROR) for each in examples] == [ERROR, *KINDS]


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row[0])
def test_the_three_spellings_of_a_fault_mean_the_same(row: list[str], schemas: Schemas) -> None:
    document = json.loads(code(row[2]))
    assert schemas.violations("mock/fault", document) == []
    assert define(document, "it", seed="", errors=ERRORS, endpoints=())
    assert document_of(code(row[3])) == document == spelled_in_python(code(row[4]))


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row[0])
def test_every_parameter_of_a_fault_is_described(row: list[str]) -> None:
    kind = code(row[0])
    of_sessions = GUIDE.read_text("utf-8").partition("\n- `realtime_…` faults")[2].partition("\n- ")[0]
    described = row[1] + (of_sessions if kind.startswith("realtime_") else "")
    if kind in KINDS and not kind.startswith("sse_"):
        assert {name for name in KINDS[kind].takes if f"`{name}`" not in described} == set()


def test_the_triggers_are_described_with_examples(schemas: Schemas) -> None:
    rows = table(GUIDE, "member")
    for row in rows:
        assert schemas.violations("mock/fault", json.loads(code(row[2]))) == []
    named = {code(name) for row in rows for name in row[0].split(", ")}
    described = {"id", "name", "enabled", "error", "fault", *named, *PARAMETERS}
    assert described == set(schemas.properties("mock/fault"))


def test_every_error_of_the_catalog_is_listed() -> None:
    rows = {code(row[0]): (int(row[1]), code(row[2]), code(row[3]) or None) for row in table(GUIDE, "error")}
    assert rows == {
        name: (row["status"], row.get("type", "invalid_request_error"), row.get("code"))
        for name, row in ERRORS.rows.items()
    }


def test_the_error_of_every_status_is_described() -> None:
    page = GUIDE.read_text("utf-8")
    for status in {row["status"] for row in ERRORS.rows.values()}:
        assert f"{status} `{ERRORS.name_of(status)}`" in page

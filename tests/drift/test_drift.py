"""Each kind of difference between a small SDK and small schemas is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mockserver.catalog
from mockserver.catalog.tables import Catalog, CatalogError
from mockserver.drift.comparison import compare
from mockserver.drift.endpoints import compare_endpoints
from mockserver.drift.findings import KINDS, Acceptance, Finding, read_accepted, without_accepted
from mockserver.drift.models import shutdown_dates

TABLES = Path(mockserver.catalog.__file__).parent
FAKE = "tests.drift.fake_sdk"
PAIRS = f"""
[[requests]]
schema = "request"
sdk = ["{FAKE}:Request"]

[[events]]
schema = "event"
sdk = ["{FAKE}:Event"]

[[models]]
sdk = "{FAKE}:Model"
endpoint = "v1/chat/completions"

[[voices]]
sdk = "{FAKE}:Request"
member = "voice"
"""


def case(kind: str, **members: Any) -> dict[str, Any]:
    """Return a rule for objects of one type, as our schemas write it."""
    condition = {"properties": {"type": {"const": kind}}, "required": ["type"]}
    return {"if": condition, "then": {"properties": {"type": {"const": kind}, **members}}}


def schemas() -> dict[str, Any]:
    """Return schemas that agree with the small SDK."""
    text, sound = case("text", text={}), case("sound", sound={}, loudness={"type": "integer"})
    kinds = {"enum": ["photo", "drawing"]}
    picture = {
        "if": {"properties": {"type": kinds}, "required": ["type"]},
        "then": {"properties": {"type": kinds, "picture": {}}},
    }
    part = {
        "properties": {"type": {"enum": ["text", "sound", "photo", "drawing"]}},
        "allOf": [text, sound, picture],
    }
    members = {
        "model": {"type": "string"},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}},
        "mood": {"type": "string", "enum": ["calm", "merry"]},
        "voice": {"type": "string"},
        "seed": {"type": ["integer", "null"]},
    }
    event = {
        "properties": {"type": {"enum": ["began", "ended"]}},
        "allOf": [case("began", at={}), case("ended", **{"async": {}})],
    }
    return {"request": {"properties": members, "$defs": {"part": part}}, "event": event}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Return the catalog in a copy of its folder, in which tests write ``drift.toml``."""
    folder = tmp_path_factory.mktemp("tables") / "catalog"
    shutil.copytree(TABLES, folder, ignore=shutil.ignore_patterns("*.py*"))
    return Catalog(folder)


@pytest.fixture
def found(catalog: Catalog, tmp_path: Path) -> Callable[..., list[Finding]]:
    """Return a function that finds the differences between the small SDK and schemas."""

    def of(documents: dict[str, Any], pairs: str = PAIRS) -> list[Finding]:
        (catalog.folder / "drift.toml").write_text(pairs, "utf-8")
        folder = tmp_path / "schemas"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, document in documents.items():
            (folder / f"{name}.json").write_text(json.dumps(document), "utf-8")
        return compare(catalog, folder)

    return of


def of_shapes(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(each.kind, each.where) for each in findings if ": " in each.where]


def test_schemas_that_agree_have_no_differences(found: Callable[..., list[Finding]]) -> None:
    assert of_shapes(found(schemas())) == []


def test_a_parameter_that_the_schema_lacks_is_found_also_deep_inside(
    found: Callable[..., list[Finding]],
) -> None:
    documents = schemas()
    del documents["request"]["properties"]["seed"]
    del documents["request"]["$defs"]["part"]["allOf"][1]["then"]["properties"]["loudness"]
    assert of_shapes(found(documents)) == [
        ("missing_parameter", "request: parts[]<type=sound>.loudness"),
        ("missing_parameter", "request: seed"),
    ]


def test_a_kind_of_object_with_several_values_is_compared_for_each(
    found: Callable[..., list[Finding]],
) -> None:
    documents = schemas()
    del documents["request"]["$defs"]["part"]["allOf"][2]["then"]["properties"]["picture"]
    assert of_shapes(found(documents)) == [
        ("missing_parameter", "request: parts[]<type=drawing>.picture"),
        ("missing_parameter", "request: parts[]<type=photo>.picture"),
    ]


def test_members_have_the_names_that_are_sent(found: Callable[..., list[Finding]]) -> None:
    documents = schemas()
    del documents["event"]["allOf"][1]["then"]["properties"]["async"]
    assert of_shapes(found(documents)) == [("missing_event", "event: <type=ended>.async")]


def test_of_missing_members_only_the_topmost_is_reported(found: Callable[..., list[Finding]]) -> None:
    documents = schemas()
    del documents["request"]["properties"]["parts"]
    assert of_shapes(found(documents)) == [("missing_parameter", "request: parts")]


def test_a_kind_of_object_that_the_schema_lacks_is_a_missing_literal_with_its_members(
    found: Callable[..., list[Finding]],
) -> None:
    documents = schemas()
    part = documents["request"]["$defs"]["part"]
    part["properties"]["type"]["enum"].append("smell")
    part["allOf"][1] = case("smell", smell={})
    assert of_shapes(found(documents)) == [
        ("missing_parameter", "request: parts[]<type=sound>.loudness"),
        ("missing_parameter", "request: parts[]<type=sound>.sound"),
        ("extra_parameter", "request: parts[]<type=smell>.smell"),
        ("missing_literal", "request: parts[]<type>=sound"),
        ("extra_literal", "request: parts[]<type>=smell"),
    ]


def test_literals_are_compared_both_ways(found: Callable[..., list[Finding]]) -> None:
    documents = schemas()
    documents["request"]["properties"]["mood"]["enum"] = ["calm", "angry"]
    assert of_shapes(found(documents)) == [
        ("missing_literal", "request: mood=merry"),
        ("extra_literal", "request: mood=angry"),
    ]


def test_a_parameter_that_the_sdk_lacks_is_found(found: Callable[..., list[Finding]]) -> None:
    documents = schemas()
    documents["request"]["properties"]["colour"] = {"type": "string"}
    assert of_shapes(found(documents)) == [("extra_parameter", "request: colour")]


def test_events_are_compared_by_type_and_member(found: Callable[..., list[Finding]]) -> None:
    documents = schemas()
    documents["event"]["allOf"][0] = case("began", when={})
    assert of_shapes(found(documents)) == [
        ("missing_event", "event: <type=began>.at"),
        ("extra_event", "event: <type=began>.when"),
    ]


def test_models_dates_and_voices_are_compared(found: Callable[..., list[Finding]]) -> None:
    findings = {(each.kind, each.where): each.message for each in found(schemas())}
    assert ("missing_model", "gpt-7") in findings
    assert ("extra_model", "gpt-5") in findings
    assert ("extra_model", "gpt-4o") not in findings
    finding = findings["shutdown_date", "gpt-4o"]
    assert finding == "the SDK says that gpt-4o shuts down on 2030-01-01, the catalog says 2027-01-14."
    assert findings["shutdown_date", "gpt-4.1"].endswith("on no date, the catalog says 2027-01-14.")
    assert ("missing_voice", "zelda") in findings
    assert ("extra_voice", "ash") in findings
    assert ("extra_voice", "alloy") not in findings


def test_a_conflicting_date_that_the_row_holds_is_no_difference(tmp_path: Path) -> None:
    assert shutdown_dates(f"{FAKE}:Model") == {"gpt-4o": "2030-01-01", "gpt-7": "2030-01-01"}


def test_a_type_that_the_sdk_lacks_is_reported(found: Callable[..., list[Finding]]) -> None:
    (finding,) = [
        each
        for each in found(schemas(), PAIRS.replace(":Request", ":Wish", 1))
        if each.kind == "missing_type"
    ]
    assert finding.where == f"{FAKE}:Wish"
    assert "has no such type" in finding.message


def test_endpoints_are_compared_both_ways(tmp_path: Path) -> None:
    (tmp_path / "wishes.py").write_text('def wish(self): return self._post("/wishes", cast_to=str)', "utf-8")
    findings = [(each.kind, each.where) for each in compare_endpoints(tmp_path, [("GET", "/dreams")])]
    assert ("missing_endpoint", "POST /wishes") in findings
    assert ("extra_endpoint", "POST /chat/completions") in findings
    assert ("extra_endpoint", "GET /dreams") in findings


def test_accepted_differences_are_left_out_and_obsolete_acceptances_are_reported() -> None:
    found = [Finding("extra_model", "gpt-x", "…"), Finding("missing_parameter", "a: b[]", "…")]
    accepted = [Acceptance("extra_model", "gpt-*", "meant"), Acceptance("extra_voice", "bob", "was meant")]
    left = without_accepted(found, accepted)
    assert [(each.kind, each.where) for each in left] == [
        ("missing_parameter", "a: b[]"),
        ("stale_acceptance", "bob"),
    ]
    assert "was meant" in left[1].message
    assert without_accepted(found[1:], [Acceptance("missing_parameter", "a: b[]", "meant")]) == []


def test_the_most_serious_differences_come_first() -> None:
    found = [Finding(kind, "here", "…") for kind in reversed(KINDS)]
    assert [each.kind for each in without_accepted(found, ())] == list(KINDS)
    assert KINDS.index("missing_parameter") < KINDS.index("missing_literal") < KINDS.index("missing_model")
    assert KINDS.index("missing_model") < KINDS.index("extra_parameter")


def test_accepted_differences_are_read_with_their_reasons(tmp_path: Path) -> None:
    file = tmp_path / "accepted_drift.toml"
    file.write_text('[[accepted]]\nkind = "extra_model"\nwhere = "x"\n', "utf-8")
    with pytest.raises(CatalogError, match=r"^accepted_drift.toml.*'extra_model x': key 'reason' is missing"):
        read_accepted(file)
    assert all(len(each.reason) > 20 for each in read_accepted(TABLES / "accepted_drift.toml"))

"""The schemas of the AI/ML API have the structure of those on its page."""

from __future__ import annotations

import json
from typing import Any

from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver.catalog.tables import Catalog
from mockserver.resources import data_folder
from tests.conftest import DATA
from tests.schemas.structure import alternatives, expanded

FOLDER = data_folder("schemas") / "aimlapi"
DOCUMENTED: dict[str, Any] = json.loads((DATA / "documented_aimlapi.json").read_bytes())
BASE = "https://example.invalid/"


def of_document(document: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    return alternatives(expanded(schema, resolver(document)))


def resolver(document: dict[str, Any]) -> Any:
    resource = DRAFT202012.create_resource(document)
    return Registry[Any]().with_resource(BASE, resource).resolver(BASE)


def ours(name: str) -> list[Any]:
    document = json.loads((FOLDER / f"{name}.json").read_bytes())
    plain = {key: value for key, value in document.items() if key not in ("$id", "$schema")}
    return of_document(plain, plain)


def test_the_answer_about_a_job_has_the_documented_structure() -> None:
    assert ours("stt.response") == DOCUMENTED["stt.response"]


def test_the_answer_to_a_new_job_has_the_documented_structure_and_a_status() -> None:
    (theirs,) = DOCUMENTED["create_stt.response"]
    (found,) = ours("create_stt.response")
    assert found["properties"].pop("status") == [{"type": "string", "enum": ["queued"]}]
    assert found == theirs


def test_the_request_has_the_documented_parameters_among_others() -> None:
    documented = DOCUMENTED["create_stt.request"]
    document = json.loads((FOLDER / "create_stt.request.json").read_bytes())
    required = {*document["required"], document["anyOf"][0]["required"][0]}
    assert required == set(documented["required"]) == {"model", "url"}
    theirs = dict(documented["properties"])
    found = {name: of_document(document, document["properties"][name]) for name in theirs}
    (model,) = theirs.pop("model")
    assert found.pop("model") == [{"type": "string"}]
    assert found == theirs
    assert set(model["enum"]) <= set(Catalog().offers)

"""The schemas of the AI/ML API have the structure of those on its page."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver.catalog.tables import Catalog
from mockserver.resources import data_folder
from tests.schemas.structure import alternatives, expanded

FOLDER = data_folder("schemas") / "aimlapi"
PAGE = Path(__file__).parents[3] / "shared" / "reference" / "seeds" / "aimlapi-gpt-4o-mini-transcribe.txt"
BASE = "https://example.invalid/"


@cache
def documented() -> tuple[dict[str, Any], dict[str, Any]]:
    """The two OpenAPI descriptions of the page: of creating a job, and of asking for it."""
    if not PAGE.exists():
        pytest.skip("the provider's page is not at hand")
    created, asked = re.findall(r"```json\n(.*?)\n```", PAGE.read_text("utf-8"), re.DOTALL)
    return json.loads(created), json.loads(asked)


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
    _, asked = documented()
    schema = deepcopy(asked["components"]["schemas"]["Voice.v1.SpeechToTextGetResponseDTO"])
    anything = {"nullable": True}
    assert schema["properties"].pop("error") == schema["properties"]["result"]["anyOf"].pop() == anything
    schema["properties"]["error"] = {}
    schema["properties"]["result"]["anyOf"].append({"type": "null"})  # what else it can be is in the others
    assert ours("stt.response") == of_document(asked, schema)


def test_the_answer_to_a_new_job_has_the_documented_structure_and_a_status() -> None:
    created, _ = documented()
    schema = created["components"]["schemas"]["Voice.v1.SpeechToTextCreateResponseDTO"]
    (theirs,) = of_document(created, schema)
    (found,) = ours("create_stt.response")
    assert found["properties"].pop("status") == [{"type": "string", "enum": ["queued"]}]
    assert found == theirs


def test_the_request_has_the_documented_parameters_among_others() -> None:
    created, _ = documented()
    body = created["paths"]["/v1/stt/create"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    document = json.loads((FOLDER / "create_stt.request.json").read_bytes())
    assert (
        {"model", "url"}
        == {*document["required"], document["anyOf"][0]["required"][0]}
        == set(schema["required"])
    )
    theirs = {name: of_document(created, each) for name, each in schema["properties"].items()}
    found = {name: of_document(document, document["properties"][name]) for name in theirs}
    del theirs["model"]
    assert found.pop("model") == [{"type": "string"}]
    assert found == theirs
    assert set(schema["properties"]["model"]["enum"]) <= set(Catalog().offers)

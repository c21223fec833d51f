"""The schemas of batches: as documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver.resources import data_folder
from tests.schemas.structure import alternatives, expanded

FOLDER = data_folder("schemas") / "openai"
REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "openapi" / "models-files-batches.json"
BASE = "https://example.invalid/"
DOCUMENTED = {
    "create_batch.request": "CreateBatchRequest",
    "batch.response": "Batch",
    "batch_list.response": "ListBatchesResponse",
}


def ours(name: str) -> Any:
    registry: Registry[Any] = Registry().with_resources(
        (BASE + file.name, DRAFT202012.create_resource(json.loads(file.read_bytes())))
        for file in FOLDER.glob("*.json")
    )
    resolver = registry.resolver(BASE + f"{name}.json")
    return expanded(json.loads((FOLDER / f"{name}.json").read_bytes()), resolver)


def documented(component: str) -> Any:
    if not REFERENCE.exists():
        pytest.skip("the documented specification is not at hand")
    resource = DRAFT202012.create_resource(json.loads(REFERENCE.read_bytes()))
    registry: Registry[Any] = Registry().with_resource(BASE, resource)
    return expanded({"$ref": f"#/components/schemas/{component}"}, registry.resolver(BASE))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_schema_has_the_structure_that_is_documented(name: str) -> None:
    assert alternatives(ours(name)) == alternatives(documented(DOCUMENTED[name]))

"""The schema files are valid schemas."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from mockserver.resources import data_folder
from mockserver.validation.schemas import Schemas

FOLDER = data_folder("schemas")
NAMES = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.json"))


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas(FOLDER)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_json_schema_of_2020_12(name: str) -> None:
    document = json.loads((FOLDER / f"{name}.json").read_bytes())
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(document)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_compiles_with_all_its_references(schemas: Schemas, name: str) -> None:
    assert schemas.is_valid(name, {}) in (True, False)  # raises if a reference is broken

"""`GET /_mock/openapi.json`: the OpenAPI document of the control API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from mockserver.control.openapi import describe, documentation
from mockserver.control.operation import ControlOperation
from mockserver.control.operations import OPERATIONS
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return describe(OPERATIONS)


def test_every_operation_is_documented_and_nothing_else() -> None:
    assert sorted(each.name for each in OPERATIONS) == sorted(documentation())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_has_the_query_arguments_that_are_documented(operation: ControlOperation) -> None:
    assert list(operation.query) == list(documentation()[operation.name].get("query", {}))


def test_it_is_openapi(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    validate(description)


def test_it_is_served(server: MockServer, description: dict[str, Any]) -> None:
    assert httpx.get(f"{server.url}/_mock/openapi.json").json() == description


def test_every_operation_has_an_id_of_its_own(description: dict[str, Any]) -> None:
    ids = [each["operationId"] for path in description["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids)) == len(OPERATIONS)


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.schema], ids=lambda each: each.name
)
def test_examples_of_bodies_satisfy_their_schemas(schemas: Schemas, operation: ControlOperation) -> None:
    assert schemas.properties(f"mock/{operation.schema}")
    row = documentation()[operation.name]
    if "example" in row:
        assert schemas.violations(f"mock/{operation.schema}", row["example"]) == []


def test_an_example_goes_with_a_body() -> None:
    with_example = {name for name, row in documentation().items() if "example" in row}
    assert with_example <= {each.name for each in OPERATIONS if each.schema}


def test_references_stay_within_the_document(description: dict[str, Any]) -> None:
    components = description["components"]["schemas"]
    assert components["stub"]["properties"]["when"] == {"$ref": "#/components/schemas/when"}
    assert components["when"]["properties"]["model"]["$ref"] == "#/components/schemas/when_names"
    assert components["when_names"]["type"] == ["string", "array"]


def test_a_path_tells_its_parameters_and_refusals(description: dict[str, Any]) -> None:
    card = description["paths"]["/_mock/models/{name}"]["get"]
    (parameter,) = card["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("name", "path", True)
    assert {"200", "400", "401", "403", "404"} == set(card["responses"])


def test_query_arguments_are_described(description: dict[str, Any]) -> None:
    (parameter,) = description["paths"]["/_mock/limits"]["get"]["parameters"]
    assert (parameter["name"], parameter["in"]) == ("model", "query")

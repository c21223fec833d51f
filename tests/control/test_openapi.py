"""`GET /_mock/openapi.json`: the control API described by itself."""

from __future__ import annotations

from typing import Any

import flask
import httpx
import pytest
from openapi_spec_validator import validate

from mockserver.app import build_services
from mockserver.control.app import create_control_app
from mockserver.control.openapi import describe, routes
from mockserver.control.route_docs import route_rows
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas


@pytest.fixture(scope="module")
def app() -> flask.Flask:
    return create_control_app(build_services(Settings(whisper_model="none")))


@pytest.fixture(scope="module")
def description(app: flask.Flask) -> dict[str, Any]:
    return describe(app)


def test_every_call_has_a_row_and_every_row_a_call(app: flask.Flask) -> None:
    assert routes(app) == sorted(route_rows())


def test_it_is_openapi(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    validate(description)


def test_it_is_served(server: MockServer, description: dict[str, Any]) -> None:
    assert httpx.get(f"{server.url}/_mock/openapi.json").json() == description


def test_every_operation_has_an_id_of_its_own(description: dict[str, Any]) -> None:
    ids = [each["operationId"] for path in description["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids)) == len(route_rows())


@pytest.mark.parametrize("call", [call for call, row in route_rows().items() if "body" in row])
def test_bodies_are_those_that_are_validated_and_examples_satisfy_them(schemas: Schemas, call: str) -> None:
    row = route_rows()[call]
    assert schemas.properties(f"mock/{row['body']}")
    if "example" in row:
        assert schemas.violations(f"mock/{row['body']}", row["example"]) == []


def test_references_stay_within_the_document(description: dict[str, Any]) -> None:
    components = description["components"]["schemas"]
    assert components["stub"]["properties"]["when"] == {"$ref": "#/components/schemas/when"}
    assert components["when"]["properties"]["model"]["$ref"] == "#/components/schemas/when/$defs/names"


def test_a_path_tells_its_parameters_and_refusals(description: dict[str, Any]) -> None:
    card = description["paths"]["/_mock/models/{name}"]["get"]
    (parameter,) = card["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("name", "path", True)
    assert {"200", "400", "401", "403", "404"} == set(card["responses"])


def test_query_arguments_are_told(description: dict[str, Any]) -> None:
    (parameter,) = description["paths"]["/_mock/limits"]["get"]["parameters"]
    assert (parameter["name"], parameter["in"]) == ("model", "query")

"""Every operation has a handler that takes its provider's context; contexts are parts of the server."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from mockserver.app import OPERATIONS, create_app, services_of
from mockserver.control import contexts as of_control
from mockserver.control.operation import ControlOperation
from mockserver.control.operations import OPERATIONS as CONTROL_OPERATIONS
from mockserver.pipeline.operation import Operation
from mockserver.pipeline.pipeline import PipelineParts
from mockserver.pipeline.provider import Lazy, Route
from mockserver.providers.aimlapi import contexts as of_aimlapi
from mockserver.providers.azure import contexts as of_azure
from mockserver.providers.openai import contexts as of_openai
from mockserver.providers.openai.batch_work import context as of_batch_work
from mockserver.services import Services
from mockserver.settings.model import Settings

CONTEXTS = [
    PipelineParts,
    *(
        each
        for module in (of_control, of_aimlapi, of_azure, of_openai, of_batch_work)
        for name, each in vars(module).items()
        if name.endswith("Context") and each.__module__ == module.__name__
    ),
]
OWN = {
    "answer": "Handler",
    "background": "Background",
    "batches": "Batches",
    "bodies": "RequestBodies",
    "busy": "BusyConversations",
    "client_secrets": "ClientSecrets",
    "embedder": "Embedder",
    "live_calls": "LiveCalls",
    "live_sessions": "LiveSessions",
    "model_list": "ModelList",
    "queue": "WorkQueue",
}  # parts that are made for one context
PROPERTIES = {
    name: inspect.get_annotations(vars(Services)[name].fget)["return"] for name in ("refresh", "tracing")
}


@pytest.fixture(scope="module")
def routes() -> Iterator[dict[tuple[str, str], Route]]:
    services = services_of(create_app(Settings(whisper_model="none")))
    yield {_call(route.operation): route for each in services.providers for route in each.routes}
    services.close()


def _call(operation: Operation) -> tuple[str, str]:
    return operation.method, operation.path


def test_every_operation_is_served_once(routes: dict[tuple[str, str], Route]) -> None:
    assert sorted(routes) == sorted(map(_call, OPERATIONS))


@pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}"
)
def test_the_functions_of_an_operation_take_the_context_that_they_are_bound_to(
    operation: Operation, routes: dict[tuple[str, str], Route]
) -> None:
    route = routes[_call(operation)]
    for function in filter(None, (route.handler, route.rules, route.recall)):
        assert isinstance(function, Lazy)
        parameters = inspect.signature(function.load()).parameters
        assert list(parameters) == ["context", "facts" if function is route.recall else "call"]
        assert parameters["context"].annotation == type(function.context).__name__


@pytest.mark.parametrize("operation", CONTROL_OPERATIONS, ids=lambda operation: operation.name)
def test_the_handlers_of_the_control_api_take_the_contexts_of_their_rows(operation: ControlOperation) -> None:
    context, _ = inspect.signature(operation.handler).parameters.values()
    assert context.annotation == operation.context.__name__


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: context.__name__)
def test_the_fields_of_contexts_are_parts_of_the_server_of_the_same_types(context: type) -> None:
    parts = Services.__annotations__ | OWN | PROPERTIES
    assert context.__annotations__.items() <= parts.items()

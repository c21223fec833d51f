"""Refuses requests to Azure's paths without a route, as OpenAI's package does for its paths."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from mockserver.catalog.paths import VERSION, KnownCall, has_double_slash
from mockserver.providers.azure.paths import has_call, is_azure, openai_path, root_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.pipeline.provider import Route
    from mockserver.pipeline.request import Request
    from mockserver.providers.openai.provider import OpenAi

_SERVICE = "Azure OpenAI"


def route(openai: OpenAi, request: Request, served: Iterable[str]) -> Route | None:
    """Return the route of a request that matches no other; ``None`` if its path is not one of Azure's."""
    if not is_azure(request.path):
        return None
    path = "/" + request.path.lstrip("/")
    root = root_of(path)

    def placed(call: KnownCall) -> KnownCall | None:
        if has_double_slash(path) or not has_call(root, call.method, call.path):
            return None
        return call._replace(service=_SERVICE, path=root + call.path)

    found = openai.unserved_route(replace(request, path=VERSION + openai_path(path)), served, placed)
    known = found.operation.path.startswith(root)
    operation = structs.replace(
        found.operation,
        path=found.operation.path if known else path,
        refuses="",
        names=frozenset(),
        is_versioned=False,
    )
    return found._replace(operation=operation)

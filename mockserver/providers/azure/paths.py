"""Azure's paths of OpenAI's operations.

A call to a model is below ``/openai/deployments/{deployment}``, another one below ``/openai``; both need an
``api-version``. Below ``/openai/v1`` is all of it, with the deployment as ``model`` in the body. Below ``/models``
Foundry has calls to models of all makers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver.providers.azure.table import azure_table

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from mockserver.pipeline.operation import Operation

ROOT = "/openai"
FOUNDRY = "/models"
V1 = f"{ROOT}/v1"
DEPLOYMENTS = f"{ROOT}/deployments/"
_DEPLOYMENT = f"{DEPLOYMENTS}<deployment>"


def operations_of(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """Return Azure's operations for those of OpenAI's that Azure has."""
    return tuple(at for operation in operations for at in forms_of(operation))


def forms_of(operation: Operation) -> Iterator[Operation]:
    """Yield an operation of OpenAI's at Azure's paths; none if Azure does not have it."""
    if not operation.path.startswith(azure_table().not_offered):
        is_deployed = operation.endpoint and names_deployment(operation.path)
        in_foundry = operation.endpoint and operation.path in azure_table().foundry
        for root in (_DEPLOYMENT if is_deployed else ROOT, V1, *((FOUNDRY,) if in_foundry else ())):
            yield replace(operation, path=root + operation.path, names=frozenset(), is_versioned=False)


def names_deployment(path: str) -> bool:
    """Return whether the classic path of a call to a model (OpenAI's ``path``) names the deployment."""
    called = azure_table().calls.get(path)
    return called.deployed if called else path.startswith(azure_table().deployed)


def has_call(root: str, method: str, path: str) -> bool:
    """Return whether Azure has a call of OpenAI's, other than those of ``operations_of``, below a root."""
    if path.startswith(azure_table().not_offered):
        return False
    if root.startswith(DEPLOYMENTS):
        return method == "POST" and names_deployment(path)
    return root == V1 or not names_deployment(path)


def is_v1(path: str) -> bool:
    """Return whether a path is below ``/openai/v1``, which needs no ``api-version``."""
    return path.startswith(V1 + "/")


def root_of(path: str) -> str:
    """Return the part of Azure's path, as a template, that precedes OpenAI's."""
    if is_v1(path):
        return V1
    return f"{DEPLOYMENTS}{{deployment}}" if path.startswith(DEPLOYMENTS) else ROOT


def is_foundry(path: str) -> bool:
    """Return whether a path of Azure's is one of Foundry's."""
    return path.startswith(FOUNDRY + "/")


def openai_path(path: str) -> str:
    """Return OpenAI's path, without ``/v1``, for a path or a template of Azure's."""
    if is_v1(path):
        return path.removeprefix(V1)
    if path.startswith(DEPLOYMENTS):
        return "/" + path.removeprefix(DEPLOYMENTS).partition("/")[2]
    return path.removeprefix(FOUNDRY if is_foundry(path) else ROOT)


def is_azure(path: str) -> bool:
    """Return whether a path is Azure's, also with two slashes at its start, as an endpoint with a slash makes it."""
    return path.startswith((ROOT + "/", f"/{ROOT}/"))


def with_one_slash(wsgi_app: WSGIApplication) -> WSGIApplication:
    """Return an app that also serves Azure's paths with two slashes at the start."""

    def mounted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(f"/{ROOT}/"):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + "/"
            environ["PATH_INFO"] = environ["PATH_INFO"][1:]
        return wsgi_app(environ, start_response)

    return mounted


def version_of(query: Mapping[str, Any]) -> str:
    """Return the ``api-version`` of a request; empty if there is none."""
    return str(query.get("api-version", ""))

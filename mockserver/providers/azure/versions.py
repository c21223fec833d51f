"""Checks the ``api-version`` of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.providers.azure.paths import is_foundry, is_v1, openai_path
from mockserver.providers.azure.table import azure_table
from mockserver.wording import cut

if TYPE_CHECKING:
    from mockserver.pipeline.operation import Operation

_DATE = 10  # characters of 2025-03-01 in 2025-03-01-preview


def check_version(version: str, operation: Operation) -> None:
    """Raise ``ApiError`` for a version that does not exist or does not have the operation; empty is none."""
    versions, path = azure_table().versions, openai_path(operation.path)
    if is_v1(operation.path):
        if version and version not in versions.v1:
            raise ApiError("api_version_not_supported")
        return
    known = versions.foundry if is_foundry(operation.path) else versions.dated
    called = azure_table().calls.get(path)
    if version not in known or _is_older(version, called.since if called else ""):
        raise _no_such_path(operation)
    for prefix, since in azure_table().since.items():
        if path.startswith(prefix) and _is_older(version, since):
            raise ApiError("api_version_too_old", since=since)


def why_unknown(version: str, operation: Operation) -> str:
    """Return a sentence about a version with which a path does not exist."""
    versions = azure_table().versions
    known = versions.foundry if is_foundry(operation.path) else versions.dated
    given = f"api-version={cut(version)} does not have this path" if version else "The api-version is missing"
    return f"{given}: Azure answers 404. Use {known[-1]}, or another one of docs/azure.md."


def check_model_version(version: str, operation: Operation, model_id: str) -> None:
    """Raise ``ApiError`` for a model that the version does not serve by this operation."""
    called = azure_table().calls.get(openai_path(operation.path))
    if called is None or is_v1(operation.path):
        return
    for prefix, since in called.models.items():
        if model_id.startswith(prefix) and _is_older(version, since):
            raise ApiError("model_not_for_chat")


def _is_older(version: str, since: str) -> bool:
    return version[:_DATE] < since[:_DATE]


def _no_such_path(operation: Operation) -> ApiError:
    return ApiError("unknown_url", method=operation.method, path=operation.path)

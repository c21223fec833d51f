"""The table of the SDK's methods, compared with the installed SDK and with the operations that are served."""

from __future__ import annotations

import inspect
import re
from functools import reduce
from typing import Any

import openai
import pytest

from mockserver.providers.openai.routes import OPERATIONS
from mockserver.reproducing.sdk import SdkCall, sdk_calls

_OF_EVERY_METHOD = {"extra_headers", "extra_query", "extra_body", "timeout"}
_SERVED = {each.name: each for each in OPERATIONS}


@pytest.mark.parametrize(("operation", "row"), sdk_calls().items(), ids=sdk_calls())
def test_the_sdk_has_the_method_with_these_arguments(operation: str, row: SdkCall) -> None:
    method: Any = reduce(getattr, row.method.split("."), openai.OpenAI(api_key="sk-mock-none"))
    parameters = [name for name in inspect.signature(method).parameters if name not in _OF_EVERY_METHOD]
    variables = parameters[: row.path.count("{")]
    named = {*row.required, *row.optional}
    if _SERVED[operation].method == "POST":
        assert {*parameters} == {*variables} | named
    else:
        assert named == set()


@pytest.mark.parametrize(("operation", "row"), sdk_calls().items(), ids=sdk_calls())
def test_the_operation_has_this_path(operation: str, row: SdkCall) -> None:
    served = re.sub("<(?:path:)?", "{", _SERVED[operation].path).replace(">", "}")
    assert row.path == served


@pytest.mark.parametrize(
    ("path", "variables"),
    [
        ("/v1/files/file-1/content", ["file-1"]),
        ("/v1/files/a%20b/content", ["a b"]),
        ("/files/file-1/content", None),
        ("/v1/files/a/b/content", None),
    ],
)
def test_variables_are_read_from_a_path(path: str, variables: list[str] | None) -> None:
    assert sdk_calls()["download_file"].variables(path) == variables

"""The table of OpenAI's endpoints, compared with the installed SDK."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest

from mockserver.catalog.paths import WEBSOCKET, calls_of, known_calls, path_pattern, shape
from mockserver.drift.endpoints import calls_of_the_sdk
from mockserver.providers.openai.routes import OPERATIONS

RESOURCES = Path(openai.__file__).parent / "resources"


def test_the_table_has_every_call_of_the_sdk_and_no_other() -> None:
    table = {(call.method, call.path) for call in known_calls()}
    assert table == calls_of_the_sdk(RESOURCES)


def test_every_endpoint_of_openai_that_is_served_is_in_the_table() -> None:
    known = {(call.method, shape(call.path)) for call in known_calls()}
    served = {(each.method, shape(each.path)) for each in OPERATIONS}
    assert served - known == {("POST", "/realtime")}  # WebRTC of the beta, which the SDK has never called


@pytest.mark.parametrize(
    ("path", "method", "resource"),
    [
        ("/responses", "POST", "responses"),
        ("/responses/resp_1", "DELETE", "responses"),
        ("/responses/resp_1/input_items", "GET", "responses.input_items"),
        ("/responses/input_tokens", "POST", "responses.input_tokens"),
        ("/threads/runs", "POST", "threads"),
        ("/threads/thread_1", "GET", "threads"),
        ("/vector_stores/vs_1/files/file-1/content", "GET", "vector_stores.files"),
        ("/realtime", WEBSOCKET, "realtime"),
    ],
)
def test_a_path_is_known_by_its_template(path: str, method: str, resource: str) -> None:
    found = {call.method: call.resource for call in calls_of(path)}
    assert found[method] == resource


@pytest.mark.parametrize("path", ["/foo", "/responses/", "/responses/a/b/c", "/responses//x", "", "/"])
def test_other_paths_are_nobodys(path: str) -> None:
    assert calls_of(path) == ()


def test_hints_are_inherited() -> None:
    hints = {call.hint for call in known_calls() if call.resource.split(".")[0] == "realtime"}
    assert len(hints) == 1
    assert "Sessions of translation are not served." in hints.pop()


@pytest.mark.parametrize(
    ("template", "path", "matches"),
    [
        ("/files/{id}", "/files/file-1", True),
        ("/files/{id}", "/files/file-1/content", False),
        ("/files/<id>", "/files/file-1", True),
        ("/files/*", "/files/file-1/content", True),
        ("/a.b", "/axb", False),
        ("/*", "/anything/at/all", True),
    ],
)
def test_placeholders_stand_for_a_segment_and_stars_for_anything(
    template: str, path: str, matches: bool
) -> None:
    assert (path_pattern(template).fullmatch(path) is not None) is matches

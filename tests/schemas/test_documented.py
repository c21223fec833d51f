"""The schemas are those of the documentation, except for known corrections; recorded answers satisfy them.

``tests/data/documented.json`` has the structure (types, members, bounds, values; no descriptions) of each schema of the
API's OpenAPI specification that has a counterpart in ``schemas/openai``, with what the types of the SDK (3.57) have beyond it; ``tests/data/answers.toml`` has forms of answers.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver.resources import data_folder
from mockserver.validation.schemas import Schemas
from tests.conftest import DATA
from tests.schemas.structure import alternatives, expanded

FOLDER = data_folder("schemas") / "openai"
SCHEMAS = Schemas(FOLDER.parent)
DOCUMENTED: dict[str, list[Any]] = json.loads((DATA / "documented.json").read_bytes())
ANSWERS: list[dict[str, Any]] = tomllib.loads((DATA / "answers.toml").read_text("utf-8"))["answer"]
BASE = "https://example.invalid/"
REGISTRY: Registry[Any] = Registry().with_resources(
    (BASE + file.name, DRAFT202012.create_resource(json.loads(file.read_bytes())))
    for file in FOLDER.glob("*.json")
)
# Objects for which documentation and service differ: open there and closed here, or the reverse.
CLOSED = {"create_chat_completion.request": ["", "prompt_cache_options", "stream_options"]}
OPEN = {"create_transcription.request", "create_translation.request", "create_speech.request"}
# Places and keywords at which recorded answers violate their schemas.
LACKING: dict[str, set[tuple[tuple[str | int, ...], str]]] = {
    "transcription-diarized": {(("task",), "required"), (("duration",), "required")},
    "chat-spoken-answer": {(("choices", 0, "logprobs"), "required")},
    "chat-spoken-chunks": {(("choices",), "required"), (("choices", 0, "finish_reason"), "required")},
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_schema_has_the_structure_that_is_documented(name: str) -> None:
    ours = alternatives(expanded({"$ref": f"{BASE}{name}.json"}, REGISTRY.resolver(BASE)))
    documented = deepcopy(DOCUMENTED[name])
    for place in CLOSED.get(name, ()):
        closed = ours[0]["properties"][place][-1] if place else ours[0]
        assert closed.pop("additionalProperties") is False
    if name in OPEN:
        assert documented[0].pop("additionalProperties") is False
    assert ours == documented


def forms() -> Iterator[Any]:
    for answer in ANSWERS:
        for number, form in enumerate(answer["forms"]):
            yield pytest.param(
                answer["name"], answer["schema"], json.loads(form), id=f"{answer['name']}-{number}"
            )


@pytest.mark.parametrize(("name", "schema", "form"), list(forms()))
def test_a_recorded_answer_satisfies_its_schema_but_for_what_it_lacks(
    name: str, schema: str, form: dict[str, Any]
) -> None:
    found = {(violation.path, violation.keyword) for violation in SCHEMAS.violations(schema, form)}
    assert found <= LACKING.get(name, set())
    if name != "chat-spoken-chunks":
        assert found == LACKING.get(name, set())


def test_only_some_chunks_lack_anything() -> None:
    (chunks,) = (answer["forms"] for answer in ANSWERS if answer["name"] == "chat-spoken-chunks")
    sound = [form for form in chunks if SCHEMAS.is_valid("openai/chat_completion.chunk", json.loads(form))]
    assert 0 < len(sound) < len(chunks)

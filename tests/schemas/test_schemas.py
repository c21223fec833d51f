"""The schema files: sound in themselves, equal to what is documented, true of what was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from mockserver.gateway.validation import Schemas
from mockserver.resources import data_folder

FOLDER = data_folder("schemas")
NAMES = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.json"))
REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "additionalProperties")

COMPONENTS = {
    "create_transcription.request": "CreateTranscriptionRequest",
    "create_translation.request": "CreateTranslationRequest",
    "create_speech.request": "CreateSpeechRequest",
    "transcription.json.response": "CreateTranscriptionResponseJson",
    "transcription.verbose_json.response": "CreateTranscriptionResponseVerboseJson",
    "transcription.diarized_json.response": "CreateTranscriptionResponseDiarizedJson",
    "transcription.event": "CreateTranscriptionResponseStreamEvent",
    "speech.event": "CreateSpeechResponseStreamEvent",
    "translation.json.response": "CreateTranslationResponseJson",
    "translation.verbose_json.response": "CreateTranslationResponseVerboseJson",
    "error.response": "ErrorResponse",
    "model.response": "Model",
    "model_list.response": "ListModelsResponse",
    "model_deleted.response": "DeleteModelResponse",
}
SAMPLES = {
    "transcription_json_whisper.txt": "transcription.json.response",
    "transcription_gpt4omini_usage.txt": "transcription.json.response",
    "transcription_logprobs.txt": "transcription.json.response",
    "transcription_verbose_word.txt": "transcription.verbose_json.response",
    "transcription_badlang.txt": "error.response",
    "transcription_stream.txt": "transcription.event",
    "speech_sse.txt": "speech.event",
}


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
    assert schemas.is_valid(name, {}) in (True, False)  # raises, where a reference leads nowhere


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_schema_has_the_structure_that_is_documented(name: str) -> None:
    documented = _documented(COMPONENTS[name])
    if name.endswith("request"):
        del documented["additionalProperties"]  # the service ignores what it does not know
    assert _alternatives(_ours(name)) == _alternatives(documented)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_recorded_answer_satisfies_its_schema(schemas: Schemas, sample: str) -> None:
    bodies = _bodies(sample)
    assert bodies
    for body in bodies:
        assert schemas.violations(f"openai/{SAMPLES[sample]}", body) == []


def test_a_diarized_answer_of_spring_2026_lacks_only_what_was_added_since(schemas: Schemas) -> None:
    (body,) = _bodies("transcription_diarized.txt")
    lacking = schemas.violations("openai/transcription.diarized_json.response", body)
    assert {(violation.path, violation.keyword) for violation in lacking} == {
        (("task",), "required"),
        (("duration",), "required"),
    }


def _ours(name: str) -> dict[str, Any]:
    base = "https://example.invalid/"
    registry = jsonschema_rs.Registry(
        [(base + path.name, json.loads(path.read_bytes())) for path in (FOLDER / "openai").glob("*.json")]
    )
    schema = json.loads((FOLDER / "openai" / f"{name}.json").read_bytes())
    return jsonschema_rs.dereference(schema, registry=registry, base_uri=f"{base}{name}.json")


def _documented(component: str) -> dict[str, Any]:
    for file in ("audio.json", "models-files-batches.json"):
        path = REFERENCE / "openapi" / file
        if not path.exists():
            pytest.skip("the documented specification is not at hand")
        components = json.loads(path.read_bytes())["components"]
        if component in components["schemas"]:
            plain = {"$ref": f"#/components/schemas/{component}", "components": components}
            return jsonschema_rs.dereference(plain)
    raise AssertionError(f"{component} is not documented")


def _bodies(sample: str) -> list[Any]:
    path = REFERENCE / "samples" / sample
    if not path.exists():
        pytest.skip("the recorded samples are not at hand")
    body = path.read_text(encoding="utf-8").partition("\n\n")[2]
    if not body.startswith("data: "):
        return [json.loads(body)]
    lines = [line.removesuffix("\\r\\n") for line in body.splitlines() if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def _alternatives(schema: dict[str, Any]) -> list[Any]:
    """What a schema admits, one entry per JSON type or branch, without order and annotations."""
    branches = (
        schema.get("anyOf") or schema.get("oneOf") or [rule["then"] for rule in schema.get("allOf", ())]
    )
    if branches:
        found = [alternative for branch in branches for alternative in _alternatives(branch)]
    else:
        types = schema.get("type", "string" if "const" in schema else "object")
        found = [_structure(schema, name) for name in ([types] if isinstance(types, str) else types)]
    if {"type": "string"} in found:  # which admits the enumerated strings beside it, too
        found = [one for one in found if one["type"] != "string"] + [{"type": "string"}]
    return sorted(found, key=repr)


def _structure(schema: dict[str, Any], json_type: str) -> dict[str, Any]:
    structure: dict[str, Any] = {"type": json_type}
    structure |= {keyword: schema[keyword] for keyword in BOUNDS if keyword in schema}
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values:
        structure["enum"] = sorted(values)
    if "items" in schema:
        structure["items"] = _alternatives(schema["items"])
    if "properties" in schema:
        properties = schema["properties"]
        structure["properties"] = {name: _alternatives(properties[name]) for name in sorted(properties)}
        structure["required"] = sorted(schema.get("required", ()))
    return structure

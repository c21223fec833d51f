"""Documents are validated against their schemas, with the places of differences."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver.resources import data_folder
from mockserver.validation.schemas import SchemaError, Schemas
from mockserver.validation.violations import Violation

FOLDER = data_folder("schemas")
SCHEMAS = Schemas(FOLDER)
SPEECH = "openai/create_speech.request"
TRANSCRIPTION = "openai/create_transcription.request"
TRANSLATION = "openai/create_translation.request"
EVENT = "openai/transcription.event"


def speech(**changes: object) -> dict[str, object]:
    return {"model": "tts-1", "input": "Hello.", "voice": "alloy", **changes}


def transcription(**changes: object) -> dict[str, object]:
    return {"file": "", "model": "whisper-1", **changes}


def first(name: str, document: object) -> Violation:
    return SCHEMAS.violations(name, document)[0]


def test_a_sound_request_is_valid_and_violates_nothing() -> None:
    request = transcription(chunking_strategy={"type": "server_vad", "threshold": 0.4}, include=["logprobs"])
    assert SCHEMAS.is_valid(TRANSCRIPTION, request)
    assert SCHEMAS.violations(TRANSCRIPTION, request) == []


@pytest.mark.parametrize(
    ("name", "request_"),
    [(SPEECH, speech(x=1)), (TRANSCRIPTION, transcription(x="1")), (TRANSLATION, transcription(x="1"))],
)
def test_unknown_parameters_of_a_request_are_let_through(name: str, request_: object) -> None:
    assert SCHEMAS.is_valid(name, request_)


def test_every_missing_parameter_is_named_by_its_path() -> None:
    violations = SCHEMAS.violations(SPEECH, {"input": "Hello."})
    assert [(one.path, one.keyword, one.found) for one in violations] == [
        (("model",), "required", {"input": "Hello."}),
        (("voice",), "required", {"input": "Hello."}),
    ]


def test_an_unknown_member_of_a_closed_object_is_named_by_its_path() -> None:
    violation = first(TRANSCRIPTION, transcription(chunking_strategy={"type": "server_vad", "treshold": 1}))
    assert (violation.path, violation.keyword) == (("chunking_strategy", "treshold"), "additionalProperties")
    assert violation.found == 1


def test_a_violation_tells_what_was_expected_and_what_was_found() -> None:
    violation = first(SPEECH, speech(speed=5))
    assert (violation.path, violation.keyword) == (("speed",), "maximum")
    assert (violation.expected, violation.found) == (4, 5)
    assert violation.schema["type"] == "number"


def test_a_place_in_an_array_is_an_index_in_the_path() -> None:
    violation = first(TRANSCRIPTION, transcription(timestamp_granularities=["word", "letter"]))
    assert (violation.path, violation.found) == (("timestamp_granularities", 1), "letter")


def test_of_an_any_of_the_branch_of_the_json_type_is_reported() -> None:
    by_string = first(TRANSCRIPTION, transcription(chunking_strategy="manual"))
    by_object = first(
        TRANSCRIPTION, transcription(chunking_strategy={"type": "server_vad", "threshold": "x"})
    )
    assert (by_string.path, by_string.keyword) == (("chunking_strategy",), "enum")
    assert by_string.expected == ["auto"]
    assert (by_object.path, by_object.keyword) == (("chunking_strategy", "threshold"), "type")


def test_where_no_branch_has_the_json_type_all_their_types_are_expected() -> None:
    violation = first(TRANSCRIPTION, transcription(chunking_strategy=5))
    assert (violation.path, violation.keyword) == (("chunking_strategy",), "type")
    assert violation.expected == ["string", "object", "null"]


def test_an_event_is_measured_by_the_schema_of_its_type() -> None:
    violation = first(EVENT, {"type": "transcript.text.done", "text": "", "usage": {"type": "tokens"}})
    assert violation.path[0] == "usage"
    assert first(EVENT, {"type": "transcript.text.later"}).path == ("type",)
    assert first(EVENT, {"delta": "a"}).path == ("type",)


def test_one_violation_is_reported_per_place() -> None:
    (violation,) = SCHEMAS.violations(SPEECH, speech(response_format=4))
    assert (violation.path, violation.keyword) == (("response_format",), "type")


def test_violations_know_the_order_in_which_the_parameters_are_declared() -> None:
    violations = SCHEMAS.violations(SPEECH, {"input": 1, "model": "tts-1", "speed": 9})
    declared = sorted(violations, key=lambda violation: violation.order)
    assert [violation.path for violation in declared] == [("input",), ("voice",), ("speed",)]


@pytest.mark.parametrize(
    "document",
    [
        {},
        5,
        speech(speed=9, input=3),
        speech(stream_format="x", speed=0.1),
        speech(input="a" * 5000, voice="b"),
    ],
)
def test_the_first_violation_is_the_best_match_of_jsonschema(document: Any) -> None:
    best = best_match(_stock(SPEECH).iter_errors(document))
    assert best is not None
    violation = first(SPEECH, document)
    assert violation.keyword == best.validator
    assert violation.path[: len(best.absolute_path)] == tuple(best.absolute_path)


def test_properties_come_in_the_order_declared_with_references_resolved() -> None:
    properties = SCHEMAS.properties(TRANSCRIPTION)
    assert list(properties)[:4] == ["file", "model", "language", "languages"]
    _, vad, _ = properties["chunking_strategy"]["anyOf"]
    assert vad["properties"]["threshold"]["type"] == "number"
    assert SCHEMAS.properties("openai/common") == {}


@pytest.mark.parametrize("method", ["is_valid", "violations"])
def test_a_schema_that_is_not_there_is_named(method: str) -> None:
    with pytest.raises(
        SchemaError, match=r"openai/create_song.json: missing from .*; put it back, or reinstall"
    ):
        getattr(SCHEMAS, method)("openai/create_song", {})


@pytest.mark.parametrize("text", [b"{", b"[]", b'"\xff"'])
def test_a_file_that_is_no_json_object_is_named_when_it_is_read(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "broken.json").write_bytes(text)
    with pytest.raises(SchemaError, match=r"broken\.json: ."):
        Schemas(tmp_path).is_valid("broken", {})


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "strin"}, "strin"),
        ({"$ref": "elsewhere.json"}, "elsewhere"),
        ({"properties": {"a": {"$ref": "#/$defs/gone"}}}, "gone"),
    ],
)
@pytest.mark.parametrize("method", ["is_valid", "violations", "properties"])
def test_a_file_that_is_no_schema_is_named_at_its_first_use(
    tmp_path: Path, schema: object, reason: str, method: str
) -> None:
    (tmp_path / "broken.json").write_text(json.dumps(schema), encoding="utf-8")
    schemas = Schemas(tmp_path)
    arguments: tuple[object, ...] = ("broken",) if method == "properties" else ("broken", {})
    with pytest.raises(SchemaError, match=rf"broken\.json: .*{reason}"):
        getattr(schemas, method)(*arguments)


def test_files_refer_to_each_other_by_relative_paths(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "name.json").write_text('{"type": "string"}', encoding="utf-8")
    (tmp_path / "person.json").write_text(
        '{"properties": {"name": {"$ref": "parts/name.json"}}}', encoding="utf-8"
    )
    schemas = Schemas(tmp_path)
    assert schemas.is_valid("person", {"name": "Ada"})
    assert [violation.path for violation in schemas.violations("person", {"name": 5})] == [("name",)]


def test_threads_share_one_instance_from_its_first_use() -> None:
    schemas = Schemas(FOLDER)
    bodies = [speech(speed=speed / 10) for speed in range(60)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda body: schemas.violations(SPEECH, body), bodies))
    refused = [body["speed"] for body, violations in zip(bodies, found, strict=True) if violations]
    assert refused == [0.0, 0.1, 0.2, *(speed / 10 for speed in range(41, 60))]


@cache
def _stock(name: str) -> Draft202012Validator:
    base = "https://example.invalid/"
    resources = [
        (f"{base}{path.name}", DRAFT202012.create_resource(json.loads(path.read_bytes())))
        for path in (FOLDER / "openai").glob("*.json")
    ]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator({"$ref": f"{base}{Path(name).name}.json"}, registry=registry)


@cache
def _documents(name: str) -> st.SearchStrategy[Any]:
    """Draw documents for the schema ``name``: some valid, most nearly so, a few of another kind."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
        st.sampled_from(
            ["auto", "json", "mp3", "sse", "word", "logprobs", "server_vad", "x" * 4096, "x" * 4097]
        ),
    )
    keys = st.sampled_from(["type", "id", "threshold", "silence_duration_ms", "other"])
    values = st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=3)),
        max_leaves=6,
    )
    required = {"file": st.just(""), "model": st.just("m"), "input": st.just("i"), "voice": st.just("v")}
    declared = SCHEMAS.properties(name)
    optional = dict.fromkeys(declared, values) | {"unheard_of": values}
    whole = st.fixed_dictionaries({key: required[key] for key in required if key in declared}, optional={})
    changes = st.fixed_dictionaries({}, optional=optional)
    return st.one_of(st.builds(lambda a, b: a | b, whole, changes), changes, values)


@pytest.mark.parametrize("name", [TRANSCRIPTION, TRANSLATION, SPEECH])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_the_fast_verdict_the_standard_one_and_the_explanation_agree(name: str, data: st.DataObject) -> None:
    document = data.draw(_documents(name))
    verdict = _stock(name).is_valid(document)
    assert SCHEMAS.is_valid(name, document) == verdict
    assert (SCHEMAS.violations(name, document) == []) == verdict

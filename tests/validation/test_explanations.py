"""The three styles in which an invalid request is explained."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mockserver.resources import data_folder
from mockserver.validation import explanations as explain
from mockserver.validation.schemas import Schemas
from mockserver.validation.violations import Violation

SCHEMAS = Schemas(data_folder("schemas"))
SPEECH = "openai/create_speech.request"
TRANSCRIPTION = "openai/create_transcription.request"


def house(*path: str | int, keyword: str, expected: Any, found: Any, **schema: Any) -> explain.Explanation:
    return explain.standard(Violation(path, keyword, expected, found, schema))


@pytest.mark.parametrize(
    ("path", "param"),
    [
        (("messages",), "messages"),
        (("audio", "voice"), "audio.voice"),
        (("messages", 0, "content", 1, "x"), "messages[0].content[1].x"),
    ],
)
def test_a_missing_parameter_is_named_by_its_dotted_path(path: tuple[str | int, ...], param: str) -> None:
    assert house(*path, keyword="required", expected=["messages"], found={}) == (
        f"Missing required parameter: '{param}'.",
        param,
        "missing_required_parameter",
    )


def test_an_unknown_parameter_is_named() -> None:
    assert house("reasoning", "bogus", keyword="additionalProperties", expected=False, found=1) == (
        "Unknown parameter: 'reasoning.bogus'.",
        "reasoning.bogus",
        "unknown_parameter",
    )


@pytest.mark.parametrize(
    ("expected", "found", "wording"),
    [
        ("string", True, "expected a string, but got a boolean instead"),
        ("string", None, "expected a string, but got null instead"),
        ("integer", "abc", "expected an integer, but got a string instead"),
        ("integer", 1.5, "expected an integer, but got a decimal number instead"),
        ("number", "hot", "expected a decimal, but got a string instead"),
        ("boolean", 1, "expected a boolean, but got an integer instead"),
        ("object", [], "expected an object, but got an array instead"),
        ("array", {}, "expected an array, but got an object instead"),
        (["boolean", "null"], "yes", "expected a boolean, but got a string instead"),
        (["string", "object", "null"], 5, "expected one of a string or object, but got an integer instead"),
        (
            ["string", "array", "object"],
            5,
            "expected one of a string, array, or object, but got an integer instead",
        ),
    ],
)
def test_a_wrong_type_is_described_in_words(expected: object, found: object, wording: str) -> None:
    refusal = house("x", keyword="type", expected=expected, found=found)
    assert refusal == (f"Invalid type for 'x': {wording}.", "x", "invalid_type")


def test_an_expected_array_is_described_with_its_items() -> None:
    refusal = house(
        "tools", keyword="type", expected="array", found="a", type="array", items={"type": "object"}
    )
    assert (
        refusal.message == "Invalid type for 'tools': expected an array of objects, but got a string instead."
    )


def test_a_wrong_type_where_values_are_enumerated_tells_the_values() -> None:
    refusal = house(
        "tool_choice", keyword="type", expected="string", found=None, enum=["none", "auto", "all"]
    )
    assert refusal.message == (
        "Invalid type for 'tool_choice': expected one of 'none', 'auto', or 'all', but got null instead."
    )


@pytest.mark.parametrize(
    ("values", "listed"),
    [(["a"], "'a'"), (["a", "b"], "'a' and 'b'"), (["a", "b", "c"], "'a', 'b', and 'c'")],
)
def test_an_unsupported_value_is_reported_with_the_supported_ones(values: list[str], listed: str) -> None:
    refusal = house("format", keyword="enum", expected=values, found="x")
    assert refusal == (f"Invalid value: 'x'. Supported values are: {listed}.", "format", "invalid_value")


@pytest.mark.parametrize(
    ("keyword", "expected", "found", "fault", "wanted"),
    [
        ("minimum", 0, -1, "below minimum", ">= 0, but got -1"),
        ("exclusiveMinimum", 0, 0, "below minimum", "> 0, but got 0"),
        ("maximum", 2.0, 2.1, "above maximum", "<= 2, but got 2.1"),
        ("exclusiveMaximum", 20, 50, "above maximum", "< 20, but got 50"),
    ],
)
@pytest.mark.parametrize(("schema_type", "sort"), [("number", "decimal"), ("integer", "integer")])
def test_a_number_out_of_range_is_reported_with_the_bound(
    schema_type: str, sort: str, keyword: str, expected: float, found: float, fault: str, wanted: str
) -> None:
    refusal = house("x", keyword=keyword, expected=expected, found=found, type=schema_type)
    assert refusal.message == f"Invalid 'x': {sort} {fault} value. Expected a value {wanted} instead."
    assert refusal.code == f"{sort}_{fault.replace('imum', '').replace(' ', '_')}_value"


@pytest.mark.parametrize(
    ("keyword", "expected", "found", "fault", "wanted", "got", "code"),
    [
        ("maxLength", 4, "12345", "too long", "maximum length 4", "length 5", "string_above_max_length"),
        ("minLength", 3, "12", "too short", "minimum length 3", "length 2", "string_below_min_length"),
        ("maxItems", 1, [1, 2], "too long", "maximum length 1", "length 2", "array_above_max_length"),
        ("minItems", 2, [1], "too short", "minimum length 2", "length 1", "array_below_min_length"),
    ],
)
def test_a_wrong_length_is_reported_with_the_bound(
    keyword: str, expected: int, found: Any, fault: str, wanted: str, got: str, code: str
) -> None:
    noun = "a string" if isinstance(found, str) else "an array"
    refusal = house("x", keyword=keyword, expected=expected, found=found)
    assert refusal.code == code
    assert refusal.message == (
        f"Invalid 'x': {noun.split()[1]} {fault}. "
        f"Expected {noun} with {wanted}, but got {noun} with {got} instead."
    )


def test_an_empty_array_has_a_code_of_its_own() -> None:
    assert house("messages", keyword="minItems", expected=1, found=[]) == (
        (
            "Invalid 'messages': empty array. "
            "Expected an array with minimum length 1, but got an empty array instead."
        ),
        "messages",
        "empty_array",
    )


def test_an_empty_string_has_a_code_of_its_own() -> None:
    assert house("prompt", keyword="minLength", expected=1, found="") == (
        (
            "Invalid 'prompt': empty string. "
            "Expected a string with minimum length 1, but got an empty string instead."
        ),
        "prompt",
        "empty_string",
    )


def test_the_deep_place_of_a_refused_form_is_named() -> None:
    form = {"file": "", "model": "m", "chunking_strategy": {"type": "server_vad", "threshold": "loud"}}
    refusal = explain.standard(SCHEMAS.violations(TRANSCRIPTION, form)[0])
    assert refusal.param == "chunking_strategy.threshold"
    assert refusal.message == (
        "Invalid type for 'chunking_strategy.threshold': expected a decimal, but got a string instead."
    )


@pytest.mark.parametrize("voice", [explain.standard, lambda violation: explain.pydantic([violation])])
def test_a_refusal_never_repeats_megabytes(voice: Any) -> None:
    for found in ("x" * 5_000_000, ["x"] * 1_000_000):
        assert len(str(voice(Violation(("format",), "enum", ["a"], found)))) < 50_000


def test_a_refusal_never_repeats_a_name_of_megabytes() -> None:
    refusal = house("x" * 5_000_000, keyword="additionalProperties", expected=False, found=1)
    assert len(str(refusal)) < 50_000
    assert str(refusal[0]).startswith("Unknown parameter: 'xxx")


def test_a_text_too_long_is_reported_as_by_the_speech_endpoint() -> None:
    violations = SCHEMAS.violations(SPEECH, {"model": "tts-1", "voice": "alloy", "input": "a" * 5000})
    assert explain.pydantic(violations, inputs=False) == (
        "[{'type': 'string_too_long', 'loc': ('body', 'input'), "
        "'msg': 'String should have at most 4096 characters', 'ctx': {'max_length': 4096}}]"
    )
    assert f"'input': '{'a' * 5000}', 'ctx'" in explain.pydantic(violations)


def test_an_unknown_voice_is_reported_as_by_the_speech_endpoint() -> None:
    violation = Violation(("voice",), "enum", ["nova", "sage", "coral"], "x")
    assert explain.pydantic([violation]) == (
        "[{'type': 'enum', 'loc': ('body', 'voice'), 'msg': \"Input should be 'nova', 'sage' or 'coral'\", "
        "'input': 'x', 'ctx': {'expected': \"'nova', 'sage' or 'coral'\"}}]"
    )


def test_a_form_without_file_is_reported_as_by_the_transcription_endpoint() -> None:
    violations = SCHEMAS.violations(TRANSCRIPTION, {"model": "whisper-1"})
    assert explain.pydantic(violations, form=True) == (
        "[{'type': 'missing', 'loc': ('body', 'file'), 'msg': 'Field required', 'input': None}]"
    )


def test_an_array_of_a_form_is_reported_by_the_name_of_its_field() -> None:
    form = {"file": "", "model": "m", "timestamp_granularities": ["word,segments"]}
    assert explain.pydantic(SCHEMAS.violations(TRANSCRIPTION, form), form=True) == (
        "[{'type': 'enum', 'loc': ('body', 'timestamp_granularities[]', 0), "
        "'msg': \"Input should be 'word' or 'segment'\", 'input': 'word,segments', "
        "'ctx': {'expected': \"'word' or 'segment'\"}}]"
    )


class Speech(BaseModel):
    """A body as a pydantic model; ``SPEECH_SCHEMA`` is the same in JSON Schema."""

    model_config = ConfigDict(extra="forbid")
    model: str
    input: Annotated[str, Field(min_length=2, max_length=4)] = "abc"
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0
    gain: Annotated[float, Field(gt=0.5, lt=2)] = 1.0
    count: Annotated[int, Field(ge=2, le=4)] = 2
    stream: bool = True
    names: Annotated[list[str], Field(min_length=1, max_length=2)] = ["a"]
    code: Annotated[str, Field(pattern="^a+$")] = "a"
    sort: Literal["x"] = "x"


SPEECH_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["model"],
    "properties": {
        "model": {"type": "string"},
        "input": {"type": "string", "minLength": 2, "maxLength": 4},
        "speed": {"type": "number", "minimum": 0.25, "maximum": 4},
        "gain": {"type": "number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 2},
        "count": {"type": "integer", "minimum": 2, "maximum": 4},
        "stream": {"type": "boolean"},
        "names": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}},
        "code": {"type": "string", "pattern": "^a+$"},
        "sort": {"const": "x"},
    },
}


@pytest.fixture(scope="module")
def speech_schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    folder = tmp_path_factory.mktemp("schemas")
    (folder / "speech.json").write_text(json.dumps(SPEECH_SCHEMA), encoding="utf-8")
    return Schemas(folder)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": None},
        {"model": "m", "unheard_of": [1]},
        {"model": "m", "input": "12345"},
        {"model": "m", "input": "1"},
        {"model": "m", "speed": 5},
        {"model": "m", "speed": 0.1},
        {"model": "m", "speed": "fast"},
        {"model": "m", "speed": []},
        {"model": "m", "gain": 0.5},
        {"model": "m", "gain": 2},
        {"model": "m", "count": 9},
        {"model": "m", "count": 1},
        {"model": "m", "count": 2.5},
        {"model": "m", "count": "two"},
        {"model": "m", "count": {}},
        {"model": "m", "stream": "perhaps"},
        {"model": "m", "stream": {}},
        {"model": "m", "names": []},
        {"model": "m", "names": ["a", "b", "c"]},
        {"model": "m", "names": "a"},
        {"model": "m", "names": ["a", 5]},
        {"model": "m", "code": "b"},
        {"model": "m", "sort": "y"},
        {"sort": "y", "count": 9, "input": 'it\'s "quoted" ü\n'},
    ],
)
def test_the_list_of_errors_is_the_one_pydantic_prints(speech_schemas: Schemas, body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        Speech.model_validate(body)
    errors = refusal.value.errors(include_url=False)
    printed = str([error | {"loc": ("body", *error["loc"])} for error in errors])
    assert explain.pydantic(speech_schemas.violations("speech", body)) == printed


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": "a"}, "'model' is a required property"),
        ({"model": "m"}, "'input' is a required property"),
        ({"model": "m", "input": "a", "dimensions": 0}, "0 is less than the minimum of 1 - 'dimensions'"),
        ({"model": "m", "input": "a", "dimensions": 1.5}, "1.5 is not of type 'integer' - 'dimensions'"),
        ({"model": "m", "input": "a", "user": 7}, "7 is not of type 'string' - 'user'"),
        (
            {"model": "m", "input": "a", "encoding_format": 'a"b'},
            "'a\"b' is not one of ['float', 'base64'] - 'encoding_format'",
        ),
        ({"model": "m", "input": "a", "x": 1}, "Unrecognized request argument supplied: x"),
    ],
)
def test_embeddings_are_refused_in_the_words_of_python_s_library(body: dict[str, Any], message: str) -> None:
    refusal = explain.python_refusal(SCHEMAS.violations("openai/create_embedding.request", body))
    assert (refusal.name, refusal.values["message"]) == ("invalid_request", message)
    assert refusal.changes == {"param": None, "code": None}


@pytest.mark.parametrize("given", ["", [], [""], [[]], 1, {}, [1, "a"], ["a"] * 2049])
def test_what_is_wrong_with_a_text_is_not_said(given: Any) -> None:
    body = {"model": "m", "input": given, "user": 7}
    refusal = explain.python_refusal(SCHEMAS.violations("openai/create_embedding.request", body))
    assert (refusal.name, refusal.values) == ("value_invalid", {"parameter": "input"})


def test_long_values_are_cut_in_the_words_of_python_s_library() -> None:
    body = {"model": "m", "prompt": "a", "stop": ["x" * 10_000] * 5}
    refusal = explain.python_refusal(SCHEMAS.violations("openai/create_completion.request", body))
    assert len(str(refusal.values["message"])) < 20_000

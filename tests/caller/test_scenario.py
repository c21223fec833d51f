"""Scenarios of calls: what is refused with which message, and what a step reports."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mockserver.caller.call import Call
from mockserver.caller.record import CallFailed
from mockserver.caller.scenario import (
    Scenario,
    ScenarioError,
    ScenarioResult,
    play_scenario,
    read_scenarios,
    tools_of,
)
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "calls" / "weather.yaml"
PATIENT = {"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("steps: [", r"line 1: cannot be read as YAML"),
        ("name: x", "steps"),
        ("steps: []", "steps"),
        ("steps: [{say: Hi}]\nmodle: x", "Did you mean 'model'?"),
        ("steps: [{shout: Hi}]", "steps"),
        ("steps: [{say: Hi, wait: 3}]", "just one of them"),
        ("steps: [{say: 3}]", "say"),
        ("steps: [{say: Hi, after_ms: 3}]", "steps[0].after_ms: belongs to interrupt only"),
        ("steps: [{wait: -1}]", "wait"),
        ("steps: [{hear: {status: done}}]", "status"),
        ("steps: [{hear: {matches: '('}}]", "matches"),
        ("steps: [{hear: false}]", "steps[0].hear: false is no expectation"),
        ("steps: [{transcript: {status: completed}}]", "Unknown parameter: 'steps[0].transcript.status'"),
        ("steps: [{hang_up: false}]", "hang_up"),
        ("steps: [{say: Hi}]\ntools: {get: {}}", "answer"),
        ("- say: Hi", "object"),
        ("[" * 3000, "YAML"),
    ],
)
def test_invalid_scenarios_are_refused_with_the_place(
    tmp_path: Path, schemas: Schemas, text: str, message: str
) -> None:
    path = tmp_path / "call.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as refused:
        read_scenarios(path, schemas)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)


def test_an_empty_document_is_no_scenario(tmp_path: Path, schemas: Schemas) -> None:
    path = tmp_path / "call.yaml"
    path.write_text("---\nsteps: [{say: Hi}]\n---\n")
    assert [each.name for each in read_scenarios(path, schemas)] == ["call"]


def test_a_missing_file_is_named(tmp_path: Path, schemas: Schemas) -> None:
    with pytest.raises(ScenarioError, match=r"none\.yaml: "):
        read_scenarios(tmp_path / "none.yaml", schemas)


def test_a_file_can_have_several_scenarios(tmp_path: Path, schemas: Schemas) -> None:
    path = tmp_path / "call.yaml"
    path.write_text("steps: [{say: Hi}]\n---\nname: Second\nsteps: [{wait: 1}]\n")
    assert [each.name for each in read_scenarios(path, schemas)] == ["call 1", "Second"]


def played(server: MockServer, text: str, folder: Path = ROOT) -> ScenarioResult:
    document = {"session": PATIENT, **yaml.safe_load(text)}

    def begin(scenario: Scenario) -> Call:
        given = scenario.document
        return server.account().caller(
            session=given["session"], tools=tools_of(scenario), model=given.get("model")
        )

    return play_scenario(Scenario("test", document, folder), begin)


def test_the_example_passes(server: MockServer, schemas: Schemas) -> None:
    (scenario,) = read_scenarios(EXAMPLE, schemas)
    result = played(server, EXAMPLE.read_text())
    assert result.has_passed, [step for step in result.steps if step.message]
    assert [step.title for step in result.steps][:2] == [
        "1. wait 300",
        "2. say What is the weather in Berlin?",
    ]
    assert [call.name for call in result.timeline.tool_calls] == ["get_weather"]
    assert scenario.name == "A question about the weather"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("hear: rain", "does not contain 'rain'"),
        ("hear: {equals: Hi}", "is not 'Hi'"),
        ("hear: {matches: '^x'}", "does not match '^x'"),
        ("hear: {status: failed}", "The status of the reply is 'completed', not 'failed'"),
        ("hear: {max_gap_ms: 10}", "The gap before the reply is"),
        ("hear: {within_ms: 20}", "No reply began within 20 ms"),
        ("transcript: {within_ms: 100}", "The session does not transcribe"),
        ("ends: {within_ms: 100}", "has not ended the call"),
        ("play: none.wav", "none.wav"),
        ("{interrupt: No, after_ms: 60000}", "before it could be interrupted"),
    ],
)
def test_a_failed_step_says_why_and_the_rest_is_skipped(server: MockServer, step: str, message: str) -> None:
    result = played(server, f"steps:\n- say: Good morning.\n- {step}\n- wait: 20\n")
    assert [each.status for each in result.steps] == ["passed", "failed", "skipped", "skipped"]
    assert message in result.steps[1].message
    assert not result.has_passed


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("{tools: [get_weather]}", "The functions called is [], not ['get_weather']"),
        ("{interruptions: 1}", "The number of interruptions is 0, not 1"),
        ("{max_gap_ms: 1}", "The longest gap is"),
        ("{errors: 1}", "The number of errors is 0, not 1"),
    ],
)
def test_what_is_expected_of_the_whole_call_is_a_step(
    server: MockServer, expected: str, message: str
) -> None:
    result = played(server, f"steps:\n- say: Good morning.\n- hear: true\nexpect: {expected}\n")
    assert [each.status for each in result.steps] == ["passed", "passed", "failed"]
    assert message in result.steps[2].message


def test_a_refused_session_fails_the_first_step(server: MockServer) -> None:
    result = played(server, "model: gpt-nope\nsteps: [{say: Hi}, {hear: true}]")
    assert [each.status for each in result.steps] == ["failed", "skipped", "skipped"]
    assert "invalid_model" in result.steps[0].message


def test_a_scenario_that_hangs_up_does_no_more(server: MockServer) -> None:
    result = played(server, "steps: [{hang_up: true}, {say: Hi}]")
    assert result.steps[1].message == "The call has ended."


def test_the_reason_of_no_call_is_that_of_the_first_step() -> None:
    def begin(_: Scenario) -> Call:
        raise CallFailed("Nobody is there.")

    result = play_scenario(Scenario("test", {"steps": [{"wait": 1}]}, Path()), begin)
    assert result.steps[0].message == "Nobody is there."

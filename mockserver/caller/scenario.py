"""Scenarios of calls: what a caller says, does and expects, in a file."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from msgspec import Struct, field

from mockserver.caller.record import CallFailed, Timeline
from mockserver.resources import FileNotReadable, read_text
from mockserver.validation import documents
from mockserver.wording import shown

if TYPE_CHECKING:
    from mockserver.caller.call import Call
    from mockserver.validation.schemas import Schemas

_WITHIN_MS = 10_000.0
_AFTER_MS = 340.0
_MAX_TITLE = 72  # characters of a step in reports
_KINDS = ("say", "play", "wait", "hear", "interrupt", "transcript", "ends", "hang_up")

Status = Literal["passed", "failed", "skipped"]


class ScenarioError(ValueError):
    """A scenario is invalid. The message names file, place and remedy."""


class Scenario(Struct, frozen=True):
    """A scenario: its document, whose paths are relative to ``folder``."""

    name: str
    document: dict[str, Any]
    folder: Path


class StepResult(Struct):
    """What came of a step, with its times in milliseconds of the call."""

    title: str
    status: Status = "skipped"
    message: str = ""
    start_ms: float = 0.0
    end_ms: float = 0.0


class ScenarioResult(Struct):
    """What came of a scenario: its steps, the last of which is what was expected of the whole call."""

    name: str
    steps: list[StepResult]
    timeline: Timeline = field(default_factory=Timeline)

    @property
    def has_passed(self) -> bool:
        """Return whether every step has."""
        return all(step.status == "passed" for step in self.steps)


def read_scenarios(path: Path, schemas: Schemas) -> list[Scenario]:
    """Return the scenarios of a YAML or JSON file, one in each document. Raises ``ScenarioError``."""
    try:
        documents_ = [each for each in yaml.safe_load_all(read_text(path)) if each is not None]
    except FileNotReadable as error:
        raise ScenarioError(f"{path}: {error}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        place = getattr(error, "problem_mark", None)
        line = f"line {place.line + 1}: " if place is not None else ""
        problem = getattr(error, "problem", None) or "it is nested too deeply, or has an invalid value"
        raise ScenarioError(f"{path}: {line}cannot be read as YAML: {problem}.") from error
    if not documents_:
        raise ScenarioError(f"{path}: is empty. Write the steps of a call, such as steps: [{{say: Hello}}].")
    several = len(documents_) > 1
    return [
        _scenario(document, path, schemas, f"{path.stem} {number}" if several else path.stem)
        for number, document in enumerate(documents_, 1)
    ]


def _scenario(document: Any, path: Path, schemas: Schemas, name: str) -> Scenario:
    if not isinstance(document, dict):
        raise ScenarioError(
            f"{path}: is no object. Write the steps of a call, such as steps: [{{say: Hello}}]."
        )
    try:
        documents.check(schemas, "call", document)
        for number, step in enumerate(document["steps"]):
            _check_step(step, f"steps[{number}]")
    except documents.DocumentError as error:
        raise ScenarioError(f"{path}: {error}") from error
    return Scenario(document.get("name", name), document, path.parent)


def _check_step(step: Mapping[str, Any], place: str) -> None:
    """Check what the schema cannot. Raises ``DocumentError``."""
    if "after_ms" in step and "interrupt" not in step:
        raise documents.DocumentError(f"{place}.after_ms: belongs to interrupt only. Remove it, or use wait.")
    for kind in ("hear", "transcript"):
        wanted = step.get(kind)
        if wanted is False:
            problem = "false is no expectation. Write true, a text that it contains, or an object"
            raise documents.DocumentError(f"{place}.{kind}: {problem}.")
        if isinstance(wanted, dict) and "matches" in wanted:
            try:
                re.compile(wanted["matches"])
            except re.error as error:
                message = f"{place}.{kind}.matches: {shown(wanted['matches'])}: {error}."
                raise documents.DocumentError(message) from error


def play_scenario(scenario: Scenario, begin: Callable[[Scenario], Call]) -> ScenarioResult:
    """Call as a scenario says, and return what came of it. ``begin`` begins the call, or raises ``CallFailed``."""
    document = scenario.document
    steps = [StepResult(_title(number, step)) for number, step in enumerate(document["steps"], 1)]
    whole = StepResult("the whole call")
    result = ScenarioResult(scenario.name, [*steps, whole])
    try:
        call = begin(scenario)
    except CallFailed as error:
        steps[0].status, steps[0].message = "failed", str(error)
        return result
    result.timeline = call.timeline
    with call:
        for step, report in zip(document["steps"], steps, strict=True):
            if not _tried(report, call, partial(_do, step, call, scenario.folder)):
                return result
    _tried(whole, call, partial(_check_whole, document.get("expect", {}), call.timeline))
    whole.start_ms = 0.0
    return result


def tools_of(scenario: Scenario) -> dict[str, Callable[..., Any]]:
    """Return the functions of a scenario, which return the same answer each time."""

    def answering(answer: Any) -> Callable[..., Any]:
        return lambda **_: answer

    return {name: answering(tool["answer"]) for name, tool in scenario.document.get("tools", {}).items()}


def _tried(report: StepResult, call: Call, do: Callable[[], None]) -> bool:
    """Do a step, and report it. Return whether it has passed."""
    report.start_ms = call.now_ms
    try:
        do()
    except CallFailed as error:
        report.status, report.message = "failed", str(error)
    else:
        report.status = "passed"
    report.end_ms = call.now_ms
    return report.status == "passed"


def _do(step: Mapping[str, Any], call: Call, folder: Path) -> None:
    """Do a step. Raises ``CallFailed`` if it does not come as expected."""
    kind = next(each for each in _KINDS if each in step)
    value = step[kind]
    if kind == "say":
        call.say(value)
    elif kind == "play":
        call.play(folder / value)
    elif kind == "wait":
        call.wait(value)
    elif kind == "interrupt":
        call.interrupt(value, after_ms=step.get("after_ms", _AFTER_MS))
    elif kind == "hear":
        _hear(call, _wanted(value))
    elif kind == "transcript":
        wanted = _wanted(value)
        _fail(_problems(call.transcript(wanted.get("within_ms", _WITHIN_MS)), wanted))
    elif kind == "ends":
        code, reason = call.wait_for_end(value.get("within_ms", _WITHIN_MS))
        wrong_code = _unlike("The close code", code, value.get("code", code))
        _fail(chain(wrong_code, _unlike("The reason of the close", reason, value.get("reason", reason))))
    else:
        call.hang_up()


def _hear(call: Call, wanted: Mapping[str, Any]) -> None:
    """Hear a reply. Raises ``CallFailed`` if it is not as expected."""
    reply = call.hear(wanted.get("within_ms", _WITHIN_MS))
    failure = f" ({reply.error.get('message')})" if reply.error else ""
    _fail(
        chain(
            _unlike(f"The status of the reply{failure}", reply.status, wanted.get("status", "completed")),
            _problems(reply.text, wanted),
            _longer("The gap before the reply", reply.gap_ms, wanted.get("max_gap_ms")),
        )
    )


def _check_whole(expected: Mapping[str, Any], timeline: Timeline) -> None:
    """Raise ``CallFailed`` if a call is not as expected."""
    called = [call.name for call in timeline.tool_calls]
    cut = len(timeline.interruptions)
    gap = max(timeline.gaps_ms, default=None)
    codes = ", ".join(str(error.get("code")) for error in timeline.errors)
    errors, wanted = len(timeline.errors), expected.get("errors", 0)
    _fail(
        chain(
            _unlike("The functions called", called, expected.get("tools", called)),
            _unlike("The number of interruptions", cut, expected.get("interruptions", cut)),
            _longer("The longest gap", gap, expected.get("max_gap_ms")),
            _unlike("The number of errors" + (f" ({codes})" if codes else ""), errors, wanted),
        )
    )


def _wanted(value: Any) -> Mapping[str, Any]:
    """Return what is expected of a text, as an object."""
    if value is True:
        return {}
    return value if isinstance(value, Mapping) else {"contains": value}


def _problems(text: str, wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not as expected of a text."""
    contained = wanted.get("contains", ())
    for part in (contained,) if isinstance(contained, str) else contained:
        if part.casefold() not in text.casefold():
            yield f"{shown(text)} does not contain {shown(part)}."
    if "equals" in wanted and text != wanted["equals"]:
        yield f"{shown(text)} is not {shown(wanted['equals'])}."
    if "matches" in wanted and re.search(wanted["matches"], text) is None:
        yield f"{shown(text)} does not match {shown(wanted['matches'])}."


def _unlike(what: str, found: object, wanted: object) -> Iterator[str]:
    if found != wanted:
        yield f"{what} is {shown(found)}, not {shown(wanted)}."


def _longer(what: str, found_ms: float | None, most_ms: float | None) -> Iterator[str]:
    if most_ms is not None and found_ms is not None and found_ms > most_ms:
        yield f"{what} is {found_ms:.0f} ms, more than {most_ms:g} ms."


def _fail(problems: Iterable[str]) -> None:
    message = " ".join(problems)
    if message:
        raise CallFailed(message)


def _title(number: int, step: Mapping[str, Any]) -> str:
    kind = next(each for each in _KINDS if each in step)
    value = step[kind]
    said = value if isinstance(value, str) else "" if value is True else _as_yaml(value)
    return (
        f"{number}. {kind.replace('_', ' ')} {textwrap.shorten(said, _MAX_TITLE, placeholder='…')}".rstrip()
    )


def _as_yaml(value: Any) -> str:
    """Return a value as it can stand in the line of a scenario."""
    lines = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=1000)
    return lines.removesuffix("\n").removesuffix("\n...")

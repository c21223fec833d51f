"""The reports of calls: JUnit and the drawing, which are XML whatever was said."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from mockserver.caller.drawing import draw
from mockserver.caller.junit import junit_xml
from mockserver.caller.record import Reply, Said, Timeline, ToolCall
from mockserver.caller.scenario import ScenarioResult, StepResult

ODD = "<b>&\x00\x1b]]> \"'é漢"


def timeline() -> Timeline:
    reply = Reply("resp_1", ODD, ODD, "cancelled", "turn_detected", 1500.0, 2000.0, 500.0, interrupted=True)
    return Timeline([Said(ODD, 0.0, 1000.0)], [reply], [ToolCall(ODD, {}, ODD, 1200.0)], end_ms=3000.0)


def test_the_report_has_a_test_for_each_step() -> None:
    steps = [
        StepResult("1. say", "passed", "", 0, 1500),
        StepResult(ODD, "failed", ODD),
        StepResult("3. wait"),
    ]
    suite = ElementTree.fromstring(junit_xml([ScenarioResult(ODD, steps, timeline())]))[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped", "time")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
        "time": "3.000",
    }
    cases = suite.findall("testcase")
    assert [case.get("time") for case in cases] == ["1.500", "0.000", "0.000"]
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["skipped"]]
    assert "1.50     2.00  server" in (suite.findtext("system-out") or "")


def test_the_drawing_has_a_bar_for_each_stretch_at_its_time() -> None:
    root = ElementTree.fromstring(draw(timeline(), ODD))
    name = "{http://www.w3.org/2000/svg}"
    caller, server = root.findall(f"{name}svg")
    per_ms = float(caller.get("width", "")) / 1000
    assert float(server.get("width", "")) == round(500 * per_ms, 1)
    assert abs(float(server.get("x", "")) - float(caller.get("x", "")) - 1500 * per_ms) < 0.2
    texts = [each.text for each in root.iter(f"{name}text")]
    assert {"500 ms", "cut off after 0.00 s", "0 s", "3 s"} <= set(texts)
    assert any(text and text.endswith("()") for text in texts)


def test_texts_of_marks_do_not_cover_each_other() -> None:
    calls = [ToolCall("a_function", {}, "", at) for at in (0.0, 100.0, 200.0, 2900.0)]
    drawn = draw(Timeline(tool_calls=calls, end_ms=3000.0), "Functions")
    assert drawn.count('class="toolline"') == 4
    assert drawn.count('class="tool"') == 2


@pytest.mark.parametrize("text", ["x" * 500, "漢字" * 100, "one " * 200, "🎈" * 90])
def test_a_text_has_as_many_lines_as_its_bar_and_is_cut_off_there(text: str) -> None:
    drawn = draw(Timeline([Said(text, 0.0, 1500.0)], end_ms=3000.0), "")
    assert 1 <= drawn.count('fill="#fff">') - 1 <= 3
    assert "…" in drawn


def test_lines_of_a_text_become_one() -> None:
    step = StepResult("1. say", "failed", "two\nlines")
    report = junit_xml([ScenarioResult("name", [step], Timeline())])
    assert b'message="two lines"' in report


def test_an_empty_and_a_long_call_can_be_drawn() -> None:
    assert ElementTree.fromstring(draw(Timeline(), ""))
    long = ElementTree.fromstring(draw(Timeline(end_ms=3_600_000.0), "An hour"))
    assert float(long.get("width", "")) < 10_000

"""Reports scenarios of calls in the form of JUnit, which continuous integration shows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.caller.scenario import ScenarioResult


def junit_xml(results: Sequence[ScenarioResult]) -> bytes:
    """Return the report of scenarios: a suite for each, and a test for each step. Times are those of the call."""
    suites = ElementTree.Element("testsuites", {"name": "calls"})
    for result in results:
        statuses = [step.status for step in result.steps]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            {
                "name": _plain(result.name),
                "tests": str(len(statuses)),
                "failures": str(statuses.count("failed")),
                "errors": "0",
                "skipped": str(statuses.count("skipped")),
                "time": _seconds(result.timeline.end_ms),
            },
        )
        for step in result.steps:
            attributes = {
                "classname": _plain(result.name),
                "name": _plain(step.title),
                "time": _seconds(step.end_ms - step.start_ms),
            }
            case = ElementTree.SubElement(suite, "testcase", attributes)
            if step.status == "failed":
                ElementTree.SubElement(case, "failure", {"message": _plain(step.message)}).text = _plain(
                    step.message
                )
            elif step.status == "skipped":
                ElementTree.SubElement(case, "skipped")
        ElementTree.SubElement(suite, "system-out").text = "\n".join(
            f"{each.start_ms / 1000:8.2f} {each.end_ms / 1000:8.2f}  {each.who:6}  {_plain(each.text)}"
            for each in result.timeline.stretches
        )
    ElementTree.indent(suites)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites) + b"\n"


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.3f}"


def _plain(text: str) -> str:
    """Return a text without characters that XML cannot contain."""
    return "".join(each for each in text if each.isprintable())

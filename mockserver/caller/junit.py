"""Reports scenarios of calls in the form of JUnit, which continuous integration shows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mockserver.caller.printable import printable

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
                "name": printable(result.name),
                "tests": str(len(statuses)),
                "failures": str(statuses.count("failed")),
                "errors": "0",
                "skipped": str(statuses.count("skipped")),
                "time": _seconds(result.timeline.end_ms),
            },
        )
        for step in result.steps:
            attributes = {
                "classname": printable(result.name),
                "name": printable(step.title),
                "time": _seconds(step.end_ms - step.start_ms),
            }
            case = ElementTree.SubElement(suite, "testcase", attributes)
            if step.status == "failed":
                ElementTree.SubElement(
                    case, "failure", {"message": printable(step.message)}
                ).text = printable(step.message)
            elif step.status == "skipped":
                ElementTree.SubElement(case, "skipped")
        ElementTree.SubElement(suite, "system-out").text = "\n".join(
            f"{each.start_ms / 1000:8.2f} {each.end_ms / 1000:8.2f}  {each.who:6}  {printable(each.text)}"
            for each in result.timeline.stretches
        )
    ElementTree.indent(suites)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites) + b"\n"


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.3f}"

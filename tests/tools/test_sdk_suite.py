"""The count of the SDK's own tests. The run itself, `make test-sdk`, needs the package index."""

from __future__ import annotations

from pathlib import Path

from tools.sdk_suite import counted

REPORT = """<testsuites><testsuite>
<testcase classname="tests.TestFiles" name="passes"/>
<testcase classname="tests.TestFiles" name="passes_too"/>
<testcase classname="tests.TestFiles" name="fails"><failure message="no"/></testcase>
<testcase classname="tests.TestFiles" name="breaks"><error message="no"/></testcase>
<testcase classname="tests.TestFiles" name="is_skipped_by_the_sdk">
  <skipped message="aiohttp client is not compatible with respx2_mock"/></testcase>
<testcase classname="tests.TestFiles" name="is_skipped"><skipped message="no server"/></testcase>
</testsuite></testsuites>"""


def test_only_what_passes_counts_and_only_the_sdk_may_skip(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT, "utf-8")
    assert counted(report) == (2, ["tests.TestFiles.is_skipped: no server"])

"""Writes the journal, the costs, the log and a summary of the server that ``start.sh`` has started, and ends it.

    python3 report.py FOLDER

In GitHub Actions the summary is also appended to that of the job. It needs Python only, and never fails a job.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

_FILES = {"journal": "/_mock/journal", "report": "/_mock/journal/report", "costs": "/_mock/costs"}
_SECONDS = 20


def main() -> None:
    """Write the files of the report into the folder of the command line."""
    started = Path(os.environ.get("RUNNER_TEMP") or tempfile.gettempdir()) / "audio-mockserver"
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else started / "report")
    folder.mkdir(parents=True, exist_ok=True)
    url = os.environ.get("AUDIO_MOCKSERVER_URL")
    if not url:
        print("No server was started: AUDIO_MOCKSERVER_URL is not set.", file=sys.stderr)
        return
    answers = {name: _ask(url + path) for name, path in _FILES.items()}
    for name, answer in answers.items():
        (folder / f"{name}.json").write_text(json.dumps(answer, indent=2, ensure_ascii=False) + "\n", "utf-8")
    summary = _summary(answers)
    (folder / "summary.md").write_text(summary, "utf-8")
    if "GITHUB_STEP_SUMMARY" in os.environ:
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
            file.write(summary)
    if (started / "server.log").exists():
        shutil.copy(started / "server.log", folder)
    _end(started / "server.pid")
    print(f"The journal, the costs, the log and the summary are in {folder}.")


def _ask(url: str) -> dict[str, Any]:
    """Return the answer to a call of the control API, or what went wrong."""
    request = urllib.request.Request(url)  # noqa: S310 - the server of the job
    if token := os.environ.get("MOCKSERVER_CONTROL_TOKEN"):
        request.add_header("x-mock-control-token", token)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            document: dict[str, Any] = json.load(answer)
            return document
    except (OSError, ValueError) as error:
        return {"error": f"{url}: {error}"}


def _summary(answers: dict[str, dict[str, Any]]) -> str:
    """Return the summary, in Markdown."""
    if "error" in answers["report"]:
        return f"### audio-mockserver\n\n{answers['report']['error']}\n"
    exchanges = answers["report"]["report"] or "No requests."
    lines = ["### audio-mockserver", "", "```text", exchanges.replace("```", "'''").rstrip(), "```", ""]
    rows = answers["costs"].get("rows", [])
    if rows:
        lines += ["| account | model | requests | US dollars |", "|---|---|---:|---:|"]
        for row in rows:
            cost = "unknown" if row["cost_usd"] is None else f"{row['cost_usd']:.6f}"
            lines.append(f"| `{row['account']}` | {row['model']} | {row['requests']} | {cost} |")
        lines += ["", "The costs are those that the real API would have had, as of its price list."]
    return "\n".join(lines) + "\n"


def _end(pid_file: Path) -> None:
    """End the server whose process id is in the file."""
    with suppress(OSError, ValueError):
        os.kill(int(pid_file.read_text("utf-8")), signal.SIGTERM)
        pid_file.unlink()


if __name__ == "__main__":
    main()

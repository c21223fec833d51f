"""Writes the journal, the costs, the log and a summary of the server that ``start.sh`` has started, and ends it.

    python3 report.py FOLDER

In GitHub Actions the summary is also appended to that of the job. It needs Python only, and never fails a job.
"""

from __future__ import annotations

import http.client
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
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the server is on this machine


def main() -> None:
    """Write the files of the report into the folder of the command line, and end the server."""
    started = Path(os.environ.get("RUNNER_TEMP") or tempfile.gettempdir()) / "audio-mockserver"
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else started / "report")
    try:
        _write(folder, started / "server.log")
    except OSError as error:
        print(f"The report cannot be written: {error}.", file=sys.stderr)
    _end(started / "server.pid")


def _write(folder: Path, log: Path) -> None:
    """Write the files of the report into the folder. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    url = os.environ.get("AUDIO_MOCKSERVER_URL")
    if url:
        answers = {name: _ask(url + path) for name, path in _FILES.items()}
        for name, answer in answers.items():
            written = json.dumps(answer, indent=2, ensure_ascii=False) + "\n"
            (folder / f"{name}.json").write_text(written, "utf-8", "replace")
        summary = _summary(answers)
        (folder / "summary.md").write_text(summary, "utf-8", "replace")
        if "GITHUB_STEP_SUMMARY" in os.environ:
            with Path(os.environ["GITHUB_STEP_SUMMARY"]).open(
                "a", encoding="utf-8", errors="replace"
            ) as file:
                file.write(summary)
    else:
        print("No server was started: AUDIO_MOCKSERVER_URL is not set.", file=sys.stderr)
    if log.exists():
        shutil.copy(log, folder)
    print(f"The report is in {folder}.")


def _ask(url: str) -> dict[str, Any]:
    """Return the answer to a call of the control API, or what went wrong."""
    request = urllib.request.Request(url)  # noqa: S310 - the server of the job
    if token := os.environ.get("MOCKSERVER_CONTROL_TOKEN"):
        request.add_header("x-mock-control-token", token)
    try:
        with _OPENER.open(request, timeout=_SECONDS) as answer:
            document = json.load(answer)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return {"error": f"{url}: {error or type(error).__name__}"}
    return (
        document if isinstance(document, dict) else {"error": f"{url}: the answer is not that of the server."}
    )


def _summary(answers: dict[str, dict[str, Any]]) -> str:
    """Return the summary, in Markdown."""
    if "error" in answers["report"]:
        return f"### audio-mockserver\n\n{answers['report']['error']}\n"
    exchanges = answers["report"].get("report") or "No requests."
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

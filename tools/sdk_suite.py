"""Runs the official Python SDK's own tests of the endpoints that this server has, against this server.

    python -m tools.sdk_suite              the version of the SDK that is installed here
    python -m tools.sdk_suite 3.57.0       another version
    python -m tools.sdk_suite latest       the newest that the package index has

The tests come with the SDK's source distribution. They send example values and check the types of what comes
back, so the server takes whatever the documented schema admits (strictness ``schema``). Both parts of the SDK are
fetched with pip and kept under ``build/sdk-suite``. Exits with 0 only if every test that the SDK itself does not
skip has passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version as installed_version
from pathlib import Path
from xml.etree import ElementTree as ET

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

FOLDER = Path(__file__).parent.parent / "build" / "sdk-suite"
REQUIREMENTS = (
    "pytest",
    "pytest-asyncio",
    "rich",
)  # imports of the suite's conftest and helpers, beside the SDK
OPTIONS = ("-q", "--no-header", "--tb=short", "--override-ini=addopts=")  # their options require pytest-xdist
SUITE = "tests/api_resources"
FILES = (
    "audio/test_speech.py",
    "audio/test_transcriptions.py",
    "audio/test_translations.py",
    "audio/test_voices.py",
    "audio/test_voice_consents.py",
    "chat/test_completions.py",
    "chat/completions/test_messages.py",
    "conversations/test_items.py",
    "responses/test_input_items.py",
    "responses/test_input_tokens.py",
    "test_completions.py",
    "test_conversations.py",
    "test_embeddings.py",
    "test_models.py",
    "test_moderations.py",
    "test_responses.py",
    "test_files.py",
    "test_uploads.py",
    "uploads/test_parts.py",
    "test_batches.py",
    "test_webhooks.py",
    "webhooks/test_event_types.py",
)
# Tests that answers of the real API fail, too: the SDK asks for vectors in base64, which its strict validation refuses.
IMPOSSIBLE = tuple(
    f"{SUITE}/test_embeddings.py::{sort}::test_{name}[{client}]"
    for sort, clients in (("TestEmbeddings", ["strict"]), ("TestAsyncEmbeddings", ["strict", "aiohttp"]))
    for name in ("method_create", "raw_response_create", "streaming_response_create")
    for client in clients
)
# Reasons for which the SDK itself skips tests, whatever server answers.
SKIPPED_BY_THE_SDK = re.compile("aiohttp client is not compatible with respx2?_mock")


def main(arguments: list[str]) -> int:
    """Run the tests of a version of the SDK; return the exit status."""
    given = arguments[0] if arguments else installed_version("openai")
    release = newest_release() if given == "latest" else given
    suite = unpacked(release)
    python = environment(release)
    report = FOLDER / f"report-{release}.xml"
    settings = Settings(port=0, strictness="schema", rate_limits=False)
    with MockServer(settings) as server:
        left_out = [f"--deselect={name}" for name in IMPOSSIBLE]
        command = [python, "-m", "pytest", *OPTIONS, *left_out, f"--junit-xml={report}"]
        files = [f"{SUITE}/{name}" for name in FILES]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        environ["TEST_API_BASE_URL"] = f"{server.url}/v1"
        status = subprocess.run([*command, *files], cwd=suite, env=environ, check=False).returncode
    if status not in (0, 1):  # 1: some failed
        return status
    passed, foreign_skips = counted(report)
    print(f"openai {release}: {passed} tests of the SDK passed")
    for skipped in foreign_skips:
        print(f"skipped: {skipped}")
    return status or int(bool(foreign_skips) or not passed)


def newest_release() -> str:
    """Return the newest version of the SDK that the package index has."""
    listed = pip(sys.executable, "index", "versions", "openai")
    found = re.search(r"openai \(([^)]+)\)", listed)
    if found is None:
        raise SystemExit("pip does not report the newest version of openai. Name a version.")
    return found[1]


def unpacked(release: str) -> Path:
    """Return the folder of the SDK's source distribution; fetch it if it is missing."""
    folder = FOLDER / f"openai-{release}"
    if not folder.exists():
        source = ["--no-deps", "--no-binary", "openai", "--dest", str(FOLDER)]
        pip(sys.executable, "download", *source, f"openai=={release}")
        with tarfile.open(FOLDER / f"openai-{release}.tar.gz") as archive:
            if hasattr(tarfile, "data_filter"):  # since Python 3.11.4
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(FOLDER)  # noqa: S202 - the distribution of the SDK
    return folder


def environment(release: str) -> str:
    """Return the interpreter of a virtual environment with that version of the SDK and what its tests need."""
    folder = FOLDER / f"venv-{release}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / ".ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip(str(python), "install", f"openai[aiohttp]=={release}", *REQUIREMENTS)
        ready.touch()
    return str(python)


def pip(python: str, *arguments: str) -> str:
    """Return the output of pip. Exit with its error message if it fails."""
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def counted(report: Path) -> tuple[int, list[str]]:
    """Return how many tests passed, and which were skipped for a reason that is not the SDK's own."""
    passed, skipped = 0, []
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest has just written it
        reason = case.find("skipped")
        if reason is not None and not SKIPPED_BY_THE_SDK.search(reason.get("message", "")):
            skipped.append(f"{case.get('classname')}.{case.get('name')}: {reason.get('message')}")
        passed += len(case) == 0
    return passed, skipped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Missing or damaged parts of the installation: the messages, the refusals, and what still works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest

from mockserver.catalog.reading import CatalogError, read_table
from mockserver.commands.complaints import PACKAGE, TABLES
from mockserver.commands.examination import ServerUnderTest, finding_of
from mockserver.installation import PARTS, broken_part, incomplete_distributions, missing_parts
from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.validation.schemas import SchemaError, Schemas
from tests.conftest import FIXTURES, ROOT, multipart

pytestmark = pytest.mark.slow

# Hides the packages that the environment names; for one module, memory runs out at first.
SITECUSTOMIZE = """
import os, sys

class Breaker:
    def find_spec(self, name, path=None, target=None):
        if name in os.environ.get("MISSING", "").split():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name == os.environ.get("NO_MEMORY_FOR"):
            del os.environ["NO_MEMORY_FOR"]
            raise MemoryError

sys.meta_path.insert(0, Breaker())
"""


STRICT = {"name": "x", "strict": True, "schema": {"type": "object", "properties": {}, "required": []}}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the package, so that a test can damage its files."""
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "mockserver", tree / "mockserver")
    for name in ("schemas", "fixtures"):
        shutil.copytree(data_folder(name), tree / name)
    (tree / "sitecustomize.py").write_text(SITECUSTOMIZE)
    return tree


def command(copy: Path, *arguments: str, **breaking: str) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
    environ |= {"PYTHONPATH": str(copy), "HF_HUB_CACHE": str(copy / "models"), **breaking}
    return subprocess.Popen(
        [sys.executable, "-m", "mockserver", *arguments],
        cwd=copy,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(copy: Path, **breaking: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = command(copy, "serve", "--port", "0", "--log-level", "warning", **breaking)
    try:
        assert process.stdout
        first = process.stdout.readline()
        assert first.startswith("audio-mockserver at "), process.communicate(timeout=60)
        yield first.split()[2].removesuffix("/v1"), process
    finally:
        process.kill()
        process.communicate()


def post(url: str, body: bytes, content_type: str = "application/json") -> tuple[int, bytes]:
    headers = {"Authorization": "Bearer sk-mock-me", "Content-Type": content_type}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def spoken(url: str) -> tuple[int, bytes]:
    asked = {"model": "tts-1", "voice": "alloy", "input": "Hello."}
    return post(f"{url}/v1/audio/speech", json.dumps(asked).encode())


def chatted(url: str, **members: object) -> tuple[int, bytes]:
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi."}], **members}
    return post(f"{url}/v1/chat/completions", json.dumps(asked).encode())


def heard(url: str, file: tuple[str, bytes]) -> tuple[int, bytes]:
    body, headers = multipart([("model", "whisper-1")], file)
    return post(f"{url}/v1/audio/transcriptions", body, headers["Content-Type"])


def until_warned_of(name: str, process: subprocess.Popen[str]) -> str:
    """Read the log up to the line with the warning, which is written while the server warms up."""
    assert process.stderr
    read = ""
    giving_up = threading.Timer(60, process.kill)
    giving_up.start()
    for line in process.stderr:
        read += line
        if " WARNING " in line and name in line:
            break
    giving_up.cancel()
    return read


@pytest.mark.parametrize("module", ["av.format", "av.plane"])
def test_av_imported_in_part_when_memory_ran_out_is_tried_again_or_reported(copy: Path, module: str) -> None:
    clip = "hello.wav", (FIXTURES / "hello.wav").read_bytes() + bytes(2)  # no fixture: it is decoded
    with serving(copy, NO_MEMORY_FOR=module, MOCKSERVER_WHISPER_MODEL="none") as (url, _):
        answers = [heard(url, clip) for _ in range(3)]
    if module == "av.format":
        assert answers[-1][0] == 200
    else:  # its modules do not fit each other
        assert answers[-1][0] == 503
        error = json.loads(answers[-1][1])["error"]
        assert error["code"] == "mock_broken_installation"
        assert "restart the server" in error["message"]
    assert {status for status, _ in answers} <= {200, 503}


def test_requests_that_do_not_need_the_part_are_answered(copy: Path, silence: tuple[str, bytes]) -> None:
    (copy / "schemas/openai/create_file.request.json").unlink()
    (copy / "fixtures/whisper/embedded/config.json").unlink()
    cut(copy / "mockserver/catalog/structured_outputs.toml")
    with serving(copy, MISSING="av pyttsx3") as (url, process):
        refused = [
            spoken(url),
            chatted(url, response_format={"type": "json_schema", "json_schema": STRICT}),
            heard(url, silence),
            post(f"{url}/v1/files", *files_form()),
        ]
        known = heard(url, ("hello.wav", (FIXTURES / "hello.wav").read_bytes()))
        said = chatted(url)
        errors = until_warned_of("structured_outputs.toml", process)
        process.terminate()
        errors += process.communicate(timeout=60)[1]
    assert [status for status, _ in refused] == [503] * 4
    reasons = [json.loads(body)["error"]["message"] for _, body in refused]
    for reason, name in zip(reasons, ("av", "structured_outputs.toml", "av", "create_file"), strict=True):
        assert name in reason
        assert "einstall" in reason
    assert (known[0], said[0]) == (200, 200)
    assert b"Hello world" in known[1]
    assert "Traceback" not in errors
    lines = [line for line in errors.splitlines() if " WARNING " in line]
    for name in (
        "av, which decodes",
        "pyttsx3, which synthesizes speech",
        "config.json",
        "create_file",
        "structured_outputs.toml",
    ):
        assert len([line for line in lines if name in line]) == 1, name
    assert all("einstall" in line for line in lines)


def test_a_damaged_flask_is_named_to_requests_that_need_it(copy: Path) -> None:
    (copy / "flask").mkdir()
    (copy / "flask/__init__.py").write_text("raise ImportError('cut short', name='flask')")
    with serving(copy, MOCKSERVER_WHISPER_MODEL="none") as (url, process):
        refused = [post(f"{url}/v1/threads", b"{}"), post(f"{url}/_mock/stubs", b"{}")]
        said = chatted(url)
        process.terminate()
        errors = process.communicate(timeout=60)[1]
    assert said[0] == 200
    for status, body in refused:
        assert (status, json.loads(body)["error"]["code"]) == (503, "mock_broken_installation")
        assert "flask, which parses requests here, cannot be used: cut short. Reinst" in str(body)
    assert "Traceback" not in errors


def test_flask_is_imported_again_when_memory_ran_out(copy: Path) -> None:
    with serving(copy, NO_MEMORY_FOR="werkzeug.routing", MOCKSERVER_WHISPER_MODEL="none") as (url, _):
        statuses = [post(f"{url}/v1/files/none", b"{}")[0] for _ in range(3)]
    assert statuses[-1] == 405
    assert set(statuses) <= {405, 503}


def files_form() -> tuple[bytes, str]:
    body, headers = multipart([("purpose", "batch")], ("a.jsonl", b"{}"))
    return body, headers["Content-Type"]


def test_doctor_names_each_part_and_outlives_what_crashes(copy: Path) -> None:
    (copy / "schemas/openai/create_file.request.json").unlink()
    (copy / "fixtures/whisper/embedded/config.json").unlink()
    (copy / "fixtures/hello.wav").write_bytes(b"RIFF")
    cut(copy / "mockserver/catalog/voices.toml")
    for name in ("av", "splintr"):
        (copy / name).mkdir()
        (copy / name / "__init__.py").write_text("import os\nos.abort()\n")
    process = command(copy, "doctor", "--port", "0", "--format", "json", MISSING="pyttsx3")
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (1, "")
    findings = {finding["subject"]: finding for finding in json.loads(output)}
    wrong = {subject: finding["text"] for subject, finding in findings.items() if not finding["well"]}
    for subject, name in {
        "libraries": "signal 6",
        "tables": "voices.toml: cut short",
        "schemas": "openai/create_file.request",
        "speech": "voices.toml",
        "codecs": "signal 6",
        "Whisper": "config.json",
        "tokens": "signal 6",
        "fixtures": "hello.",
    }.items():
        assert name in wrong.pop(subject)
    assert wrong == {}
    assert findings["port"]["well"]


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ("MISSING=flask", "flask"),
        ("MISSING=werkzeug", "werkzeug"),
        ("MISSING=click", "click"),
        ("schemas", "schemas"),
        ("mockserver/catalog/errors.toml", "errors.toml: cut short"),
    ],
)
def test_what_nothing_can_be_served_without_ends_the_start_in_a_line(
    copy: Path, broken: str, name: str
) -> None:
    missing = broken.removeprefix("MISSING=") if broken.startswith("MISSING=") else ""
    if (copy / broken).is_dir():
        shutil.rmtree(copy / broken)
    elif not missing:
        cut(copy / broken)
    output, errors = command(copy, "serve", "--port", "0", MISSING=missing).communicate(timeout=60)
    assert output == ""
    assert re.fullmatch(r"mockserver: .*einstall.*\n", errors), errors
    assert name in errors


def cut(path: Path) -> None:
    """Remove half of the rows of a table."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    middle = next(n for n, line in enumerate(lines) if n > len(lines) / 2 and not line.strip())
    path.write_text("".join(lines[:middle]), "utf-8")


def test_every_table_is_known() -> None:
    # Those in a folder `static` are for browsers.
    tables = [path for path in PACKAGE.rglob("*.toml") if "static" not in path.parts]
    assert sorted(TABLES) == sorted(path.relative_to(PACKAGE).as_posix() for path in tables)


@pytest.mark.parametrize("content", [b"", b"\xff", b"x", b"a = [", b"[" * 100_000, None], ids=str)
def test_a_table_that_is_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    table = tmp_path / "tiers.toml"
    if content is None:
        table.mkdir()
    elif content:
        table.write_bytes(content)
    with pytest.raises(CatalogError, match=r"^tiers\.toml: .*reinstall$"):
        read_table(table)


def test_a_key_that_a_table_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("b = 1")
    assert read_table(tmp_path / "a.toml")["b"] == 1
    with pytest.raises(CatalogError, match=r"^a\.toml: key 'c' is missing; put it back, or reinstall$"):
        read_table(tmp_path / "a.toml")["c"]


def test_schemas_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="has no schemas; put them back, or reinstall"):
        Schemas(tmp_path)


def test_whatever_a_check_raises_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mockserver.audio.pyav", raising=False)
    monkeypatch.setitem(sys.modules, "av", None)
    finding = finding_of("codecs", ServerUnderTest(Settings()))
    assert not finding.well
    assert finding.text.startswith("cannot encode and decode mp3 (av, which decodes and encodes audio here")


def test_every_dependency_is_a_part() -> None:
    declared = metadata.requires("audio-mockserver") or []
    names = {re.split(r"[<>=;\[ ]", each)[0].lower() for each in declared if "extra ==" not in each}
    assert names - {part.distribution for part in PARTS} == set()
    assert missing_parts() == []
    assert list(incomplete_distributions()) == []


def test_files_that_are_cut_short_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flask").mkdir()
    (tmp_path / "flask/__init__.py").write_text("x")
    info = tmp_path / "flask-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: flask\nVersion: 9\n")
    (info / "RECORD").write_text(
        "flask/__init__.py,sha256=x,5000\nflask/gone.py,sha256=x,10\nflask-9.dist-info/RECORD,,\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    (complaint,) = incomplete_distributions()
    assert complaint == (
        "flask, which parses requests here, cannot be used: flask/__init__.py and 1 more of its files are "
        "missing or truncated. Reinstall it: pip install --force-reinstall flask"
    )


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ModuleNotFoundError("No module named 'av'", name="av"), "install --force-reinstall av"),
        (ImportError("file too short", name="numpy._core"), "install --force-reinstall numpy"),
        (ModuleNotFoundError("No module named 'mockserver.x'", name="mockserver.x"), "audio-mockserver"),
        (ModuleNotFoundError("No module named 'idna'", name="idna"), "install --force-reinstall idna"),
        (AttributeError("no", name="open", obj=re), None),
        (AttributeError("no", name="open", obj=pytest), None),
        (ValueError("no"), None),
        (OSError("no"), None),
        (FileNotFoundError(2, "No such file", str(Path(json.__file__))), None),
        (CatalogError("tiers.toml: gone"), "audio-mockserver"),
    ],
)
def test_errors_name_the_broken_part(error: Exception, name: str | None) -> None:
    complaint = broken_part(error)
    assert complaint is None if name is None else name in str(complaint)

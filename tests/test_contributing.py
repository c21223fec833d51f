"""CONTRIBUTING.md is correct: its recipes, followed in a copy of the package, make a server with all their features."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
KEY = {"Authorization": "Bearer sk-mock-toys"}


class Change(NamedTuple):
    """A change of a recipe: ``how`` is ``new``, ``before``, ``after`` or ``replace`` a text that a file has once."""

    file: str
    how: str
    anchor: str
    text: str


def changes() -> list[Change]:
    """Return the changes of all recipes, in their order."""
    found = re.findall(
        r"^ *<!-- (?:(new): (\S+)|(\S+), (before|after|replace): (.+?)) -->\n( *```\w+\n.*?^ *```$)",
        PAGE,
        re.MULTILINE | re.DOTALL,
    )
    return [
        Change(
            new_file or file, new or how, anchor, "\n".join(textwrap.dedent(block).split("\n")[1:-1]) + "\n"
        )
        for new, new_file, file, how, anchor, block in found
    ]


def follow(change: Change, folder: Path) -> None:
    """Make a change in a copy of the package."""
    path = folder / change.file
    if change.how == "new":
        assert not path.exists(), change
        path.parent.mkdir(exist_ok=True)
        path.write_text(change.text, "utf-8")
        return
    text = path.read_text("utf-8")
    assert text.count(change.anchor) == 1, change
    (line,) = [each for each in text.splitlines(keepends=True) if change.anchor in each]
    indent = line[: len(line) - len(line.lstrip())] + "    " * (change.how == "after" and line[-2] in "({")
    added = textwrap.indent(change.text, indent)
    made = {
        "before": added + line,
        "after": line + added,
        "replace": line.replace(change.anchor, added.strip()),
    }
    path.write_text(text.replace(line, made[change.how]), "utf-8")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the package and follow every recipe in it."""
    folder = tmp_path_factory.mktemp("contributing")
    for name in ("mockserver", "schemas", "fixtures"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", folder)
    for change in changes():
        follow(change, folder)
    return folder


@contextmanager
def served(package: Path) -> Iterator[httpx.Client]:
    """Serve the copy, and return a client of it."""
    options = ["--port", "0", "--whisper-model", "none", "--log-level", "error", "--state", "values.jsonl"]
    server = subprocess.Popen(
        [sys.executable, "-m", "mockserver", "serve", *options],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        with httpx.Client(base_url=url, headers=KEY, timeout=60) as client:
            yield client
    finally:
        server.terminate()
        server.communicate(timeout=60)


@pytest.fixture(scope="module")
def client(package: Path) -> Iterator[httpx.Client]:
    with served(package) as client:
        yield client


def chat(client: httpx.Client, text: str, **more: object) -> httpx.Response:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}
    return client.post("/v1/chat/completions", json=body)


def test_every_recipe_has_changes() -> None:
    recipes = PAGE.partition("\n## How to add\n")[2].partition("\n## ")[0]
    _, *found = re.split(r"^### ", recipes, flags=re.MULTILINE)
    assert found
    assert [recipe.partition("\n")[0] for recipe in found if "<!-- " not in recipe] == []


def test_the_import_contract_is_kept(package: Path) -> None:
    linter = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    checked = subprocess.run(
        linter, cwd=package, env=environment, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    assert "mockserver.providers.toy" in (package / ".importlinter").read_text("utf-8")


def test_a_model(client: httpx.Client) -> None:
    assert client.get("/v1/models/toy-chat").json()["id"] == "toy-chat"
    assert chat(client, "Hello.", model="toy-chat").json()["model"] == "toy-chat"


def test_a_response_format(client: httpx.Client) -> None:
    audio = (ROOT / "fixtures" / "hello.wav").read_bytes()
    form = {"model": "whisper-1", "response_format": "shout"}
    answer = client.post("/v1/audio/transcriptions", data=form, files={"file": ("hello.wav", audio)})
    assert answer.text == "HELLO WORLD, THIS IS A TEST.\n"


def test_an_endpoint(client: httpx.Client) -> None:
    assert client.post("/v1/echo", json={"text": "Hello."}).json() == {"text": "Hello."}
    assert client.post("/v1/echo", json={}).status_code == 400
    client.post("/_mock/stubs", json={"when": {"endpoint": "create_echo"}, "reply": {"json": {}}, "times": 1})
    assert client.post("/v1/echo", json={"text": "Hello."}).json() == {}


def test_a_provider(client: httpx.Client) -> None:
    answer = client.get("/v1/toy/ping")
    assert answer.json()["organization"].startswith("org-")
    assert answer.headers["x-toy"] == "yes"
    assert client.get("/v1/toy/ping", headers={"x-mock-fault": "overloaded"}).status_code == 503


def test_a_fault(client: httpx.Client) -> None:
    assert client.get("/v1/toy/ping", headers={"x-mock-fault": "capitals"}).text.startswith(
        '{"ORGANIZATION":"ORG-'
    )


def test_a_matcher(client: httpx.Client) -> None:
    client.post(
        "/_mock/stubs",
        json={"when": {"endpoint": "chat", "capitals": True}, "reply": {"say": "Do not shout."}},
    )
    said = [chat(client, text).json()["choices"][0]["message"]["content"] for text in ("HELLO.", "Hello.")]
    assert said[0] == "Do not shout."
    assert said[1] != "Do not shout."
    verified = client.post(
        "/_mock/verify", json={"when": {"endpoint": "chat", "capitals": True}, "exactly": 1}
    )
    assert verified.status_code == 200


def test_a_control_endpoint(client: httpx.Client) -> None:
    greeting = client.get("/_mock/greeting", params={"name": "you"}).json()
    assert greeting["hello"] == "you"
    assert greeting["account"]
    assert client.get("/_mock/greeting", params={"nam": "you"}).status_code == 400
    described = client.get("/_mock/openapi.json").json()["paths"]["/_mock/greeting"]["get"]
    assert described["operationId"] == "greeting"


def test_an_engine(client: httpx.Client) -> None:
    answer = chat(client, "Polly wants a cracker.")
    assert answer.json()["choices"][0]["message"]["content"] == "Polly wants a cracker."
    assert answer.headers["x-mock-answered-by"].startswith("parrot")


def test_a_storage(package: Path, client: httpx.Client) -> None:
    kept = chat(client, "Remember this.", store=True).json()["id"]
    assert (package / "values.jsonl").stat().st_size > 0
    with served(package) as another:
        found = another.get(f"/v1/chat/completions/{kept}").json()
    assert found["choices"][0]["message"]["content"] == "Remember this."

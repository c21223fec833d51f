"""The guide to testing: its examples pass, and its tables name every method."""

from __future__ import annotations

import re
import shutil
from itertools import chain
from pathlib import Path

import pytest

from mockserver import AudioApi
from mockserver.resources import data_folder
from mockserver.testing.scripting import FaultHandle
from mockserver.testing.stub_builder import StubBuilder, StubHandle
from tests.docs.guides import DOCS, README, RUNNABLE, TUTORIAL, assert_tests_pass, blocks

PAGE = (DOCS / "testing.md").read_text("utf-8")
VOICES = (DOCS / "voices.md").read_text("utf-8")
UNLISTED = {"id"}  # not for users


@pytest.mark.slow
def test_the_examples_pass(tmp_path: Path) -> None:
    tests = (blocks(page, "python", "<!-- a test -->\n") for page in (README, TUTORIAL, VOICES))
    examples = [*blocks(PAGE, "python", RUNNABLE), *chain.from_iterable(tests)]
    assert len(examples) == 7
    shutil.copytree(data_folder("fixtures"), tmp_path / "fixtures")
    for number, program in enumerate(examples):
        (tmp_path / f"test_example_{number}.py").write_text(program, "utf-8")
    assert_tests_pass(tmp_path)


@pytest.mark.parametrize("kind", [AudioApi, StubBuilder, StubHandle, FaultHandle])
def test_every_method_is_described(kind: type) -> None:
    described = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
    public = {name for name in dir(kind) if not name.startswith("_")} - UNLISTED
    methods = {re.sub(r"^wait_for_\w+", "wait_for", name) for name in public}
    assert methods <= described

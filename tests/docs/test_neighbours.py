"""The guide to embeddings, moderations and completions: its examples run, its table agrees with the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.catalog.tables import Catalog
from mockserver.testing.audio_api import AudioApi
from tests.docs.guides import DOCS, RUNNABLE, assert_tests_pass, blocks, table

GUIDE = DOCS / "neighbours.md"


@pytest.mark.slow
def test_the_examples_pass(tmp_path: Path) -> None:
    examples = blocks(GUIDE.read_text("utf-8"), "python", RUNNABLE)
    assert len(examples) == 3
    for number, example in enumerate(examples):
        (tmp_path / f"test_example_{number}.py").write_text(example, "utf-8")
    assert_tests_pass(tmp_path)


def test_the_models_are_those_of_the_catalog() -> None:
    rows = {row[0].strip("`"): row[1:4] for row in table(GUIDE, "embedding model")}
    assert rows == {
        model.id: [
            f"{rules.dimensions:,}",
            "yes" if rules.shortens else "no",
            f"`{rules.answers_as or model.id}`",
        ]
        for model in Catalog().models
        if (rules := model.embedding) is not None
    }
    page = GUIDE.read_text("utf-8")
    for model in Catalog().models:
        if (model.moderation or model.completion) and not model.alias_of:
            assert f"`{model.id}`" in page


def test_the_methods_of_the_guide_exist() -> None:
    page = GUIDE.read_text("utf-8")
    for name in ("on_embedding", "on_moderation", "on_completion"):
        assert f"{name}(" in page
        assert callable(getattr(AudioApi, name))

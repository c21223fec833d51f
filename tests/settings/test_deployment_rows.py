"""Deployments in the configuration: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockserver.settings.loading import catalog_of, load_settings
from mockserver.settings.model import DeploymentRow, Settings, SettingsError


def load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "mockserver.toml"
    file.write_text(text, "utf-8")
    return load_settings(file)


def test_a_deployment_has_a_model_and_perhaps_limits(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [[deployments]]
        name = "prod"
        model = "mine"
        limits = {requests_per_minute = 3, tokens_per_minute = "none"}

        [[deployments]]
        name = "other_1.x-y"
        model = "gpt-4o-2024-08-06"

        [[models]]
        id = "mine"
        like = "gpt-4o"
        """,
    )
    limits = (("requests_per_minute", 3), ("tokens_per_minute", None))
    other = DeploymentRow("other_1.x-y", "gpt-4o-2024-08-06")
    assert settings.deployments == (DeploymentRow("prod", "mine", limits), other)
    catalog = catalog_of(settings)
    prod, dated = catalog.deployment("prod"), catalog.deployment("other_1.x-y")
    assert prod is not None
    assert dated is not None
    assert (prod.id, prod.limit_group) == ("mine", "deployments/prod")
    assert (dated.snapshot, dated.limit_group) == ("gpt-4o-2024-08-06", "gpt-4o")
    assert catalog.model("prod") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("deployments = 7", "deployments: is not a list of tables. Write each deployment under"),
        ("[[deployments]]\nname = 'a'", "deployments[0]: `model` is missing."),
        ("[[deployments]]\nmodel = 'gpt-4o'", "deployments[0]: `name` is missing."),
        (
            "[[deployments]]\nname = 'a'\nmodell = 'gpt-4o'",
            "deployments[0]: unknown key 'modell'. Did you mean 'model'?",
        ),
        ("[[deployments]]\nname = 'a/b'\nmodel = 'gpt-4o'", "deployments[0].name: 'a/b' is not the name"),
        ("[[deployments]]\nname = ''\nmodel = 'gpt-4o'", "deployments[0].name: '' is not the name"),
        ("[[deployments]]\nname = 7\nmodel = 'gpt-4o'", "deployments[0].name: 7 is not the name"),
        ("[[deployments]]\nname = 'a'\nmodel = 7", "deployments[0].model: 7 is not the id of a model."),
        (
            "[[deployments]]\nname = 'a'\nmodel = 'gpt-4oo'",
            "deployments[0].model: unknown model 'gpt-4oo'. Did you mean 'gpt-4o'?",
        ),
        (
            "[[deployments]]\nname = 'a'\nmodel = 'gpt-4o'\n[[deployments]]\nname = 'a'\nmodel = 'gpt-4o'",
            "deployments[1].name: deployments[0] has the same name. Keep one.",
        ),
        (
            "[[deployments]]\nname = 'a'\nmodel = 'gpt-4o'\nlimits = 3",
            "deployments[0].limits: is not a table of limits",
        ),
        (
            "[[deployments]]\nname = 'a'\nmodel = 'gpt-4o'\nlimits = {requests = 3}",
            "deployments[0].limits: 'requests' is not one of",
        ),
        (
            "[[deployments]]\nname = 'a'\nmodel = 'gpt-4o'\nlimits = {requests_per_minute = 0}",
            "deployments[0].limits: requests_per_minute=0 is not a whole number above 0 or none.",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, text)
    assert problem in str(refused.value)
    assert "mockserver.toml" in str(refused.value)


WITH_A_NUMBER: Any = 7


@pytest.mark.parametrize(
    "rows", ["prod", (7,), (DeploymentRow("a", "gpt-4o", WITH_A_NUMBER),), ({"name": "a"},)]
)
def test_other_rows_are_refused(rows: Any) -> None:
    with pytest.raises(SettingsError, match="argument deployments"):
        Settings(deployments=rows)


def test_an_unknown_model_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="unknown model 'nobody'"):
        catalog_of(Settings(deployments=(DeploymentRow("a", "nobody"),)))

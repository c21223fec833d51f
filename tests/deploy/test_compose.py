"""The compose file, and what its containers read: by their schemas, and against the server's settings and metrics."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
BOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "audio-mockserver.json").read_text("utf-8"))
CONTROL = (ROOT / "docs" / "control.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("schema", "path"), [("compose-spec", "deploy/compose.yaml"), ("github-actions", "action.yml")]
)
def test_the_file_satisfies_its_schema(schema: str, path: str) -> None:
    check = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        f"vendor.{schema}",
        str(ROOT / path),
    ]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_only_the_server_and_the_board_are_published_on_this_machine_only() -> None:
    ports = {name: each["ports"] for name, each in COMPOSE["services"].items() if "ports" in each}
    assert ports == {"server": ["127.0.0.1:4010:4010"], "grafana": ["127.0.0.1:3000:3000"]}


@pytest.mark.parametrize("name", ["server", "worker"])
def test_own_containers_are_confined_and_share_the_store(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["environment"]["MOCKSERVER_STORE"] == "redis://redis:6379/0?blobs=/state/blobs"
    assert "state:/state" in service["volumes"]
    assert service["environment"]["MOCKSERVER_CONTROL_TOKEN"].startswith("${MOCKSERVER_CONTROL_TOKEN:?")


def test_there_are_two_workers() -> None:
    assert COMPOSE["services"]["worker"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", list(COMPOSE["services"]))
def test_every_variable_is_a_setting(name: str) -> None:
    variables = [
        each for each in COMPOSE["services"][name].get("environment", {}) if each.startswith("MOCKSERVER_")
    ]
    settings = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert [each for each in variables if f"`{each}`" not in settings] == []


def test_every_mounted_file_exists() -> None:
    mounts = [mount for each in COMPOSE["services"].values() for mount in each.get("volumes", ())]
    sources = [DEPLOY / mount.partition(":")[0] for mount in mounts if mount.startswith(".")]
    assert sources
    assert all(source.exists() for source in sources)


def test_prometheus_asks_the_server_for_its_metrics() -> None:
    (job,) = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert job["metrics_path"] == "/_mock/metrics"
    assert job["dns_sd_configs"][0]["names"][0] in COMPOSE["services"]
    assert job["authorization"]["credentials_file"] in COMPOSE["services"]["prometheus"]["command"][0]


def queries() -> list[str]:
    return [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]


def test_the_board_asks_for_documented_metrics_and_labels() -> None:
    rows = re.findall(r"^\| (`mockserver_.*?) \| (.*?) \|", CONTROL, re.MULTILINE)
    labels = {
        name: set(re.findall(r"`(\w+)`", row))
        for names, row in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    known = {f"{name}_bucket": {"le", *has} for name, has in labels.items()} | labels
    for query in queries():
        for name in re.findall(r"mockserver_\w+", query):
            assert name in known, query
            asked = (
                set(re.findall(r"by \(([^)]*)\)", query)[0].split(", ")) if " by (" in query else set[str]()
            )
            assert asked <= known[name], query


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place: dict[str, Any] = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells

"""`mockserver call`: plays scenarios against a server of its own, or one at a URL, and writes reports."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from mockserver.cli import main
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "calls" / "weather.yaml"
SHORT = "steps: [{say: Good morning.}, {hear: good morning}]\n"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["call", "--whisper-model", "none", *map(str, arguments)])


def test_a_scenario_passes_and_its_reports_are_written(tmp_path: Path) -> None:
    junit, svg = tmp_path / "calls.xml", tmp_path / "call.svg"
    done = call(EXAMPLE, "--junit", junit, "--svg", svg)
    assert done.exit_code == 0, done.output
    assert 'called get_weather({"city": ' in done.output
    assert "hear {max_gap_ms: 2000}" in done.output
    assert "was heard of" in done.output
    (suite,) = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("9", "0")
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")


def test_a_failing_scenario_exits_with_1_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "call.yaml"
    path.write_text(SHORT + "---\nsteps: [{say: Good morning.}, {hear: rain}]\n")
    done = call(path, "--svg", tmp_path / "call.svg")
    assert done.exit_code == 1
    assert "does not contain" in done.output
    assert sorted(each.name for each in tmp_path.glob("*.svg")) == ["call-1.svg", "call-2.svg"]


@pytest.mark.parametrize("end", ["", "/v1", "/v1/"])
def test_a_running_server_is_called_by_its_url(tmp_path: Path, server: MockServer, end: str) -> None:
    path = tmp_path / "call.yaml"
    path.write_text("steps: [{wait: 100}]")
    done = call(path, "--url", server.url + end, "--api-key", server.account().api_key)
    assert done.exit_code == 0, done.output


def test_what_cannot_be_called_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "call.yaml"
    path.write_text("steps: [{shout: Hi}]")
    done = call(path)
    assert done.exit_code == 1
    assert "Unknown parameter: 'steps[0].shout'" in done.stderr
    path.write_text("voice: nobody\n" + SHORT)
    assert "unknown voice 'nobody'" in call(path).output
    assert "no folder" in call(EXAMPLE, "--svg", tmp_path / "none" / "call.svg").stderr
    assert "no connection" in call(EXAMPLE, "--url", "http://127.0.0.1:9").output.replace("\n", " ")


def test_a_server_over_tls_is_verified(tmp_path: Path) -> None:
    path = tmp_path / "call.yaml"
    path.write_text("steps: [{wait: 100}]")
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning"), tls=True) as server:
        assert call(path, "--url", server.base_url, "--ca-file", server.ca_file).exit_code == 0
        assert "CERTIFICATE_VERIFY_FAILED" in call(path, "--url", server.base_url).output
        refused = call(path, "--url", server.base_url, "--ca-file", tmp_path / "none.pem").output
        assert "cannot be read as a CA file" in refused.replace("\n", " ")


def test_a_server_of_its_own_needs_no_certificate(tmp_path: Path) -> None:
    config, path = tmp_path / "mockserver.toml", tmp_path / "call.yaml"
    config.write_text('tls = true\ntls_cert = "none.pem"\n')
    path.write_text("steps: [{wait: 100}]")
    done = call(path, "--config", config)
    assert done.exit_code == 0, done.output


def test_another_encoding_has_signs_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "call.yaml"
    path.write_text("steps: [{say: Hello.}, {hear: rain}]")
    monkeypatch.setenv("COLUMNS", "40")
    done = CliRunner(charset="ascii").invoke(main, ["call", "--whisper-model", "none", str(path)])
    assert done.exit_code == 1
    assert "FAILED" in done.output
    assert "##" in done.output
    assert "\\u" not in done.output

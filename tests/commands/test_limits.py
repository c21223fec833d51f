"""`mockserver limits` and `limits watch`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest
from click.testing import Result

from mockserver.catalog.tables import Catalog
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """Yield a server that has answered one request, of unknown cost."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=1_800_000_000.0)
    with MockServer(settings) as running:
        with openai.OpenAI(base_url=running.base_url, api_key="sk-mock-free-watched-key") as sdk:
            sdk.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi."}])
        yield running


def rows(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines() if line.strip()]


def test_the_table_holds_every_limit_with_its_source(run: Run) -> None:
    result = run("limits")
    assert result.exit_code == 0
    printed = rows(result)
    assert ["gpt-4o-mini-transcribe", "tier-3", "documented", "5,000", "600,000"] in printed
    assert ["gpt-4o-mini-audio-preview", "free", "documented", "3", "200", "40,000"] in printed
    assert ["gpt-audio-mini", "free", "documented", "not", "supported"] in printed
    assert ["gpt-transcribe", "tier-2", "assumed", "5,000", "2,000,000"] in printed
    catalog = Catalog()
    groups = {model.limit_group for model in catalog.models}
    known = {(group, tier) for group in groups for tier in catalog.tiers if catalog.tier_limits(group, tier)}
    assert known == {(row[0], row[1]) for row in printed if {*row[1:2]} & {*catalog.tiers}}


def test_models_without_limits_are_named(run: Run) -> None:
    assert run("limits", "--model", "o1-pro").stdout == ("No limits are known or enforced for o1-pro.\n")


def test_one_tier_and_the_group_of_one_snapshot_can_be_chosen(run: Run) -> None:
    result = run("limits", "--tier", "tier-1", "--model", "gpt-4o-mini-audio-preview-2024-12-17")
    assert rows(result)[-1] == (
        ["gpt-4o-mini-audio-preview", "tier-1", "documented", "500", "10,000", "200,000", "2,000,000"]
    )
    assert len([row for row in rows(result) if "tier-1" in row]) == 1


def test_a_model_can_be_named_like_those_of_the_command_models(run: Run) -> None:
    result = run("limits", "gpt-5.4")
    assert result.exit_code == 0
    assert result.stdout == run("limits", "--model", "gpt-5.4").stdout
    assert [row[:2] for row in rows(run("limits", "--tier", "free", "gpt-4o-mini"))[-1:]] == [
        ["gpt-4o-mini", "free"]
    ]
    assert "unknown model 'gpt-9'" in run("limits", "gpt-9").stderr
    assert run("limits", "--model", "gpt-4o", "gpt-5.4").exit_code == 2


def test_unknown_tiers_and_models_are_refused(run: Run) -> None:
    assert "is not one of 'free'" in run("limits", "--tier", "gold").stderr
    refused = run("limits", "--model", "gpt-9")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "mockserver: unknown model 'gpt-9'. `mockserver models` lists them.\n",
    )


@pytest.mark.parametrize("width", ["80", "200"])
def test_numbers_are_whole_however_narrow_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    printed = run("limits", "--model", "gpt-4o-mini-audio-preview").stdout
    assert {"150,000,000", "15,000,000,000"} <= set(printed.split())


def test_one_frame_shows_buckets_clock_and_costs(run: Run, server: MockServer) -> None:
    result = run("limits", "watch", "--once", "--url", server.url)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "2027-01-15 08:00:00 UTC, frozen"
    (minute,) = (line.split() for line in lines if "requests per minute" in line)
    assert minute[:3] == ["sk-mock-************-key", "free", "gpt-4o-mini"]
    assert minute[-4:] == ["1", "3", "2", "20s"]
    assert lines[-1] == "cost so far: unknown; requests of unknown cost: 1"


def test_the_address_is_that_of_the_settings_or_may_end_as_an_sdk_has_it(
    run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("limits", "watch", "--once", "--url", server.base_url).exit_code == 0
    monkeypatch.setenv("MOCKSERVER_PORT", server.url.rpartition(":")[2])
    assert "gpt-4o-mini" in run("limits", "watch", "--once").stdout


def test_the_gauges_cannot_be_narrowed(run: Run, server: MockServer) -> None:
    refused = run("limits", "--tier", "free", "watch", "--once", "--url", server.url)
    assert refused.exit_code == 2
    assert "watch takes neither --tier nor --model." in refused.stderr


def test_where_no_server_answers_the_remedy_is_named(run: Run) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        result = run("limits", "watch", "--url", f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert result.exit_code == 1
    assert result.stderr.startswith("mockserver: http://127.0.0.1:")
    assert "`mockserver serve`" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_it_shows_the_gauges_until_interrupted(server: MockServer) -> None:
    import pty

    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "mockserver", "limits", "watch", "--url", server.url]
    environment = os.environ | {"COLUMNS": "160", "TERM": "xterm"}
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        shown = b""
        while shown.count(b"cost so far") < 2:  # it is redrawn continuously
            shown += os.read(screen, 65536)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    os.close(screen)
    assert b"requests per minute" in shown


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1",
        "127.0.0.1:4010",
        "http://[::1",
        "http://127.0.0.1:x",
        "\udcff",
    ],
)
def test_what_is_no_url_of_a_server_is_refused_in_a_line(run: Run, url: str) -> None:
    result = run("limits", "watch", "--once", "--url", url)
    assert result.exit_code == 1
    assert re.fullmatch(r"mockserver: .+\n", result.stderr)


def test_another_server_is_distinguished(run: Run, server: MockServer) -> None:
    server.on("/other/_mock/limits", method="GET").reply_json({"clock": 3})
    result = run("limits", "watch", "--once", "--url", f"{server.url}/other")
    assert result.exit_code == 1
    assert re.fullmatch(r"mockserver: .+\n", result.stderr)


def test_the_limits_of_a_guarded_server_are_watched_with_its_token(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", control_token="öffne dich €")
    with MockServer(settings) as guarded:
        refused = run("limits", "watch", "--once", "--url", guarded.url)
        assert refused.exit_code == 1
        assert "x-mock-control-token: the header is missing." in refused.stderr
        watched = run("limits", "watch", "--once", "--url", guarded.url, "--control-token", "öffne dich €")
        assert watched.exit_code == 0, watched.stderr
        monkeypatch.setenv("MOCKSERVER_CONTROL_TOKEN", "öffne dich €")
        assert run("limits", "watch", "--once", "--url", guarded.url).exit_code == 0


def test_limits_and_models_of_the_settings_file_are_shown(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text(
        '[[models]]\nid = "my-own"\nlike = "gpt-4o"\nlimit_group = "mine"\n'
        '[limits.mine]\nrequests_per_minute = 4321\n[limits.mine.free]\ntokens_per_minute = "none"\n'
        "[limits.gpt-4o]\nobserved = true\n",
        "utf-8",
    )
    config = ("--config", str(file))
    printed = rows(run("limits", *config, "--model", "my-own"))
    assert ["Changed", "by", "the", "configuration:"] in printed
    assert ["mine", "every", "tier", "4,321"] in printed
    assert ["mine", "free", "none"] in printed
    assert ["mine", "free", "none"] not in rows(run("limits", *config, "--model", "mine", "--tier", "tier-1"))
    assert ["gpt-4o", "every", "tier", "yes"] in rows(run("limits", *config, "--model", "gpt-4o"))

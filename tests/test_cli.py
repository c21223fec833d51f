"""The running program: `mockserver serve` in a process of its own, and the errors of all commands."""

from __future__ import annotations

import gc
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import openai
import pytest
from click.testing import CliRunner, Result

from mockserver import __version__
from mockserver.cli import ENGINE_OPTIONS, main
from mockserver.settings.model import OPTIONS
from tests.waiting import eventually

Clip = tuple[str, bytes]
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command in an empty folder, without settings or models of the machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "models"))
    for variable in [name for name in os.environ if name.startswith("MOCKSERVER_")]:
        monkeypatch.delenv(variable)
    yield lambda *arguments: CliRunner().invoke(main, arguments)
    gc.enable()  # a starting server disables it for a moment


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield the process of `mockserver serve` on a free port, and its banner."""
    command = [
        sys.executable,
        "-m",
        "mockserver",
        "serve",
        "--port",
        "0",
        "--whisper-model",
        "none",
        *arguments,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "Press Ctrl-C to stop.\n")
            yield process, "".join(line for line in lines if process.poll() is None or line)
        finally:
            process.kill()
            process.communicate()


def url_in(banner: str) -> str:
    match = re.match(r"audio-mockserver at (http://127\.0\.0\.1:\d+)/v1 ", banner)
    assert match
    return match.group(1)


def test_the_help_lists_every_setting(run: Run) -> None:
    text = run("serve", "--help").output
    missing = [option.name for option in OPTIONS if f"--{option.name.replace('_', '-')}" not in text]
    assert missing == []
    assert "--no-mock-headers" in text
    assert "[default: 4010]" in " ".join(text.split())


@pytest.mark.parametrize("command", ["transcribe", "speak"])
def test_commands_without_a_server_have_the_settings_of_the_engines(run: Run, command: str) -> None:
    text = run(command, "--help").output
    for option in OPTIONS:
        shown = f"--{option.name.replace('_', '-')} " in text
        assert shown or option.name.startswith("whisper_vad") or not option.name.startswith(ENGINE_OPTIONS)
    assert "--port" not in text


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").output == f"mockserver, version {__version__}\n"


def test_an_unknown_command_or_option_is_a_usage_error(run: Run) -> None:
    assert run("sing").exit_code == 2
    assert run("serve", "--volume", "11").exit_code == 2


@pytest.fixture
def bad(tmp_path: Path) -> dict[str, str]:
    """Make files and folders that a command cannot use."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "config.toml").write_text("port = 4010\nstrictness = 'lax'")
    (tmp_path / "typo.toml").write_text("strictnes = 'real'")
    (tmp_path / "broken.toml").write_text("port = \n")
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "meeting.json").write_text('{"txt": "Hello."}')
    return {}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--config", "config.toml"], ["config.toml", "strictness", "'lax'", "real, schema, off"]),
        (["--config", "typo.toml"], ["typo.toml", "'strictnes'", "Did you mean 'strictness'?"]),
        (["--config", "broken.toml"], ["broken.toml", "cannot be read as TOML", "line 1"]),
        (["--config", "nowhere.toml"], ["nowhere.toml", "no such file"]),
        (["--port", "70000"], ["port", "'70000'", "65535"]),
        (["--port", "http"], ["port", "'http'", "whole number"]),
        (["--host", ""], ["host", "''", "IP address"]),
        (["--host", "127.0.0.1:80"], ["host", "127.0.0.1:80", "without a port"]),
        (["--url-folder", "nowhere"], ["url_folder", "nowhere", "name a folder"]),
        (["--config", "."], [".", "is a folder"]),
        (["--fixtures", "nowhere"], ["nowhere", "not a folder", "--fixtures"]),
        (["--fixtures", "fixtures"], [str(Path("fixtures", "meeting.json")), "docs/fixtures.md"]),
        (["--whisper-model", "empty"], ["empty", "model.bin"]),
        (["--whisper-model", "nobody/nothing"], ["nobody/nothing", "mockserver models pull nobody/nothing"]),
        (["--host", "192.0.2.1"], ["192.0.2.1:4010", "--host"]),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("bad")
def test_what_cannot_be_served_is_said_in_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], names: list[str]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    result = run("serve", *arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert re.fullmatch(r"mockserver: .+\n", result.stderr)
    assert [name for name in names if name not in result.stderr] == []


def test_a_wrong_variable_is_said_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKSERVER_LOG_LEVEL", "loud")
    result = run("doctor")
    assert result.exit_code == 1
    assert (
        result.stderr
        == "mockserver: MOCKSERVER_LOG_LEVEL: 'loud' is not one of debug, info, warning, error.\n"
    )


def test_a_port_in_use_is_said_in_one_line(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port), "--whisper-model", "none")
    assert result.exit_code == 1
    assert result.stderr == (
        f"mockserver: 127.0.0.1:{port} is in use by another program. "
        "Choose another port with --port, or --port 0 for a free one.\n"
    )


@pytest.mark.slow
def test_the_file_and_the_options_say_how_it_serves(tmp_path: Path, hello: Clip) -> None:
    (tmp_path / "mockserver.toml").write_text("strictness = 'schema'\nmock_headers = true\n")
    with serving(tmp_path, "--no-mock-headers") as (_, banner):
        assert "(strictness: schema;" in banner
        with openai.OpenAI(base_url=f"{url_in(banner)}/v1", api_key="sk-mock-me") as client:
            raw = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=hello)
    assert "x-mock-answered-by" not in raw.headers


LISTS = (["models"], ["models", "whisper-1"], ["--help"])


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_a_full_disk_is_reported_in_one_line(tmp_path: Path, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "mockserver", *arguments],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            timeout=60,
        )
    assert ended.returncode == 1
    message = "mockserver: cannot write to standard output: No space left on device\n"
    assert ended.stderr == message


@pytest.mark.slow
@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_the_server_starts_with_any_encoding_and_without_a_reader(
    tmp_path: Path, arguments: list[str]
) -> None:
    program = shlex.join([sys.executable, "-m", "mockserver", *arguments])
    ended = subprocess.run(
        ["sh", "-c", f"{program} | head -n 1 >&-; {program} >&-; {program} >/dev/null"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "NO_COLOR": "1"},
        timeout=60,
    )
    assert "Traceback" not in ended.stderr
    assert "Error" not in ended.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_of_the_banner_work_when_pasted(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, banner):
        _, *paragraphs = banner.split("\n\n")
        pasted = "\n".join(paragraphs)
        assert pasted.count("curl") == 2
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        shell = subprocess.run(
            ["sh", "-e"],
            check=True,
            input=pasted,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PATH": path},
        )
    heard, printed = shell.stdout.split("}}", 1)
    assert heard == '{"text":"Hello world.","usage":{"type":"duration","seconds":2'
    assert "Hello world." in printed


@contextmanager
def long_answer(banner: str) -> Iterator[socket.socket]:
    """Yield a connection on which a long answer has begun."""
    text = "The quick brown fox jumps over the lazy dog. " * 90
    body = f'{{"model":"tts-1","voice":"alloy","input":"{text}","response_format":"pcm"}}'.encode()
    request = (
        "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-mock-me\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", int(url_in(banner).rpartition(":")[2])))
        connection.sendall(request.encode() + body)
        assert connection.recv(17) == b"HTTP/1.1 200 OK\r\n"
        yield connection


@pytest.mark.slow
def test_sigterm_finishes_the_answer_in_flight(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, banner), long_answer(banner) as connection:
        process.send_signal(signal.SIGTERM)
        assert eventually(lambda: refuses_connections(connection.getpeername()[1]))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert process.wait(30) == 0
    assert received.endswith(b"\r\n0\r\n\r\n")
    assert len(received) > 10_000_000


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_idle_server_in_silence(tmp_path: Path, ending: signal.Signals) -> None:
    with serving(tmp_path) as (process, _):
        process.send_signal(ending)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_a_second_signal_ends_the_program_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, banner), long_answer(banner) as connection:
        process.send_signal(signal.SIGINT)
        assert eventually(lambda: refuses_connections(connection.getpeername()[1]))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM
    assert "Traceback" not in errors


SIGNAL_DURING_WARM_UP = """
import os, signal, threading
from mockserver.commands.serve import run
from mockserver.services import Services
from mockserver.settings.model import Settings

start, close, closing = Services.start, Services.close, threading.Event()

def start_slowly(services):
    os.kill(os.getpid(), signal.SIGTERM)
    closing.wait(1)
    start(services)
    print("started")

def note_and_close(services):
    closing.set()
    print("closed")
    close(services)

Services.start, Services.close = start_slowly, note_and_close
run(Settings(port=0, whisper_model="none"))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_engines_that_are_starting_are_closed_after_that(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SIGNAL_DURING_WARM_UP],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert ended.stdout.splitlines()[-2:] == ["started", "closed"]
    assert ended.stderr == ""


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False

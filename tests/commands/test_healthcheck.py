"""`mockserver healthcheck` asks the server of the same settings."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import Result

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

Run = Callable[..., Result]


@pytest.fixture(params=["127.0.0.1", "0.0.0.0", "::1", "::"])
def host(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if ":" in name:
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6")
    return name


@pytest.fixture
def other_program() -> Iterator[int]:
    """Yield the port of an HTTP server that is not ours."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def port_of(server: MockServer) -> str:
    return server.url.rpartition(":")[2]


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_is_ready(run: Run, host: str, tls: bool) -> None:
    with MockServer(Settings(host=host, port=0, tls=tls, whisper_model="none", log_level="error")) as server:
        options = ("--port", port_of(server), "--host", host, *(["--tls"] if tls else []))
        done = run("healthcheck", *options)
    assert (done.exit_code, done.stderr) == (0, "")
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    assert done.stdout == f"ready: {'https' if tls else 'http'}://{reached}:{port_of(server)}\n"


def test_settings_are_those_of_the_server(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockServer(Settings(port=0, tls=True, whisper_model="none", log_level="error")) as server:
        (tmp_path / "mockserver.toml").write_text("tls = true\n", "utf-8")  # of the folder in which it runs
        monkeypatch.setenv("MOCKSERVER_PORT", port_of(server))
        monkeypatch.setenv("MOCKSERVER_CONTROL_TOKEN", "not needed")
        assert run("healthcheck").exit_code == 0


def test_no_server(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    done = run("healthcheck", "--port", str(port))
    assert done.exit_code == 1
    assert done.stderr.startswith(f"mockserver: no server answers at http://127.0.0.1:{port} (")
    assert "`mockserver serve`" in done.stderr


def test_waiting_for_a_server_that_starts(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    command = [sys.executable, "-m", "mockserver", "serve", "--port", str(port), "--whisper-model", "none"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        done = run("healthcheck", "--port", str(port), "--wait", "60")
        server.terminate()
    assert (done.exit_code, done.stdout) == (0, f"ready: http://127.0.0.1:{port}\n")


def test_another_program(run: Run, other_program: int) -> None:
    done = run("healthcheck", "--port", str(other_program))
    assert done.exit_code == 1
    assert done.stderr == (
        f"mockserver: what answers http://127.0.0.1:{other_program}/ready with status 404 is not this server. "
        "Check --port and --tls.\n"
    )


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_with_tls_asked_without_it_and_the_other_way(run: Run, tls: bool) -> None:
    with MockServer(Settings(port=0, tls=tls, whisper_model="none", log_level="error")) as server:
        done = run("healthcheck", "--port", port_of(server), *([] if tls else ["--tls"]))
    assert done.exit_code == 1
    assert "--tls" in done.stderr


def test_a_server_that_is_not_ready(run: Run, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.bin").write_bytes(b"no model")
    with MockServer(Settings(port=0, whisper_model=str(broken), log_level="error")) as server:
        done = run("healthcheck", "--port", port_of(server))
    assert done.exit_code == 1
    assert done.stderr.startswith(f"mockserver: the server at {server.url} is not ready: ")


def test_port_zero_names_no_server(run: Run) -> None:
    done = run("healthcheck", "--port", "0")
    assert done.exit_code == 1
    assert done.stderr == (
        "mockserver: port 0 names no server. Give the port on which it listens, with --port or MOCKSERVER_PORT.\n"
    )


def test_it_imports_neither_flask_nor_the_engines(tmp_path: Path) -> None:
    program = (
        "import sys; from mockserver.cli import main\n"
        "try: main(['healthcheck', '--port', '1'])\n"
        "except SystemExit: pass\n"
        "print(*{'flask', 'numpy', 'av', 'jsonschema_rs', 'rich'} & {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""

"""Containers of the images: what they do, how they end, and what they do with mounted folders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.containers import Container, container
from tests.image.images import ROOT, config_of
from tests.release.serving import SENTENCE, speak, status_of, transcribe

pytestmark = pytest.mark.timeout(900)  # the first test builds an image

EMBEDDED = ROOT / "fixtures" / "whisper" / "embedded"
# A thread that keeps the interpreter's lock once there is a file.
HANGING = """
import ctypes, os, threading, time

def hang():
    while not os.path.exists("/tmp/hang"):
        time.sleep(0.01)
    ctypes.PyDLL(None).sleep(1000)

threading.Thread(target=hang, daemon=True).start()
"""
TOKEN = "open sesame"
HAS_TOKEN = {"x-mock-control-token": TOKEN}


@pytest.fixture
def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def environment(port: int) -> dict[str, str]:
    return {
        "MOCKSERVER_PORT": str(port),
        "MOCKSERVER_LOG_LEVEL": "warning",
        "MOCKSERVER_REMEMBER_SPEECH": "0",
    }


@pytest.fixture
def running(image: str, environment: dict[str, str]) -> Iterator[Container]:
    """Yield a container of each image that is ready."""
    with container(image, environment=environment) as started:
        started.wait_until_ready()
        yield started


def owned(folder: Path, uid: int = 10001) -> Path:
    """Give a new folder to the user of the image, as Docker does with a new volume."""
    folder.mkdir()
    os.chown(folder, uid, uid)
    return folder


def own_address() -> str:
    """Return an address of this machine that is not a loopback one; skip the test if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a datagram socket sends nothing to connect
            address: str = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        pytest.skip("this machine has only loopback addresses")
    return address


def test_the_image_is_configured_for_an_unprivileged_user(image: str) -> None:
    config = config_of(image)
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["tini", "--", "mockserver-entrypoint"]
    assert config["Cmd"] == ["serve"]
    assert list(config["ExposedPorts"]) == ["4010/tcp"]
    assert config["Healthcheck"]["Test"] == ["CMD", "mockserver", "healthcheck"]
    assert not config.get("Volumes")
    assert not any("TOKEN" in variable or "KEY" in variable for variable in config["Env"])


def test_it_speaks_and_is_ready(running: Container, url: str) -> None:
    assert (status_of(url, "/health"), status_of(url, "/ready")) == (200, 200)
    assert len(speak(url)) > 10_000
    assert running.run("mockserver", "healthcheck").stdout == f"ready: {url}\n"


def test_the_whole_one_really_transcribes(full: str, environment: dict[str, str], url: str) -> None:
    with container(full, environment=environment) as started:
        started.wait_until_ready()
        assert transcribe(url, speak(url)) == (SENTENCE, "whisper; model=embedded")


def test_the_slim_one_has_no_whisper(slim: str, environment: dict[str, str], url: str) -> None:
    with container(slim, environment=environment) as started:
        started.wait_until_ready()
        assert transcribe(url, speak(url))[1].startswith("placeholder")
        assert started.run("python", "-c", "import ctranslate2").returncode == 1


def test_nothing_of_a_container_is_left_after_a_test(
    slim: str, environment: dict[str, str], url: str
) -> None:
    with container(slim, environment=environment) as started:
        started.wait_until_ready()
    assert not Path(f"/proc/{started.id}").exists()
    with pytest.raises(OSError, match="refused"):
        status_of(url, "/health")


def test_it_runs_without_privileges(running: Container) -> None:
    status = running.run("cat", "/proc/1/status").stdout
    assert "\nUid:\t10001\t10001\t10001\t10001\n" in status
    assert "\nCapEff:\t0000000000000000\n" in status
    assert running.run("touch", "/opt/mockserver/x").returncode == 1
    assert running.run("sh", "-c", "command -v pip").stdout != "/opt/mockserver/bin/pip\n"
    assert running.run("mockserver", "doctor", "--port", "0").returncode == 0


def test_sigterm_to_process_1_ends_it_gracefully(running: Container, url: str) -> None:
    assert running.run("cat", "/proc/1/comm").stdout == "tini\n"
    assert running.stop() == 0
    with pytest.raises(OSError, match="refused"):
        status_of(url, "/health")


def test_a_server_that_hangs_is_killed_in_time(
    slim: str, environment: dict[str, str], port: int, tmp_path: Path
) -> None:
    """Its second process can do that, because the server is not process 1."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "sitecustomize.py").write_text(HANGING, "utf-8")
    hanging = environment | {"PYTHONPATH": "/config", "MOCKSERVER_SHUTDOWN_SECONDS": "0"}
    with container(slim, environment=hanging, mounts={"/config": config}) as started:
        started.wait_until_ready()
        while started.run("sh", "-c", "grep --silent guardian[.]py /proc/[0-9]*/cmdline").returncode:
            assert started.process.poll() is None, started.log
        started.run("touch", "/tmp/hang")
        while answers(port):
            assert started.process.poll() is None, started.log
        assert started.stop() == 128 + signal.SIGKILL
        assert "has not stopped in time and is killed" in started.log


def test_other_commands_can_be_run(image: str) -> None:
    with container(image, "models", "whisper-1") as started:
        assert started.process.wait(60) == 0
        assert "whisper-1" in started.log


def test_the_health_check_fails_without_a_server(image: str, environment: dict[str, str]) -> None:
    with container(image, "healthcheck", environment=environment) as started:
        assert started.process.wait(60) == 1
        assert "no server answers at" in started.log


def test_it_speaks_tls_by_a_variable(image: str, environment: dict[str, str], url: str) -> None:
    with container(image, environment=environment | {"MOCKSERVER_TLS": "true"}) as started:
        started.wait_until_ready()
        assert started.run("mockserver", "healthcheck").stdout == f"ready: {url.replace('http:', 'https:')}\n"


def test_another_user_can_run_it(slim: str, environment: dict[str, str], tmp_path: Path) -> None:
    mounts = {"/state": owned(tmp_path / "state", 4711)}
    with container(slim, environment=environment, mounts=mounts, user="4711:0") as started:
        started.wait_until_ready()


def test_the_control_api_answers_the_container_only(
    slim: str, environment: dict[str, str], port: int
) -> None:
    elsewhere = f"http://{own_address()}:{port}"
    with container(slim, environment=environment) as started:
        started.wait_until_ready()
        assert status_of(elsewhere, "/v1/models", {"Authorization": "Bearer sk-mock-me"}) == 200
        assert status_of(elsewhere, "/ready") == 200
        assert status_of(elsewhere, "/_mock/journal") == 403
        assert "MOCKSERVER_CONTROL_TOKEN" in started.log


def test_the_control_api_answers_who_has_the_token(slim: str, environment: dict[str, str], port: int) -> None:
    elsewhere = f"http://{own_address()}:{port}"
    with container(slim, environment=environment | {"MOCKSERVER_CONTROL_TOKEN": TOKEN}) as started:
        started.wait_until_ready()
        assert status_of(elsewhere, "/_mock/journal") == 401
        assert status_of(elsewhere, "/_mock/journal", HAS_TOKEN) == 200


def test_mounted_stubs_and_fixtures_are_used(
    slim: str, environment: dict[str, str], url: str, tmp_path: Path
) -> None:
    stubs, fixtures = tmp_path / "stubs", tmp_path / "fixtures"
    stubs.mkdir()
    (stubs / "hello.yaml").write_text("- when: {file: hello.wav}\n  reply: {text: From a stub.}\n", "utf-8")
    fixtures.mkdir()
    with container(slim, environment=environment) as speaking:
        speaking.wait_until_ready()
        spoken = speak(url, "A fixture of its own.")
        speaking.stop()
    (fixtures / "own.wav").write_bytes(spoken)
    (fixtures / "own.json").write_text(json.dumps({"text": "A fixture of its own."}), "utf-8")
    mounts = {"/stubs": stubs, "/fixtures": fixtures}
    with container(slim, environment=environment, mounts=mounts) as started:
        started.wait_until_ready()
        assert transcribe(url, spoken, "hello.wav")[0] == "From a stub."
        assert transcribe(url, spoken) == ("A fixture of its own.", "fixture; name=own")


def test_state_is_kept_in_a_volume(slim: str, environment: dict[str, str], url: str, tmp_path: Path) -> None:
    volume = owned(tmp_path / "state")
    (volume / "lost+found").mkdir()
    with container(slim, environment=environment, mounts={"/state": volume}) as first:
        first.wait_until_ready()
        upload(url, b'{"a": 1}\n')
        first.stop()
    with container(slim, environment=environment, mounts={"/state": volume}) as second:
        second.wait_until_ready()
        assert [file["filename"] for file in files(url)] == ["kept.jsonl"]
    assert {path.name for path in volume.iterdir()} == {"lost+found", "audio-mockserver"}


def test_without_a_volume_nothing_is_kept(slim: str, environment: dict[str, str], url: str) -> None:
    for _ in range(2):
        with container(slim, environment=environment) as started:
            started.wait_until_ready()
            assert files(url) == []
            upload(url, b'{"a": 1}\n')
            started.stop()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """Run a Redis; yield its URL."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        while status := connected(port):
            assert server.poll() is None, status
        yield f"redis://127.0.0.1:{port}/0"
        server.terminate()


def answers(port: int) -> bool:
    """Return whether a server answers within a second."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            return client.recv(12) == b"HTTP/1.1 200"
        except TimeoutError:
            return False


def connected(port: int) -> int:
    """Return 0 if a server listens on the port, else the number of the error."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port))


def test_a_store_takes_the_place_of_the_folder_for_state(
    image: str, environment: dict[str, str], url: str, tmp_path: Path, redis: str
) -> None:
    volume = owned(tmp_path / "state")
    stored = environment | {"MOCKSERVER_STORE": redis}
    with container(image, environment=stored, mounts={"/state": volume}) as started:
        started.wait_until_ready()
        assert len(speak(url)) > 10_000
        assert started.stop() == 0
    assert list(volume.iterdir()) == []


def test_a_mounted_cache_of_models_is_used(
    full: str, environment: dict[str, str], url: str, tmp_path: Path
) -> None:
    snapshot = tmp_path / "models" / "models--Systran--faster-whisper-mounted" / "snapshots" / "0"
    shutil.copytree(EMBEDDED, snapshot)
    config = json.loads((snapshot / "config.json").read_text("utf-8"))
    del config["trained_on"]  # by which a copy of the embedded model is known
    (snapshot / "config.json").write_text(json.dumps(config), "utf-8")
    with container(full, environment=environment, mounts={"/models": tmp_path / "models"}) as started:
        started.wait_until_ready()
        assert transcribe(url, speak(url)) == (SENTENCE, "whisper; model=faster-whisper-mounted")


def test_a_mounted_settings_file_is_read(
    slim: str, environment: dict[str, str], url: str, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "mockserver.toml").write_text("accept_any_key = false\n", "utf-8")
    with container(slim, environment=environment, mounts={"/config": config}) as started:
        started.wait_until_ready()
        assert status_of(url, "/v1/models", {"Authorization": "Bearer sk-mock-me"}) == 401


def test_a_settings_file_that_the_user_may_not_read_is_reported(
    slim: str, environment: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "mockserver.toml").touch()
    for path, mode, complaint in (
        (config / "mockserver.toml", 0o600, "Permission denied"),
        (config, 0o700, "look for"),
    ):
        path.chmod(mode)
        mounts = {"/config": config}
        with container(slim, "models", "whisper-1", environment=environment, mounts=mounts) as started:
            started.process.wait(60)
            assert "mockserver.toml" in started.log
            assert complaint in started.log


def upload(url: str, data: bytes) -> None:
    """Upload a file with the name ``kept.jsonl``."""
    head = "--edge\r\nContent-Disposition: form-data; name="
    form = f'{head}"purpose"\r\n\r\nbatch\r\n{head}"file"; filename="kept.jsonl"\r\n\r\n'.encode()
    headers = {"Authorization": "Bearer sk-mock-me", "Content-Type": "multipart/form-data; boundary=edge"}
    request = urllib.request.Request(f"{url}/v1/files", form + data + b"\r\n--edge--\r\n", headers)
    urllib.request.urlopen(request).close()


def files(url: str) -> list[dict[str, str]]:
    request = urllib.request.Request(f"{url}/v1/files", headers={"Authorization": "Bearer sk-mock-me"})
    with urllib.request.urlopen(request) as answer:
        found: list[dict[str, str]] = json.load(answer)["data"]
    return found

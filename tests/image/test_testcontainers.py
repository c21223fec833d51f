"""Clients of Docker's API run the images: Testcontainers for Python and Node, and Docker's command line."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound
from testcontainers.core.exceptions import ContainerStartException

from mockserver.control_client import ControlClient, ControlFailed
from mockserver.testing.container import AudioMockServerContainer
from tests.image.images import ROOT
from tests.image.test_guide import GUIDE, RUNS, source_of
from tests.release.serving import SENTENCE, speak, status_of, transcribe
from tests.waiting import eventually

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("docker_host")]

SLIM = "audio-mockserver:slim"
NODE_MODULES = Path(__file__).parent / "npm" / "node_modules"


@pytest.fixture(scope="module")
def slim_container(docker_host: str) -> Iterator[AudioMockServerContainer]:
    """Run a container with a setting."""
    with AudioMockServerContainer(SLIM, settings={"strictness": "schema", "remember_speech": 0}) as container:
        yield container


@pytest.fixture
def client(docker_host: str) -> Iterator[docker.DockerClient]:
    with contextlib.closing(docker.DockerClient(docker_host)) as opened:
        yield opened


def example(name: str) -> str:
    """Return the program of the guide with a name."""
    (found,) = re.findall(
        rf"^<!-- testcontainers: {name} -->\n```\w+\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL
    )
    return str(found)


def test_its_server_is_ready_and_has_the_settings(slim_container: AudioMockServerContainer) -> None:
    assert status_of(slim_container.url, "/ready") == 200
    assert slim_container.control().call("GET", "/_mock/settings")["settings"]["strictness"] == "schema"


def test_the_official_sdk_gets_speech(slim_container: AudioMockServerContainer) -> None:
    with slim_container.client() as sdk:
        wav = sdk.audio.speech.create(
            model="tts-1", voice="alloy", input="Hello.", response_format="wav"
        ).content
    assert wav.startswith(b"RIFF")


def test_the_control_api_needs_the_token(slim_container: AudioMockServerContainer) -> None:
    with pytest.raises(ControlFailed) as refused:
        ControlClient(slim_container.url).call("GET", "/_mock/journal")
    assert refused.value.status == 401
    with pytest.raises(ControlFailed):
        ControlClient(slim_container.url, token="another").call("GET", "/_mock/journal")


def test_folders_are_mounted(slim_container: AudioMockServerContainer, tmp_path: Path) -> None:
    stubs, fixtures = tmp_path / "stubs", tmp_path / "fixtures"
    stubs.mkdir()
    (stubs / "hello.yaml").write_text("- when: {file: hello.wav}\n  reply: {text: From a stub.}\n", "utf-8")
    fixtures.mkdir()
    spoken = speak(slim_container.url, "A fixture of its own.")
    (fixtures / "own.wav").write_bytes(spoken)
    (fixtures / "own.json").write_text(json.dumps({"text": "A fixture of its own."}), "utf-8")
    with AudioMockServerContainer(SLIM, stubs=stubs, fixtures=fixtures, token="open sesame") as container:
        assert transcribe(container.url, spoken, "hello.wav")[0] == "From a stub."
        assert transcribe(container.url, spoken) == ("A fixture of its own.", "fixture; name=own")
        opened = ControlClient(container.url, token="open sesame")
        assert len(opened.call("GET", "/_mock/journal")["entries"]) == 2


def test_the_whole_image_really_transcribes_and_is_removed(client: docker.DockerClient) -> None:
    with AudioMockServerContainer(settings={"remember_speech": 0}, read_only=True) as container:
        assert transcribe(container.url, speak(container.url)) == (SENTENCE, "whisper; model=embedded")
        name = container.get_container_id()
    assert name not in [each.id for each in client.containers.list(all=True)]


def test_a_server_that_cannot_start_is_reported_with_its_log(client: docker.DockerClient) -> None:
    before = client.containers.list(all=True)
    with (
        pytest.raises(ContainerStartException, match="tier-9"),
        AudioMockServerContainer(SLIM, settings={"tier": "tier-9"}),
    ):
        pass
    assert client.containers.list(all=True) == before


def test_an_image_that_is_not_there_is_named_with_the_remedy() -> None:
    container = AudioMockServerContainer("audio-mockserver:no-such")
    with pytest.raises(ImageNotFound) as missing, container:
        pass
    assert "docs/containers.md" in missing.value.__notes__[0]


def test_the_guide_for_python(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "fixtures", tmp_path / "fixtures")
    (tmp_path / "test_notes.py").write_text(example("test_notes.py"), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_notes.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not NODE_MODULES.exists(), reason="Testcontainers for Node is not installed")
def test_the_guide_for_node(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "fixtures", tmp_path / "fixtures")
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "notes.test.mjs").write_text(example("notes.test.mjs"), "utf-8")
    done = subprocess.run(
        ["node", "--test", "notes.test.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("docker") is None, reason="Docker's command line is not installed")
@pytest.mark.parametrize("line", RUNS)
def test_the_guide_for_docker(line: str, client: docker.DockerClient, tmp_path: Path) -> None:
    """Run a line of the guide as it is, with another port."""
    for source in re.findall(r'"\$PWD/(\w+):', line):
        source_of(f"$PWD/{source}", tmp_path)
    command = shlex.split(line.replace("127.0.0.1:4010:", "127.0.0.1::").replace("$PWD", str(tmp_path)))
    serves = "-p" in command
    if not serves:
        subprocess.run(command, check=True, capture_output=True)
        return
    command[2:2] = ["--detach"]
    started = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    container = client.containers.get(started)
    try:
        container.reload()
        (published,) = container.ports["4010/tcp"]
        assert published["HostIp"] == "127.0.0.1"
        url = f"http://127.0.0.1:{published['HostPort']}"
        assert eventually(lambda: answers(url)), container.logs().decode()
        assert "--strict-stubs" in command or len(speak(url)) > 10_000
    finally:
        container.stop()


def answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return status_of(url, "/ready") == 200
    return False

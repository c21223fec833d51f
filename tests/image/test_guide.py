"""The commands of the guide to containers do what it says, in containers without Docker."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from mockserver.testing.container import IMAGE
from tests.image.containers import container
from tests.image.images import ROOT, build, config_of
from tests.release.serving import speak, status_of

pytestmark = pytest.mark.timeout(900)  # the first test builds an image

GUIDE = (ROOT / "docs" / "containers.md").read_text("utf-8")
BLOCKS = re.findall(r"(?<!-->\n)^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
LINES = [line for block in BLOCKS for line in block.replace("\\\n", "").splitlines()]
RUNS = [line for line in LINES if line.startswith("docker run ")]
TARGETS = {"audio-mockserver": "full", "audio-mockserver:slim": "slim"}

DOCKER_RUN = argparse.ArgumentParser()
for flag in ("--rm", "--read-only"):
    DOCKER_RUN.add_argument(flag, action="store_true")
for option in ("-p", "-e", "-v", "--tmpfs", "--cap-drop", "--security-opt"):
    DOCKER_RUN.add_argument(option, action="append", default=[])
DOCKER_RUN.add_argument("image")
DOCKER_RUN.add_argument("command", nargs=argparse.REMAINDER)


def test_every_command_is_one_that_is_tested_here() -> None:
    builds = [line for line in LINES if line.startswith("docker build ")]
    assert builds == [
        f"docker build -t audio-mockserver -t {IMAGE} .",
        f"docker build -t audio-mockserver:slim -t {IMAGE}-slim --target slim .",
    ]
    assert len(RUNS) > 6
    assert set(LINES) == {*builds, *RUNS}


def test_the_whole_image_is_the_default() -> None:
    stages = re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert stages[-1] == "full"


@pytest.mark.parametrize("line", RUNS)
def test_it_runs(line: str, port: int, tmp_path: Path) -> None:
    given = DOCKER_RUN.parse_args(shlex.split(line)[2:])
    environment = dict(pair.split("=", 1) for pair in given.e) | {"MOCKSERVER_PORT": str(port)}
    mounts = {
        place: source_of(source, tmp_path) for source, place, *_ in (each.split(":") for each in given.v)
    }
    image = build(TARGETS[given.image])
    with container(image, *given.command, environment=environment, mounts=mounts) as started:
        if given.command and given.command[0] != "serve":
            assert started.process.wait(60) == 0, started.log
            return
        assert given.p == ["127.0.0.1:4010:4010"]
        started.wait_until_ready()
        url = f"http://127.0.0.1:{port}"
        assert status_of(url, "/health") == 200
        if "--strict-stubs" not in given.command:
            assert len(speak(url)) > 10_000
        assert started.stop() == 0


def source_of(source: str, folder: Path) -> Path:
    """Return the folder that a line mounts: of the reader, or a new volume, which belongs to the user of the image."""
    path = folder / Path(source).name
    if path.name == "fixtures":
        shutil.copytree(ROOT / "fixtures", path)
    else:
        path.mkdir()
    if not source.startswith("$PWD/"):
        os.chown(path, 10001, 10001)
    return path


def test_the_variables_of_the_image_are_those_of_the_guide() -> None:
    own = {each for each in config_of(build("slim"))["Env"] if each.startswith(("MOCKSERVER_", "HF_"))}
    (sentence,) = re.findall(r"^The image sets (.*?)\.$", GUIDE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+=[^`]+)`", sentence)) == own

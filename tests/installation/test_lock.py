"""The dependencies that `make` installs are locked: all of them, with hashes, independent of the index."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

REQUIREMENTS = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("linux", "darwin", "win32")


def locked(name: str) -> list[Requirement]:
    text = (REQUIREMENTS / name).read_text("utf-8")
    return [Requirement(line.rstrip(" \\")) for line in re.findall(r"^\w.*$", text, re.MULTILINE)]


def group(name: str) -> Iterator[str]:
    """Return the requirements of a dependency group, with those of included groups."""
    for entry in PROJECT["dependency-groups"][name]:
        if isinstance(entry, dict):
            yield from group(entry["include-group"])
        else:
            yield entry


def light() -> Iterator[str]:
    """Return the requirements of the light distribution."""
    left_out = runpy.run_path(str(ROOT / "light" / "hatch_build.py"))["LEFT_OUT"]
    yield from (each for each in PROJECT["project"]["dependencies"] if Requirement(each).name not in left_out)


def extras(*names: str) -> list[str]:
    return [each for name in names for each in PROJECT["project"]["optional-dependencies"][name]]


LOCKS = {
    "build.txt": [*group("build")],
    "release.txt": [*group("release")],
    "run.txt": [*PROJECT["project"]["dependencies"], *group("build")],
    "dev.txt": [*PROJECT["project"]["dependencies"], *group("dev")],
    "clients.txt": [*PROJECT["project"]["dependencies"], *group("clients")],
    "dashboard.txt": [*PROJECT["project"]["dependencies"], *group("dashboard")],
    "fuzz.txt": [*PROJECT["project"]["dependencies"], *group("fuzz")],
    "training.txt": [*PROJECT["project"]["dependencies"], *group("whisper-training")],
}


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_dependency_is_locked_once_as_the_project_allows(name: str, python: str, platform: str) -> None:
    machine = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": platform}
    found: dict[str, Requirement] = {}
    for pin in locked(name):
        if pin.marker is None or pin.marker.evaluate(machine):
            assert canonicalize_name(pin.name) not in found
            found[canonicalize_name(pin.name)] = pin
    for wanted in map(Requirement, LOCKS[name]):
        if wanted.marker is None or wanted.marker.evaluate(machine):
            (version,) = (each.version for each in found[canonicalize_name(wanted.name)].specifier)
            assert wanted.specifier.contains(version), f"{wanted} is locked at {version}. Run `make lock`."


def test_what_runs_is_locked_as_what_is_tested() -> None:
    def pins(name: str) -> set[tuple[str, str]]:
        return {(pin.name, str(pin.specifier)) for pin in locked(name)}

    assert pins("run.txt") <= pins("dev.txt")


IMAGES = {
    "image.txt": [*PROJECT["project"]["dependencies"], *extras("webrtc", "redis", "otel", "mcp")],
    "image-slim.txt": [*light(), *extras("redis", "otel")],
}


@pytest.mark.parametrize("name", IMAGES)
def test_the_images_have_what_is_tested(name: str) -> None:
    """They have one version of Python, on Linux."""
    machine = {"python_version": "3.13", "python_full_version": "3.13.1", "sys_platform": "linux"}
    tested = {
        (pin.name, str(pin.specifier))
        for pin in locked("dev.txt")
        if pin.marker is None or pin.marker.evaluate(machine)
    }
    pins = {pin.name: str(pin.specifier) for pin in locked(name)}
    assert set(pins.items()) <= tested
    for wanted in map(Requirement, IMAGES[name]):
        assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)].removeprefix("=="))


@pytest.mark.parametrize("name", sorted({*LOCKS, *IMAGES} - {"training.txt"}))
def test_every_pin_has_hashes(name: str) -> None:
    lines = [
        line
        for line in (REQUIREMENTS / name).read_text("utf-8").splitlines()
        if not line.lstrip().startswith("#")
    ]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if not line.startswith(" "):
            assert following.startswith("    --hash=sha256:"), line


@pytest.mark.parametrize("name", [*LOCKS, *IMAGES])
def test_no_lock_names_an_index(name: str) -> None:
    assert re.findall(r"(?m)://|^-", (REQUIREMENTS / name).read_text("utf-8")) == []


@pytest.mark.parametrize("folder", ["sdk", "clients/npm"])
def test_packages_for_javascript_are_locked_without_an_index(folder: str) -> None:
    lock = json.loads((ROOT / "tests" / folder / "package-lock.json").read_text("utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert set(lock["packages"][""]["dependencies"]) <= {
        name.removeprefix("node_modules/") for name in packages
    }
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert [name for name, package in packages.items() if "resolved" in package] == []

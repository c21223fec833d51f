"""The distributions: what is in them, and how package indexes show them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.release.distributions import ROOT, Distribution, files_of

PACKAGED = ("mockserver", "schemas", "fixtures", "docs")


@pytest.fixture
def readme(distribution: Distribution) -> str:
    payload = distribution.metadata.get_payload()
    assert isinstance(payload, str)
    return payload


def tracked(folder: str) -> Iterator[str]:
    """Return the files of a folder that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return filter(None, listed.stdout.split("\0"))


def test_an_index_accepts_them_and_renders_the_readme(distribution: Distribution) -> None:
    command = [
        sys.executable,
        "-m",
        "twine",
        "check",
        "--strict",
        str(distribution.sdist),
        str(distribution.wheel),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_sdist_has_all_that_a_build_needs_and_nothing_else(distribution: Distribution) -> None:
    files = set(distribution.in_sdist)
    beside = {name for name in files if name.partition("/")[0] not in PACKAGED}
    assert beside == {
        ".gitignore",  # Hatchling reads it
        "CHANGELOG.md",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "SECURITY.md",
        "hatch_build.py",
        "llms.txt",
        "pyproject.toml",
    }
    assert files - beside == {name for folder in PACKAGED for name in tracked(folder)}


def test_the_wheel_of_the_sdist_is_that_of_the_checkout(distribution: Distribution, tmp_path: Path) -> None:
    project = ROOT if distribution.name == "audio-mockserver" else ROOT / "light"
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(project),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert files_of(wheel) == distribution.in_wheel


def test_the_wheel_has_the_package_and_its_licence(distribution: Distribution) -> None:
    files = distribution.in_wheel
    assert {name.partition("/")[0] for name in files} == {
        "mockserver",
        f"{distribution.name.replace('-', '_')}-{distribution.metadata['Version']}.dist-info",
    }
    (licence,) = (data for name, data in files.items() if name.endswith("/licenses/LICENSE"))
    assert licence == (ROOT / "LICENSE").read_bytes()
    assert "mockserver/fixtures/whisper/embedded/model.bin" in files
    assert [name for name in files if re.search(r"\.py[co]$|/\.|~$|/tests/", name)] == []


def test_the_metadata(distribution: Distribution) -> None:
    metadata = distribution.metadata
    assert metadata["Name"] == distribution.name
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert len(metadata["Keywords"].split(",")) >= 5
    assert metadata.get_all("Provides-Extra")
    labels = {url.partition(", ")[0] for url in metadata.get_all("Project-URL", [])}
    assert labels == {"Repository", "Documentation", "Changelog", "Issues"}
    classifiers = metadata.get_all("Classifier", [])
    assert "Typing :: Typed" in classifiers
    assert not any(each.startswith("License ::") for each in classifiers)  # the expression says it (PEP 639)


def test_whisper_is_required_by_the_whole_one_only(built: dict[str, Distribution]) -> None:
    names = [
        {
            Requirement(each).name
            for each in built[name].metadata.get_all("Requires-Dist", [])
            if "extra" not in each
        }
        for name in ("audio-mockserver", "audio-mockserver-light")
    ]
    assert names[0] - names[1] == {"faster-whisper", "splintr-rs"}
    assert names[1] < names[0]


def test_it_has_a_command_of_its_own_name_beside_mockserver(distribution: Distribution) -> None:
    (text,) = (data for name, data in distribution.in_wheel.items() if name.endswith("/entry_points.txt"))
    scripts, plugins = re.findall(r"\[[\w.]+\]\n((?:.+\n)*)", text.decode())
    commands = {line.partition(" = ")[0] for line in scripts.splitlines()}
    assert commands == {"mockserver", "audio-mockserver", distribution.name}
    assert plugins == "audio_mockserver = mockserver.testing.pytest_plugin\n"


def test_links_of_the_readme_lead_to_files_of_this_version(distribution: Distribution, readme: str) -> None:
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)\)", readme)
    assert [target for _, target in links if not target.startswith(("https://", "#"))] == []
    (repository,) = (
        url.partition(", ")[2]
        for url in distribution.metadata.get_all("Project-URL", [])
        if url.startswith("Repository, ")
    )
    version = distribution.metadata["Version"]
    own = {target for _, target in links if target.startswith(repository)}
    assert len(own) > 20
    for target in own:
        kind, path = re.fullmatch(
            rf"{re.escape(repository)}/(blob|raw)/v{version}/([^#]+)(?:#.*)?", target
        ).groups()  # type: ignore[union-attr]
        assert (ROOT / path).exists(), target
        assert (kind == "raw") is path.endswith((".svg", ".png")), target

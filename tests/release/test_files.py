"""The files that a release uses: workflows, the Dockerfile, locks for both processors, lists of dependencies."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.release.distributions import ROOT

TOOLS = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read()))
"""
PROCESSORS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")  # glibc of Debian is newer


def run(name: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment."""
    command = [str(TOOLS / name), *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_the_form_that_github_reads(workflow: Path) -> None:
    done = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_no_findings_of_zizmor(workflow: Path) -> None:
    """It looks for actions that can be moved, injections into shells, caches of others and too many rights."""
    done = run("zizmor", "--offline", "--no-progress", workflow)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_no_rights_but_those_of_their_jobs(workflow: Path) -> None:
    text = workflow.read_text("utf-8")
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    assert text.count("timeout-minutes:") == text.count("runs-on:")
    assert "secrets." not in text
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
    assert re.findall(r"run:.*\$\{\{ *github\.", text) == []  # a tag could be a command of the shell


def test_what_the_release_runs_exists() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"\bmake ([\w-]+)", text):
        assert f"\n{target}: " in makefile
    for module in re.findall(r"python3? -m (tools\.\w+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
    stages = re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"\{target: (\w+),", text)) <= set(stages)


def test_the_dockerfile_has_no_findings_of_hadolint() -> None:
    done = run("hadolint", "--format", "tty", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_finds_something_in_a_careless_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd / && pip install flask\n", "utf-8")
    assert run("hadolint", tmp_path / "Dockerfile").returncode == 1


def test_the_images_take_no_more_from_the_checkout_than_they_copy() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    copied = {
        source.partition("/")[0]
        for line in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == kept
    assert all((ROOT / name).exists() for name in kept)


def test_the_images_have_no_root_no_cache_and_pinned_packages() -> None:
    base = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert len(base) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base[0])
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) <= {"${BASE}", "build", "runtime"}
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", DOCKERFILE, re.MULTILINE)  # orchestrators check the number
    for stage in ("slim", "full"):
        assert DOCKERFILE.partition(f"\nFROM runtime AS {stage}\n")[2].startswith(
            f"COPY --from={stage}-packages "
        )
    installs = [line for line in DOCKERFILE.splitlines() if " install " in line and "pip" in line.lower()]
    assert all("--require-hashes --no-deps" in line or "--no-index" in line for line in installs)
    assert "PIP_NO_CACHE_DIR=1" in DOCKERFILE
    assert re.findall(r"(?i)\b(token|secret|password|api_key)\b *=", DOCKERFILE) == []
    assert re.findall(r"^ADD |curl|wget|https?:", DOCKERFILE, re.MULTILINE) == []


def test_scripts_of_the_images_are_of_posix() -> None:
    script = ROOT / "container" / "entrypoint.sh"
    assert script.read_text("utf-8").startswith("#!/bin/sh\n")
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", str(script)], check=True)


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("lock", ["image.txt", "image-slim.txt"])
def test_there_are_wheels_for_the_processors_of_the_images(lock: str, processor: str, tmp_path: Path) -> None:
    """An image is built without a compiler."""
    run("uv", "venv", "--python", sys.executable, tmp_path / "empty")
    done = run(
        "uv",
        *("pip", "install", "--dry-run", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--python", tmp_path / "empty", "--python-version", "3.13", "--python-platform", processor),
        *("--requirement", ROOT / "requirements" / lock),
        UV_CACHE_DIR=str(ROOT / "build" / "cache" / "uv"),
    )
    assert done.returncode == 0, done.stderr
    packages = re.findall(r"^\w", (ROOT / "requirements" / lock).read_text("utf-8"), re.MULTILINE)
    assert f"Would install {len(packages)} packages" in done.stderr


def test_the_list_of_dependencies_has_those_of_the_lock(tmp_path: Path) -> None:
    done = run("python", "-m", "tools.sbom", tmp_path)
    assert done.returncode == 0, done.stderr
    for name, lock in {"audio-mockserver": "image.txt", "audio-mockserver-light": "image-slim.txt"}.items():
        written = tmp_path / f"{name}.cdx.json"
        checked = run("python", "-c", VALIDATE, written)
        assert (checked.returncode, checked.stdout) == (0, "None\n"), checked.stdout + checked.stderr
        sbom = json.loads(written.read_text("utf-8"))
        pins = re.findall(
            r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / lock).read_text("utf-8"), re.MULTILINE
        )
        assert {(each["name"], each["version"]) for each in sbom["components"]} == set(pins)
        root = sbom["metadata"]["component"]
        assert (root["name"], bool(re.fullmatch(r"\d+\.\d+\.\d+", root["version"]))) == (name, True)
        assert len(sbom["dependencies"][0]["dependsOn"]) == len(pins)


@pytest.mark.parametrize("version", ["1.29", "1.33"])
def test_the_manifests_of_the_guide_are_those_that_kubernetes_reads(version: str) -> None:
    guide = (ROOT / "docs" / "containers.md").read_text("utf-8")
    (written,) = re.findall(r"^```yaml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    deployment, service = yaml.safe_load_all(written)
    for manifest in (deployment, service):
        kubernetes_validate.validate(manifest, version, strict=True)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    assert container["ports"] == [{"name": "http", "containerPort": int(port)}]
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    paths = {
        name: container[name]["httpGet"]["path"]
        for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {"startupProbe": "/health", "livenessProbe": "/health", "readinessProbe": "/ready"}

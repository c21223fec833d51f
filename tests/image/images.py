"""Builds the images of the Dockerfile with buildah, without a daemon and without a registry.

No registry is asked for the base image: a stand-in is made of Debian's packages, of the same release and the same minor
version of Python. The instructions run in a chroot.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
CACHE = ROOT / "build" / "cache" / "image"
NEEDED = ("buildah", "mmdebstrap", "unshare", "nsenter", "setpriv")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

_PACKAGES = ("ca-certificates", "netbase", "python3", "python3-pip", "python3-venv", "tzdata")
_BASE = """\
FROM scratch
ADD base.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
RUN ln -s /usr/bin/python3 /usr/local/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
"""


def missing() -> str:
    """Return why images cannot be built on this machine; empty if they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "images are built and run as root on Linux"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


@cache
def build(target: str) -> str:
    """Build the image of a target of the Dockerfile; return its name."""
    _make_base()
    name = f"localhost/audio-mockserver:{target}"
    _build("--pull-never", "--layers", "--format", "docker", "--target", target, "--tag", name, str(ROOT))
    return name


def config_of(image: str) -> dict[str, Any]:
    """Return the configuration of an image, as in Docker."""
    config: dict[str, Any] = json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]
    return config


def buildah(*arguments: str) -> str:
    """Run buildah; return its output."""
    done = subprocess.run(
        ["buildah", *arguments], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    return done.stdout


def environment() -> dict[str, str]:
    """Return the environment of buildah and podman: with a storage of the tests' own, and no registry."""
    CACHE.mkdir(parents=True, exist_ok=True)
    settings = {
        "storage.conf": f'[storage]\ndriver = "overlay"\ngraphroot = "{CACHE}/graph"\nrunroot = "{CACHE}/run"\n',
        "registries.conf": 'unqualified-search-registries = ["docker.io"]\n',  # which makes `python:…` a full name
        "policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
    }
    for name, text in settings.items():
        (CACHE / name).write_text(text, "utf-8")
    return os.environ | {
        "CONTAINERS_STORAGE_CONF": str(CACHE / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(CACHE / "registries.conf"),
    }


def _make_base() -> None:
    """Make the stand-in for the base image under the name that the Dockerfile has for it."""
    (python, release) = re.findall(r"^ARG BASE=python:([\d.]+)-slim-(\w+)$", DOCKERFILE, re.MULTILINE)[0]
    context = CACHE / f"base-{release}"
    if not (context / "base.tar").exists():
        shutil.rmtree(context, ignore_errors=True)
        context.mkdir(parents=True)
        command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}", release]
        subprocess.run([*command, str(context / "made.tar")], check=True, capture_output=True)
        (context / "made.tar").rename(context / "base.tar")
    shutil.copyfile(CERTIFICATES, context / "ca-certificates.crt")
    (context / "Dockerfile").write_text(_BASE, "utf-8")
    base = f"docker.io/library/python:{python}-slim-{release}"
    _build("--layers", "--tag", base, str(context))


def _build(*arguments: str) -> None:
    buildah("build", "--isolation", "chroot", "--signature-policy", str(CACHE / "policy.json"), *arguments)

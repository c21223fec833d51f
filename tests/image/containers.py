"""Runs a container of an image, as its configuration says: in namespaces of its own, with a read-only root.

Only the network is the machine's, so that the tests reach the server.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from tests.image.images import buildah, config_of

_DEVICES = ("null", "zero", "full", "random", "urandom")
_START = 60.0  # seconds


class Container:
    """A running container; ``process`` is the one outside, ``id`` the process id of its process 1."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes], inside: list[str]) -> None:
        self.process = process
        self.id = _child_of(process)
        self._output = output
        self._inside = inside

    @property
    def log(self) -> str:
        """Return what the container has written."""
        self._output.seek(0)
        return self._output.read().decode()

    def wait_until_ready(self) -> None:
        """Wait until the health check of the container succeeds."""
        deadline = time.monotonic() + _START
        while (check := self.run("mockserver", "healthcheck")).returncode:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, check.stderr + self.log

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, with its user and environment, as `docker exec` does."""
        entering = ["nsenter", "--target", str(self.id), "--mount", "--pid", "--root", "--wd"]
        return subprocess.run(
            [*entering, *self._inside, *command], capture_output=True, text=True, check=False, timeout=60
        )

    def stop(self) -> int:
        """Send SIGTERM to process 1, as `docker stop` does; return the exit status."""
        os.kill(self.id, signal.SIGTERM)
        return self.process.wait(10)  # seconds, after which Docker kills it

    def kill(self) -> None:
        """Kill process 1, and so all processes of the container. To end the process outside would leave them."""
        if self.process.poll() is None:
            os.kill(self.id, signal.SIGKILL)
        self.process.wait(60)


@contextlib.contextmanager
def container(
    image: str,
    *command: str,
    environment: Mapping[str, str] = {},
    mounts: Mapping[str, Path] = {},
    user: str = "",
) -> Iterator[Container]:
    """Run a container with a read-only root, a writable ``/tmp`` and ``mounts``, by their places in it.

    The command runs without capabilities. ``user`` is ``uid:gid``, in place of the image's.
    """
    config = config_of(image)
    working = buildah("from", "--pull-never", image).strip()
    root = buildah("mount", working).strip()
    try:
        inside = _inside(config["Env"], environment, user or config["User"])
        program = [*config["Entrypoint"], *(command or config["Cmd"])]
        script = _script(root, config["WorkingDir"], mounts, [*inside, *program])
        outside = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "sh", "-euc", script]
        with (
            tempfile.TemporaryFile() as output,
            subprocess.Popen(outside, stdout=output, stderr=subprocess.STDOUT) as process,
        ):
            started = Container(process, output, inside)
            try:
                yield started
            finally:
                started.kill()
    finally:
        buildah("umount", working)
        buildah("rm", working)


def _inside(image: list[str], environment: Mapping[str, str], user: str) -> list[str]:
    """Return the beginning of a command in the container: without privileges, with only its own environment."""
    uid, gid = user.split(":")
    own = [f"{name}={value}" for name, value in environment.items()]
    dropping = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", *dropping, "env", "-i", *image, *own]


def _script(root: str, folder: str, mounts: Mapping[str, Path], program: list[str]) -> str:
    """Return the shell script that mounts the file systems of a container and becomes the program."""
    lines = [
        "mount --make-rprivate /",
        f"mount --bind {root} {root}",
        *(f"mkdir -p {root}{place}" for place in mounts),
        f"mount -o remount,bind,ro {root}",
        f"mount -t proc proc {root}/proc",
        f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp",
        f"mount -t tmpfs -o mode=755 tmpfs {root}/dev",
        *(f"touch {root}/dev/{name} && mount --bind /dev/{name} {root}/dev/{name}" for name in _DEVICES),
        *(f"mount --bind {shlex.quote(str(path))} {root}{place}" for place, path in mounts.items()),
        f"exec chroot {root} sh -euc {shlex.quote(f'cd {folder} && exec ' + shlex.join(program))}",
    ]
    return "\n".join(lines)


def _child_of(process: subprocess.Popen[bytes]) -> int:
    """Return the process id, outside, of the first process of a new namespace."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        if found := children.read_text().split():
            return int(found[0])
    raise AssertionError("the container has not started")

"""Runs podman as a daemon that clients of Docker can call, with the images that buildah has built.

The containers have no cgroups: a mount namespace hides those of the machine, which may be read-only.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
from docker.errors import DockerException

from tests.image.images import environment
from tests.waiting import eventually

_NEEDED = ("podman", "crun")  # and netavark, which is not in PATH
_CONFIGURATION = """\
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
seccomp_profile = "unconfined"

[engine]
cgroup_manager = "cgroupfs"

[network]
network_backend = "netavark"
"""
_SCRIPT = """\
umount --lazy /sys/fs/cgroup
mount -t tmpfs none /sys/fs/cgroup
exec podman system service --time=0 "$1"
"""


class CannotRun(Exception):
    """Podman cannot run containers here; the message says why."""


@contextlib.contextmanager
def daemon(folder: Path, image: str) -> Iterator[str]:
    """Run the daemon with a socket in ``folder``; yield its URL. Raises ``CannotRun`` if ``image`` cannot run."""
    absent = [name for name in _NEEDED if shutil.which(name) is None]
    if absent:
        raise CannotRun(f"not installed: {', '.join(absent)}")
    (folder / "containers.conf").write_text(_CONFIGURATION, "utf-8")
    socket = f"unix://{folder}/podman.sock"
    command = ["unshare", "--mount", "sh", "-uc", _SCRIPT, "sh", socket]
    variables = environment() | {"CONTAINERS_CONF": str(folder / "containers.conf")}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=variables, stdout=log, stderr=log) as process,
    ):
        try:
            eventually(lambda: (folder / "podman.sock").exists() or process.poll() is not None)
            with contextlib.closing(docker.DockerClient(socket)) as client:
                _clean(client)
                client.containers.run(image, ["models", "whisper-1"], remove=True)
                yield socket
                _clean(client)
        except DockerException as error:
            raise CannotRun(f"{error}\n{(folder / 'log').read_text('utf-8')}") from error
        finally:
            process.terminate()


def _clean(client: docker.DockerClient) -> None:
    """Remove all containers and volumes, such as those of tests that were killed."""
    for container in client.containers.list(all=True):
        container.remove(force=True)
    for volume in client.volumes.list():
        volume.remove(force=True)

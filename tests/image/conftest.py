"""Fixtures that all tests of the images share.

`make test-image` runs these tests. Where images cannot be built they are skipped; in continuous integration that is an
error.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from testcontainers.core.config import ConnectionMode, testcontainers_config

from mockserver.version import __version__
from tests.image.images import build, buildah, missing
from tests.image.podman import CannotRun, daemon


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests with the reason."""
    reason = missing()
    if reason and "CI" in os.environ:
        pytest.exit(f"the images cannot be tested: {reason}", 1)
    for item in items if reason else ():
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", params=["full", "slim"])
def image(request: pytest.FixtureRequest) -> str:
    """Return the name of each image."""
    return build(request.param)


@pytest.fixture(scope="session")
def full() -> str:
    return build("full")


@pytest.fixture(scope="session")
def slim() -> str:
    return build("slim")


@pytest.fixture
def port() -> int:
    """Return a free port of the machine, whose network the containers use."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


@pytest.fixture(scope="session")
def docker_host(full: str, slim: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a daemon that has the images with the tags of the guide; yield its URL, which DOCKER_HOST names too."""
    for image, tags in ((full, ("latest", __version__)), (slim, ("slim", f"{__version__}-slim"))):
        buildah("tag", image, *(f"docker.io/library/audio-mockserver:{tag}" for tag in tags))
    try:
        with daemon(tmp_path_factory.mktemp("podman"), slim) as url, pytest.MonkeyPatch.context() as patch:
            # Ryuk, which removes containers, would be downloaded.
            patch.setenv("DOCKER_HOST", url)
            patch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
            patch.setenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
            patch.setenv("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
            # Testcontainers has read these variables when it was imported.
            patch.setattr(testcontainers_config, "ryuk_disabled", True)
            patch.setattr(testcontainers_config, "tc_host_override", "127.0.0.1")
            patch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.docker_host)
            yield url
    except CannotRun as error:
        reason = f"podman cannot run containers: {error}"
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)

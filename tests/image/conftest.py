"""Fixtures that all tests of the images share.

`make test-image` runs these tests. Where images cannot be built they are skipped; in continuous integration that is an
error.
"""

from __future__ import annotations

import os
import socket

import pytest

from tests.image.images import build, missing


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

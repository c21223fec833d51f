"""Fixtures that all tests of a release share: the distributions, and a place to install them."""

from __future__ import annotations

import pytest

from tests.release.distributions import NAMES, Distribution, build


@pytest.fixture(scope="session", params=NAMES)
def distribution(request: pytest.FixtureRequest, built: dict[str, Distribution]) -> Distribution:
    """Return each distribution: its sdist, and the wheel that is built from the sdist."""
    return built[request.param]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Distribution]:
    folder = tmp_path_factory.mktemp("dist")
    return {name: build(name, folder) for name in NAMES}

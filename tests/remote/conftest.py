"""A web server that answers as a test says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.website import Website, serving


@pytest.fixture
def website() -> Iterator[Website]:
    with serving() as site:
        yield site

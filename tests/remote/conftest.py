"""A web server with the pages of a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.website import Website, serving


@pytest.fixture
def website() -> Iterator[Website]:
    with serving() as site:
        yield site

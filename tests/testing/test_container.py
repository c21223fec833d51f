"""The container of Testcontainers, without Docker; `make test-image` starts it."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.testing.container import IMAGE, AudioMockServerContainer
from mockserver.version import __version__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"settings": {"tears": "tier-1"}}, "settings: unknown setting 'tears'. Did you mean 'tier'"),
        ({"settings": {"port": 80}}, "settings: 'port' cannot be changed"),
        ({"settings": {"control_token": "open"}}, "settings: 'control_token' cannot be changed"),
        ({"settings": {"tls": True}}, "settings: 'tls' cannot be changed"),
        ({"stubs": "no/such/folder"}, "no/such/folder is no folder"),
        ({"fixtures": __file__}, "is no folder"),
    ],
)
def test_a_mistake_is_found_before_docker_is_asked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, NotADirectoryError), match=message):
        AudioMockServerContainer(**arguments)


def test_the_image_is_that_of_this_version() -> None:
    assert f"audio-mockserver:{__version__}" == IMAGE

"""A server with a clock of its own, an account, and a receiver of its webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def mock() -> Iterator[MockServer]:
    settings = Settings(port=0, whisper_model="none", log_level="error", webhook_seconds=20)
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def api(mock: MockServer) -> AudioApi:
    return mock.account()

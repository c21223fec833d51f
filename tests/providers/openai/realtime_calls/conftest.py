"""Sessions over a WebSocket, as in the tests of ``realtime``."""

from __future__ import annotations

from tests.providers.openai.realtime.conftest import api, connect

__all__ = ["api", "connect"]

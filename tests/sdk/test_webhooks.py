"""The official SDK for JavaScript and TypeScript unwraps webhooks."""

from __future__ import annotations

from mockserver.testing.mock_server import MockServer
from tests.sdk.node import run_session


def test_the_npm_sdk_unwraps_a_webhook_and_refuses_another_secret(server: MockServer) -> None:
    seen = run_session("webhooks.mjs", server)
    assert seen["status"] == 204
    assert (seen["event"]["type"], seen["event"]["data"]) == ("response.completed", {"id": "resp_abc123"})
    assert seen["refused"] == "InvalidWebhookSignatureError"

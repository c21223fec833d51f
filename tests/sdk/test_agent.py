"""``mockserver mcp`` with the official SDK for TypeScript of the Model Context Protocol."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from mockserver.agents.tools import tool_rows
from mockserver.testing.mock_server import MockServer
from tests.sdk.node import npm_package, run_session

pytestmark = pytest.mark.slow


def test_an_agent_in_node_scripts_a_running_server(server: MockServer) -> None:
    package = npm_package()
    if package is None or not (package.parent / "@modelcontextprotocol").is_dir():
        pytest.skip("needs the npm package @modelcontextprotocol/sdk in NODE_PATH or tests/sdk/node_modules")
    api = server.account()
    command = json.dumps([sys.executable, "-m", "mockserver", "mcp"])
    seen = run_session("agent.mjs", server, api.api_key, MCP=command)
    assert seen["tools"] == list(tool_rows())
    assert seen["guide"] == "# Stubs"
    assert seen["wrong"]["isError"]
    messages: Any = [{"role": "user", "content": "Hello."}]
    answer = api.client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    assert answer.choices[0].message.content == "Scripted by an agent."

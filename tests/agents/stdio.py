"""``mockserver mcp`` in a process of its own, and the official client of MCP for it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

from tests.conftest import ROOT

OWN = ("--whisper-model", "none", "--log-level", "warning")  # options of a server of its own


def parameters(*options: str, **variables: str) -> StdioServerParameters:
    """Return how a client starts ``mockserver mcp``."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", ""), **variables}
    return StdioServerParameters(
        command=sys.executable, args=["-m", "mockserver", "mcp", *options], env=environment
    )


def converse(
    converses: Callable[[Client], Awaitable[None]], *options: str, log: Path | None = None, **variables: str
) -> None:
    """Start ``mockserver mcp`` and let a client use it; standard error goes to the file ``log``."""

    async def begin() -> None:
        with open(log or os.devnull, "w", encoding="utf-8") as errors:
            async with Client(stdio_client(parameters(*options, **variables), errlog=errors)) as client:
                await converses(client)

    anyio.run(begin)


async def use(client: Client, name: str, /, **arguments: Any) -> Any:
    """Return the JSON of a tool's result."""
    result = await client.call_tool(name, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, text_of(result)
    return json.loads(text_of(result))


def text_of(result: CallToolResult) -> str:
    """Return the text of a tool's result."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text

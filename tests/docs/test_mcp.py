"""The guide to agents: its configurations start the server, and its tables agree with the code."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from typing import Any

import pytest
from mcp import Client

from mockserver.agents.tools import tool_rows
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.agents.stdio import converse, use
from tests.docs.guides import DOCS, SERVED_AT, blocks, table

PAGE = DOCS / "mcp.md"
GUIDE = PAGE.read_text("utf-8")
AN_AGENT, JOINS = "<!-- an agent -->\n", "<!-- an agent that joins -->\n"
CONFIGURATIONS = [
    *map(json.loads, blocks(GUIDE, "json", AN_AGENT)),
    *map(tomllib.loads, blocks(GUIDE, "toml", AN_AGENT)),
]


def started(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return how a configuration starts the server."""
    ((_, servers),) = configuration.items()
    ((name, server),) = servers.items()
    assert (name, server["command"]) == ("audio-mockserver", "mockserver")
    assert server["args"][0] == "mcp"
    found: dict[str, Any] = server
    return found


@pytest.mark.slow
@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda each: next(iter(each)))
def test_each_configuration_starts_a_server(configuration: dict[str, Any]) -> None:
    async def look(client: Client) -> None:
        assert (await use(client, "server_status"))["health"]["status"] == "ok"

    converse(look, *started(configuration)["args"][1:])


@pytest.mark.slow
def test_the_last_configuration_joins_a_server() -> None:
    (example,) = blocks(GUIDE, "json", JOINS)
    settings = Settings(port=0, whisper_model="none", log_level="warning", control_token="the-token")
    with MockServer(settings) as server:
        configuration = started(json.loads(example.replace(SERVED_AT, server.url)))

        async def look(client: Client) -> None:
            status = await use(client, "server_status")
            assert (status["url"], status["api_key"]) == (server.url, "sk-mock-me")
            assert (await use(client, "list_stubs")) == {"stubs": []}

        converse(look, *configuration["args"][1:], **configuration["env"])


def test_every_tool_is_listed_with_what_it_does() -> None:
    rows = {name.strip("`"): kind for name, kind, _ in table(PAGE, "tool")}
    kinds = {
        row.name: "reads" if row.reads else "removes" if row.destroys else "" for row in tool_rows().values()
    }
    assert rows == kinds


def test_the_bounds_are_those_of_the_code() -> None:
    from mockserver.agents import excerpts

    assert f"{excerpts.MAX_CHARACTERS:,} characters" in GUIDE


def test_the_extra_is_that_of_the_package() -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]
    named = set(re.findall(r"audio-mockserver\[(\w+)\]", GUIDE))
    assert named == {"mcp"}
    assert named <= project["optional-dependencies"].keys()
    assert sys.version_info >= (3, 11)

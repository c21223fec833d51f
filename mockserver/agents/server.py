"""The MCP server: tools and resources, by the official SDK, over standard input and output."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)

from mockserver.agents.excerpts import MAX_CHARACTERS, bounded, excerpt
from mockserver.agents.schemas import bundled, schema_names
from mockserver.agents.tools import ToolFailed, description, schema_of, tool_rows
from mockserver.guides import guides, llms_file
from mockserver.version import __version__

if TYPE_CHECKING:
    from mcp.server import ServerRequestContext

    from mockserver.agents.tools import Toolbox

_SCHEME = "mockserver://"
_MARKDOWN, _JSON = "text/markdown", "application/schema+json"
_NOT_FOUND = -32002  # the code of MCP for unknown resources
_INSTRUCTIONS = """\
An offline mock server of the OpenAI API, at {url}. Point the code under test at it: OPENAI_BASE_URL={url}/v1, \
OPENAI_API_KEY={key}. Then read what it sent (show_report, search_journal), and script answers (stub_exchange, \
add_stub), errors (add_fault), limits and the clock. The resource mockserver://llms.txt has the index of the guides."""

_Context = "ServerRequestContext[Any]"


def serve_stdio(toolbox: Toolbox, url: str, api_key: str) -> None:
    """Serve MCP until standard input ends. ``url`` and ``api_key`` are those that the instructions name."""
    anyio.run(_serve, mcp_server(toolbox, url, api_key))


def mcp_server(toolbox: Toolbox, url: str, api_key: str) -> Server[Any]:
    """Return the server with the tools of a session and its resources."""

    async def call_tool(_: ServerRequestContext[Any], asked: CallToolRequestParams) -> CallToolResult:
        return await _called(toolbox, asked.name, asked.arguments or {})

    return Server(
        "audio-mockserver",
        version=__version__,
        instructions=_INSTRUCTIONS.format(url=url, key=api_key),
        on_list_tools=_list_tools,
        on_call_tool=call_tool,
        on_list_resources=_list_resources,
        on_read_resource=_read_resource,
    )


async def _serve(server: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


async def _called(toolbox: Toolbox, name: str, arguments: dict[str, Any]) -> CallToolResult:
    """Return the result of a tool, which is called in a thread."""
    try:
        call = partial(toolbox.call, name, arguments)
        value = await to_thread.run_sync(call, abandon_on_cancel=True)
    except ToolFailed as error:
        said = excerpt(str(error), MAX_CHARACTERS)
        return CallToolResult(content=[TextContent(type="text", text=said)], is_error=True)
    return CallToolResult(content=[TextContent(type="text", text=bounded(value))])


async def _list_tools(_: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(
        tools=[
            Tool(
                name=row.name,
                description=description(row),
                input_schema=schema_of(row),
                annotations=ToolAnnotations(
                    read_only_hint=row.reads,
                    destructive_hint=row.destroys,
                    idempotent_hint=row.reads or row.repeatable,
                    open_world_hint=False,
                ),
            )
            for row in tool_rows().values()
        ]
    )


async def _list_resources(
    _: ServerRequestContext[Any], __: PaginatedRequestParams | None
) -> ListResourcesResult:
    return ListResourcesResult(resources=[resource for resource, _ in _resources()])


async def _read_resource(
    _: ServerRequestContext[Any], asked: ReadResourceRequestParams
) -> ReadResourceResult:
    for resource, text in _resources():
        if resource.uri == str(asked.uri):
            contents = TextResourceContents(uri=resource.uri, mime_type=resource.mime_type, text=text())
            return ReadResourceResult(contents=[contents])
    raise MCPError(_NOT_FOUND, f"Unknown resource {excerpt(str(asked.uri))}. resources/list names them.")


def _resources() -> list[tuple[Resource, Callable[[], str]]]:
    """Return the resources, each with a function that returns its text: llms.txt, guides and schemas."""
    found = [
        _resource("llms.txt", "The index of the guides.", _MARKDOWN, partial(llms_file().read_text, "utf-8"))
    ]
    for guide in guides():
        if guide.path.is_file():
            read = partial(guide.path.read_text, "utf-8")
            found.append(_resource(f"docs/{guide.name}", guide.contents, _MARKDOWN, read))
    for name in schema_names():
        schema = bundled(name)
        title = schema.get("description", schema.get("title", name))
        found.append(_resource(f"schemas/{name}.json", title, _JSON, partial(json.dumps, schema, indent=1)))
    return found


def _resource(
    path: str, contents: str, media_type: str, text: Callable[[], str]
) -> tuple[Resource, Callable[[], str]]:
    resource = Resource(uri=_SCHEME + path, name=path, description=contents, mime_type=media_type)
    return resource, text

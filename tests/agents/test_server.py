"""The MCP server over real standard streams, with the official client."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import openai
import pytest
from anyio import to_thread
from jsonschema import Draft202012Validator
from mcp import Client, MCPError

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.agents.stdio import OWN, converse, parameters, text_of, use

pytestmark = pytest.mark.slow

HELLO: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}


def ask(status: dict[str, Any]) -> str | None:
    with openai.OpenAI(base_url=status["base_url"], api_key=status["api_key"], max_retries=0) as client:
        answer: str | None = client.chat.completions.create(**HELLO).choices[0].message.content
        return answer


def test_an_agent_starts_a_server_and_scripts_it() -> None:
    async def script(client: Client) -> None:
        status = await use(client, "server_status")
        assert await to_thread.run_sync(ask, status) == "You wrote: Hello."
        (exchange,) = (await use(client, "search_journal"))["exchanges"]
        await use(client, "stub_exchange", id=exchange["id"], reply={"text": "Scripted."})
        assert await to_thread.run_sync(ask, status) == "Scripted."
        await use(client, "add_fault", error="rate_limit_requests", times=1)
        with pytest.raises(openai.RateLimitError):
            await to_thread.run_sync(ask, status)
        assert status["url"] in (client.instructions or "")

    converse(script, *OWN)


def test_an_agent_joins_a_running_server_for_an_account() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", control_token="the-token")
    with MockServer(settings) as server:
        api, other = server.account(), server.account()

        async def script(client: Client) -> None:
            await use(client, "add_stub", when={"endpoint": "chat"}, reply={"text": "Scripted."})

        converse(script, "--url", server.url, "--api-key", api.api_key, MOCKSERVER_CONTROL_TOKEN="the-token")
        answers = [each.client.chat.completions.create(**HELLO) for each in (api, other)]
        assert [each.choices[0].message.content for each in answers] == ["Scripted.", "You wrote: Hello."]

        async def be_refused(client: Client) -> None:
            result = await client.call_tool("list_stubs", {})
            assert result.is_error
            assert "x-mock-control-token: the header is wrong." in text_of(result)

        converse(be_refused, "--url", server.url, "--control-token", "another")


def test_the_tools_say_what_they_change() -> None:
    async def list_them(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        for tool in tools.values():
            Draft202012Validator.check_schema(tool.input_schema)
            assert tool.description
            assert tool.annotations
            assert tool.annotations.open_world_hint is False
        hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations}
        assert hints["search_journal"].read_only_hint
        assert not hints["add_stub"].read_only_hint
        assert not hints["add_stub"].destructive_hint
        assert hints["reset"].destructive_hint

    converse(list_them, *OWN)


def test_guides_and_schemas_are_resources() -> None:
    async def read_them(client: Client) -> None:
        found = {each.uri: each for each in (await client.list_resources()).resources}
        assert found["mockserver://docs/stubs.md"].mime_type == "text/markdown"
        texts = {uri: await text(client, uri) for uri in found}
        assert texts["mockserver://llms.txt"].startswith("# audio-mockserver")
        assert texts["mockserver://docs/stubs.md"].startswith("# Stubs")
        schema = json.loads(texts["mockserver://schemas/stub.json"])
        assert Draft202012Validator(schema).is_valid({"when": {"endpoint": "chat"}, "reply": {"text": "Hi."}})
        assert not Draft202012Validator(schema).is_valid(
            {"when": {"endpont": "chat"}, "reply": {"text": "Hi."}}
        )
        with pytest.raises(MCPError, match="Unknown resource"):
            await client.read_resource("mockserver://docs/../pyproject.toml")

    converse(read_them, *OWN)


async def text(client: Client, uri: str) -> str:
    (contents,) = (await client.read_resource(uri)).contents
    return str(getattr(contents, "text", ""))


def test_a_wrong_call_is_an_error_that_the_model_can_read() -> None:
    async def err(client: Client) -> None:
        for name, arguments, message in (
            ("add_stub", {"when": {"endpont": "chat"}, "reply": {"text": "x"}}, "endpont"),
            ("nonsense", {}, "Unknown tool 'nonsense'."),
            ("get_exchange", {"id": "req_none"}, "Unknown journal entry"),
            ("long" * 100_000, {}, "The tools are server_status"),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error
            assert message in text_of(result)
            assert len(text_of(result)) < 2_000

    converse(err, *OWN)


def test_an_answer_never_fills_the_context() -> None:
    async def flood(client: Client) -> None:
        status = await use(client, "server_status")

        def ask_much() -> None:
            with openai.OpenAI(base_url=status["base_url"], api_key=status["api_key"]) as sdk:
                messages: Any = [{"role": "user", "content": f"{'word ' * 700}{n}"} for n in range(40)]
                for _ in range(100):
                    sdk.chat.completions.create(model="gpt-4o-mini", messages=messages)

        await to_thread.run_sync(ask_much)
        found = await client.call_tool("search_journal", {"limit": 100})
        exchange = json.loads(text_of(found))["exchanges"][0]["id"]
        shown = await client.call_tool("get_exchange", {"id": exchange})
        assert 1_000 < len(text_of(shown)) < 17_000
        assert 1_000 < len(text_of(found)) < 17_000

    converse(flood, *OWN)


def test_nothing_but_the_protocol_is_on_standard_output_and_the_end_of_input_ends_it(tmp_path: Path) -> None:
    begun = parameters("--whisper-model", "none", "--log-level", "debug")
    asked = [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "server_status"}},
    ]
    process = subprocess.Popen(
        [begun.command, *begun.args],
        env=begun.env,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(
        b"no JSON\n\xff\xfe\n" + b"".join(json.dumps(each).encode() + b"\n" for each in asked)
    )
    process.stdin.flush()
    answers: list[dict[str, Any]] = []
    while not any(answer.get("id") == 2 for answer in answers):
        answers.append(json.loads(process.stdout.readline()))
    rest, _ = process.communicate(timeout=60)
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
    assert [answer["jsonrpc"] for answer in answers] == ["2.0"] * len(answers)
    assert process.returncode == 0


def test_a_client_that_leaves_during_a_wait_ends_the_server() -> None:
    async def leave(client: Client) -> None:
        from anyio import move_on_after

        with move_on_after(0.2):
            await client.call_tool("wait_for_requests", {"timeout": 60})

    converse(leave, *OWN)

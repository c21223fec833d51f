"""Which tools a choice allows and demands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mockserver.engines.dialogue import Tool
from mockserver.providers.openai.dialogue.tool_choice import chosen

TOOLS = tuple(Tool(name, {}) for name in "abc")


def name_of(tool: Mapping[str, Any]) -> str:
    return str(tool["name"])


@pytest.mark.parametrize(
    ("choice", "allowed", "demanded"),
    [
        ("auto", "abc", ""),
        (None, "abc", ""),
        ("none", "", ""),
        ("required", "abc", "abc"),
        ({"type": "function", "name": "b"}, "b", "b"),
        ({"type": "function", "name": "x"}, "", ""),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"name": "c"}, {"name": "a"}]}, "ac", ""),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"name": "c"}]}},
            "c",
            "c",
        ),
    ],
)
def test_a_choice_allows_and_demands_tools(choice: object, allowed: str, demanded: str) -> None:
    found = chosen(TOOLS, choice, name_of)
    assert tuple("".join(tool.name for tool in tools) for tools in found) == (allowed, demanded)

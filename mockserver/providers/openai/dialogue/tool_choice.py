"""Reads which tools a request lets the model call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.engines.dialogue import Tool

Tools = tuple["Tool", ...]


def chosen(tools: Tools, choice: object, name_of: Callable[[Mapping[str, Any]], str]) -> tuple[Tools, Tools]:
    """Return the tools that may be called, and those of which one must be called.

    ``name_of`` returns the name of the tool that an object of the choice refers to.
    """
    if choice == "none":
        return (), ()
    if choice == "required":
        return tools, tools
    if not isinstance(choice, dict):
        return tools, ()
    if choice.get("type") == "allowed_tools":
        allowance = choice.get("allowed_tools", choice)
        allowed = _named(tools, map(name_of, allowance["tools"]))
        return allowed, allowed if allowance["mode"] == "required" else ()
    required = _named(tools, (name_of(choice),))
    return required, required


def _named(tools: Tools, names: Iterable[str]) -> Tools:
    wanted = set(names)
    return tuple(tool for tool in tools if tool.name in wanted)

"""Reads the items of an input as turns of a conversation. Their types and members may be unknown or missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from mockserver.engines.dialogue import ToolCall
from mockserver.pipeline.document_facts import text_in

Item = Mapping[str, Any]

_TEXTS = {  # types of parts, with the members that have their text
    "input_text": "text",
    "output_text": "text",
    "text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
}
_ROLES = ("user", "assistant", "system", "developer")


def kind_of(item: Item) -> str:
    """Return the type of an item; one without a type is a message, or a reference if it has only an id."""
    kind = text_in(item.get("type"))
    if kind:
        return kind
    return "message" if item.get("role") in _ROLES else "item_reference"


def parts_of(content: object) -> Iterator[tuple[int, Item]]:
    """Yield the parts of a message or an output, each with its place."""
    for place, part in enumerate(content if isinstance(content, list) else ()):
        if isinstance(part, Mapping):
            yield place, part


def texts_of(content: object) -> list[str]:
    """Return the texts of a message or an output, which is a text or a list of parts."""
    if isinstance(content, str):
        return [content]
    return [text_of(part) for _, part in parts_of(content)]


def text_of(part: Item) -> str:
    """Return the text of a part; empty for one without text."""
    return text_in(part.get(_TEXTS.get(text_in(part.get("type")), "")))


def call_of(item: Item) -> tuple[str, ToolCall] | None:
    """Return the call that an item shows, with its id; ``None`` if it shows none."""
    read = _CALLS.get(kind_of(item))
    return read(item) if read else None


def result_of(item: Item) -> tuple[str, list[str]] | None:
    """Return the result that an item contains: the id of its call, and its texts; ``None`` if it contains none."""
    read = _RESULTS.get(kind_of(item))
    return (_call_id(item), read(item)) if read else None


def runs(items: Iterable[tuple[int, Item]]) -> Iterator[list[tuple[int, Item]]]:
    """Yield the numbered items; calls that follow each other directly are one list."""
    for is_call, run in groupby(items, lambda each: kind_of(each[1]) in _CALLS):
        if is_call:
            yield list(run)
        else:
            yield from ([each] for each in run)


def _call_id(item: Item) -> str:
    named = (text_in(item.get(name)) for name in ("call_id", "approval_request_id", "id"))
    return next(filter(None, named), "")


def _function_call(item: Item) -> tuple[str, ToolCall]:
    return _call_id(item), ToolCall(text_in(item.get("name")), text_in(item.get("arguments")))


def _custom_call(item: Item) -> tuple[str, ToolCall]:
    return _call_id(item), ToolCall(text_in(item.get("name")), text_in(item.get("input")), custom=True)


def _client_call(item: Item) -> tuple[str, ToolCall]:
    """Return a call of a built-in tool that the client runs."""
    kind = kind_of(item).removesuffix("_call")
    return _call_id(item), ToolCall(kind, "", built_in=kind)


_CALLS: Mapping[str, Callable[[Item], tuple[str, ToolCall]]] = {
    "function_call": _function_call,
    "custom_tool_call": _custom_call,
    "computer_call": _client_call,
    "local_shell_call": _client_call,
    "shell_call": _client_call,
    "apply_patch_call": _client_call,
}


def _output(item: Item) -> list[str]:
    return texts_of(item.get("output"))


def _shell_output(item: Item) -> list[str]:
    return [
        text_in(part.get(name)) for _, part in parts_of(item.get("output")) for name in ("stdout", "stderr")
    ]


def _approval(item: Item) -> list[str]:
    return ["approved" if item.get("approve") else f"refused {text_in(item.get('reason'))}".strip()]


_RESULTS: Mapping[str, Callable[[Item], list[str]]] = {
    "function_call_output": _output,
    "custom_tool_call_output": _output,
    "computer_call_output": _output,
    "local_shell_call_output": _output,
    "shell_call_output": _shell_output,
    "apply_patch_call_output": _output,
    "mcp_approval_response": _approval,
}


def declared_in(items: Sequence[Item]) -> list[Item]:
    """Return the tools that items of the input declare."""
    added = [
        item.get("tools") for item in items if kind_of(item) in ("additional_tools", "tool_search_output")
    ]
    return [tool for tools in added if isinstance(tools, list) for tool in tools if isinstance(tool, Mapping)]

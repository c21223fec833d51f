"""The items of responses and conversations: their form on the wire, their ids, and what is shown of them.

An item is an object with a ``type``, such as a message or a function call. Stored items are complete; clients are shown
the members that are always shown, and those that they name in ``include``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.catalog.reading import read_table

if TYPE_CHECKING:
    from mockserver.providers.openai.response_work.records import Item

REFERENCE = "item_reference"
# The types of calls, and of their outputs, with their names in refusals.
OUTPUTS = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "computer_call": "computer_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
}
_DECLARING = ("additional_tools", "tool_search_output")  # items that declare tools
_NAMED = ("function", "custom", "namespace")  # tools with a name

_TABLE = Path(__file__).parents[3] / "catalog" / "response_items.toml"
_HEAD = ("id", "type", "status")  # the other members follow in alphabetical order
_NEVER_SHOWN = {"input_file": ("file_data",)}
_PART_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "input_file": {"file_id": None, "filename": None},
    "input_image": {"detail": "auto", "file_id": None, "image_url": None},
    "output_text": {"annotations": [], "logprobs": []},
}
_OTHERWISE: Mapping[str, Any] = {"null": None, "empty": []}


class _Include(Struct, frozen=True):
    """A row of ``includes`` in ``catalog/response_items.toml``, which explains the columns."""

    item: str
    member: str
    within: str = ""
    part: str = ""
    otherwise: str = ""

    def hide(self, item: Item) -> Item:
        """Return the item without what the row shows."""
        if self.part:
            parts = [
                self._hidden(part) if part.get("type") == self.part else part for part in item["content"]
            ]
            return item | {"content": parts}
        if self.within:
            inner = item.get(self.within)
            return item | {self.within: self._hidden(inner)} if isinstance(inner, dict) else item
        return self._hidden(item)

    def _hidden(self, found: Item) -> Item:
        if self.otherwise and self.member in found:
            return found | {self.member: _OTHERWISE[self.otherwise]}
        return {name: value for name, value in found.items() if name != self.member}


def read_items(given: object, new_id: Callable[[str], str]) -> list[Item]:
    """Return the items of an ``input``, complete and with ids. References stay as they are.

    ``new_id`` returns an id for an item without one; its argument is the prefix of the item's type.
    What is not an item, in a request that was not validated, is left out.
    """
    if isinstance(given, str):
        given = [{"role": "user", "content": given}] if given else []
    return [_completed(item, new_id) for item in _objects(given)]


def type_of(item: Item) -> str:
    """Return the type of an item of a request, which messages and references may omit."""
    return str(item.get("type") or ("message" if "role" in item else REFERENCE))


def is_complete(item: Item) -> bool:
    """Return whether an item has the members that all stored items of its type have."""
    kind, call_id, content = item.get("type"), item.get("call_id"), item.get("content")
    if not isinstance(kind, str) or not isinstance(item.get("id"), str):
        return False
    if not isinstance(call_id, str) and (call_id is not None or kind in OUTPUTS):
        return False
    if kind in _DECLARING and not _are_tools(item.get("tools") or []):
        return False
    if content is None:
        return kind != "message"
    return isinstance(content, list) and all(map(_is_part, content))


def _is_part(found: object) -> bool:
    return (
        isinstance(found, dict)
        and isinstance(found.get("type"), str)
        and isinstance(found.get("input_audio", {}), dict)
    )


def _are_tools(found: object) -> bool:
    """Return whether they are tools with types, and functions, custom tools and namespaces have names."""
    return isinstance(found, list) and all(
        isinstance(tool, dict)
        and isinstance(tool.get("type"), str)
        and isinstance(tool.get("name", "" if tool["type"] not in _NAMED else None), str)
        and _are_tools(tool.get("tools") or [])
        for tool in found
    )


def prefix_of(item_type: str) -> str:
    """Return the prefix of the ids of items of a type."""
    row = _tables()["items"].get(item_type)
    return str(row["prefix"]) if row else "item"


def shown(item: Item, include: Collection[str] = ()) -> Item:
    """Return an item as clients see it: without what they must name in ``include`` and have not."""
    for name, row in _includes().items():
        if row.item == item["type"] and name not in include:
            item = row.hide(item)
    if item["type"] == "message":
        item = item | {"content": [_without_bytes(part) for part in item["content"]]}
    return item


def _completed(item: Item, new_id: Callable[[str], str]) -> Item:
    kind = type_of(item)
    if kind == REFERENCE:
        return {"type": REFERENCE, "id": item.get("id")}
    members = {name: value for name, value in item.items() if value is not None}
    if kind == "message":
        members["content"] = _parts(item.get("content") or "", str(item.get("role")))
    elif kind == "reasoning":
        members.setdefault("content", [])
    if _tables()["items"].get(kind, {}).get("status"):
        members.setdefault("status", "completed")
    members["type"] = kind
    members["id"] = item.get("id") or new_id(prefix_of(kind))
    head = [name for name in _HEAD if name in members]
    return {name: members[name] for name in (*head, *sorted(members.keys() - set(head)))}


def _parts(content: object, role: str) -> list[Item]:
    """Return the parts of a message's content, with the members that they have by default."""
    if isinstance(content, str):
        content = [{"type": "output_text" if role == "assistant" else "input_text", "text": content}]
    parts = []
    for part in _objects(content):
        kind = str(part.get("type"))
        members = {**_PART_DEFAULTS.get(kind, {}), **part}
        parts.append({"type": kind} | {name: members[name] for name in sorted(members) if name != "type"})
    return parts


def _objects(found: object) -> list[Item]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _without_bytes(part: Item) -> Item:
    hidden = _NEVER_SHOWN.get(part.get("type", ""), ())
    return {name: value for name, value in part.items() if name not in hidden} if hidden else part


@cache
def _tables() -> Mapping[str, Any]:
    return read_table(_TABLE)


@cache
def _includes() -> Mapping[str, _Include]:
    return {name: _Include(**row) for name, row in _tables()["includes"].items()}

"""Responses and conversations in the store.

The value of a response has the object as it is answered (``response``) and the items of its ``input``; that of a
conversation has its object (``conversation``) and its ``items``. An item is an object with a ``type``, such as a
message or a function call; items are stored complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mockserver.state.protocols import Documents

RESPONSE, CONVERSATION = "response", "conversation"  # kinds of the store's values

_LIFETIME = 30 * 24 * 3600  # seconds for which responses are kept (guide Conversation state)

Value = dict[str, Any]
Item = dict[str, Any]


def find_response(store: Documents, account_id: str, response_id: str, now: float) -> Value | None:
    """Return the value of a response, or ``None``."""
    value = store.get(RESPONSE, account_id, response_id)
    return None if value is None or is_expired(value, now) else value


def is_expired(value: Value, now: float) -> bool:
    """Return whether a response is no longer kept."""
    return bool(value["response"]["created_at"] + _LIFETIME <= now)


def find_conversation(store: Documents, account_id: str, conversation_id: str) -> Value | None:
    """Return the value of a conversation, or ``None``."""
    return store.get(CONVERSATION, account_id, conversation_id)


def add_items(store: Documents, account_id: str, conversation_id: str, items: Sequence[Item]) -> Value | None:
    """Add items to a conversation at once. Return its value, ``None`` if there is no such conversation.

    Items that it has already stay where they are.
    """

    def add(value: Value) -> Value:
        known = {item["id"] for item in value["items"]}
        return value | {"items": [*value["items"], *(item for item in items if item["id"] not in known)]}

    return store.update(CONVERSATION, account_id, conversation_id, add, evict=True)


def items_of(value: Value) -> list[Item]:
    """Return the items of a response: its input and its output."""
    return [*value["input"], *value["response"]["output"]]


def conversation_id_of(body: Mapping[str, Any]) -> str | None:
    """Return the id of the conversation that a request or a response belongs to."""
    named = body.get("conversation")
    found = named.get("id") if isinstance(named, dict) else named
    return found if isinstance(found, str) else None


def previous_id_of(body: Mapping[str, Any]) -> str | None:
    """Return the id of the response that a request or a response continues."""
    found = body.get("previous_response_id")
    return found if isinstance(found, str) else None

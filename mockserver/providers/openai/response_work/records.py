"""Responses and conversations in the store.

The value of a response has the object as it is answered (``response``) and the items of its ``input``; that of a
conversation has its object (``conversation``) and its first ``items``. Further ones are values of their own, numbered
pages, so that an addition to a long conversation writes only the last page; ``pages`` is their number. An item is an
object with a ``type``, such as a message or a function call; items are stored complete.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mockserver.state.protocols import Documents

RESPONSE, CONVERSATION, PAGE = "response", "conversation", "conversation_page"  # kinds of the store's values

_PAGE_ITEMS = 64  # items after which a page is full
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
    """Return the value of a conversation with the items of all pages, or ``None``."""
    value = store.get(CONVERSATION, account_id, conversation_id)
    return None if value is None else with_pages(store, account_id, value)


def with_pages(store: Documents, account_id: str, value: Value) -> Value:
    """Return the value of a conversation with the items of all pages."""
    return value | {"items": list(chain.from_iterable(_pages(store, account_id, value)))}


def add_items(store: Documents, account_id: str, conversation_id: str, items: Sequence[Item]) -> bool:
    """Add items to a conversation at once. Return whether there is such a conversation.

    Items that it has already stay where they are.
    """
    conversation = store.get(CONVERSATION, account_id, conversation_id)
    if conversation is None:
        return False
    added = {item["id"] for item in items}
    for page in _pages(store, account_id, conversation):
        added.difference_update([item["id"] for item in page])
    new = [item for item in items if item["id"] in added]

    def add(value: Value) -> Value:
        return value | {"items": [*value["items"], *new]}

    kind, key = _places(conversation)[-1]
    last = store.get(kind, account_id, key)
    if last is not None and len(last["items"]) < _PAGE_ITEMS:
        return store.update(kind, account_id, key, add, evict=True) is not None
    return _add_page(store, account_id, conversation_id, new)


def remove_item(store: Documents, account_id: str, conversation_id: str, item_id: str) -> None:
    """Remove an item of a conversation."""

    def without(value: Value) -> Value:
        return value | {"items": [item for item in value["items"] if item["id"] != item_id]}

    for kind, key in _places(store.get(CONVERSATION, account_id, conversation_id)):
        value = store.get(kind, account_id, key)
        if value is not None and any(item["id"] == item_id for item in value["items"]):
            store.update(kind, account_id, key, without)


def remove_conversation(store: Documents, account_id: str, conversation_id: str) -> bool:
    """Remove a conversation with its items. Return whether there was one."""
    places = _places(store.get(CONVERSATION, account_id, conversation_id))
    return True in [store.remove(kind, account_id, key) for kind, key in places]


def _add_page(store: Documents, account_id: str, conversation_id: str, items: Sequence[Item]) -> bool:
    """Add a page to a conversation. Return whether there is such a conversation."""

    def count(value: Value) -> Value:
        return value | {"pages": value.get("pages", 0) + 1}

    value = store.update(CONVERSATION, account_id, conversation_id, count)
    if value is None:
        return False
    key = _page_keys(value)[-1]
    store.put(PAGE, account_id, key, {"id": key, "items": list(items)})
    return True


def _pages(store: Documents, account_id: str, value: Value) -> Iterator[list[Item]]:
    """Yield the items of a conversation, in pages."""
    yield value["items"]
    for key in _page_keys(value):
        page = store.get(PAGE, account_id, key)
        if page is not None:
            yield page["items"]


def _page_keys(value: Value) -> list[str]:
    return [f"{value['conversation']['id']}/{number}" for number in range(1, value.get("pages", 0) + 1)]


def _places(value: Value | None) -> list[tuple[str, str]]:
    """Return kind and key of the values with the items of a conversation."""
    if value is None:
        return []
    return [(CONVERSATION, value["conversation"]["id"]), *((PAGE, key) for key in _page_keys(value))]


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

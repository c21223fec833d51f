"""``/v1/conversations``: conversations and their items, which requests add and responses continue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.providers.openai.pages import Paging, list_object
from mockserver.providers.openai.queries import read_query
from mockserver.providers.openai.response_work.identifiers import (
    Chain,
    chain_of,
    conversation_id,
    conversation_item_id,
    new_chain,
)
from mockserver.providers.openai.response_work.items import read_items, shown
from mockserver.providers.openai.response_work.records import (
    CONVERSATION,
    Item,
    Value,
    add_items,
    remove_conversation,
    remove_item,
    with_pages,
)
from mockserver.providers.openai.responses.chains import with_references
from mockserver.providers.openai.responses.stored import ENDS_WITH, answer, included, items_page

if TYPE_CHECKING:
    from mockserver.pipeline.call import Answer, Call
    from mockserver.providers.openai.contexts import ResponsesContext

_PAGES = Paging("openai/response_item_page.query", missing="conversation_item_not_found", ends_with=ENDS_WITH)
_INCLUDE = "openai/conversation_item.query"
_EXAMPLE_CREATED = 1_741_900_000
_EXAMPLE_ITEM = {"role": "user", "content": "Example"}


def create_conversation(context: ResponsesContext, call: Call) -> Answer:
    """Create a conversation, with items if the request has some."""
    chain, now = new_chain(context.ids), context.clock.now()
    conversation = _object(conversation_id(context.ids, chain, now), int(now), call.document.get("metadata"))
    value = {"conversation": conversation, "items": _new_items(context, call, chain)}
    context.store.put(CONVERSATION, call.account.id, conversation["id"], value)
    return answer(conversation)


def retrieve_conversation(context: ResponsesContext, call: Call) -> Answer:
    """Return a conversation, without its items."""
    return answer(_stored(context, call)["conversation"])


def update_conversation(context: ResponsesContext, call: Call) -> Answer:
    """Replace the metadata of a conversation."""
    metadata = call.document.get("metadata") or {}

    def label(value: Value) -> Value:
        return value | {"conversation": value["conversation"] | {"metadata": metadata}}

    changed = context.store.update(CONVERSATION, call.account.id, call.path["id"], label)
    return answer((changed or label(_stored(context, call)))["conversation"])


def delete_conversation(context: ResponsesContext, call: Call) -> Answer:
    """Delete a conversation with its items."""
    wanted = call.path["id"]
    if not remove_conversation(context.store, call.account.id, wanted) and call.strict:
        raise ApiError("conversation_not_found", id=wanted)
    return answer({"id": wanted, "object": "conversation.deleted", "deleted": True})


def list_items(context: ResponsesContext, call: Call) -> Answer:
    """Return a page of the items of a conversation."""
    return answer(items_page(context, call, _items(context, call), _PAGES))


def create_items(context: ResponsesContext, call: Call) -> Answer:
    """Add items to a conversation, and return them."""
    include = included(read_query(context.request_schemas, call, _INCLUDE))
    wanted = call.path["id"]
    _stored(context, call)
    items = _new_items(context, call, chain_of(wanted) or new_chain(context.ids))
    if not add_items(context.store, call.account.id, wanted, items) and call.strict:
        raise ApiError("conversation_not_found", id=wanted)
    listed = [shown(item, include) for item in items]
    return answer(list_object(call, listed, has_more=False, ends_with=ENDS_WITH))


def retrieve_item(context: ResponsesContext, call: Call) -> Answer:
    """Return an item of a conversation."""
    include = included(read_query(context.request_schemas, call, _INCLUDE))
    return answer(shown(_item(context, call), include))


def delete_item(context: ResponsesContext, call: Call) -> Answer:
    """Delete an item of a conversation, and return the conversation."""
    value = _stored(context, call)
    _item(context, call)
    remove_item(context.store, call.account.id, call.path["id"], call.path["item_id"])
    return answer(value["conversation"])


def _object(wanted: str, created: int, metadata: Value | None) -> Value:
    return {"id": wanted, "object": "conversation", "created_at": created, "metadata": metadata or {}}


def _new_items(context: ResponsesContext, call: Call, chain: Chain) -> list[Item]:
    """Return the items of the request, complete and with ids. Raises ``ApiError``."""
    now = context.clock.now()

    def new_id(prefix: str) -> str:
        return conversation_item_id(context.ids, chain, now, prefix)

    return with_references(context, call, read_items(call.document.get("items"), new_id))


def _items(context: ResponsesContext, call: Call) -> list[Item]:
    """Return the items of the conversation that the path names. Raises ``ApiError``."""
    found: list[Item] = with_pages(context.store, call.account.id, _stored(context, call))["items"]
    return found


def _item(context: ResponsesContext, call: Call) -> Item:
    """Return the item that the path names. Raises ``ApiError``."""
    wanted = call.path["item_id"]
    for item in _items(context, call):
        if item["id"] == wanted:
            return item
    if call.strict:
        raise ApiError("conversation_item_not_found", id=wanted)
    (example,) = read_items([_EXAMPLE_ITEM | {"id": wanted}], str)
    return example


def _stored(context: ResponsesContext, call: Call) -> Value:
    """Return the value of the conversation that the path names, without further pages.

    Raises ``ApiError``, unless examples are answered.
    """
    wanted = call.path["id"]
    value = context.store.get(CONVERSATION, call.account.id, wanted)
    if value is None and call.strict:
        raise ApiError("conversation_not_found", id=wanted)
    return value or {"conversation": _object(wanted, _EXAMPLE_CREATED, None), "items": []}

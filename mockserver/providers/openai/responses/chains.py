"""What a request continues: an earlier response, a conversation, and single items that it refers to by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.providers.openai.response_work.connection_memory import turn_of
from mockserver.providers.openai.response_work.identifiers import chain_of, item_id, new_chain
from mockserver.providers.openai.response_work.items import REFERENCE, read_items
from mockserver.providers.openai.response_work.records import (
    CONVERSATION,
    RESPONSE,
    Item,
    Value,
    add_items,
    conversation_id_of,
    find_conversation,
    find_response,
    is_expired,
    items_of,
    previous_id_of,
    with_pages,
)
from mockserver.providers.openai.responses.requests.facts import INPUT, ResponseDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from mockserver.pipeline.call import Call
    from mockserver.pipeline.request_facts import LiveFacts
    from mockserver.providers.openai.contexts import ResponsesContext
    from mockserver.providers.openai.response_work.identifiers import Chain


def chain_for(context: ResponsesContext, call: Call) -> Chain:
    """Return the chain of the ids of a request's response: that of what it continues, or a new one."""
    continued = conversation_id_of(call.document) or previous_id_of(call.document) or ""
    return chain_of(continued) or new_chain(context.ids)


def check_conversation(context: ResponsesContext, call: Call) -> None:
    """Raise ``ApiError`` if the request names a conversation that does not exist."""
    wanted = conversation_id_of(call.document)
    if wanted is None or not call.strict:
        return
    if find_conversation(context.store, call.account.id, wanted) is None:
        raise ApiError("conversation_not_found", id=wanted)


def check_previous(context: ResponsesContext, call: Call) -> None:
    """Raise ``ApiError`` if the request continues a response that is not stored."""
    wanted = previous_id_of(call.document)
    if wanted is None or not call.strict:
        return
    turn = turn_of(call)
    if turn is not None and turn.memory.is_latest(wanted):
        return
    if find_response(context.store, call.account.id, wanted, context.clock.now()) is None:
        raise ApiError("previous_response_not_found", id=wanted)


def earlier_items(context: ResponsesContext, call: Call) -> list[Item]:
    """Return the items before the input: those of the conversation, or of the responses that the request continues.

    Instructions of earlier responses are not among them. Raises ``ApiError``.
    """
    check_conversation(context, call)
    check_previous(context, call)
    parts = [*_earlier_parts(context, call)]
    return [item for part in reversed(parts) for item in part]


def earlier_user_text(context: ResponsesContext, facts: LiveFacts) -> str:
    """Return the text of the user's last message before the input of a request, which need not be valid."""
    documents = (ResponseDocument({INPUT: part}) for part in _earlier_parts(context, facts))
    return next((each.user_text for each in documents if each.has_user_text), "")


def input_items(context: ResponsesContext, call: Call, chain: Chain) -> list[Item]:
    """Return the items of the request's input, complete, with ids, and with items in place of references.

    Raises ``ApiError`` for a reference to an item that is not stored.
    """
    now = context.clock.now()
    items = read_items(call.document.get("input"), lambda prefix: item_id(context.ids, chain, now, prefix))
    return with_references(context, call, items)


def with_references(context: ResponsesContext, call: Call, items: Sequence[Item]) -> list[Item]:
    """Return the items, with stored ones in place of references.

    Raises ``ApiError`` for a reference to an item that is not stored, and for reasoning that has only an id.
    """
    needed = [_id_needed(item) for item in items]
    stored = find_items(context, call, {each for each in needed if each is not None})
    found: list[Item] = []
    for item, wanted in zip(items, needed, strict=True):
        if wanted in stored:
            found.append(stored[wanted])
        elif wanted is not None and call.strict:
            known_form = chain_of(wanted) is not None
            raise ApiError("response_item_not_stored" if known_form else "response_item_not_found", id=wanted)
        elif item["type"] != REFERENCE:
            found.append(item)
    return found


def find_items(context: ResponsesContext, call: Call, wanted: AbstractSet[str]) -> dict[str, Item]:
    """Return stored items by their ids, those that a response or a conversation of their chain has."""
    chains = {chain for chain in map(chain_of, wanted) if chain is not None}
    found: dict[str, Item] = {}
    for items in _items_of_chains(context, call, chains) if chains else ():
        for item in items:
            if item["id"] in wanted:
                found.setdefault(item["id"], item)
    return found


def keep(context: ResponsesContext, call: Call, response: Value, items: Sequence[Item]) -> None:
    """Store a response that has ended, unless the request says ``store: false``. A WebSocket remembers it anyway.

    ``response`` is its object as it is retrieved, ``items`` are those of its input. Its conversation gets input and
    output at once, but nothing of a failed response.
    """
    value: Value = {**call.kept, "response": response, "input": list(items)}
    turn = turn_of(call)
    if turn is not None:
        turn.keep(value)
    if response.get("store", True):
        context.store.put(RESPONSE, call.account.id, response["id"], value)
    conversation_id = conversation_id_of(response)
    if conversation_id is not None and response["status"] != "failed":
        add_items(context.store, call.account.id, conversation_id, items_of(value))


def _id_needed(item: Item) -> str | None:
    """Return the id of the stored item that an item stands for, ``None`` for a complete item."""
    is_needed = item["type"] == REFERENCE or (item["type"] == "reasoning" and "encrypted_content" not in item)
    return str(item.get("id")) if is_needed else None


def _earlier_parts(context: ResponsesContext, call: Call | LiveFacts) -> Iterator[list[Item]]:
    """Yield the items before the input, latest parts first: those of a conversation or of responses."""
    conversation_id = conversation_id_of(call.document)
    if conversation_id is None:
        yield from _parts_until(context, call, previous_id_of(call.document))
    elif value := find_conversation(context.store, call.account.id, conversation_id):
        yield value["items"]


def _parts_until(
    context: ResponsesContext, call: Call | LiveFacts, response_id: str | None
) -> Iterator[list[Item]]:
    """Yield the items of a response and of each that it continues, latest first.

    They end where a response was deleted. If one belongs to a conversation, the items before it are the beginning.
    """
    seen: set[str] = set()
    now, turn = context.clock.now(), turn_of(call)
    while response_id and response_id not in seen:
        seen.add(response_id)
        value = find_response(context.store, call.account.id, response_id, now)
        if value is None and turn is not None:
            value = turn.memory.find(response_id)
        if value is None:
            break
        yield items_of(value)
        conversation_id = conversation_id_of(value["response"])
        if conversation_id is not None:
            yield _items_before(context, call, conversation_id, value)
            break
        response_id = previous_id_of(value["response"])


def _items_before(
    context: ResponsesContext, call: Call | LiveFacts, conversation_id: str, response: Value
) -> list[Item]:
    """Return the items of a conversation that came before a response in it."""
    conversation = find_conversation(context.store, call.account.id, conversation_id)
    own = {item["id"] for item in items_of(response)}
    before: list[Item] = []
    for item in conversation["items"] if conversation else ():
        if item["id"] in own:
            return before
        before.append(item)
    return before


def _items_of_chains(
    context: ResponsesContext, call: Call, chains: AbstractSet[Chain]
) -> Iterator[Sequence[Item]]:
    store, account_id, now = context.store, call.account.id, context.clock.now()
    for value in store.values(RESPONSE, account_id):
        if chain_of(value["response"]["id"]) in chains and not is_expired(value, now):
            yield items_of(value)
    for value in store.values(CONVERSATION, account_id):
        if chain_of(value["conversation"]["id"]) in chains:
            yield with_pages(store, account_id, value)["items"]

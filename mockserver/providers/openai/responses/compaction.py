"""``POST /v1/responses/compact``, and the compaction items that it makes, which later inputs contain.

Messages of the user stay as they are; everything else is sealed in one item. Where an input has such an item, the
conversation is read as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from mockserver import json_styles
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.response_work.identifiers import Chain, compaction_id, item_id
from mockserver.providers.openai.response_work.items import is_complete, prefix_of, shown
from mockserver.providers.openai.response_work.sealed import seal, unseal
from mockserver.providers.openai.responses import chains
from mockserver.providers.openai.responses.requests.request import response_request
from mockserver.wire import responses, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mockserver.providers.openai.contexts import ResponsesContext
    from mockserver.providers.openai.response_work.records import Item

_TYPE = "compaction"


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a compaction item seals: items, each with the number of the user's messages before it, and their number."""

    users: Annotated[int, msgspec.Meta(ge=0)]
    items: list[tuple[int, dict[str, Any]]]


_NOTHING = _Content(0, [])


def compact_response(context: ResponsesContext, call: Call) -> Answer:
    """Return the user's messages of a conversation, and an item with everything else."""
    now, chain = context.clock.now(), chains.chain_for(context, call)
    earlier, given = opened(chains.earlier_items(context, call), chains.input_items(context, call, chain))
    prompt_tokens = response_request(context, call, earlier, given).prompt_tokens
    items = [*earlier, *given]
    # The documented types have no place for messages of the user in this answer.
    kept = [item for item in items if call.strict and _is_of_user(item)]
    sealed = [item for item in items if not (call.strict and _is_of_user(item))]
    usage = responses.usage(read=prompt_tokens, written=_tokens(sealed, call.vocabulary))
    body = {
        "id": compaction_id(context.ids, chain, now),
        "object": "response.compaction",
        "created_at": int(now),
        "output": [
            *map(shown, kept),
            compaction_item(context, chain, now, items, has_users=call.strict),
        ],
        "usage": usage,
    }
    return Answer(json_styles.compact(body), "application/json", usage=usage)


def compaction_item(
    context: ResponsesContext, chain: Chain, now: float, items: Sequence[Item], *, has_users: bool = True
) -> Item:
    """Return the item with all ``items``, without the messages of the user if the item ``has_users`` before it."""
    users, sealed = 0, []
    for item in items:
        if has_users and _is_of_user(item):
            users += 1
        else:
            sealed.append([users, item])
    return {
        "id": item_id(context.ids, chain, now, prefix_of(_TYPE)),
        "type": _TYPE,
        "encrypted_content": seal(context.ids, now, {"users": users, "items": sealed}),
    }


def opened(earlier: Sequence[Item], given: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """Return the items with what compaction items contain in their place: ``earlier`` ones, and those after them.

    Items that are not from a server like this one contain nothing.
    """
    items = [*earlier, *given]
    last = max((place for place, item in enumerate(items) if item["type"] == _TYPE), default=-1)
    if last < 0:
        return earlier, given
    end = max(last + 1, len(earlier))
    found: list[Item] = []
    for item in items[:end]:
        if item["type"] == _TYPE:
            found = _merged(found, _content(item))
        else:
            found.append(item)
    return found, items[end:]


def _is_of_user(item: Item) -> bool:
    return item["type"] == "message" and item.get("role") == "user"


def _content(item: Item) -> _Content:
    try:
        content = msgspec.convert(unseal(str(item.get("encrypted_content"))), _Content)
        return content if all(is_complete(sealed) for _, sealed in content.items) else _NOTHING
    except (ValueError, RecursionError):  # of a compaction that was made elsewhere, too
        return _NOTHING


def _merged(before: list[Item], content: _Content) -> list[Item]:
    """Return the items with the sealed ones where they were, between the messages of the user before them."""
    first = max(0, len(before) - content.users)
    users = before[first:]
    if len(users) < content.users or not all(map(_is_of_user, users)):
        first, users = len(before), []
    ordered = sorted([*enumerate(users, 1), *content.items], key=lambda numbered: numbered[0])
    return before[:first] + [item for _, item in ordered]


def _tokens(items: Sequence[Item], vocabulary: tokens.Vocabulary) -> int:
    """Return the tokens of all texts in the items."""
    return sum(tokens.count(text, vocabulary) for item in items for text in _texts(item))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name in ("text", "arguments", "input", "output", "refusal") and isinstance(each, str):
                yield each
            else:
                yield from _texts(each)

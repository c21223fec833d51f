"""Calls to stored responses: retrieve and delete them, and list the items of their input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver import json_styles
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.pages import Paging, page
from mockserver.providers.openai.queries import read_query
from mockserver.providers.openai.response_work.items import shown
from mockserver.providers.openai.response_work.records import RESPONSE, Item, Value, find_response
from mockserver.providers.openai.responses.event_stream import check_streamable, event_stream
from mockserver.wire import responses

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mockserver.providers.openai.contexts import ResponsesContext

ENDS_WITH = ("first_id", "has_more", "last_id")

_QUERY = "openai/retrieve_response.query"
_PAGES = Paging("openai/response_item_page.query", missing="response_item_not_found", ends_with=ENDS_WITH)
_EXAMPLE_CREATED, _EXAMPLE_MODEL = 1_741_476_777, "gpt-4o-2024-08-06"


def retrieve_response(context: ResponsesContext, call: Call) -> Answer:
    """Return a stored response, or the events of one in the background."""
    query = read_query(context.request_schemas, call, _QUERY)
    value = _stored(context, call)
    if query.get("stream") is not True:
        return answer(shown_response(value["response"], included(query)))
    if not call.strict and "background" not in value:
        return event_stream(context, call, call.path["id"])
    check_streamable(value, context.clock.now())
    after = query.get("starting_after", -1)
    obfuscation = query.get("include_obfuscation")
    return event_stream(context, call, call.path["id"], after=after, obfuscation=obfuscation)


def cancel_response(context: ResponsesContext, call: Call) -> Answer:
    """Cancel a response in the background, and return it. One that has ended stays as it is."""
    _stored(context, call)
    value = context.background.cancel(call.account.id, call.path["id"])
    return answer(shown_response((value or _stored(context, call))["response"], ()))


def delete_response(context: ResponsesContext, call: Call) -> Answer:
    """Delete a stored response, with the items that it has."""
    response_id = call.path["id"]
    _stored(context, call)
    if not context.store.remove(RESPONSE, call.account.id, response_id) and call.strict:
        raise ApiError("response_not_found", id=response_id)
    return answer({"id": response_id, "object": "response.deleted", "deleted": True})


def list_input_items(context: ResponsesContext, call: Call) -> Answer:
    """Return a page of the items of a stored response's input."""
    return answer(items_page(context, call, _stored(context, call)["input"], _PAGES))


def items_page(context: ResponsesContext, call: Call, items: Sequence[Item], paging: Paging) -> Value:
    """Return a page of items as clients see them, oldest first. Raises ``ApiError``."""
    include = included(read_query(context.request_schemas, call, paging.schema))
    found = page(context.request_schemas, call, items, paging)
    return found | {"data": [shown(item, include) for item in found["data"]]}


def shown_response(response: Value, include: Collection[str]) -> Value:
    """Return a response with the members of its items that are always shown, and those of ``include``."""
    return response | {"output": [shown(item, include) for item in response["output"]]}


def included(query: Value) -> Collection[str]:
    """Return the names in the argument ``include``."""
    include = query.get("include")
    return include if isinstance(include, list) else ()


def answer(body: Value) -> Answer:
    """Return the answer of the calls for responses and conversations."""
    return json_answer(body, json_styles.two_spaces_ascii)


def _stored(context: ResponsesContext, call: Call) -> Value:
    """Return the value of the response that the path names. Raises ``ApiError``, unless examples are answered."""
    response_id = call.path["id"]
    value = find_response(context.store, call.account.id, response_id, context.clock.now())
    if value is None and call.strict:
        raise ApiError("response_not_found", id=response_id)
    return value or {"response": _example(response_id), "input": []}


def _example(response_id: str) -> Value:
    return responses.response(
        {
            "id": response_id,
            "created_at": _EXAMPLE_CREATED,
            "status": "completed",
            "background": False,
            "completed_at": _EXAMPLE_CREATED,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "model": _EXAMPLE_MODEL,
            "output": [],
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": responses.usage(read=0, written=0),
            "metadata": {},
        }
    )

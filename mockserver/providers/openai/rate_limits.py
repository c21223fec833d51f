"""``/v1/organization/projects/{project_id}/rate_limits``: the limits of the caller's project, read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.pages import list_object

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from mockserver.providers.openai.contexts import ModelsContext


_MAX_PAGE = 100  # objects of a page; also the default (Admin API reference, List project rate limits)
_NAMES = {
    "requests_per_minute": "max_requests_per_1_minute",
    "tokens_per_minute": "max_tokens_per_1_minute",
    "images_per_minute": "max_images_per_1_minute",
    "requests_per_day": "max_requests_per_1_day",
    "enqueued_tokens": "batch_1_day_max_input_tokens",
}
_REQUIRED = ("max_requests_per_1_minute", "max_tokens_per_1_minute")

RateLimit = dict[str, Any]


def list_rate_limits(context: ModelsContext, call: Call) -> Answer:
    """Return an object for each limit group that the project's tier may use, with the kinds of limits that apply."""
    project = call.path["project_id"]
    if call.strict and project != call.account.project:
        raise ApiError("project_not_found", project=project)
    page, has_more = _page(_rate_limits(context, call), call.request.query)
    return json_answer(list_object(call, page, has_more=has_more))


def _rate_limits(context: ModelsContext, call: Call) -> list[RateLimit]:
    found = []
    for model in context.catalog.models_of(call.account.id):
        if model.alias_of is not None or not call.account.may_use(model.id, None):
            continue
        try:
            amounts = context.limiter.policy.amounts(call.account, model, call.settings.limits)
        except ApiError:  # the tier may not use the model
            continue
        limits = {name: amounts[kind] for kind, name in _NAMES.items() if kind in amounts}
        if limits:
            required = {} if call.strict else dict.fromkeys(_REQUIRED, 0)
            head: RateLimit = {"object": "project.rate_limit", "id": f"rl-{model.id}", "model": model.id}
            found.append(head | required | limits)
    return found


def _page(values: list[RateLimit], arguments: MultiDict[str, str]) -> tuple[list[RateLimit], bool]:
    """Return the values after ``after`` or directly before ``before``, and whether there are more of them."""
    limit = min(max(arguments.get("limit", default=_MAX_PAGE, type=int), 1), _MAX_PAGE)
    places = {value["id"]: place for place, value in enumerate(values)}
    start = places.get(arguments.get("after", ""), -1) + 1
    end = places.get(arguments.get("before", ""), len(values))
    found = values[start:end]
    page = found[-limit:] if "before" in arguments and "after" not in arguments else found[:limit]
    return page, len(page) < len(found)

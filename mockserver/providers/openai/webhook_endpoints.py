"""``/v1/webhook_endpoints`` and ``/v1/webhook_event_types``: the endpoints of webhooks of an account."""

from __future__ import annotations

import logging
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from mockserver.catalog.webhook_events import webhook_table
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.pages import Paging, page
from mockserver.remote.targets import FetchError, NotAllowed, Target
from mockserver.settings.hosts import is_loopback
from mockserver.transport.authorities import parse_origin
from mockserver.webhooks.endpoints import Endpoint, WebhookError
from mockserver.webhooks.signing import hint_of, secret_of

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import WebhooksContext
    from mockserver.webhooks.endpoints import Source

log = logging.getLogger(__name__)

_PAGES = Paging("openai/webhook_endpoint_page.query", missing="webhook_endpoint_not_found", order="desc")
_EXAMPLE = Endpoint(
    id="we_example",
    name="Example",
    url="https://example.com/webhook",
    secret=secret_of("00" * 32),
    events=("batch.completed",),
    created_at=1_750_287_018,
    updated_at=1_750_287_018,
)

Value = dict[str, Any]


def check_request(context: WebhooksContext, call: Call) -> None:
    """Raise ``ApiError`` for a URL that no event can be delivered to. Other hosts than allowed ones are accepted."""
    url = call.document.get("url")
    if url is not None and Target.of(url) is None:
        raise ApiError("webhook_url_invalid", url=url)


def create_endpoint(context: WebhooksContext, call: Call) -> Answer:
    """Create an endpoint. Only this answer, and that of a new secret, have the secret."""
    asked: Value = {"url": _EXAMPLE.url, "name": _EXAMPLE.name, "events": _EXAMPLE.events} | _asked(call)
    source = _warned(context, call, asked["url"])
    try:
        endpoint = context.webhooks.endpoints.add(call.account.id, asked.pop("url"), **asked, source=source)
    except WebhookError as error:
        raise ApiError("webhook_endpoint_limit", reason=str(error)) from error
    return json_answer(_with_secret(endpoint))


def list_endpoints(context: WebhooksContext, call: Call) -> Answer:
    """Return a page of the account's endpoints, the latest first."""
    endpoints = [_shown(each) for each in context.webhooks.endpoints.of_account(call.account.id)]
    return json_answer(page(context.request_schemas, call, endpoints, _PAGES))


def retrieve_endpoint(context: WebhooksContext, call: Call) -> Answer:
    """Return one endpoint."""
    return json_answer(_shown(_found(context, call)))


def update_endpoint(context: WebhooksContext, call: Call) -> Answer:
    """Change the name, URL or types of events of an endpoint."""
    changes = _asked(call)
    if "url" in changes:
        changes["source"] = _warned(context, call, changes["url"])
    changed = context.webhooks.endpoints.change(call.account.id, call.path["id"], **changes)
    return json_answer(_shown(changed or _example(call)))


def delete_endpoint(context: WebhooksContext, call: Call) -> Answer:
    """Delete an endpoint. Its pending deliveries fail."""
    id_ = call.path["id"]
    if not context.webhooks.endpoints.remove(call.account.id, id_) and call.strict:
        raise ApiError("webhook_endpoint_not_found", id=id_)
    return json_answer({"id": id_, "object": "webhook_endpoint.deleted", "deleted": True})


def rotate_secret(context: WebhooksContext, call: Call) -> Answer:
    """Give an endpoint a new secret; the old one can stay valid for 24 hours."""
    keep_old = bool(call.document.get("keep_old_secret_active_for_24_hours"))
    rotated = context.webhooks.endpoints.rotate(call.account.id, call.path["id"], keep_old=keep_old)
    return json_answer(_with_secret(rotated or _example(call)))


def send_test(context: WebhooksContext, call: Call) -> Answer:
    """Deliver a sample event at once, and return the status of the receiver's answer."""
    event_type, endpoint = call.document.get("event_type", _EXAMPLE.events[0]), _found(context, call)
    status = 200
    if endpoint.id != _EXAMPLE.id:
        try:
            status = context.webhooks.test(endpoint, str(event_type)).status
        except (FetchError, ValueError) as error:  # also a restored secret or URL that nothing can be made of
            raise ApiError("webhook_test_failed", reason=str(error)) from error
    body = {
        "object": "webhook_endpoint.test",
        "webhook_endpoint_id": call.path["id"],
        "event_type": event_type,
        "success": True,
        "status_code": status,
    }
    return json_answer(body)


def list_event_types(context: WebhooksContext, call: Call) -> Answer:
    """Return the types of events that an endpoint can subscribe to."""
    return json_answer({"object": "list", "data": list(webhook_table().subscribable)})


def _asked(call: Call) -> Value:
    """Return the members of an endpoint that a request names. Strictness ``off`` admits values of any type."""
    given = call.document
    asked: Value = {name: str(given[name]) for name in ("name", "url") if name in given}
    if "event_types" not in given:
        return asked
    types = given["event_types"] if isinstance(given["event_types"], list) else [given["event_types"]]
    return asked | {"events": tuple(map(str, types))}


def _found(context: WebhooksContext, call: Call) -> Endpoint:
    """Return an account's own endpoint. Raises ``ApiError``."""
    own = context.webhooks.endpoints.of_account(call.account.id)
    return next((each for each in own if each.id == call.path["id"]), None) or _example(call)


def _example(call: Call) -> Endpoint:
    """Return the example that strictness ``schema`` answers for an unknown id. Raises ``ApiError`` in ``real``."""
    if call.strict:
        raise ApiError("webhook_endpoint_not_found", id=call.path["id"])
    return _EXAMPLE


def _warned(context: WebhooksContext, call: Call, url: str) -> Source:
    """Return the source of an endpoint with a URL. Log, once for each URL, if no event will be delivered to it."""
    written = call.request.headers.get("origin")
    origin = None if written is None else parse_origin(written)
    is_trusted = written is None or (origin is not None and is_loopback(origin.authority.host))
    source: Source = "api" if is_trusted else "page"
    try:
        context.webhooks.check_url(url, source)
    except NotAllowed as error:
        if context.notices.is_new(f"webhook {url}"):
            log.warning("No webhooks are delivered: %s", call.request.secrets.hide_in_value(str(error)))
    return source


def _shown(endpoint: Endpoint) -> Value:
    types = webhook_table().subscribable
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
        "name": endpoint.name,
        "url": endpoint.url,
        "event_types": [name for name in types if any(fnmatchcase(name, each) for each in endpoint.events)],
        "signing_secret_hint": hint_of(endpoint.secret),
    }


def _with_secret(endpoint: Endpoint) -> Value:
    return _shown(endpoint) | {"signing_secret": endpoint.secret}

"""``/_mock/webhooks``: endpoints of webhooks, faults, and deliveries, which can be listed, awaited and repeated.

A call with an API key applies to that account, one without a key to all accounts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.control.operation import ControlError, NotFound, answer, check_owner
from mockserver.webhooks.delivery import shown, summary
from mockserver.webhooks.endpoints import EVERYONE, WebhookError
from mockserver.webhooks.signing import hint_of

if TYPE_CHECKING:
    import flask

    from mockserver.control.contexts import WebhooksContext
    from mockserver.control.operation import Call
    from mockserver.webhooks.endpoints import Endpoint

QUERY = ("type", "status", "endpoint")  # arguments of ``show_deliveries``

_TIMEOUT = 10.0  # seconds


def show_all(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Return the endpoints and faults of the caller and of all accounts."""
    found = context.webhooks.endpoints.visible(call.account_id)
    faults = context.webhooks.faults.visible(call.account_id)
    return {"endpoints": [_endpoint(each) for _, each in found], "faults": [each.value for each in faults]}


def add(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Add an endpoint for the caller, or without an API key for all accounts. Only this answer has its secret."""
    try:
        endpoint = context.webhooks.add(call.account_id, call.body)
    except WebhookError as error:
        raise ControlError(str(error)) from error
    return _endpoint(endpoint) | {"secret": endpoint.secret}


def remove_all(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Remove the caller's endpoints, faults and deliveries. Return what remains."""
    context.webhooks.reset(call.account_id)
    return show_all(context, call)


def show(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Return one endpoint."""
    return _endpoint(_found(context, call)[1])


def remove(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Remove an endpoint. Its pending deliveries fail."""
    owner, endpoint = _found(context, call)
    if endpoint.source == "configuration":
        raise ControlError(f"The endpoint {endpoint.id!r} is in the server's configuration. Remove it there.")
    check_owner("endpoint", endpoint.id, None if owner == EVERYONE else owner, call)
    context.webhooks.endpoints.remove(owner, endpoint.id)
    return {"deleted": endpoint.id}


def send(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Send an event by hand. Return its deliveries."""
    asked = call.body
    try:
        sent = context.webhooks.send(call.account_id, asked["type"], asked.get("data"), asked.get("endpoint"))
    except WebhookError as error:
        raise ControlError(str(error)) from error
    return {"deliveries": [shown(each) for each in sent]}


def show_deliveries(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Return the caller's deliveries that satisfy the arguments of the query, oldest first."""
    asked = call.query
    try:
        found = context.webhooks.deliveries(
            call.account_id,
            event_type=asked.get("type", "*"),
            status=asked.get("status"),
            endpoint=asked.get("endpoint"),
        )
    except WebhookError as error:
        raise ControlError(str(error)) from error
    return {"deliveries": [shown(each) for each in found]}


def show_delivery(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Return one delivery."""
    found = [each for each in context.webhooks.deliveries(call.account_id) if each.id == call.path["id"]]
    if not found:
        raise _unknown_delivery(call)
    return shown(found[0])


def redeliver(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Deliver an event again, with the same ``webhook-id``."""
    delivery = context.webhooks.redeliver(call.account_id, call.path["id"])
    if delivery is None:
        raise _unknown_delivery(call)
    return shown(delivery)


def wait(context: WebhooksContext, call: Call) -> flask.Response:
    """Wait until enough deliveries match, or the time is up. Return the matching ones."""
    asked, connection = call.body, call.request.connection
    wanted: dict[str, Any] = {name: asked[name] for name in ("endpoint", "data", "attempts") if name in asked}
    wanted |= {"event_type": asked.get("type", "*"), "status": asked.get("status", "delivered")}
    at_least = asked.get("at_least", 1)
    found = context.webhooks.wait(
        call.account_id,
        at_least,
        asked.get("timeout", _TIMEOUT),
        lambda: context.closing.is_set() or connection.has_hung_up,
        **wanted,
    )
    body: dict[str, Any] = {"count": len(found), "deliveries": [shown(each) for each in found]}
    if len(found) >= at_least:
        return answer(body)
    others = context.webhooks.deliveries(call.account_id)
    error = f"Expected at least {at_least} {wanted['status']} deliveries, got {len(found)}. {summary(others)}"
    return answer({"error": error, **body}, 422)


def add_fault(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Add a fault for the caller's deliveries, or without an API key for those of all accounts."""
    try:
        return context.webhooks.faults.add(call.account_id, call.body).value
    except WebhookError as error:
        raise ControlError(str(error)) from error


def remove_faults(context: WebhooksContext, call: Call) -> dict[str, Any]:
    """Remove the caller's faults. Return what remains."""
    context.webhooks.faults.reset(call.account_id)
    return show_all(context, call)


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint without its secrets."""
    members = ("id", "name", "url", "events", "source", "created_at", "updated_at")
    built = {name: getattr(endpoint, name) for name in members}
    return built | {"secret_hint": hint_of(endpoint.secret)}


def _found(context: WebhooksContext, call: Call) -> tuple[str, Endpoint]:
    found = context.webhooks.endpoints.find(call.path["id"], call.account_id)
    if found is None:
        raise NotFound(f"Unknown endpoint {call.path['id']!r}. GET /_mock/webhooks lists them.")
    return found


def _unknown_delivery(call: Call) -> NotFound:
    id_ = call.path["id"]
    return NotFound(f"Unknown delivery {id_!r}. GET /_mock/webhooks/deliveries lists them.")

"""Azure OpenAI as a provider: its paths, credentials, deployments, refusals and headers for OpenAI's endpoints."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec.structs import replace

from mockserver.accounts.accounts import key_of
from mockserver.catalog.paths import VERSION, lacks_version, without_version
from mockserver.errors import ApiError
from mockserver.pipeline.provider import Fill, Headers, Lazy, Route
from mockserver.pipeline.responses import refusal_reply
from mockserver.providers.azure import errors, paths, unserved
from mockserver.providers.azure.contexts import AzureContext, ChangedContext, StoredContext
from mockserver.providers.azure.deployments import HEADER_SAFE, deploy_defaults, model_of, name_deployment
from mockserver.providers.azure.response_headers import RESPONSES, ResponseHeaders
from mockserver.providers.azure.versions import check_model_version, check_version, why_unknown
from mockserver.providers.openai.routes import OPERATIONS as OPENAI_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mockserver.accounts.accounts import Account
    from mockserver.pipeline.background_work import BackgroundWork
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.exchanges.exchange import Exchange
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.responses import Reply
    from mockserver.providers.openai.provider import OpenAi
    from mockserver.settings.model import SupportsGet
    from mockserver.validation.violations import Violation

OPERATIONS = paths.operations_of(OPENAI_OPERATIONS)

# The handlers of operations whose answers differ from OpenAI's, and their contexts.
_CHANGED: dict[str, tuple[str, type[ChangedContext | StoredContext]]] = {
    "create_chat_completion": ("chats.create_filtered", ChangedContext),
    "create_completion": ("chats.create_filtered", ChangedContext),
    "create_embedding": ("embeddings.create_embedding", ChangedContext),
    "create_response": ("responses.create_filtered", ChangedContext),
    "retrieve_response": ("responses.show_filtered", StoredContext),
    "cancel_response": ("responses.show_filtered", StoredContext),
}
_NO_DEPLOYMENTS = (  # AzureOpenAI(base_url=".../openai/v1") calls them
    "/openai/v1 has no deployments in its paths: Azure answers 404. "
    "Use OpenAI(base_url=...) with it, or AzureOpenAI(azure_endpoint=...)."
)
_REALTIME = "/realtime"
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*")  # a JSON Web Token, such as Entra issues


class Azure:
    """Azure OpenAI; implements ``pipeline.provider.Provider`` with the handlers of ``openai``."""

    def __init__(self, fill: Fill, openai: OpenAi) -> None:
        common = fill(AzureContext)
        self._accounts = common.accounts
        self._catalog = common.catalog
        self._errors = common.errors
        self._ids = common.ids
        self._headers = ResponseHeaders(
            common.ids, common.catalog, full=common.settings.response_headers == "full"
        )
        self._openai = openai
        deploy_defaults(common.catalog)
        self.routes = tuple(each for route in openai.routes for each in _routes_of(route, fill))

    def unserved_route(self, request: Request, served: Iterable[str]) -> Route | None:
        """Return the route of a request that matches none of ``routes``; ``None`` if its path is not Azure's."""
        return unserved.route(self._openai, request, served)

    def start(self) -> None:
        """Do nothing: OpenAI's package does the work in the background."""

    def close(self) -> None:
        """Do nothing: OpenAI's package does the work in the background."""

    def background_work(self, account_id: str | None) -> list[BackgroundWork]:
        """Return nothing: OpenAI's package does the work in the background."""
        return []

    def caller(self, headers: SupportsGet) -> Account:
        """Return the account of the key in ``api-key``, else of the key or the Entra token in ``Authorization``."""
        key = (headers.get("api-key") or "").strip() or key_of(headers)
        try:
            return self._openai.account_of_secret(key) or self._accounts.authenticate(key)
        except ApiError as error:
            if error.name == "invalid_api_key" and _TOKEN.fullmatch(key):
                raise ApiError("permission_denied") from error
            raise

    def request_id(self, operation: Operation) -> str:
        """Return a new request id."""
        return self._ids.uuid()

    def prepare(self, call: Call) -> None:
        """Check the version, and find the deployment and its model. Raises ``ApiError``."""
        version = paths.version_of(call.request.query)
        if call.strict:
            self._check_url(call, version)
        if call.operation.name == "create_batch":
            _name_endpoint(call.document)
        if paths.openai_path(call.operation.path).startswith(_REALTIME):
            self._prepare_session(call)
        if not call.operation.endpoint:
            return
        name = name_deployment(call)
        if not name:
            return
        call.document["model"] = name
        call.model = model_of(self._catalog, name, call.account.id)
        if call.model is None:
            return
        if paths.openai_path(call.operation.path).startswith(RESPONSES):
            call.model = replace(call.model, snapshot=name)  # responses name the deployment
        if call.strict:
            check_model_version(version, call.operation, call.model.id)

    def _prepare_session(self, call: Call) -> None:
        """Have a session find its models among the deployments, and find that of its URL. Raises ``ApiError``."""
        call.find_model = partial(model_of, self._catalog, account_id=call.account.id)
        name = call.request.query.get("deployment") or call.request.query.get("model")
        if name:
            call.path = {**call.path, "deployment": name}
            if call.strict and call.find_model(name) is None:
                raise ApiError("model_not_found", model=name)

    def _check_url(self, call: Call, version: str) -> None:
        """Raise ``ApiError`` for a version that does not exist, with a warning that says so."""
        if not lacks_version(call.request.path):  # /v1/openai/…
            raise ApiError("unknown_url", method=call.request.method, path=call.request.path)
        if call.request.path.startswith(f"{paths.V1}/deployments/"):
            call.warning = _NO_DEPLOYMENTS
        try:
            check_version(version, call.operation)
        except ApiError as error:
            if error.name == "unknown_url" and call.operation.name:
                call.warning = quote(why_unknown(version, call.operation), safe=HEADER_SAFE)
            raise

    def unknown_model(self, call: Call, name: str) -> ApiError:
        """Return the refusal of a deployment that does not exist."""
        return ApiError("model_not_found", model=name)

    def unserved_model(self, call: Call, name: str) -> ApiError | None:
        """Return the refusal of a deployment with a model of other endpoints."""
        return ApiError("model_not_for_chat")

    def invalid(self, violations: Sequence[Violation], operation: Operation) -> ApiError:
        """Return the refusal of an invalid document, in OpenAI's words."""
        return self._openai.invalid(violations, operation)

    def headers(self, call: Call, began: float) -> Headers:
        """Return the standing headers of an answer and those of the rate limits."""
        return self._headers.of_answers(call)

    def finish(self, reply: Reply, operation: Operation) -> None:
        """Leave an answer as it is."""

    def refuse(self, error: ApiError, operation: Operation, exchange: Exchange) -> Reply:
        """Return the reply that refuses a request."""
        call = exchange.call
        reply = refusal_reply(errors.refusal(self._errors, error, operation, call))
        row = errors.row_of(error.name, operation)
        kind = row.headers if row else "all"
        if kind == "all" and call is not None:
            reply.headers.extend(self._headers.of_answers(call))
        else:
            reply.headers.extend(self._headers.of_refusals("region" if kind != "none" else "none"))
        exchange.request.drain()
        return reply


def _name_endpoint(body: dict[str, Any]) -> None:
    """Give the endpoint of a batch the beginning ``/v1``, which it may lack."""
    endpoint = body.get("endpoint")
    if isinstance(endpoint, str) and endpoint.startswith("/"):
        body["endpoint"] = VERSION + without_version(endpoint)


def _routes_of(route: Route, fill: Fill) -> Iterator[Route]:
    """Yield Azure's routes for a route of OpenAI's."""
    handler = route.handler
    if route.operation.name in _CHANGED:
        own, context = _CHANGED[route.operation.name]
        handler = Lazy(__package__, own, fill(context, answer=route.handler))
    for operation in paths.forms_of(route.operation):
        yield route._replace(operation=operation, handler=handler)

"""OpenAI's API as a provider: credentials, models, wording of refusals, standing headers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mockserver.accounts.accounts import key_of, redact
from mockserver.catalog.own_models import how_to_add
from mockserver.engines.embedding.embedder import Embedder
from mockserver.errors import ApiError
from mockserver.pipeline.provider import Fill, Headers, Route, bound
from mockserver.pipeline.responses import refusal_reply
from mockserver.providers.openai import refusals, routes, unserved
from mockserver.providers.openai.batch_work.batches import Batches
from mockserver.providers.openai.batch_work.context import BatchWorkContext
from mockserver.providers.openai.contexts import (
    AudioContext,
    BatchesContext,
    ChatContext,
    CompletionsContext,
    EmbeddingsContext,
    FilesContext,
    ModelsContext,
    ModerationsContext,
    OpenAiContext,
    RealtimeContext,
    ResponsesContext,
    UnservedContext,
    WebhooksContext,
)
from mockserver.providers.openai.model_list import ModelList
from mockserver.providers.openai.realtime_work.ephemeral import ClientSecrets, is_client_secret
from mockserver.providers.openai.realtime_work.live_calls import LiveCalls
from mockserver.providers.openai.realtime_work.live_sessions import LiveSessions
from mockserver.providers.openai.response_headers import ResponseHeaders
from mockserver.providers.openai.response_work.background import Background, BackgroundContext
from mockserver.providers.openai.response_work.busy import BusyConversations

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed.wsgi import WSGIApplication

    from mockserver.accounts.accounts import Account
    from mockserver.pipeline.background_work import BackgroundWork
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.exchanges.exchange import Exchange
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.responses import Reply
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds
    from mockserver.settings.model import SupportsGet
    from mockserver.validation.violations import Violation

log = logging.getLogger(__name__)

RESPONSES = "v1/responses"

_OF_CLIENT_SECRETS = ("realtime", "realtime.calls")  # the resources that a client secret opens


class OpenAi:
    """OpenAI's API; implements ``pipeline.provider.Provider``."""

    def __init__(self, fill: Fill) -> None:
        common = fill(OpenAiContext)
        self._accounts = common.accounts
        self._errors = common.errors
        self._notices = common.notices
        self._ids = common.ids
        self._clock = common.clock
        self._headers = ResponseHeaders(
            common.ids,
            common.clock,
            full=common.settings.response_headers == "full",
            repeatable=bool(common.settings.seed),
        )
        self._unserved = fill(UnservedContext)
        self._batches = Batches(fill(BatchWorkContext))
        self._live_calls = LiveCalls()
        self._client_secrets = ClientSecrets(common.store, common.clock, common.ids)
        realtime = fill(
            RealtimeContext,
            client_secrets=self._client_secrets,
            live_calls=self._live_calls,
            live_sessions=LiveSessions(common.clock),
        )
        busy = BusyConversations(common.leases)
        self._background = Background(fill(BackgroundContext, busy=busy))
        responses = fill(ResponsesContext, background=self._background, busy=busy)
        self.routes = (
            *bound(__package__, routes.AUDIO, fill(AudioContext)),
            *bound(__package__, routes.CHAT, fill(ChatContext)),
            *bound(__package__, routes.RESPONSES, responses),
            *bound(__package__, routes.REALTIME, realtime),
            *bound(__package__, routes.EMBEDDINGS, fill(EmbeddingsContext, embedder=Embedder())),
            *bound(__package__, routes.MODERATIONS, fill(ModerationsContext)),
            *bound(__package__, routes.COMPLETIONS, fill(CompletionsContext)),
            *bound(__package__, routes.FILES, fill(FilesContext)),
            *bound(__package__, routes.BATCHES, fill(BatchesContext, batches=self._batches)),
            *bound(__package__, routes.MODELS, fill(ModelsContext, model_list=ModelList())),
            *bound(__package__, routes.WEBHOOKS, fill(WebhooksContext)),
        )

    def unserved_route(
        self, request: Request, served: Iterable[str], placed: unserved.Placed | None = None
    ) -> Route:
        """Return the route of a request that matches none of ``routes``; its path has routes of ``served`` methods.

        ``placed`` returns a call of OpenAI's as the call of another service.
        """
        return unserved.route(self._unserved, request, served, placed)

    def _realtime_ids(self) -> RealtimeIds:
        from mockserver.providers.openai.realtime.identifiers import RealtimeIds

        return RealtimeIds(self._ids, self._clock.now())

    def bind(self, app: WSGIApplication) -> None:
        """Let the complete ``app`` answer the lines of batches, and continue what an earlier server left unfinished."""
        self._batches.bind(app, routes.BATCH_OPERATIONS)
        self._background.resume()

    def start(self) -> None:
        """Do nothing: batches continue when ``bind`` is called."""

    def close(self) -> None:
        """Stop the work on batches and on responses in the background, and hang up."""
        self._live_calls.close()
        self._batches.close()
        self._background.close()

    def background_work(self, account_id: str | None) -> list[BackgroundWork]:
        """Return the batches, and the responses in the background."""
        return [*self._batches.described(account_id), *self._background.described(account_id)]

    def caller(self, headers: SupportsGet) -> Account:
        """Return the account of the key, with the organization and project that the headers name."""
        return self.account_of_secret(key_of(headers)) or self._accounts.of_request(headers)

    def account_of_secret(self, key: str) -> Account | None:
        """Return the account that has minted a client secret; ``None`` for other keys. Raises ``ApiError``."""
        if not is_client_secret(key):
            return None
        secret = self._client_secrets.find(key)
        if secret is None:
            raise ApiError("invalid_api_key", key=redact(key))
        return secret.account

    def request_id(self, operation: Operation) -> str:
        """Return a new request id in the form of the service behind the operation."""
        return self._headers.request_id(operation.name)

    def prepare(self, call: Call) -> None:
        """Refuse a client secret as the key of a request that neither begins a session nor belongs to a call."""
        if call.operation.resource not in _OF_CLIENT_SECRETS:
            key = key_of(call.request.headers)
            if is_client_secret(key):
                raise ApiError("invalid_api_key", key=redact(key))

    def unknown_model(self, call: Call, name: str) -> ApiError:
        """Return the refusal of a model that does not exist; how to add it is logged once."""
        if self._notices.is_new(f"model {name}"):
            log.warning("%s", how_to_add(call.request.logged(name)))
        if call.operation.endpoint == RESPONSES:
            return ApiError("response_model_unknown", model=name)
        return ApiError("model_not_found", model=name)

    def unserved_model(self, call: Call, name: str) -> ApiError | None:
        """Return the refusal of a model of other endpoints; chats refuse it after the request was charged."""
        # The gateway routes by the model, and the model's service has no such path.
        if call.operation.refuses == refusals.AUDIO:
            return ApiError("unknown_url", method="POST", path=f"/{call.operation.endpoint}")
        if call.operation.endpoint == RESPONSES and call.model is not None:
            return ApiError(f"response_model_{call.model.without_responses}", model=name)
        return None

    def invalid(self, violations: Sequence[Violation], operation: Operation) -> ApiError:
        """Return the refusal of an invalid document in the words of the service behind the operation."""
        from mockserver.validation import explanations as explain

        if operation.explains == "responses":
            from mockserver.providers.openai.responses.refusals import wording

            return wording.refusal(violations)
        if operation.explains == "pydantic":
            message = explain.pydantic(violations, form=operation.body == "multipart")
            return ApiError("invalid_request", message=message, param=None, code=None)
        if operation.explains == "python":
            return explain.python_refusal(violations)
        if (
            operation.explains == "files"
            and (violation := explain.most_relevant(violations)).keyword == "enum"
        ):
            found = explain.listed(violation)
            return ApiError("invalid_file_request", message=found.message, param=found.param, code=found.code)
        return explain.refusal(violations)

    def headers(self, call: Call, began: float) -> Headers:
        """Return the standing headers of an answer and those of the rate limits."""
        answers = self._headers.of_answers(call.operation.name, call.account, call.request_id, began)
        return [*answers, *(call.admission.headers if _shows_limits(call) else ())]

    def finish(self, reply: Reply, operation: Operation) -> None:
        """Add the headers that the service adds to streams, and send the answer in chunks if the service does."""
        service = self._headers.service(operation.name)
        if reply.media_type == "text/event-stream":
            reply.headers.add_missing(service.streams.items())
        if service.chunked:
            reply.send_in_chunks()

    def refuse(self, error: ApiError, operation: Operation, exchange: Exchange) -> Reply:
        """Return the reply that refuses a request, as the gateway or the service behind it does."""
        if operation.refuses == refusals.REALTIME and not error.is_before_upgrade:
            from mockserver.providers.openai.realtime.refused import refused_on_web_socket

            opened = refused_on_web_socket(self._errors, self._realtime_ids(), error, exchange.request)
            if opened is not None:
                opened.headers.extend(self._headers.of_refusals(operation.name, exchange.request_id))
                return opened
        call = exchange.call
        model = call.model if call is not None and operation.refuses == refusals.AUDIO else None
        refusal = refusals.refusal(
            self._errors,
            error,
            operation,
            is_whisper=model is not None and model.error_style == "whisper",
            newline=self._headers.service(operation.name).newline,
        )
        reply = refusal_reply(refusal)
        shows_limits = self._headers.service(operation.name).limits_of_refusals
        if call is None:
            refused = self._headers.of_refused_keys(operation.name, exchange.request_id, exchange.began)
            reply.headers.extend(refused)
            exchange.request.drain()
        elif refusal.from_gateway:
            reply.headers.extend(self._headers.of_refusals(operation.name, exchange.request_id))
            exchange.request.drain()
        else:
            answers = self._headers.of_answers(
                operation.name, call.account, exchange.request_id, exchange.began
            )
            reply.headers.extend(answers)
            reply.headers.extend(
                call.admission.headers if shows_limits and operation.has_limit_headers else ()
            )
        reply.headers.extend(error.headers if shows_limits else _without_limits(error.headers, call))
        return reply


def _without_limits(headers: Sequence[tuple[str, str]], call: Call | None) -> Headers:
    """Return the headers of a refusal without those of rate limits. The waiting time is left if it was scripted."""
    is_scripted = call is not None and (call.fault is not None or call.scripted is not None)
    hidden = "x-ratelimit-" if is_scripted else ("x-ratelimit-", "retry-after")
    return [header for header in headers if not header[0].startswith(hidden)]


def _shows_limits(call: Call) -> bool:
    """Return whether an answer has the headers of rate limits, if its service has any."""
    if not call.operation.has_limit_headers:
        return False
    if call.operation.endpoint != RESPONSES or call.model is None or call.model.responses is None:
        return True
    body = call.document
    if body.get("background") or any(tool.get("type") == "mcp" for tool in body.get("tools") or ()):
        return False
    return call.model.responses.limits_of_streams or not body.get("stream")

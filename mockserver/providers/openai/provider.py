"""OpenAI's API as a provider: credentials, models, wording of refusals, standing headers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mockserver.catalog.own_models import how_to_add
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
    FilesContext,
    ModelsContext,
    OpenAiContext,
    UnservedContext,
)
from mockserver.providers.openai.model_list import ModelList
from mockserver.providers.openai.response_headers import ResponseHeaders

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed.wsgi import WSGIApplication

    from mockserver.accounts.accounts import Account
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.exchange import Exchange
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.responses import Reply
    from mockserver.settings.model import SupportsGet
    from mockserver.validation.violations import Violation

log = logging.getLogger(__name__)


class OpenAi:
    """OpenAI's API; implements ``pipeline.provider.Provider``."""

    def __init__(self, fill: Fill) -> None:
        common = fill(OpenAiContext)
        self._accounts = common.accounts
        self._errors = common.errors
        self._notices = common.notices
        self._headers = ResponseHeaders(
            common.ids,
            common.clock,
            full=common.settings.response_headers == "full",
            repeatable=bool(common.settings.seed),
        )
        self._unserved = fill(UnservedContext)
        self._batches = Batches(fill(BatchWorkContext))
        self.routes = (
            *bound(__package__, routes.AUDIO, fill(AudioContext)),
            *bound(__package__, routes.CHAT, fill(ChatContext)),
            *bound(__package__, routes.FILES, fill(FilesContext)),
            *bound(__package__, routes.BATCHES, fill(BatchesContext, batches=self._batches)),
            *bound(__package__, routes.MODELS, fill(ModelsContext, model_list=ModelList())),
        )

    def unserved_route(self, request: Request, served: Iterable[str]) -> Route:
        """Return the route of a request that matches none of ``routes``; its path has routes of ``served`` methods."""
        return unserved.route(self._unserved, request, served)

    def bind(self, app: WSGIApplication) -> None:
        """Let the complete ``app`` answer the lines of batches, and continue those that an earlier server left."""
        self._batches.bind(app, routes.BATCH_OPERATIONS)

    def start(self) -> None:
        """Do nothing: batches continue when ``bind`` is called."""

    def close(self) -> None:
        """Stop the work on batches."""
        self._batches.close()

    def caller(self, headers: SupportsGet) -> Account:
        """Return the account of the key, with the organization and project that the headers name."""
        return self._accounts.of_request(headers)

    def request_id(self, operation: Operation) -> str:
        """Return a new request id in the form of the service behind the operation."""
        return self._headers.request_id(operation.name)

    def unknown_model(self, call: Call, name: str) -> ApiError:
        """Return the refusal of a model that does not exist; how to add it is logged once."""
        if self._notices.is_new(f"model {name}"):
            log.warning("%s", how_to_add(call.request.logged(name)))
        return ApiError("model_not_found", model=name)

    def unserved_model(self, call: Call, name: str) -> ApiError | None:
        """Return the refusal of a model of other endpoints; chats refuse it after the request was charged."""
        # The gateway routes by the model, and the model's service has no such path.
        if call.operation.refuses == refusals.AUDIO:
            return ApiError("unknown_url", method="POST", path=f"/{call.operation.endpoint}")
        return None

    def invalid(self, violations: Sequence[Violation], operation: Operation) -> ApiError:
        """Return the refusal of an invalid document in the words of the service behind the operation."""
        from mockserver.validation import explanations as explain

        if operation.explains == "pydantic":
            message = explain.pydantic(violations, form=operation.body == "multipart")
            return ApiError("invalid_request", message=message, param=None, code=None)
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
        return [*answers, *call.admission.headers]

    def finish(self, reply: Reply, operation: Operation) -> None:
        """Add the headers that the service adds to streams, and send the answer in chunks if the service does."""
        service = self._headers.service(operation.name)
        if reply.media_type == "text/event-stream":
            reply.headers.add_missing(service.streams.items())
        if service.chunked:
            reply.send_in_chunks()

    def refuse(self, error: ApiError, operation: Operation, exchange: Exchange) -> Reply:
        """Return the reply that refuses a request, as the gateway or the service behind it does."""
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
        if refusal.from_gateway or call is None:
            reply.headers.extend(self._headers.of_refusals(exchange.request_id))
            exchange.request.drain()
        else:
            answers = self._headers.of_answers(
                operation.name, call.account, exchange.request_id, exchange.began
            )
            reply.headers.extend(answers)
            reply.headers.extend(call.admission.headers)
        reply.headers.extend(error.headers)
        return reply

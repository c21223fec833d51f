"""The AI/ML API as a provider: operations, credentials, models, wording of refusals, standing headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.accounts.accounts import key_of
from mockserver.errors import ApiError
from mockserver.limits.costs import transcription_cost
from mockserver.pipeline.background_work import BackgroundWork, values_of
from mockserver.pipeline.operation import Operation
from mockserver.pipeline.provider import Fill, Headers, Route, bound
from mockserver.pipeline.responses import refusal_reply
from mockserver.providers.aimlapi.contexts import AimlApiContext, JobsContext
from mockserver.providers.aimlapi.jobs import KIND, described
from mockserver.work_queue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mockserver.accounts.accounts import Account
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.exchanges.exchange import Exchange
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.responses import Reply
    from mockserver.settings.model import SupportsGet
    from mockserver.validation.violations import Violation


OPERATIONS = (
    Operation(
        "create_stt",
        "POST",
        "/stt/create",
        body="either",
        schema="aimlapi/create_stt.request",
        endpoint="v1/stt/create",
        cost=transcription_cost,
        gives=frozenset({"job"}),
        reply_kinds=frozenset({"text", "segments", "words", "logprobs", "job"}),
        takes_urls=True,
        keeps_nulls=True,
        handler="stt.create_job",
    ),
    Operation("retrieve_stt", "GET", "/stt/<id>", handler="stt.retrieve_job"),
)


class AimlApi:
    """The AI/ML API; implements ``pipeline.provider.Provider``."""

    def __init__(self, fill: Fill) -> None:
        common = fill(AimlApiContext)
        self._accounts = common.accounts
        self._catalog = common.catalog
        self._clock = common.clock
        self._errors = common.errors
        self._ids = common.ids
        self._queue = WorkQueue(common.settings.stt_workers, common.settings.stt_queue, name="stt")
        self._jobs = fill(JobsContext, queue=self._queue)
        self.routes = bound(__package__, OPERATIONS, self._jobs)

    def unserved_route(self, request: Request, served: Iterable[str]) -> Route | None:
        """Return ``None``: the provider shares the paths of OpenAI's API."""
        return None

    def start(self) -> None:
        """Continue the jobs that an earlier server did not finish."""
        if any(self._jobs.store.all(KIND)):
            from mockserver.providers.aimlapi.work import resume

            resume(self._jobs)

    def close(self) -> None:
        """Stop the work on jobs. With a state folder, the next server continues it."""
        self._queue.close()

    def background_work(self, account_id: str | None) -> list[BackgroundWork]:
        """Return the speech-to-text jobs."""
        now = self._clock.now()
        jobs_of = values_of(self._jobs.store, KIND, account_id)
        return [described(owner, job, now) for owner, job in jobs_of]

    def caller(self, headers: SupportsGet) -> Account:
        """Return the account of the key. The API has no organizations."""
        return self._accounts.authenticate(key_of(headers))

    def request_id(self, operation: Operation) -> str:
        """Return a new request id."""
        return self._ids.request_id()

    def prepare(self, call: Call) -> None:
        """Leave a request as it is."""

    def unknown_model(self, call: Call, name: str) -> ApiError:
        """Return the refusal of a model that the API does not offer."""
        from mockserver.validation import zod

        offers = self._catalog.offers.items()
        known = [each for each, model in offers if call.operation.endpoint in model.endpoints]
        return ApiError("model_not_found", model=name, details=zod.no_such_value("model", known, name))

    def unserved_model(self, call: Call, name: str) -> ApiError | None:
        """Return the refusal of a model of another endpoint or provider."""
        return self.unknown_model(call, name)

    def invalid(self, violations: Sequence[Violation], operation: Operation) -> ApiError:
        """Return the refusal of an invalid document."""
        from mockserver.validation import zod

        return ApiError("invalid_request", message="", details=zod.issues(violations))

    def headers(self, call: Call, began: float) -> Headers:
        """Return the standing headers of an answer. None are documented."""
        return [("x-request-id", call.request_id)]

    def finish(self, reply: Reply, operation: Operation) -> None:
        """Leave an answer as it is."""

    def refuse(self, error: ApiError, operation: Operation, exchange: Exchange) -> Reply:
        """Return the reply that refuses a request."""
        from mockserver.providers.aimlapi import errors as aimlapi_errors

        refusal = aimlapi_errors.refusal(
            error,
            self._errors.rows[error.name],
            path=exchange.request.path,
            request_id=exchange.request_id,
            now=self._clock.now(),
        )
        reply = refusal_reply(refusal)
        reply.headers["x-request-id"] = exchange.request_id
        exchange.request.drain()
        return reply

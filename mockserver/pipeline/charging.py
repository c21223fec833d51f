"""Charges requests to rate limits: an estimate before they are answered, the real usage afterwards."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.accounts.accounts import Account
    from mockserver.catalog.records import ModelCard
    from mockserver.journal.metrics import Metrics
    from mockserver.limits.costs import Ledger
    from mockserver.limits.limiter import Admission, Limiter
    from mockserver.pipeline.call import Call, Outcome
    from mockserver.pipeline.charges import Charges
    from mockserver.pipeline.operation import Operation


class Charging:
    """Charges requests to the limits of their accounts, and adds up usage and costs."""

    def __init__(self, limiter: Limiter, ledger: Ledger, metrics: Metrics) -> None:
        self._limiter = limiter
        self._ledger = ledger
        self._metrics = metrics

    def charge(self, call: Call, model: ModelCard) -> None:
        """Charge the estimated usage of a request, and set ``call.settle`` to charge the difference to the real one.

        Raises ``ApiError`` if a limit is reached. Inner requests, such as the lines of batches, have no limits.
        """
        if call.request.inner is None:
            self._admit(call, model)
        # Not bound to the call: a reference cycle would keep the upload in memory until the next garbage collection.
        call.settle = partial(
            self._settle,
            call.operation,
            call.account,
            model,
            call.admission,
            call.price_share,
            call.outcome,
            call.charges,
        )

    def _admit(self, call: Call, model: ModelCard) -> None:
        operation = call.operation
        tokens = 0
        if operation.estimate and model.is_estimated(operation.endpoint):
            tokens = operation.estimate(call.document)
        images = operation.images(call.document) if operation.images else 0
        try:
            call.admission = self._limiter.admit(
                call.account,
                model,
                tokens,
                images,
                has_token_headers=operation.has_token_headers,
                overrides=call.settings.limits,
            )
        except ApiError as error:
            if call.strict or error.name not in ("model_not_allowed", "model_not_found"):
                raise

    def _settle(
        self,
        operation: Operation,
        account: Account,
        model: ModelCard,
        admission: Admission,
        price_share: float,
        outcome: Outcome,
        charges: Charges,
        usage: Mapping[str, Any],
    ) -> None:
        """Charge the real usage of the answer."""
        cost = operation.cost(model.prices, usage) if operation.cost and model.prices else None
        outcome.usage, outcome.cost_usd = usage, None if cost is None else cost * price_share
        self._metrics.add_usage(operation.resource, model.id, usage)
        charges.add(partial(self._limiter.settle, admission, usage.get("total_tokens", 0)))
        charges.add(partial(self._ledger.add, account.id, model.id, usage, outcome.cost_usd))

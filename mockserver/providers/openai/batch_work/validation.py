"""Validates the input of a batch while it is ``validating``, and puts the batch into the batch queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.limits.queue import QueueFull
from mockserver.providers.openai.batch_work.lines import MAX_BYTES, BatchErrors, InputCheck, read_lines
from mockserver.state.blobs import BytesGone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.accounts.accounts import Account
    from mockserver.catalog.records import ModelCard
    from mockserver.pipeline.operation import Operation
    from mockserver.providers.openai.batch_work.context import BatchWorkContext
    from mockserver.providers.openai.batch_work.lines import Error
    from mockserver.providers.openai.batch_work.record import Value
    from mockserver.settings.model import Settings

ENDPOINT = "v1/batch"  # among the endpoints of the catalog's models


class InputRefused(Exception):
    """The input of a batch is invalid, for the reasons in ``errors``."""

    def __init__(self, *errors: Error) -> None:
        super().__init__(errors)
        self.errors = list(errors)


class Validation:
    """Validates batches before their lines are answered. ``operations`` are those that batches can call, by path."""

    def __init__(
        self, context: BatchWorkContext, operations: Mapping[str, Operation], errors: BatchErrors
    ) -> None:
        self._context = context
        self._operations = operations
        self._errors = errors

    def admit(self, value: Value, account: Account, settings: Settings) -> tuple[InputCheck, ModelCard]:
        """Validate a batch and put it into the queue. Return the check of its input and its model.

        Raises ``InputRefused``.
        """
        check = self._check(value, account, settings)
        if check.errors or check.model is None:
            raise InputRefused(*check.errors)
        model, batch_id = check.model, value["batch"]["id"]
        try:
            self._context.limiter.enqueue(account, model, batch_id, check.tokens, settings.limits)
        except QueueFull as full:
            names = {"model": model.id, "organization": account.organization}
            raise self._refusal("token_limit_exceeded", limit=full.limit, **names) from full
        except ApiError as error:  # the tier may not use the model
            raise self._refusal("model_not_found", model=model.id) from error
        return check, model

    def _check(self, value: Value, account: Account, settings: Settings) -> InputCheck:
        """Validate every line of the input. Raises ``InputRefused`` for a file that is not accepted at all."""
        batch, work = value["batch"], value["work"]
        mount = work.get("mount", "")
        operation = self._operations.get(batch["endpoint"])
        if operation is None:
            raise self._refusal("endpoint_not_served", endpoint=batch["endpoint"])
        names = {"file": batch["input_file_id"], "organization": account.organization}
        if not work["input"]:
            raise self._refusal("file_not_found", **names)
        if work["purpose"] != "batch":
            raise self._refusal("wrong_purpose", purpose=work["purpose"], **names)

        def find_model(name: str) -> ModelCard | None:
            return self._model(name, operation, account, mount, strict=settings.strictness == "real")

        documented = self._context.request_schemas.documented
        most = settings.max_json_values
        check = InputCheck(operation, documented, self._errors, find_model, most, mount)
        try:
            file = self._context.blobs.open(work["input"])
        except BytesGone:  # deleted while the batch was created
            raise self._refusal("file_not_found", **names) from None
        with file:
            size = file.seek(0, 2)
            if size > MAX_BYTES:
                raise self._refusal("file_too_large", size=size, most=MAX_BYTES)
            for line in read_lines(file, settings.max_body_bytes):
                check.add(line)
                if check.is_finished:
                    break
        check.finish()
        return check

    def _model(
        self, name: str, operation: Operation, account: Account, mount: str, *, strict: bool
    ) -> ModelCard | None:
        """Return the model of lines; below a ``mount``, the name may be that of a deployment."""
        catalog = self._context.catalog
        model = (catalog.deployment(name) if mount else None) or catalog.model(name, account.id)
        if (
            model is not None
            and {operation.endpoint, ENDPOINT} <= set(model.endpoints)
            and account.may_use(model.id, model.alias_of)
        ):
            return model
        return None if strict else catalog.model_for(operation.endpoint)

    def _refusal(self, name: str, **values: object) -> InputRefused:
        line = 1 if name == "model_not_found" else None
        return InputRefused(self._errors.error(name, line, **values))

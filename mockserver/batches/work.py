"""The work at batches: brings them from state to state, and answers their lines in the order of the file."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockserver import strict_json
from mockserver.batches.answering import BATCH_HEADER, Answered, answered_line, ask, unanswered_line
from mockserver.batches.lines import MOST_BYTES, BatchErrors, InputCheck, Line, read_lines
from mockserver.batches.record import (
    KIND,
    Value,
    add_usage,
    is_final,
    lines_due,
    moved,
    next_due,
    with_blobs,
)
from mockserver.gateway.accounts import Account
from mockserver.gateway.errors import ApiError
from mockserver.gateway.inner_calls import InnerCall
from mockserver.limits.costs import BATCH_SHARE
from mockserver.limits.queue import QueueFull

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.batches.lines import Error
    from mockserver.batches.schedule import Task
    from mockserver.catalog.records import ModelCard
    from mockserver.gateway.pipeline import Operation
    from mockserver.services import Services
    from mockserver.settings import Settings
    from mockserver.state.blobs import BlobWriter

log = logging.getLogger(__name__)

ENDPOINT = "v1/batch"  # among the endpoints of the catalog's models

_CANCELLING_AT_MOST = 600  # seconds (API reference, Cancel batch)
_SLICE, _LONGEST_SLICE = 0.25, 10.0  # seconds of work after which it is kept what was answered


class Work:
    """Does the work of batches, a step at a time; each batch is in one thread at a time."""

    def __init__(self, services: Services, app: WSGIApplication, operations: Mapping[str, Operation]) -> None:
        self._services = services
        self._app = app
        self._operations = operations
        self._errors = BatchErrors()
        self._running: dict[Task, _Tally] = {}

    def progress(self, task: Task) -> Value:
        """How far a batch is whose lines are being answered right now: members of its object."""
        tally = self._running.get(task)
        return {} if tally is None else {"request_counts": dict(tally.counts), "usage": deepcopy(tally.usage)}

    def step(self, task: Task) -> float | None:
        """Does what is due of a batch; when there is more to do, or ``None`` for never."""
        value = self._services.store.get(KIND, *task)
        if value is None or is_final(value) or self._services.closing.is_set():
            return None
        try:
            if value["batch"]["status"] == "in_progress":
                return self._answer_lines(task, value)
            return self._pass(task, value)
        except Exception as error:
            log.exception("batch %s fails", task[1])
            self._fail(
                task, self._services.clock.now(), [self._errors.error("server_error", reason=repr(error))]
            )
            return None

    def _pass(self, task: Task, value: Value) -> float:
        """Leaves a state that just takes its time."""
        batch, work, now = value["batch"], value["work"], self._services.clock.now()
        ends, status = work["since"] + work["seconds"], batch["status"]
        expires = float("inf") if status == "cancelling" else batch["expires_at"]
        if now < min(ends, expires):
            return float(min(ends, expires))
        if expires < ends:
            self._finish(task, value, "expired", expires, "batch_expired")
        elif status == "validating":
            self._validate(task, value, ends if work["seconds"] else now)
        elif status == "finalizing":
            self._finish(task, value, "completed", ends if work["seconds"] else now)
        else:
            self._finish(task, value, "cancelled", ends if work["seconds"] else now, "batch_cancelled")
        return now

    def _validate(self, task: Task, value: Value, then: float) -> None:
        """Looks at every line; a batch that is in order gets its place in the queue and is in progress."""
        account, settings = self._account(task, value), self._settings(task, value)
        check = self._check(value, account, settings)
        if isinstance(check, dict):
            self._fail(task, then, [check])
            return
        if check.errors or check.model is None:
            self._fail(task, then, check.errors)
            return
        model, batch_id = check.model, task[1]
        try:
            self._services.limiter.enqueue(account, model, batch_id, check.tokens, settings.limits)
        except QueueFull as full:
            self._fail(
                task,
                then,
                [
                    self._errors.error(
                        "token_limit_exceeded",
                        model=model.id,
                        organization=account.organization,
                        limit=full.limit,
                    )
                ],
            )
            return
        except ApiError:  # the tier may not use the model
            self._fail(task, then, [self._errors.error("model_not_found", 1, model=model.id)])
            return
        counts = {"total": check.total, "completed": 0, "failed": 0}

        def start(value: Value) -> Value:
            work = value["work"] | {"group": model.limit_group, "tokens": check.tokens}
            started = value | {"work": work}
            return moved(started, "in_progress", then, model=model.snapshot, request_counts=counts)

        self._update(task, "validating", start)
        log.info("batch %s: %d lines, %d tokens", batch_id, check.total, check.tokens)

    def _check(self, value: Value, account: Account, settings: Settings) -> InputCheck | Error:
        """The input file, looked at; or why it cannot be."""
        batch, work = value["batch"], value["work"]
        names = {"file": batch["input_file_id"], "organization": account.organization}
        if not work["input"]:
            return self._errors.error("file_not_found", **names)
        if work["purpose"] != "batch":
            return self._errors.error("wrong_purpose", purpose=work["purpose"], **names)
        operation = self._operations[batch["endpoint"]]

        def find_model(name: str) -> ModelCard | None:
            return self._model(name, operation, account, strict=settings.strictness == "real")

        check = InputCheck(operation, self._services.schemas, self._errors, find_model)
        with self._services.blobs.open(work["input"]) as file:
            size = file.seek(0, 2)
            if size > MOST_BYTES:
                return self._errors.error("file_too_large", size=size, most=MOST_BYTES)
            for line in read_lines(file, settings.max_body_bytes):
                check.look(line)
                if check.is_over:
                    break
        check.finish()
        return check

    def _model(self, name: str, operation: Operation, account: Account, *, strict: bool) -> ModelCard | None:
        catalog = self._services.catalog
        model = catalog.model(name)
        serves = model is not None and {operation.endpoint, ENDPOINT} <= set(model.endpoints)
        if serves and model is not None and account.may_use(model.id, model.alias_of):
            return model
        return None if strict else catalog.model_for(operation.endpoint)

    def _answer_lines(self, task: Task, value: Value) -> float:
        """Answers the lines that are due, or some of them."""
        batch, work, now = value["batch"], value["work"], self._services.clock.now()
        counts, expires = batch["request_counts"], batch["expires_at"]
        answered = counts["completed"] + counts["failed"]
        is_over = now >= expires
        due = lines_due(value, expires if is_over and work["seconds"] else now)
        if answered < due and not (is_over and not work["seconds"]):
            self._answer_some(task, value, due)
        elif answered >= counts["total"]:
            then = work["since"] + work["seconds"] if work["seconds"] else now
            self._update(task, "in_progress", lambda value: moved(value, "finalizing", then))
        elif is_over:
            self._finish(task, value, "expired", expires, "batch_expired")
        else:
            return float(min(next_due(value, now), expires))
        return now

    def _answer_some(self, task: Task, value: Value, due: int) -> None:
        """Answers lines until ``due`` are, the time of a slice is over or the batch is in another state."""
        services, work = self._services, value["work"]
        patience = min(_LONGEST_SLICE, _SLICE + len(work["output"]) / 10)
        until = time.monotonic() + patience
        tally = self._running[task] = _Tally(value)
        most = services.settings.max_body_bytes
        try:
            with (
                services.blobs.open(work["input"]) as file,
                services.blobs.writer() as output,
                services.blobs.writer() as errors,
            ):
                for line in read_lines(file, most, offset=work["bytes"], number=work["lines"]):
                    answered = self._answer(task, value, line)
                    if answered is None:
                        break
                    (output if answered.succeeded else errors).write(answered.line)
                    tally.add(line, answered)
                    if tally.answered >= due or time.monotonic() > until or not self._goes_on(task):
                        break
                self._keep(task, value, tally, output, errors)
        finally:
            del self._running[task]

    def _goes_on(self, task: Task) -> bool:
        """Whether the lines of a batch are still to be answered."""
        value = self._services.store.get(KIND, *task)
        if value is None or value["batch"]["status"] != "in_progress":
            return False
        return bool(value["work"]["seconds"]) or self._services.clock.now() < value["batch"]["expires_at"]

    def _answer(self, task: Task, value: Value, line: Line) -> Answered | None:
        """A line of an output file; ``None`` where the server ends meanwhile."""
        services, now = self._services, self._services.clock.now()
        request = strict_json.parse(line.data)
        inner = InnerCall(self._account(task, value), BATCH_SHARE)
        headers = {**value["work"]["headers"], BATCH_HEADER: task[1]}
        response = ask(self._app, inner, request, headers, lambda: self._has_given_up(task))
        if services.closing.is_set():
            return None
        line_id = services.ids.batch_request_id(now)
        if response is None:
            is_over = services.clock.now() >= value["batch"]["expires_at"]
            error = self._errors.line_error("batch_expired" if is_over else "request_timeout")
            return unanswered_line(line_id, request["custom_id"], error)
        return answered_line(line_id, request["custom_id"], response)

    def _has_given_up(self, task: Task) -> bool:
        """Whether nobody waits for the answer to a line any more."""
        value = self._services.store.get(KIND, *task)
        if value is None or self._services.closing.is_set():
            return True
        batch = value["batch"]
        cancelling = batch["status"] == "cancelling"
        deadline = batch["cancelling_at"] + _CANCELLING_AT_MOST if cancelling else batch["expires_at"]
        return bool(self._services.clock.now() >= deadline)

    def _keep(self, task: Task, before: Value, tally: _Tally, output: BlobWriter, errors: BlobWriter) -> None:
        """Keeps what was answered, all of it at once; nothing if the batch is not as it was ``before``."""
        new = {
            name: [writer.commit().id]
            for name, writer in (("output", output), ("errors", errors))
            if writer.size
        }

        def add(value: Value) -> Value:
            work = value["work"]
            if work["bytes"] != before["work"]["bytes"]:
                return value
            added = {name: [*work[name], *blobs] for name, blobs in new.items()}
            work = work | added | {"lines": tally.line, "bytes": tally.offset}
            batch = value["batch"] | {"request_counts": tally.counts, "usage": tally.usage}
            return with_blobs(value | {"batch": batch, "work": work})

        value = self._services.store.update(KIND, *task, add)
        named = value["blobs"] if value else ()
        for blob_id in [blob_id for blobs in new.values() for blob_id in blobs if blob_id not in named]:
            self._services.blobs.delete(blob_id)
        counts = tally.counts
        log.info(
            "batch %s: %d of %d lines are answered, %d with an error",
            task[1],
            tally.answered,
            counts["total"],
            counts["failed"],
        )

    def _finish(self, task: Task, value: Value, status: str, then: float, left: str = "") -> None:
        """Writes the files and ends the batch. Lines that are not answered fail with the error ``left``."""
        work, files = value["work"], {}
        for name, segments in (("output", work["output"]), ("error", work["errors"])):
            with self._services.blobs.writer() as writer:
                for blob_id in segments:
                    with self._services.blobs.open(blob_id) as segment:
                        shutil.copyfileobj(segment, writer)
                if left and name == "error":
                    for line in self._lines_left(value, left):
                        writer.write(line)
                if writer.size:
                    file = self._services.files.add(
                        task[0],
                        writer.commit(),
                        filename=f"{task[1]}_{name}.jsonl",
                        purpose="batch_output",
                        lifetime=work["files_expire_after"],
                        file_id=work[f"{name}_file_id"],
                    )
                    files[f"{name}_file_id"] = file["id"]
        self._update(task, value["batch"]["status"], lambda value: moved(value, status, then, **files))
        log.info("batch %s is %s", task[1], status)

    def _lines_left(self, value: Value, error: str) -> Iterator[bytes]:
        """The lines of the error file for what was not answered."""
        work, services = value["work"], self._services
        if not value["batch"]["request_counts"]["total"]:
            return
        row, most = self._errors.line_error(error), services.settings.max_body_bytes
        with services.blobs.open(work["input"]) as file:
            for line in read_lines(file, most, offset=work["bytes"], number=work["lines"]):
                line_id = services.ids.batch_request_id(services.clock.now())
                yield unanswered_line(line_id, strict_json.parse(line.data)["custom_id"], row).line

    def _fail(self, task: Task, then: float, errors: list[Error]) -> None:
        listed = {"object": "list", "data": errors}
        self._services.store.update(KIND, *task, lambda value: moved(value, "failed", then, errors=listed))
        log.info("batch %s failed: %s", task[1], errors[0]["message"])

    def _update(self, task: Task, status: str, change: Any) -> None:
        """Changes a batch if it is still in a state."""
        self._services.store.update(
            KIND, *task, lambda value: change(value) if value["batch"]["status"] == status else value
        )

    def _settings(self, task: Task, value: Value) -> Settings:
        """The settings that hold for the batch: those of its account and of its creation."""
        return self._services.tuning.for_account(task[0]).for_request(value["work"]["headers"])

    def _account(self, task: Task, value: Value) -> Account:
        """The batch's account. A batch may have been restored for another one than created it."""
        account = self._services.accounts.known(task[0]) or Account.from_value(value["work"]["account"])
        if account.id == task[0]:
            return account
        organization, _, project = task[0].rpartition("/")
        names = frozenset({task[0], organization, project})
        return replace(account, id=task[0], organization=organization, project=project, names=names)


class _Tally:
    """How far the lines of a batch are answered."""

    def __init__(self, value: Value) -> None:
        work, batch = value["work"], value["batch"]
        self.counts = dict(batch["request_counts"])
        self.usage = deepcopy(batch["usage"])
        self.line, self.offset = work["lines"], work["bytes"]

    @property
    def answered(self) -> int:
        """The lines that are."""
        return int(self.counts["completed"] + self.counts["failed"])

    def add(self, line: Line, answered: Answered) -> None:
        """Counts a line."""
        self.counts["completed" if answered.succeeded else "failed"] += 1
        self.line, self.offset = line.number, line.end
        if answered.usage is not None:
            add_usage(self.usage, answered.usage)

"""The work on batches: moves them from state to state, and answers their lines in the order of the file."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mockserver import strict_json
from mockserver.accounts.accounts import Account
from mockserver.limits.costs import BATCH_SHARE
from mockserver.pipeline.request import InnerCall
from mockserver.providers.openai.batch_work.answering import (
    BATCH_HEADER,
    Answered,
    answered_line,
    ask,
    unanswered_line,
)
from mockserver.providers.openai.batch_work.lines import BatchErrors, Line, path_of, read_lines
from mockserver.providers.openai.batch_work.record import (
    KIND,
    Value,
    add_usage,
    announced,
    failed,
    is_final,
    is_to_be_announced,
    lines_due,
    moved,
    next_due,
    since,
    to_be_announced,
    with_blobs,
)
from mockserver.providers.openai.batch_work.validation import InputRefused, Validation
from mockserver.state.blobs import BytesGone
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.pipeline.operation import Operation
    from mockserver.providers.openai.batch_work.context import BatchWorkContext
    from mockserver.schedule import Task
    from mockserver.settings.model import Settings
    from mockserver.state.protocols import BlobWriter

log = logging.getLogger(__name__)

_CANCELLING_AT_MOST = 600  # seconds (API reference, Cancel batch)
_SLICE, _MAX_SLICE = 0.25, 10.0  # seconds of work after which the answers are stored
_FIRST_WAIT, _MAX_WAIT = 1.0, 5.0  # seconds until writing to a failed disk is tried again
_SAME_TIME = 1e-3  # seconds


class DamagedInput(Exception):
    """The input of a batch has changed since the batch was validated."""


class Work:
    """Does the work on batches in steps. Each batch is in one thread at a time."""

    def __init__(
        self, context: BatchWorkContext, app: WSGIApplication, operations: Mapping[str, Operation]
    ) -> None:
        self._context = context
        self._app = app
        self._errors = BatchErrors()
        self._validation = Validation(context, operations, self._errors)
        self._running: dict[Task, _Tally] = {}
        self._waits: dict[Task, float] = {}  # seconds, for batches whose answers could not be stored
        self._ended = threading.Event()
        self._at_once = context.settings.batch_lines
        self._threads: ThreadPoolExecutor | None = None
        if self._at_once > 1:
            max_threads = self._at_once * context.settings.batch_workers
            self._threads = ThreadPoolExecutor(max_threads, thread_name_prefix="batch-lines")

    def end(self) -> None:
        """Stop changing batches, also from steps that still run."""
        self._ended.set()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def progress(self, task: Task) -> Value:
        """Return the members of a batch's object that change while its lines are being answered."""
        tally = self._running.get(task)
        return {} if tally is None else {"request_counts": dict(tally.counts), "usage": deepcopy(tally.usage)}

    def step(self, task: Task) -> float | None:
        """Do the work on a batch that is due. Return when more is due, or ``None`` for never."""
        try:
            due = self._step(task)
        except StateFailed:
            return self._wait_for_disk(task)
        self._waits.pop(task, None)
        return due

    def _step(self, task: Task) -> float | None:
        value = self._context.store.get(KIND, *task)
        if value is None or self._context.closing.is_set():
            return None
        if is_final(value):
            self._announce(task, value)
            return None
        try:
            value = self._with_start(task, value)
            if value["batch"]["status"] == "in_progress":
                return self._answer_lines(task, value)
            return self._leave_state(task, value)
        except StateFailed:
            raise
        except BytesGone:
            if self._context.store.get(KIND, *task) != value:  # removed or restored in the meantime
                return self._context.clock.now()
            reason = "bytes that it needs are gone"
        except DamagedInput as error:
            reason = str(error)
        except Exception as error:
            log.exception("batch %s fails", task[1])
            reason = repr(error)
        log.warning("batch %s fails: %s", task[1], reason)
        errors = [self._errors.error("server_error", reason=reason)]
        self._change(task, lambda value: failed(value, self._context.clock.now(), errors))
        return None

    def _wait_for_disk(self, task: Task) -> float:
        """Wait before the next attempt, in real time. The answers that were not stored are then made again."""
        wait = self._waits.get(task, 0.0)
        if not wait:
            log.warning("batch %s waits until its answers can be written to the disk", task[1])
        self._waits[task] = min(_MAX_WAIT, 2 * wait or _FIRST_WAIT)
        self._context.closing.wait(self._waits[task])
        return self._context.clock.now()

    def _with_start(self, task: Task, value: Value) -> Value:
        """Return the record with the start of its state, which is corrected if the clock was set back."""
        began = since(value, self._context.clock.now())
        if value["work"]["since"] - began < _SAME_TIME:
            return value
        log.info("batch %s continues, although the clock was set back", task[1])
        changed = self._change(task, lambda value: value | {"work": value["work"] | {"since": began}})
        return changed or value

    def _leave_state(self, task: Task, value: Value) -> float:
        """Leave a state other than ``in_progress`` when its time has passed. Return when the next step is due."""
        batch, work, now = value["batch"], value["work"], self._context.clock.now()
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
        """Validate the input, and move the batch to ``in_progress`` or ``failed``."""
        account, settings = self._account(task, value), self._settings(task, value)
        try:
            check, model = self._validation.admit(value, account, settings)
        except InputRefused as refused:
            errors = refused.errors
            self._change(task, lambda value: failed(value, then, errors), within="validating")
            log.info("batch %s failed: %s", task[1], errors[0]["message"])
            return
        counts = {"total": check.total, "completed": 0, "failed": 0}
        queued = {"group": model.limit_group, "tokens": check.tokens}

        def start(value: Value) -> Value:
            started = value | {"work": value["work"] | queued}
            return moved(started, "in_progress", then, model=model.snapshot, request_counts=counts)

        if self._change(task, start, within="validating") is None:  # removed in the meantime
            self._context.limiter.queue.leave(*task)
        log.info("batch %s: %d lines, %d tokens", task[1], check.total, check.tokens)

    def _answer_lines(self, task: Task, value: Value) -> float:
        """Answer some of the lines that are due, or leave the state. Return when the next step is due."""
        batch, work, now = value["batch"], value["work"], self._context.clock.now()
        counts, expires = batch["request_counts"], batch["expires_at"]
        answered = counts["completed"] + counts["failed"]
        is_expired = now >= expires
        due = lines_due(value, expires if is_expired and work["seconds"] else now)
        if answered < due and not (is_expired and not work["seconds"]):
            self._answer_some(task, value, due)
        elif answered >= counts["total"]:
            then = work["since"] + work["seconds"] if work["seconds"] else now
            self._change(task, lambda value: moved(value, "finalizing", then), within="in_progress")
        elif is_expired:
            self._finish(task, value, "expired", expires, "batch_expired")
        else:
            return float(min(next_due(value, now), expires))
        return now

    def _answer_some(self, task: Task, value: Value, due: int) -> None:
        """Answer lines until ``due`` are answered, the time of a slice has passed, or the batch leaves the state."""
        context, work = self._context, value["work"]
        until = time.monotonic() + min(_MAX_SLICE, _SLICE + len(work["output"]) / 10)
        tally = self._running[task] = _Tally(value)
        max_bytes, answer = context.settings.max_body_bytes, partial(self._answer, task, value)
        try:
            with (
                context.blobs.open(work["input"]) as file,
                context.blobs.writer() as output,
                context.blobs.writer() as errors,
            ):
                lines = read_lines(file, max_bytes, offset=work["bytes"], number=work["lines"])
                while next_lines := list(islice(lines, min(self._at_once, due - tally.answered))):
                    for line, answered in zip(next_lines, self._map(answer, next_lines), strict=True):
                        if answered is None:
                            break
                        (output if answered.succeeded else errors).write(answered.line)
                        tally.add(line, answered)
                    if time.monotonic() > until or not self._is_in_progress(task):
                        break
                self._store(task, value, tally, output, errors)
                if not next_lines and tally.answered < due:
                    raise DamagedInput("its input ends before the last line")
        finally:
            del self._running[task]

    def _map(
        self, answer: Callable[[Line], Answered | None], lines: Iterable[Line]
    ) -> Iterable[Answered | None]:
        """Return the answers to lines in their order, made in parallel if the setting ``batch_lines`` says so."""
        return map(answer, lines) if self._threads is None else self._threads.map(answer, lines)

    def _is_in_progress(self, task: Task) -> bool:
        """Return whether the lines of a batch are still to be answered."""
        value = self._context.store.get(KIND, *task)
        if value is None or value["batch"]["status"] != "in_progress" or self._context.closing.is_set():
            return False
        return bool(value["work"]["seconds"]) or self._context.clock.now() < value["batch"]["expires_at"]

    def _answer(self, task: Task, value: Value, line: Line) -> Answered | None:
        """Return the answer to a line; ``None`` if the server ends in the meantime."""
        context, now = self._context, self._context.clock.now()
        request = strict_json.parse(line.data)
        inner = InnerCall(self._account(task, value), BATCH_SHARE)
        headers = {**value["work"]["headers"], BATCH_HEADER: task[1]}
        request["url"] = path_of(request["url"], value["work"].get("mount", ""))
        response = ask(self._app, inner, request, headers, lambda: self._is_given_up(task))
        if context.closing.is_set():
            return None
        line_id = context.ids.batch_request_id(now)
        if response is None:
            is_expired = context.clock.now() >= value["batch"]["expires_at"]
            error = self._errors.line_error("batch_expired" if is_expired else "request_timeout")
            return unanswered_line(line_id, request["custom_id"], error)
        return answered_line(line_id, request["custom_id"], response)

    def _is_given_up(self, task: Task) -> bool:
        """Return whether the answer to a line is no longer needed."""
        value = self._context.store.get(KIND, *task)
        if value is None or self._context.closing.is_set():
            return True
        batch = value["batch"]
        cancelling = batch["status"] == "cancelling"
        deadline = batch["cancelling_at"] + _CANCELLING_AT_MOST if cancelling else batch["expires_at"]
        return bool(self._context.clock.now() >= deadline)

    def _store(
        self, task: Task, before: Value, tally: _Tally, output: BlobWriter, errors: BlobWriter
    ) -> None:
        """Store the new answers, all at once; nothing if the batch has changed since ``before``."""
        if tally.offset == before["work"]["bytes"]:
            return
        new: dict[str, list[str]] = {"output": [], "errors": []}

        def add(value: Value) -> Value:
            work = value["work"]
            if work["bytes"] != before["work"]["bytes"]:
                return value
            added = {name: [*work[name], *blobs] for name, blobs in new.items()}
            work = work | added | {"lines": tally.line, "bytes": tally.offset}
            batch = value["batch"] | {"request_counts": tally.counts, "usage": tally.usage}
            return with_blobs(value | {"batch": batch, "work": work})

        named: Sequence[str] = ()
        try:
            for name, writer in (("output", output), ("errors", errors)):
                if writer.size:
                    new[name].append(writer.commit().id)
            value = self._change(task, add)
            named = value["blobs"] if value else ()
        finally:
            for blob_id in [blob_id for blobs in new.values() for blob_id in blobs if blob_id not in named]:
                self._context.blobs.delete(blob_id)
        counts = tally.counts
        log.info(
            "batch %s: %d of %d lines are answered, %d with an error",
            task[1],
            tally.answered,
            counts["total"],
            counts["failed"],
        )

    def _finish(self, task: Task, value: Value, status: str, then: float, left: str = "") -> None:
        """Write the result files, and end the batch. Lines without an answer fail with the error ``left``."""
        work, files = value["work"], {}
        for name, segments in (("output", work["output"]), ("error", work["errors"])):
            with self._context.blobs.writer() as writer:
                for blob_id in segments:
                    with self._context.blobs.open(blob_id) as segment:
                        shutil.copyfileobj(segment, writer)
                if left and name == "error":
                    for line in self._unanswered_lines(value, left):
                        writer.write(line)
                if writer.size and not self._ended.is_set():
                    file = self._context.files.add(
                        task[0],
                        writer.commit(),
                        filename=f"{task[1]}_{name}.jsonl",
                        purpose="batch_output",
                        lifetime=work["files_expire_after"],
                        file_id=work[f"{name}_file_id"],
                    )
                    files[f"{name}_file_id"] = file["id"]
        self._change(task, lambda value: moved(value, status, then, **files), within=value["batch"]["status"])
        log.info("batch %s is %s", task[1], status)

    def _unanswered_lines(self, value: Value, error: str) -> Iterator[bytes]:
        """Yield the lines of the error file for lines without an answer."""
        work, context = value["work"], self._context
        if not value["batch"]["request_counts"]["total"]:
            return
        row, max_bytes = self._errors.line_error(error), context.settings.max_body_bytes
        with context.blobs.open(work["input"]) as file:
            for line in read_lines(file, max_bytes, offset=work["bytes"], number=work["lines"]):
                line_id = context.ids.batch_request_id(context.clock.now())
                yield unanswered_line(line_id, strict_json.parse(line.data)["custom_id"], row).line

    def _change(self, task: Task, change: Callable[[Value], Value], within: str = "") -> Value | None:
        """Change a batch if it is still in the state ``within``. Return its record, ``None`` if it was removed.

        Its end is announced to webhooks. After ``end`` nothing is changed, because another server may use the state
        folder.
        """

        def checked(value: Value) -> Value:
            changed = change(value) if within in ("", value["batch"]["status"]) else value
            ends = is_final(changed) and not is_final(value)
            is_wanted = ends and self._context.webhooks.has_receivers(task[0], _event_of(changed))
            return to_be_announced(changed) if is_wanted else changed

        if self._ended.is_set():
            return None
        value = self._context.store.update(KIND, *task, checked)
        if value is not None:
            self._announce(task, value)
        return value

    def _announce(self, task: Task, value: Value) -> None:
        """Send the webhook of a batch that has ended; again only if the server was killed before it was kept."""
        if not is_to_be_announced(value):
            return
        webhooks, event, data = self._context.webhooks, _event_of(value), {"id": task[1]}
        if not webhooks.deliveries(task[0], event_type=event, data=data):
            webhooks.announce(task[0], event, data)
        self._context.store.update(KIND, *task, announced)

    def _settings(self, task: Task, value: Value) -> Settings:
        """Return the settings of a batch: those of its account and of its creation."""
        return self._context.account_settings.for_account(task[0]).for_request(value["work"]["headers"])

    def _account(self, task: Task, value: Value) -> Account:
        """Return the account of a batch, which may have been restored for another account than created it."""
        account = self._context.accounts.known(task[0]) or Account.from_value(value["work"]["account"])
        if account.id == task[0]:
            return account
        organization, _, project = task[0].rpartition("/")
        names = frozenset({task[0], organization, project})
        return replace(account, id=task[0], organization=organization, project=project, names=names)


def _event_of(value: Value) -> str:
    """Return the type of the webhook for a batch that has ended."""
    return f"batch.{value['batch']['status']}"


class _Tally:
    """The progress of a batch's lines."""

    def __init__(self, value: Value) -> None:
        work, batch = value["work"], value["batch"]
        self.counts = dict(batch["request_counts"])
        self.usage = deepcopy(batch["usage"])
        self.line, self.offset = work["lines"], work["bytes"]

    @property
    def answered(self) -> int:
        """Return the number of answered lines."""
        return int(self.counts["completed"] + self.counts["failed"])

    def add(self, line: Line, answered: Answered) -> None:
        """Count an answered line."""
        self.counts["completed" if answered.succeeded else "failed"] += 1
        self.line, self.offset = line.number, line.end
        if answered.usage is not None:
            add_usage(self.usage, answered.usage)

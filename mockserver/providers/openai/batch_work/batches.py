"""The batches of a server: created, read and cancelled by requests, and processed in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.errors import ApiError
from mockserver.pipeline.background_work import BackgroundWork, values_of
from mockserver.providers.openai.batch_work.record import (
    FINAL,
    KIND,
    Value,
    described,
    is_final,
    is_to_be_announced,
    moved,
    new_batch,
    with_blobs,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.accounts.accounts import Account
    from mockserver.pipeline.operation import Operation
    from mockserver.providers.openai.batch_work.context import BatchWorkContext
    from mockserver.providers.openai.batch_work.work import Work
    from mockserver.schedule import Schedule
    from mockserver.state.protocols import Change


class _Background(NamedTuple):
    work: Work
    schedule: Schedule


class Batches:
    """Creates, reads and cancels batches. Call ``bind`` first.

    The store decides what is processed: an unfinished batch from the time it is put there until it is removed.
    """

    def __init__(self, context: BatchWorkContext) -> None:
        self._context = context
        self._starting = threading.Lock()
        self._background: _Background | None = None

    def bind(self, app: WSGIApplication, operations: Mapping[str, Operation]) -> None:
        """Let ``app`` answer the lines of batches, and continue those that an earlier server left unfinished.

        ``operations`` are the operations that batches can call, by their path.
        """
        self._app, self._operations = app, operations
        self.endpoints = frozenset(operations)
        self._context.store.listen(self._on_changes, KIND)
        for account_id, batch_id, value in self._context.store.all(KIND):
            self._continue(account_id, batch_id, value)

    def create(
        self,
        account: Account,
        body: Mapping[str, Any],
        *,
        seconds: float,
        headers: Mapping[str, str],
        mount: str = "",
    ) -> Value:
        """Create a batch, and return its object.

        ``body`` is that of the request, ``seconds`` the time in each state, ``headers`` the settings, ``mount`` what
        precedes ``/v1`` in the paths of the service that is called.
        Raises ``ApiError`` (``file_not_found``) if the file is deleted at this moment.
        """
        context, now = self._context, self._context.clock.now()
        batch = new_batch(context.ids.batch_id(now), now, body)
        file = context.files.get(account.id, body["input_file_id"])
        blob_id = context.files.blob_id(account.id, body["input_file_id"]) if file else None
        work: Value = {
            "account": account.as_value(),
            "headers": dict(headers),
            "seconds": seconds,
            "since": now,
            "input": blob_id or "",
            "purpose": file["purpose"] if file else "",
            "mount": mount,
            "lines": 0,
            "bytes": 0,
            "output": [],
            "errors": [],
            "output_file_id": context.ids.file_id(),
            "error_file_id": context.ids.file_id(),
            "files_expire_after": (body.get("output_expires_after") or {}).get("seconds"),
            "group": "",
            "tokens": 0,
        }

        def check() -> None:  # that the file above still exists; the batch now refers to its bytes
            if blob_id and context.files.blob_id(account.id, body["input_file_id"]) != blob_id:
                raise ApiError("file_not_found", id=body["input_file_id"])

        value = with_blobs({"batch": batch, "work": work})
        context.store.put(KIND, account.id, batch["id"], value, check=check)
        return batch

    def get(self, account_id: str, batch_id: str) -> Value | None:
        """Return the current object of a batch, or ``None``."""
        value = self._context.store.get(KIND, account_id, batch_id)
        return None if value is None else self._object(account_id, value)

    def list(self, account_id: str) -> Sequence[Value]:
        """Return the objects of an account's batches, oldest first."""
        values = self._context.store.values(KIND, account_id)
        return [self._object(account_id, value) for value in values]

    def described(self, account_id: str | None) -> Iterator[BackgroundWork]:
        """Yield the batches of an account, or of all, in the form that all work in the background has."""
        now = self._context.clock.now()
        for owner, value in values_of(self._context.store, KIND, account_id):
            yield described(owner, value | {"batch": self._object(owner, value)}, now)

    def cancel(self, account_id: str, batch_id: str) -> Value | None:
        """Cancel a batch, and return its object; ``None`` if there is no such batch.

        Raises ``ApiError`` (``batch_not_cancellable``) if it has ended in another way.
        """
        now = self._context.clock.now()

        def change(value: Value) -> Value:
            if value["batch"]["status"] in FINAL | {"cancelling"}:
                return value
            return moved(value, "cancelling", now)

        value = self._context.store.update(KIND, account_id, batch_id, change)
        if value is None:
            return None
        status = value["batch"]["status"]
        if status in FINAL and status != "cancelled":
            raise ApiError("batch_not_cancellable", status=status)
        self._add(account_id, batch_id)
        return self._object(account_id, value)

    def close(self) -> None:
        """Stop the work. With a state folder, the next server continues it."""
        if self._background is not None:
            self._background.schedule.close()
            self._background.work.end()

    def _started(self) -> _Background:
        """Return the work in the background, started at the first batch: most servers never have one."""
        with self._starting:
            if self._background is None:
                from mockserver.providers.openai.batch_work.work import Work
                from mockserver.schedule import Schedule

                context = self._context
                work = Work(context, self._app, self._operations)
                threads = 0 if context.settings.leaves_heavy_work else context.settings.batch_workers
                schedule = Schedule(work.step, context.clock, threads, context.leases)
                self._background = _Background(work, schedule)
            return self._background

    def _object(self, account_id: str, value: Value) -> Value:
        batch: Value = value["batch"]
        return batch | self._started().work.progress((account_id, batch["id"]))

    def _on_changes(self, changes: Sequence[Change]) -> None:
        """Start batches that were put into the store, and remove ended ones from the batch queue."""
        for change in changes:
            if change.after is None or is_final(change.after):
                self._context.limiter.queue.leave(change.account, change.key)
            if change.after is not None and change.before is None:
                self._continue(change.account, change.key, change.after)

    def _continue(self, account_id: str, batch_id: str, value: Value) -> None:
        """Continue a batch unless nothing is left to do."""
        if is_final(value):
            if is_to_be_announced(value):
                self._add(account_id, batch_id)
            return
        group, tokens = value["work"]["group"], value["work"]["tokens"]
        if tokens:
            self._context.limiter.queue.enter(account_id, group, batch_id, tokens, None)
        self._add(account_id, batch_id)

    def _add(self, account_id: str, batch_id: str) -> None:
        self._started().schedule.add((account_id, batch_id))

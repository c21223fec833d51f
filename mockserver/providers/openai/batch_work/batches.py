"""The batches of a server: created, looked at and cancelled by requests, worked at in the background."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.errors import ApiError
from mockserver.providers.openai.batch_work.record import (
    FINAL,
    KIND,
    Value,
    is_final,
    moved,
    new_batch,
    with_blobs,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.accounts.accounts import Account
    from mockserver.pipeline.operation import Operation
    from mockserver.providers.openai.batch_work.context import BatchWorkContext
    from mockserver.providers.openai.batch_work.schedule import Schedule
    from mockserver.providers.openai.batch_work.work import Work
    from mockserver.state.memory import Change


class _Desk(NamedTuple):
    work: Work
    schedule: Schedule


class Batches:
    """What requests do with batches. ``bind`` comes first.

    The store has the last word: who puts an unfinished batch there has it worked at, who removes it ends that.
    """

    def __init__(self, context: BatchWorkContext) -> None:
        self._context = context
        self._making = threading.Lock()
        self._desk: _Desk | None = None

    def bind(self, app: WSGIApplication, operations: Mapping[str, Operation]) -> None:
        """Has ``app`` answer the lines of batches, and goes on with those that an earlier server left unfinished.

        ``operations`` are those that batches can be for, by their path.
        """
        self._app, self._operations = app, operations
        self.endpoints = frozenset(operations)
        self._context.store.listen(self._follow)
        for account_id, batch_id, value in self._context.store.all(KIND):
            self._take_up(account_id, batch_id, value)

    def create(
        self, account: Account, asked: Mapping[str, Any], *, seconds: float, headers: Mapping[str, str]
    ) -> Value:
        """A new batch, as ``asked`` for. ``seconds`` is what it takes in each state; ``headers`` its settings.

        Raises ``ApiError`` (``file_not_found``) where its file is deleted at this moment.
        """
        context, now = self._context, self._context.clock.now()
        batch = new_batch(context.ids.batch_id(now), now, asked)
        file = context.files.get(account.id, asked["input_file_id"])
        blob_id = context.files.blob_id(account.id, asked["input_file_id"]) if file else None
        work: Value = {
            "account": account.as_value(),
            "headers": dict(headers),
            "seconds": seconds,
            "since": now,
            "input": blob_id or "",
            "purpose": file["purpose"] if file else "",
            "lines": 0,
            "bytes": 0,
            "output": [],
            "errors": [],
            "output_file_id": context.ids.file_id(),
            "error_file_id": context.ids.file_id(),
            "files_expire_after": (asked.get("output_expires_after") or {}).get("seconds"),
            "group": "",
            "tokens": 0,
        }

        def check() -> None:  # of the file found above, whose bytes the batch keeps from now on
            if blob_id and context.files.blob_id(account.id, asked["input_file_id"]) != blob_id:
                raise ApiError("file_not_found", id=asked["input_file_id"])

        value = with_blobs({"batch": batch, "work": work})
        context.store.put(KIND, account.id, batch["id"], value, check=check)
        return batch

    def get(self, account_id: str, batch_id: str) -> Value | None:
        """The batch as it is now, or ``None``."""
        value = self._context.store.get(KIND, account_id, batch_id)
        return None if value is None else self._seen(account_id, value)

    def list(self, account_id: str) -> Sequence[Value]:
        """The batches of an account, oldest first."""
        values = self._context.store.values(KIND, account_id)
        return [self._seen(account_id, value) for value in values]

    def cancel(self, account_id: str, batch_id: str) -> Value | None:
        """Has a batch end early, as it is from then on; ``None`` where there is no such batch.

        Raises ``ApiError`` (``batch_not_cancellable``) for one that has ended otherwise.
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
        return self._seen(account_id, value)

    def close(self) -> None:
        """Ends the work; in a state folder the next server finds it where it was."""
        if self._desk is not None:
            self._desk.schedule.close()
            self._desk.work.end()

    def _at_work(self) -> _Desk:
        """Where batches are worked at, from the first one on: most servers never meet one."""
        with self._making:
            if self._desk is None:
                from mockserver.providers.openai.batch_work.schedule import Schedule
                from mockserver.providers.openai.batch_work.work import Work

                context = self._context
                work = Work(context, self._app, self._operations)
                self._desk = _Desk(work, Schedule(work.step, context.clock, context.settings.batch_workers))
            return self._desk

    def _seen(self, account_id: str, value: Value) -> Value:
        batch: Value = value["batch"]
        return batch | self._at_work().work.progress((account_id, batch["id"]))

    def _follow(self, changes: Sequence[Change]) -> None:
        """A listener of the store."""
        for change in changes:
            if change.kind != KIND:
                continue
            if change.after is None or is_final(change.after):
                self._context.limiter.queue.leave(change.account, change.key)
            elif change.before is None:
                self._take_up(change.account, change.key, change.after)

    def _take_up(self, account_id: str, batch_id: str, value: Value) -> None:
        """Goes on with an unfinished batch."""
        if is_final(value):
            return
        group, tokens = value["work"]["group"], value["work"]["tokens"]
        if tokens:
            self._context.limiter.queue.enter(account_id, group, batch_id, tokens, None)
        self._add(account_id, batch_id)

    def _add(self, account_id: str, batch_id: str) -> None:
        self._at_work().schedule.add((account_id, batch_id))

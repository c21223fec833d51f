"""Responses in the background: moved from state to state by the clock, beside requests."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from mockserver.errors import ApiError
from mockserver.pipeline.background_work import BackgroundWork, values_of
from mockserver.providers.openai.response_work import progress
from mockserver.providers.openai.response_work.records import (
    RESPONSE,
    Value,
    add_items,
    conversation_id_of,
    is_expired,
    items_of,
)
from mockserver.schedule import Schedule
from mockserver.state.disk import StateFailed
from mockserver.work_queue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mockserver.clock import Clock
    from mockserver.engines.answered_by import AnsweredBy
    from mockserver.providers.openai.response_work.busy import BusyConversations
    from mockserver.schedule import Task
    from mockserver.state.held_leases import HeldLeases
    from mockserver.state.protocols import Change, Documents
    from mockserver.webhooks.webhooks import Webhooks

log = logging.getLogger(__name__)

_THREADS = 2  # a step takes milliseconds
_AT_ONCE, _WAITING = 8, 10_000  # outputs that are made at the same time, and that wait
_LOST = "The server was stopped before the output was made."
_RETRY = 1.0  # seconds until writing to a failed disk is tried again


class Made(NamedTuple):
    """The output of a response in the background: its object at the end, and the events that are still to be sent."""

    result: Value
    events: Sequence[str] = ()
    answered_by: AnsweredBy | None = None


class NotMade(Exception):
    """The output of a response cannot be made, for the reason that the message gives."""


class BackgroundContext(Struct, frozen=True):
    """The parts of a server that responses in the background use."""

    busy: BusyConversations
    clock: Clock
    closing: threading.Event
    leases: HeldLeases
    store: Documents
    webhooks: Webhooks


class Background:
    """The responses of a server that were created with ``background``.

    The store decides: such a response is moved on from the time it is put there until it has ended, or is removed.
    """

    def __init__(self, context: BackgroundContext) -> None:
        self._context = context
        self._changing = threading.Lock()  # held while a state changes
        self._changed = threading.Condition()
        self._starting = threading.Lock()
        self._schedule: Schedule | None = None
        self._makers: dict[Task, Callable[[], Made]] = {}
        self._readers: Counter[Task] = Counter()  # of streams; guarded by ``_changing``
        self._queue = WorkQueue(_AT_ONCE, _WAITING, name="responses")

    def resume(self) -> None:
        """Continue the responses that an earlier server left unfinished."""
        self._context.store.listen(self._on_changes, RESPONSE)
        self._context.clock.listen(self._notify)
        for account_id, _, value in self._context.store.all(RESPONSE):
            self._continue(account_id, value)

    def described(self, account_id: str | None) -> Iterator[BackgroundWork]:
        """Yield the responses of an account, or of all, in the form that all work in the background has."""
        now = self._context.clock.now()
        for owner, value in values_of(self._context.store, RESPONSE, account_id):
            if "background" in value and not is_expired(value, now):
                yield progress.described(owner, value, now)

    def make_later(self, account_id: str, response_id: str, make: Callable[[], Made]) -> None:
        """Let ``make`` make the output of a response in the background. It is put into the store after this call."""
        self._context.leases.take(_being_made(account_id, response_id))
        self._makers[account_id, response_id] = make

    def forget(self, account_id: str, response_id: str) -> None:
        """Do not make the output of a response that has ended, or could not be put into the store."""
        if self._makers.pop((account_id, response_id), None) is not None:
            self._context.leases.give_up(_being_made(account_id, response_id))

    def cancel(self, account_id: str, response_id: str) -> Value | None:
        """Cancel a response unless it has ended. Return its value, ``None`` if there is no such response.

        Raises ``ApiError`` if it is not in the background.
        """
        now = self._context.clock.now()

        def change(value: Value) -> Value:
            if "background" not in value:
                raise ApiError("response_not_background")
            if progress.is_final(value):
                return value
            return self._ended(account_id, progress.cancelled(value, now))

        with self._changing:
            value = self._context.store.update(RESPONSE, account_id, response_id, change)
        if value is not None and progress.is_to_be_announced(value) and self._schedule is not None:
            self._schedule.add((account_id, response_id))
        return value

    @contextlib.contextmanager
    def reading(self, account_id: str, response_id: str) -> Iterator[None]:
        """Keep the events of a response while its stream is read, however far the clock is moved meanwhile."""
        task = account_id, response_id
        with self._changing:
            self._readers[task] += 1
            if self._readers[task] == 1:
                self._context.leases.take(_being_read(*task))
        try:
            yield
        finally:
            with self._changing:
                self._readers[task] -= 1
                is_last = not self._readers[task]
                if is_last:
                    del self._readers[task]
                    self._context.leases.give_up(_being_read(*task))
            if is_last and self._schedule is not None:
                self._schedule.add(task)

    def wait(self, seconds: float) -> None:
        """Wait up to real ``seconds``, or until a response or the clock changes."""
        with self._changed:
            self._changed.wait(seconds)

    def close(self) -> None:
        """Stop the work. With a state folder, the next server continues it."""
        self._queue.close()
        if self._schedule is not None:
            self._schedule.close()
        self._notify()

    def _on_changes(self, changes: Sequence[Change]) -> None:
        """Begin the work on responses that were put into the store, and free the conversations of ended ones."""
        for change in changes:
            if change.after is None or progress.is_final(change.after):
                self.forget(change.account, change.key)
                value = change.after or change.before
                if value is not None:
                    conversation_id = conversation_id_of(value["response"])
                    self._context.busy.release(change.account, conversation_id, change.key)
            if change.after is not None and change.before is None:
                self._continue(change.account, change.after)
        self._notify()

    def _continue(self, account_id: str, value: Value) -> None:
        """Continue a response unless nothing is left to do."""
        if "background" not in value or progress.is_done(value):
            return
        response = value["response"]
        if not progress.is_final(value):
            self._context.busy.note(account_id, conversation_id_of(response), response["id"])
        with self._starting:
            if self._schedule is None:
                self._schedule = Schedule(
                    self._step, self._context.clock, _THREADS, self._context.leases, kind="response"
                )
        self._schedule.add((account_id, response["id"]))

    def _step(self, task: Task) -> float | None:
        """Do what is due for a response. Return when more is due, ``None`` for never."""
        try:
            return self._moved_on(task)
        except StateFailed:  # which is logged already
            self._context.closing.wait(_RETRY)
            return self._context.clock.now()

    def _moved_on(self, task: Task) -> float | None:
        store, now = self._context.store, self._context.clock.now()
        with self._changing:
            value = store.get(RESPONSE, *task)
            if value is None or "background" not in value or self._context.closing.is_set():
                return None
            if progress.is_final(value):
                self._announce(task, value)
                return self._drop_events(task, value, now)
            changed = progress.moved(value, now)
            if progress.is_waiting(changed) and not self._is_being_made(task):
                changed = progress.moved(progress.failed(changed, _LOST), now)
            if progress.is_final(changed):
                # First, so that a server that is killed in between does it again. It has no effect the second time.
                self._add_to_conversation(task[0], changed)
                changed = self._ended(task[0], changed)
            if changed is not value:
                stored = store.update(RESPONSE, *task, lambda now: changed if now == value else now)
                if stored != changed:  # another process has changed it
                    return now
            if progress.is_waiting(changed):
                self._make_or_wait(task)
        return now if progress.is_final(changed) else progress.next_change(changed, now)

    def _is_being_made(self, task: Task) -> bool:
        return task in self._makers or self._context.leases.is_held(_being_made(*task))

    def _make_or_wait(self, task: Task) -> None:
        """Make the output of a response, if this process can; else look again whether the other one lives."""
        if task in self._makers:
            self._queue.submit(task, partial(self._make, task), bounded=False)
        elif self._schedule is not None:
            self._schedule.put_off(task)

    def _make(self, task: Task) -> None:
        """Make the output of a response."""
        make = self._makers.get(task)
        if make is None or self._context.closing.is_set():
            return
        try:
            made = make()
        except NotMade as error:
            change = partial(progress.failed, message=str(error))
        except Exception as error:
            log.exception("response %s fails", task[1])
            change = partial(progress.failed, message=repr(error))
        else:
            change = partial(progress.made, result=made.result, events=made.events)
        while not self._is_changed(task, change):  # the disk fails
            if self._context.closing.wait(_RETRY):
                return
        if self._schedule is not None:
            self._schedule.add(task)

    def _is_changed(self, task: Task, change: Callable[[Value], Value]) -> bool:
        """Change a response. Return whether the change could be written."""
        try:
            with self._changing:
                self._context.store.update(RESPONSE, *task, change)
        except StateFailed:  # which is logged already
            return False
        return True

    def _ended(self, account_id: str, value: Value) -> Value:
        """Return the value of a response that has just ended; if a webhook is to be sent, it says so until it is."""
        is_wanted = self._context.webhooks.has_receivers(account_id, _event_of(value))
        return progress.to_be_announced(value) if is_wanted else value

    def _announce(self, task: Task, value: Value) -> None:
        """Send the webhook of a response that has ended; again only if the server was killed before it was kept."""
        if not progress.is_to_be_announced(value):
            return
        account_id, response_id = task
        event, data = _event_of(value), {"id": response_id}
        if not self._context.webhooks.deliveries(account_id, event_type=event, data=data):
            self._context.webhooks.announce(account_id, event, data)
        self._context.store.update(RESPONSE, *task, progress.announced)

    def _drop_events(self, task: Task, value: Value, now: float) -> float | None:
        """Remove the events of a response that can no longer be streamed, when no stream of it is read."""
        if not value["background"]["events"] or self._is_being_read(task):
            return None
        due = progress.next_change(value, now)
        if now < due:
            return due
        self._context.store.update(RESPONSE, *task, progress.without_events)
        return None

    def _is_being_read(self, task: Task) -> bool:
        return task in self._readers or self._context.leases.is_held(_being_read(*task))

    def _add_to_conversation(self, account_id: str, value: Value) -> None:
        conversation_id = conversation_id_of(value["response"])
        if conversation_id is not None and value["response"]["status"] != "failed":
            add_items(self._context.store, account_id, conversation_id, items_of(value))

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _being_made(account_id: str, response_id: str) -> str:
    """Return the name of the lease of the process that makes the output of a response."""
    return f"output:{account_id}/{response_id}"


def _being_read(account_id: str, response_id: str) -> str:
    """Return the name of the lease of a process in which the stream of a response is read.

    If several processes read it, one of them has the lease.
    """
    return f"stream:{account_id}/{response_id}"


def _event_of(value: Value) -> str:
    """Return the type of the webhook for a response that has ended."""
    return f"response.{value['response']['status']}"

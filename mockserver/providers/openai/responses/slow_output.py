"""Output that takes long: a stream is kept alive while it is made."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING

from mockserver.engines.answered_by import AnsweredBy
from mockserver.errors import ApiError
from mockserver.providers.openai.response_work import progress
from mockserver.providers.openai.responses.output import Output
from mockserver.providers.openai.responses.prepared import Begun, Prepared, prepared_output, with_output

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import ResponsesContext
    from mockserver.wire.responses import Events

log = logging.getLogger(__name__)

KEPT_ALIVE = 15.0  # real seconds without an event after which a ``keepalive`` is sent


def made_meanwhile(
    context: ResponsesContext, call: Call, begun: Begun, events: Events
) -> Generator[bytes, None, Prepared]:
    """Yield events while the output is made, and return it; that of a failed response if it cannot be made."""
    made: list[Prepared] = []
    is_made = threading.Event()

    def make() -> None:
        try:
            made.append(_made(context, call, begun))
        finally:
            is_made.set()

    threading.Thread(target=make, name="response", daemon=True).start()
    while not is_made.wait(KEPT_ALIVE):
        yield events.event("keepalive")
    return made[0]


def _made(context: ResponsesContext, call: Call, begun: Begun) -> Prepared:
    try:
        return prepared_output(context, call, begun)
    except ApiError as error:
        return _failed(begun, str(context.errors.fields(error)["message"]))
    except Exception as error:
        log.exception("response %s fails", begun.common["id"])
        return _failed(begun, repr(error))


def _failed(begun: Begun, message: str) -> Prepared:
    failure = {"code": progress.FAILURE, "message": message}
    return with_output(begun, Output(AnsweredBy("reply_from"), [], 0, failure=failure))

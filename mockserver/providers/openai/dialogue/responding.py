"""Asks the responders for a reply."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mockserver.engines.dialogue import Conversation, NoValueFits, Reply, ReplyFailed
from mockserver.errors import ApiError

if TYPE_CHECKING:
    from mockserver.engines.dialogue import Responder

Unfit = Callable[[str, str], ApiError]


def respond(responders: Iterable[Responder], conversation: Conversation, unfit: Unfit) -> Reply:
    """Return the reply of the first responder that has one. Raises ``ApiError``.

    ``unfit`` returns the refusal of a schema that no value satisfies, from the name of its tool (empty for the schema
    of the text) and the reason.
    """
    try:
        for responder in responders:
            reply = responder.reply(conversation)
            if reply is not None:
                return reply
    except NoValueFits as error:
        raise unfit(error.tool, str(error)) from error
    except ReplyFailed as error:
        raise ApiError("chat_no_reply", reason=str(error)) from error
    raise ApiError("chat_no_reply", reason="no responder has a reply")


def before_stop(text: str, stop: Iterable[str]) -> str:
    """Return the part of the text before the first of the ``stop`` sequences in it."""
    places = [text.find(sequence) for sequence in stop if sequence and sequence in text]
    return text[: min(places)] if places else text

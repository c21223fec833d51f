"""The chain of responders."""

from __future__ import annotations

import pytest

from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.dialogue import Conversation, NoValueFits, Reply, ReplyFailed
from mockserver.errors import ApiError
from mockserver.providers.openai.dialogue.responding import respond

NOTHING = Conversation(())


class Says:
    def __init__(self, said: str | Exception | None) -> None:
        self.said = said

    def reply(self, conversation: Conversation) -> Reply | None:
        if isinstance(self.said, Exception):
            raise self.said
        return None if self.said is None else Reply(AnsweredBy("test"), self.said)


def unfit(tool: str, reason: str) -> ApiError:
    return ApiError("server_error", tool=tool, reason=reason)


def test_the_first_that_has_a_reply_answers() -> None:
    assert respond([Says(None), Says("a"), Says("b")], NOTHING, unfit).text == "a"


@pytest.mark.parametrize("responders", [[], [Says(None)], [Says(ReplyFailed("too late"))]])
def test_without_a_reply_there_is_an_error(responders: list[Says]) -> None:
    with pytest.raises(ApiError, match="chat_no_reply"):
        respond(responders, NOTHING, unfit)


def test_a_schema_without_values_is_refused_by_its_tool() -> None:
    with pytest.raises(ApiError) as refused:
        respond([Says(NoValueFits("add", "never"))], NOTHING, unfit)
    assert refused.value.values["tool"] == "add"

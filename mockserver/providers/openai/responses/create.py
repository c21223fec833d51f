"""``POST /v1/responses``: responses to texts, images, files and the results of tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver import json_styles
from mockserver.engines.dialogue import Conversation, Turn
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.wire import responses

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import ResponsesContext


def create_response(context: ResponsesContext, call: Call) -> Answer:
    """Reply to the input."""
    body = call.document
    text = body["input"] if isinstance(body.get("input"), str) else ""
    conversation = Conversation((Turn("user", text),))
    reply = call.scripted.chat_reply() if call.scripted else None
    for responder in context.responders:
        reply = reply or responder.reply(conversation)
    if reply is None or call.model is None:
        raise ApiError("chat_no_reply", reason="no responder has a reply")
    now = int(context.clock.now())
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": reply.text}
    message = {"id": "msg_" + context.ids.uuid(), "type": "message", "status": "completed", "content": [part]}
    document = responses.response(
        {
            "id": "resp_" + context.ids.uuid(),
            "created_at": now,
            "status": "completed",
            "completed_at": now,
            "error": None,
            "incomplete_details": None,
            "model": call.model.snapshot,
            "output": [message | {"role": "assistant"}],
            "usage": responses.usage(read=1, written=1),
            "metadata": {},
        }
    )
    return Answer(
        json_styles.two_spaces_ascii(document), "application/json", reply.answered_by, usage=document["usage"]
    )

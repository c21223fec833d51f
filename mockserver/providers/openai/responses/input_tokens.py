"""``POST /v1/responses/input_tokens``: the tokens that the input of a response has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.providers.openai.responses import chains
from mockserver.providers.openai.responses.compaction import opened
from mockserver.providers.openai.responses.requests.request import response_request
from mockserver.providers.openai.responses.stored import answer

if TYPE_CHECKING:
    from mockserver.pipeline.call import Answer, Call
    from mockserver.providers.openai.contexts import ResponsesContext


def count_input_tokens(context: ResponsesContext, call: Call) -> Answer:
    """Return the tokens of the input, of what it continues, of instructions, tools and the format of the text."""
    chain = chains.chain_for(context, call)
    earlier, given = opened(chains.earlier_items(context, call), chains.input_items(context, call, chain))
    request = response_request(context, call, earlier, given)
    return answer({"object": "response.input_tokens", "input_tokens": request.prompt_tokens})

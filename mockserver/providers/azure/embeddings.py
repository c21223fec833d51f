"""Embeddings on Azure: OpenAI's, without its headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from mockserver.pipeline.call import Answer, Call
    from mockserver.providers.azure.contexts import ChangedContext


def create_embedding(context: ChangedContext, call: Call) -> Answer:
    """Return OpenAI's answer without the headers of its older service."""
    return replace(context.answer(call), headers=())

"""Searches with the embeddings of LangChain and LiteLLM find the right document."""

from __future__ import annotations

from collections.abc import Callable

import litellm
import pytest
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import OpenAIEmbeddings

from mockserver.testing.audio_api import AudioApi

PARCEL = "A parcel is delivered within three days."
DOCUMENTS = [PARCEL, "The museum opens at nine.", "Click the link to reset the password."]
MODEL = "text-embedding-3-small"


def test_a_vector_store_of_langchain_finds_the_right_document(audio_api: AudioApi) -> None:
    # With check_embedding_ctx_length it sends tokens, of a vocabulary that it downloads.
    store = InMemoryVectorStore.from_texts(
        DOCUMENTS, OpenAIEmbeddings(model=MODEL, check_embedding_ctx_length=False)
    )
    (found,) = store.similarity_search("Where is my parcel?", k=1)
    assert found.page_content == PARCEL
    audio_api.verify("embeddings", times=2)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_litellm_embeds(audio_api: AudioApi, encoding: str) -> None:
    embed: Callable[..., litellm.EmbeddingResponse] = litellm.embedding
    answer = embed(model=f"openai/{MODEL}", input=DOCUMENTS, encoding_format=encoding)
    assert len(answer.data) == 3
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == audio_api.journal[-1]["usage"]["prompt_tokens"]

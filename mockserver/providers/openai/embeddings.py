"""``POST /v1/embeddings``: the vectors of texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.engines.answered_by import AnsweredBy
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.given_texts import GivenText, asked_texts
from mockserver.wire import embeddings

if TYPE_CHECKING:
    from mockserver.catalog.records import EmbeddingRules, ModelCard
    from mockserver.providers.openai.contexts import EmbeddingsContext
    from mockserver.scripting.stubs.replies import Scripted

_ANSWERED_BY = AnsweredBy("embedder")


def check_request(context: EmbeddingsContext, call: Call) -> None:
    """Raise ``ApiError`` for what the model cannot do."""
    rules = _rules(call)
    dimensions = call.document.get("dimensions")
    if dimensions is None:
        return
    if not rules.shortens:
        raise ApiError("embedding_no_dimensions")
    if dimensions > rules.dimensions:
        given = str(dimensions).removesuffix(".0")
        raise ApiError("embedding_too_many_dimensions", given=given, most=rules.dimensions)


def create_embedding(context: EmbeddingsContext, call: Call) -> Answer:
    """Return the vectors of the texts: those of a stub, else hashes of the words."""
    assert call.model is not None
    rules, body = _rules(call), call.document
    texts = asked_texts(call, "input") or [GivenText("")]
    counts = [text.tokens for text in texts]
    if call.strict:
        _check_sizes(call.model, rules, counts)
    dimensions = min(int(body.get("dimensions") or rules.dimensions), rules.dimensions)
    vectors = _scripted(call.scripted, len(texts)) if call.scripted else None
    if vectors is None:
        words = [call.scripted.words] * len(texts) if call.scripted else [each.text for each in texts]
        space = call.model.alias_of or call.model.id
        vectors = context.embedder.vectors(words, dimensions, space=space, numbers=rules.numbers)
    usage = embeddings.usage(sum(counts))
    write = embeddings.compact if rules.numbers == "half" else embeddings.indented
    answers_as = rules.answers_as or call.model.id
    written = write(vectors, body.get("encoding_format") or "float", answers_as, usage)
    answered_by = call.scripted.answered_by if call.scripted else _ANSWERED_BY
    return Answer(written, "application/json", answered_by, _headers(call, rules, answers_as), usage=usage)


def _rules(call: Call) -> EmbeddingRules:
    assert call.model is not None
    assert call.model.embedding is not None
    return call.model.embedding


def _check_sizes(model: ModelCard, rules: EmbeddingRules, counts: Sequence[int]) -> None:
    """Raise ``ApiError`` for a text, or texts together, with too many tokens."""
    longest = max(counts)
    if model.context_window is not None and longest > model.context_window:
        window = model.context_window
        raise ApiError("prompt_too_long", window=window, requested=longest, prompt=longest, completion=0)
    if sum(counts) > rules.max_request_tokens:
        raise ApiError("request_has_too_many_tokens", given=sum(counts), most=rules.max_request_tokens)


def _scripted(scripted: Scripted, number: int) -> Iterable[Any] | None:
    """Return the vectors of a stub for a ``number`` of texts; ``None`` if it gives a text to embed instead."""
    given = scripted.embedding
    if given is None:
        return None
    import numpy as np

    rows = given if isinstance(given[0], list) else [given]
    return [np.array(rows[index % len(rows)], dtype="<f4") for index in range(number)]


def _headers(call: Call, rules: EmbeddingRules, answers_as: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of the model's service, and its name, if the service shows it."""
    if not rules.headers or call.settings.response_headers != "full":
        return ()
    return (*rules.headers.items(), ("openai-model", answers_as))

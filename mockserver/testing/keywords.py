"""The typed keyword arguments of the Python API.

They are the members of the schemas in ``schemas/mock``, which describe them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypedDict

from mockserver.validation import documents
from mockserver.validation.spelling import hint

Names = str | list[str]


class TextTest(TypedDict, total=False):
    """Operators on a text, header or field, in place of a regular expression or a value."""

    equals: Any
    contains: str
    matches: str
    present: bool


class Bounds(TypedDict, total=False):
    """A range of whole numbers, in place of a number."""

    at_least: int
    at_most: int


Text = str | TextTest
Values = Mapping[str, Any]
Range = tuple[float | None, float | None]  # seconds: minimum, maximum; ``None`` for no bound


class RequestConditions(TypedDict, total=False):
    """Conditions shared by stubs, faults and verifications (``when.json``)."""

    method: Names
    account: str
    model: Names
    headers: Values
    fields: Values
    turn: int | Bounds
    prompt: Text
    user_text: Text
    file: Names
    sha256: str
    pcm_sha256: str
    container: Names
    codec: Names
    channels: int
    sample_rate: int
    duration: float | Range
    heard: Text


class Conditions(RequestConditions, total=False):
    """Conditions on a request that is not answered yet."""

    language: Names


class JournalConditions(RequestConditions, total=False):
    """Conditions on a request and its answer (``journal_when.json``)."""

    status: int | str | list[int | str]
    error: Names
    answered_by: Names
    stub: Names
    fault: Names
    said: Text
    tool: Names
    interrupted: bool
    event: Names
    hung_up: bool
    in_flight: bool


class StubOptions(Conditions, total=False):
    """Conditions and options of a stub (``stub.json``)."""

    times: int
    priority: int
    name: str
    enabled: bool


class Pace(TypedDict, total=False):
    """Timing of a reply (``reply.json``): waits in seconds, ``jitter`` as a fraction of them."""

    delay: float
    first_byte: float
    tokens_per_second: float
    jitter: float


class ReplyOptions(Pace, total=False):
    """Options of any reply (``reply.json``)."""

    headers: Mapping[str, str]
    template: bool


class RawReplyOptions(ReplyOptions, total=False):
    """Options of a reply that is a whole body (``reply.json``)."""

    status: int
    content_type: str


class WordsReplyOptions(ReplyOptions, total=False):
    """Options of a reply with text that is written or spoken (``reply.json``)."""

    finish_reason: Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
    tool_calls: list[dict[str, Any]]
    items: list[dict[str, Any]]
    failure: Mapping[Literal["code", "message"], str]
    flagged: Mapping[Literal["input", "output"], Sequence[str] | Mapping[str, str]]


class TranscriptOptions(WordsReplyOptions, total=False):
    """Options of a reply with a transcript (``reply.json``)."""

    language: str
    duration: float
    segments: list[dict[str, Any]]
    words: list[dict[str, Any]]
    logprobs: list[dict[str, Any]]
    job: dict[str, Any]


class Occasions(Conditions, total=False):
    """Conditions and triggers of a fault (``fault.json``); times in seconds since 1970 on the server's clock."""

    endpoint: Names
    enabled: bool
    every: int
    probability: float
    seed: str | int
    since: float
    until: float


class ErrorOptions(Occasions, total=False):
    """Conditions, triggers and contents of an error."""

    message: str
    retry_after: float


class BreakOptions(Occasions, total=False):
    """Conditions, triggers and parameters of a fault other than an error."""

    message: str
    code: str
    seconds: float
    jitter: float
    at: Literal["before", "middle", "after"]
    after: int
    by: int
    bytes_per_second: float
    status: int
    close: int
    event: str
    count: int
    audio_seconds: float


class WebhookFaultOptions(TypedDict, total=False):
    """Conditions and parameters of a fault of webhooks (``webhook_fault.json``)."""

    events: list[str]
    endpoint: str | None
    seconds: float
    copies: int


class SettingChanges(TypedDict, total=False):
    """Settings that can differ by account; ``None`` undoes a change (``settings.json``)."""

    strictness: Literal["real", "schema", "off"] | None
    strict_urls: bool | None
    limits: str | None
    strict_stubs: bool | None
    unknown_audio: Literal["placeholder", "error"] | None
    speech_language: str | None
    choiceless_chunks: bool | None
    stt_queued_seconds: float | None
    stt_generating_seconds: float | None
    stt_get_status: Literal["201", "200"] | None
    batch_seconds: float | None
    background_seconds: float | None
    realtime_pacing: Literal["fast", "real"] | None
    realtime_beta: bool | None


class ModelChanges(TypedDict, total=False):
    """Members of a custom model that differ from the model it is like (``model.json``)."""

    name: str
    summary: str
    created: int
    owned_by: str
    snapshot: str
    limit_group: str
    shutdown_date: str
    endpoints: list[str]
    modalities: Mapping[str, str]
    features: Mapping[str, bool]
    context_window: int
    max_output_tokens: int
    knowledge_cutoff: str
    prices: Mapping[str, float]
    chat: Values
    responses: Values
    completion: Values
    embedding: Values
    moderation: Values
    speech: Values
    transcription: Values
    realtime: Values
    live_transcription: Values
    sources: Mapping[str, str]


class LimitAmounts(TypedDict, total=False):
    """Rate limits; ``None`` removes one (``limits.json``)."""

    requests_per_minute: int | None
    requests_per_hour: int | None
    requests_per_day: int | None
    tokens_per_minute: int | None
    images_per_minute: int | None
    audio_seconds_per_minute: int | None
    enqueued_tokens: int | None


def check_names(given: Mapping[str, object], kind: type) -> None:
    """Raise ``TypeError`` for a keyword that is not in ``kind``, one of the classes above."""
    known: Collection[str] = kind.__optional_keys__  # type: ignore[attr-defined]
    for name in given:
        if name not in known:
            meant = hint(name, known, f"fields={ ({name: given[name]})!r}")
            raise TypeError(f"Unknown argument {name!r}. {meant}")


def when(endpoint: Names | None, given: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return the ``when`` of an endpoint, or of any, and those keywords that are conditions of ``kind``."""
    conditions = {name: value for name, value in given.items() if name in kind.__optional_keys__}  # type: ignore[attr-defined]
    if isinstance(conditions.get("duration"), tuple):
        conditions["duration"] = _range(conditions["duration"])
    of_endpoint = {} if endpoint is None else {"endpoint": endpoint}
    document: dict[str, Any] = documents.as_json(of_endpoint | conditions)
    return document


def _range(bounds: tuple[Any, ...]) -> dict[str, float]:
    if len(bounds) != 2 or bounds == (None, None):
        raise ValueError(f"duration: {bounds!r} is not a pair (minimum, maximum) of seconds.")
    return {
        name: bound for name, bound in zip(("at_least", "at_most"), bounds, strict=True) if bound is not None
    }

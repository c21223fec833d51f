"""The keyword arguments of the Python API, typed: what tests can ask for, reply, break and set.

They are the members of the documents of ``schemas/mock``, which describe each of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypedDict

from mockserver.validation.spelling import hint

Names = str | list[str]


class TextTest(TypedDict, total=False):
    """How a text, a header or a field must be, where a regular expression or a value does not say it."""

    equals: Any
    contains: str
    matches: str
    present: bool


Text = str | TextTest
Values = Mapping[str, Any]
Range = tuple[float | None, float | None]  # seconds: at least, at most; ``None`` for no bound


class RequestConditions(TypedDict, total=False):
    """Conditions on a request that stubs, faults and verifications share (``when.json``)."""

    method: Names
    account: str
    model: Names
    headers: Values
    fields: Values
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
    """Conditions on a request that is yet to be answered."""

    language: Names


class JournalConditions(RequestConditions, total=False):
    """Conditions on a request and on what became of it (``journal_when.json``)."""

    status: int | str | list[int | str]
    error: Names
    answered_by: Names
    stub: Names
    fault: Names
    hung_up: bool
    in_flight: bool


class StubOptions(Conditions, total=False):
    """Conditions, and how a stub stands to others (``stub.json``)."""

    times: int
    priority: int
    name: str


class Pace(TypedDict, total=False):
    """When a reply comes (``reply.json``): waits in seconds, ``jitter`` as a share of them."""

    delay: float
    first_byte: float
    tokens_per_second: float
    jitter: float


class ReplyOptions(Pace, total=False):
    """What goes with any reply (``reply.json``)."""

    headers: Mapping[str, str]
    template: bool


class RawReplyOptions(ReplyOptions, total=False):
    """What goes with a reply that is a whole body (``reply.json``)."""

    status: int
    content_type: str


class WordsReplyOptions(ReplyOptions, total=False):
    """What goes with words that are said or written (``reply.json``)."""

    finish_reason: Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
    tool_calls: list[dict[str, Any]]
    flagged: Mapping[Literal["input", "output"], Sequence[str]]


class TranscriptOptions(WordsReplyOptions, total=False):
    """What goes with a transcript (``reply.json``)."""

    language: str
    duration: float
    segments: list[dict[str, Any]]
    words: list[dict[str, Any]]
    logprobs: list[dict[str, Any]]
    job: dict[str, Any]


class Occasions(Conditions, total=False):
    """Which requests a fault hits (``fault.json``); times in seconds since 1970 on the server's clock."""

    endpoint: Names
    every: int
    probability: float
    seed: str | int
    since: float
    until: float


class ErrorOptions(Occasions, total=False):
    """Which requests an error hits, and what it says."""

    message: str
    retry_after: float


class BreakOptions(Occasions, total=False):
    """Which requests something breaks, and how."""

    message: str
    seconds: float
    jitter: float
    at: Literal["before", "middle", "after"]
    after: int
    by: int
    bytes_per_second: float


class SettingChanges(TypedDict, total=False):
    """Settings that an account can have of its own; ``None`` takes a change back (``settings.json``)."""

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


class ModelChanges(TypedDict, total=False):
    """What a model of one's own does not take over from the one it is like (``model.json``)."""

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
    speech: Values
    transcription: Values
    sources: Mapping[str, str]


class LimitAmounts(TypedDict, total=False):
    """Rate limits; ``None`` takes one away (``limits.json``)."""

    requests_per_minute: int | None
    requests_per_hour: int | None
    requests_per_day: int | None
    tokens_per_minute: int | None
    images_per_minute: int | None
    enqueued_tokens: int | None


def check_names(given: Mapping[str, object], kind: type) -> None:
    """Raise ``TypeError`` for a keyword that ``kind``, one of the dictionaries above, does not have."""
    known: Collection[str] = kind.__optional_keys__  # type: ignore[attr-defined]
    for name in given:
        if name not in known:
            meant = hint(name, known, f"fields={ ({name: given[name]})!r}")
            raise TypeError(f"Unknown argument {name!r}. {meant}")


def when(given: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return the conditions of ``kind`` among the keywords, as documents have them."""
    conditions = {name: value for name, value in given.items() if name in kind.__optional_keys__}  # type: ignore[attr-defined]
    if isinstance(conditions.get("duration"), tuple):
        conditions["duration"] = _range(conditions["duration"])
    return conditions


def _range(bounds: tuple[Any, ...]) -> dict[str, float]:
    if len(bounds) != 2 or bounds == (None, None):
        raise ValueError(f"duration: {bounds!r} is not a pair (at least, at most) of seconds.")
    return {
        name: bound for name, bound in zip(("at_least", "at_most"), bounds, strict=True) if bound is not None
    }

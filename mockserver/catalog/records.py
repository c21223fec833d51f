"""What a row of a table is: models with their prices and rules, other providers' offers, tier limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Source = Literal["documented", "assumed", "observed"]

# How a model refuses a parameter that it does not take: a row of errors.toml for each.
ParameterRefusal = Literal[
    "unsupported", "fixed", "unknown", "unrecognized", "incompatible", "no_search", "no_tools", "max_tokens"
]


@dataclass(frozen=True, slots=True)
class TranscriptionRules:
    """What a model does on ``v1/audio/transcriptions`` (API reference, Create transcription).

    Durations are seconds of audio; a cap that is ``None`` does not exist. ``extensions``: those of the file names it
    takes, in the order in which it lists them. ``containers``: whether it finds out by itself what a file is
    ("probed"), or believes its name ("named"). ``streams``: whether ``stream`` is heeded. ``timestamps``: whether
    ``timestamp_granularities`` are heeded, ignored or refused. ``usage``: how the answer counts. ``internal_name``:
    the model's name in the error message about ``response_format``, which offers the ``alternatives``, or else all of
    its formats. ``error_style``: compact JSON with a sibling ``usage`` ("whisper"), or indented by two spaces
    ("engine"). ``language_codes``: the codes that ``language`` may have, a table of ``languages.toml``. ``translates``:
    whether the model serves ``v1/audio/translations``.
    """

    response_formats: tuple[str, ...]
    extensions: tuple[str, ...]
    containers: Literal["probed", "named"]
    streams: bool
    logprobs: Literal["supported", "ignored", "refused"]
    timestamps: Literal["supported", "ignored", "refused"]
    prompt: bool
    keywords: bool
    languages: bool
    speakers: bool
    usage: Literal["tokens", "duration"]
    min_duration: float
    internal_name: str
    error_style: Literal["whisper", "engine"]
    language_codes: str
    translates: bool
    alternatives: tuple[str, ...] = ()
    max_duration: float | None = None
    max_input_tokens: int | None = None
    chunking_required_above: float | None = None


@dataclass(frozen=True, slots=True)
class SpeechRules:
    """What a model does on ``v1/audio/speech`` (API reference, Create speech).

    ``voices`` are in the order of the API's error message. ``instructions``: whether they are heeded. The text is
    bounded by characters, as the schema documents, or by tokens.
    """

    voices: tuple[str, ...]
    stream_formats: tuple[Literal["audio", "sse"], ...]
    instructions: bool
    max_input_chars: int | None = None
    max_input_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ChatRules:
    """What a model does on ``v1/chat/completions`` (API reference, Create chat completion; model pages).

    ``audio``: hears and speaks, and must do one of both in every call; ``voices`` are those it speaks with.
    ``json_mode``: takes ``response_format`` of type ``json_object``.

    ``refuses`` are the parameters that the model does not take, with the way it says so;
    ``refuses_reasoning`` are those that it does not take while it reasons. ``efforts`` are the values of
    ``reasoning_effort`` that it takes, ``effort`` is the one without any; a model without efforts does not
    reason, unless it ``refuses_reasoning`` all the same. ``tools_while_reasoning`` says whether functions may be
    called then. ``verbosities`` and ``cache_retention`` are the values it takes of ``verbosity`` and
    ``prompt_cache_retention``; ``max_choices`` is the most of ``n``, ``max_top_logprobs`` that of ``top_logprobs``
    where it is less than the API's own; ``roles_refused`` are the roles that a message may not have.
    ``parallel_tool_calls_alone``: takes ``parallel_tool_calls`` without ``tools``.

    How its answers look: ``null_logprobs``: choices say ``logprobs: null`` where nobody asked for any (without,
    the key is only there when they were asked for); ``system_fingerprint``: answers tell one, else null;
    ``cache_write_tokens``: the usage counts them.
    """

    audio: bool
    images: bool
    structured_outputs: bool
    json_mode: bool = True
    refuses: dict[str, ParameterRefusal] = field(default_factory=dict)
    refuses_reasoning: dict[str, ParameterRefusal] = field(default_factory=dict)
    efforts: tuple[str, ...] = ()
    effort: str = ""
    tools_while_reasoning: Literal["called", "responses", "responses_or_none"] = "called"
    verbosities: tuple[str, ...] = ("low", "medium", "high")
    cache_retention: tuple[str, ...] = ("in_memory", "24h")
    max_choices: int = 128
    max_top_logprobs: int | None = None
    roles_refused: tuple[str, ...] = ()
    parallel_tool_calls_alone: bool = False
    null_logprobs: bool = True
    system_fingerprint: bool = True
    cache_write_tokens: bool = False
    voices: tuple[str, ...] = ()

    def bounded_by_model(self) -> set[tuple[tuple[str | int, ...], str]]:
        """Return the paths and keywords of the request schema that the rules of the model stand in for."""
        bounded: set[tuple[tuple[str | int, ...], str]] = {(("prompt_cache_retention",), "enum")}
        if self.efforts or "reasoning_effort" in self.refuses:
            bounded |= {(("reasoning_effort",), "type"), (("reasoning_effort",), "enum")}
        if self.max_top_logprobs is not None:
            bounded.add((("top_logprobs",), "maximum"))
        return bounded

    def reasons(self, effort: str | None) -> bool:
        """Return whether the model reasons at a ``reasoning_effort``; ``None`` is the model's own."""
        return (effort or self.effort) != "none" if self.efforts else bool(self.refuses_reasoning)


@dataclass(frozen=True, slots=True)
class CustomVoices:
    """From what custom voices can be created, and how they sound (``voices.toml``).

    ``most`` is per organization. A recording has at most ``recording_bytes`` bytes, that of the voice at most
    ``sample_seconds`` seconds; the consent phrase exists in ``consent_languages`` (ISO 639-1). ``prompt_models``
    make voices of prompts. ``pitch`` (0 to 100) and ``tempo`` (a factor) are the lowest and highest there are.
    """

    most: int
    sample_seconds: float
    recording_bytes: int
    content_types: tuple[str, ...]
    consent_languages: tuple[str, ...]
    prompt_models: tuple[str, ...]
    pitch: tuple[int, int]
    tempo: tuple[float, float]


@dataclass(frozen=True, slots=True)
class SttRules:
    """How another provider's speech-to-text jobs answer for a model.

    ``result`` is the service that shapes the result; ``name``, ``version`` and ``arch`` are what a result of Deepgram's
    shape says of the model.
    """

    result: Literal["openai", "deepgram", "assemblyai"]
    name: str = ""
    version: str = ""
    arch: str = ""


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens, or ``per_minute`` of audio; ``None`` where no source gives the price."""

    text_input: float | None = None
    text_output: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class ImageRules:
    """How many tokens an image takes: ``base`` and ``tile`` for each square of 512 pixels, or ``multiplier`` for
    each of 32 pixels, of which there are at most ``patches``.
    """

    base: int = 0
    tile: int = 0
    multiplier: float | None = None
    patches: int = 1536


@dataclass(frozen=True, slots=True)
class TokenRules:
    """How a family of models counts text and images, in tokens.

    ``models`` are ids, or with ``*`` the beginnings of ids. ``prompt`` is what a prompt takes beside its messages,
    ``tools`` what tools take beside their declarations (``tools_beside_system`` where there is a system message,
    too), ``reply`` what a reply takes beside its text (``reply_beside_tools`` where it could have called a tool,
    ``reply_in_schema`` where a schema says what it looks like).
    ``sources`` says what the figures rest on.
    """

    family: str
    models: tuple[str, ...]
    vocabulary: Literal["o200k_base", "cl100k_base"]
    prompt: int
    reply: int
    reply_beside_tools: int
    reply_in_schema: int
    tools: int
    tools_beside_system: int
    image: ImageRules
    sources: dict[str, str]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A row of the tables in ``models/``, with what it inherits filled in.

    A dated snapshot inherits from the model in ``alias_of``, another model from the one it is ``like``.
    ``created`` is in seconds since 1970; ``snapshot`` is the id in answers (its own, where it is no alias);
    ``listed_snapshots`` are those the product page lists; dates are "YYYY-MM-DD"; windows are in tokens;
    ``endpoints`` are paths such as "v1/audio/speech". ``tokens`` says how text and images are counted.
    ``sources`` says where a group of figures comes from, ``conflicts`` what other sources say of a key.
    ``configured``: the row is not of the tables, but of the server's configuration or of its control API.
    """

    id: str
    name: str
    summary: str
    created: int
    owned_by: str
    snapshot: str
    limit_group: str
    endpoints: tuple[str, ...]
    sources: dict[str, str]
    tokens: TokenRules
    alias_of: str | None = None
    like: str | None = None
    configured: bool = False
    listed_snapshots: tuple[str, ...] = ()
    shutdown_date: str | None = None
    conflicts: dict[str, str] = field(default_factory=dict)
    modalities: dict[str, Literal["input and output", "input only", "output only", "not supported"]] = field(
        default_factory=dict
    )
    features: dict[str, bool] = field(default_factory=dict)
    ratings: dict[str, str] = field(default_factory=dict)
    context_window: int | None = None
    max_output_tokens: int | None = None
    knowledge_cutoff: str | None = None
    prices: Prices | None = None
    transcription: TranscriptionRules | None = None
    speech: SpeechRules | None = None
    chat: ChatRules | None = None
    stt: SttRules | None = None

    def lifts(self, path: tuple[str | int, ...], keyword: str) -> bool:
        """Return whether the model, not the documented schema, decides on a ``keyword`` at ``path``.

        It accepts what the schema refuses, or refuses it in words of its own.
        """
        unbounded = self.speech is not None and self.speech.max_input_chars is None
        return (unbounded and (path, keyword) == (("input",), "maxLength")) or (
            self.chat is not None and (path, keyword) in self.chat.bounded_by_model()
        )

    @property
    def sees_images(self) -> bool:
        """Return whether the model takes images in chats."""
        return self.chat is not None and self.chat.images

    @property
    def is_fine_tuned(self) -> bool:
        """Return whether its id is one of fine-tuned models, ``ft:BASE:…``."""
        return self.id.startswith("ft:")

    @property
    def error_style(self) -> Literal["whisper", "engine"]:
        """Return how the service behind the model writes its errors."""
        return self.transcription.error_style if self.transcription else "engine"


@dataclass(frozen=True, slots=True)
class Listing:
    """Another provider's offer of a model, under the name ``model``, as its page has it.

    ``upstream`` is the OpenAI model that it is, empty for another maker's; ``endpoints`` are those that serve it
    under this name; ``stt`` says how the provider's speech-to-text jobs answer for it.
    """

    provider: str
    model: str
    source: str
    upstream: str = ""
    endpoints: tuple[str, ...] = ()
    stt: SttRules | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TierLimits:
    """The limits of one limit group on one tier; ``None`` is a kind of limit that does not exist.

    ``supported`` is false where the tier may not use the group at all. ``enqueued_tokens`` is the batch
    queue's. ``source`` says whether ``reference``, a product page, gives the limits, or what they rest on;
    where they were observed in answers, ``seen`` is the month ("YYYY-MM") of the newest. Raises
    ``ValueError`` for a limit below 1: a bucket of that size would never refill.
    """

    group: str
    tier: str
    source: Source
    reference: str
    supported: bool = True
    requests_per_minute: int | None = None
    requests_per_hour: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    enqueued_tokens: int | None = None
    seen: str = ""

    def __post_init__(self) -> None:
        for kind, limit in self.kinds().items():
            if limit < 1:
                raise ValueError(f"{kind} is {limit}, below 1")

    def kinds(self) -> dict[str, int]:
        """Return the limits that exist, by kind."""
        kinds = ("requests_per_minute", "requests_per_hour", "requests_per_day", "tokens_per_minute")
        return {
            kind: limit for kind in (*kinds, "enqueued_tokens") if (limit := getattr(self, kind)) is not None
        }


@dataclass(frozen=True, slots=True)
class Voice:
    """A row of ``catalog/voices.toml``: an espeak-ng variant with its pitch (0 to 100) and gain (factor).

    A custom voice is such a row with another pitch, and a ``tempo`` (factor) of its own.
    """

    name: str
    base: str
    variant: str
    pitch: int
    gain: float
    tempo: float = 1.0

"""The records of the tables: models with their prices and rules, offers of other providers, tier limits, voices."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Source = Literal["documented", "assumed", "observed"]
Milliseconds = Annotated[int, Meta(ge=0)]
Level = Literal[
    "minimal", "low", "medium", "high", "xhigh"
]  # of the effort, and of the delay, of Realtime models

# The ways in which a model refuses a parameter; errors.toml has a row for each.
ParameterRefusal = Literal[
    "unsupported", "fixed", "unknown", "unrecognized", "incompatible", "no_search", "no_tools", "max_tokens"
]


class TranscriptionRules(Struct, frozen=True):
    """The rules of a model on ``v1/audio/transcriptions`` (API reference, Create transcription).

    - Durations are in seconds of audio; a maximum of ``None`` does not exist.
    - ``extensions``: the accepted file name extensions, in the order of the error message.
    - ``containers``: the model detects the container of a file ("probed"), or derives it from the name ("named").
    - ``streams``: ``stream`` is supported. ``timestamps``: how ``timestamp_granularities`` are treated.
    - ``usage``: the unit of the usage in the response.
    - ``internal_name``: the model's name in the error message about ``response_format``, which lists the
      ``alternatives``, or, without any, all formats of the model.
    - ``error_style``: compact JSON with a sibling ``usage`` ("whisper"), or indented by two spaces ("engine").
    - ``language_codes``: the table of ``languages.toml`` with the accepted values of ``language``.
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
    alternatives: tuple[str, ...] = ()
    max_duration: float | None = None
    max_input_tokens: int | None = None
    chunking_required_above: float | None = None


class SpeechRules(Struct, frozen=True):
    """The rules of a model on ``v1/audio/speech`` (API reference, Create speech).

    ``voices`` are in the order of the API's error message. ``instructions``: the model follows instructions. The length
    of the text is limited in characters, as the schema documents, or in tokens.
    """

    voices: tuple[str, ...]
    stream_formats: tuple[Literal["audio", "sse"], ...]
    instructions: bool
    max_input_chars: int | None = None
    max_input_tokens: int | None = None


class ChatRules(Struct, frozen=True):
    """The rules of a model on ``v1/chat/completions`` (API reference, Create chat completion; model pages).

    Requests:

    - ``audio``: the model accepts and produces audio; each request must use one of both. ``voices`` are its voices.
    - ``json_mode``: it accepts ``response_format`` of type ``json_object``.
    - ``refuses``: the parameters that it refuses, with the kind of refusal; ``refuses_reasoning``: those that it
      refuses while it reasons.
    - ``efforts``: the accepted values of ``reasoning_effort``; ``effort``: its default. A model without efforts does
      not reason, unless it has ``refuses_reasoning``.
    - ``tools_while_reasoning``: whether it calls functions while it reasons.
    - ``verbosities``, ``cache_retention``: the accepted values of ``verbosity`` and ``prompt_cache_retention``.
    - ``max_choices``: the maximum of ``n``; ``max_top_logprobs``: the maximum of ``top_logprobs``, if it is below the
      API's.
    - ``roles_refused``: roles that messages must not have.
    - ``parallel_tool_calls_alone``: it accepts ``parallel_tool_calls`` without ``tools``.

    Responses:

    - ``null_logprobs``: choices have ``logprobs: null`` if the request asks for none; otherwise the key is left out.
    - ``system_fingerprint``: responses have one, else null.
    - ``cache_write_tokens``: the usage has the member.
    """

    audio: bool
    images: bool
    structured_outputs: bool
    json_mode: bool = True
    refuses: dict[str, ParameterRefusal] = {}
    refuses_reasoning: dict[str, ParameterRefusal] = {}
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
        """Return the paths and keywords of the request schema that the rules of the model replace."""
        bounded: set[tuple[tuple[str | int, ...], str]] = {(("prompt_cache_retention",), "enum")}
        if self.efforts or "reasoning_effort" in self.refuses:
            bounded |= {(("reasoning_effort",), "type"), (("reasoning_effort",), "enum")}
        if self.max_top_logprobs is not None:
            bounded.add((("top_logprobs",), "maximum"))
        return bounded

    def reasons(self, effort: str | None) -> bool:
        """Return whether the model reasons at a ``reasoning_effort``; ``None`` is the model's default."""
        return (effort or self.effort) != "none" if self.efforts else bool(self.refuses_reasoning)


class ResponsesRules(Struct, frozen=True):
    """The rules of a model on ``v1/responses`` (API reference, Create a model response; recorded answers).

    Members of responses, if the request does not set them:

    - ``effort``: the ``reasoning.effort``; ``None`` for a model that does not reason.
    - ``context``: the ``reasoning.context``. ``top_p``. ``cache_retention``: the ``prompt_cache_retention``.

    ``fast_tier``: the ``service_tier`` of a response to a request for ``priority`` or ``fast``. ``phases``: messages
    have a ``phase``. ``estimated``: requests are charged an estimate of their tokens before they are answered.
    ``limits_of_streams``: streams have the headers of rate limits. ``steerable``: responses over a WebSocket can be
    steered.

    Requests:

    - ``efforts``, ``modes``, ``contexts``: the accepted values of members of ``reasoning``. A model without efforts
      does not reason. While a model reasons, it refuses the parameters of sampling.
    - ``verbosities``: the accepted values of ``text.verbosity``; ``cache_retentions``: those of
      ``prompt_cache_retention``.
    - ``needs_one_of``: types of tools, of which a request must have one.
    """

    effort: str | None = None
    context: Literal["current_turn", "all_turns"] | None = None
    top_p: float = 1.0
    cache_retention: Literal["in_memory", "24h"] = "in_memory"
    fast_tier: Literal["priority", "fast"] = "priority"
    estimated: bool = True
    phases: bool = False
    limits_of_streams: bool = True
    steerable: bool = False
    efforts: tuple[str, ...] = ()
    modes: tuple[str, ...] = ("standard",)
    contexts: tuple[str, ...] = ("auto", "current_turn", "all_turns")
    verbosities: tuple[str, ...] = ("low", "medium", "high")
    cache_retentions: tuple[str, ...] = ("in_memory", "24h")
    needs_one_of: tuple[str, ...] = ()

    def reasons(self, effort: str | None) -> bool:
        """Return whether the model reasons at a ``reasoning.effort``; ``None`` is the model's default."""
        return bool(self.efforts) and (effort or self.effort) != "none"


class EmbeddingRules(Struct, frozen=True):
    """The rules of a model on ``v1/embeddings`` (API reference, Create embeddings; recorded answers).

    - ``dimensions``: those of a vector, at most those of the embedder; ``shortens``: a request can ask for fewer.
    - ``max_request_tokens``: the limit of all texts of a request together. A text has at most the tokens of the model's
      context window.
    - ``numbers``: the precision of the components, and with it the service: ``half`` (compact JSON) or ``single`` (the
      older service, indented JSON).
    - ``answers_as``: the model in responses, if it is not the model's id.
    - ``headers``: those that only the older service sends, beside ``openai-model``.
    """

    dimensions: Annotated[int, Meta(ge=1, le=4096)]
    shortens: bool
    max_request_tokens: int
    numbers: Literal["half", "single"]
    answers_as: str = ""
    headers: dict[str, str] = {}


class ModerationRules(Struct, frozen=True):
    """The rules of a model on ``v1/moderations`` (API reference, Create moderation; recorded answers).

    ``categories`` are in the order of responses; those ``of_images`` are also judged in images, of which a request has
    at most ``max_images``. A model without such categories takes texts only. ``answers_as`` as in ``EmbeddingRules``.
    """

    categories: tuple[str, ...]
    of_images: tuple[str, ...] = ()
    max_images: int = 0
    answers_as: str = ""


class CompletionRules(Struct, frozen=True):
    """The rules of a model on ``v1/completions`` (API reference, Create completion; recorded answers).

    - ``suffix``: it inserts text before a ``suffix``.
    - ``echoes_logprobs``: ``echo`` and ``logprobs`` can be used together.
    - ``answers_as``: as in ``EmbeddingRules``.
    """

    suffix: bool
    echoes_logprobs: bool
    answers_as: str = ""


class RealtimeRules(Struct, frozen=True):
    """The rules of a model of conversations on ``v1/realtime`` (API reference, Realtime; recorded sessions).

    - ``voices``: in the order of the API's error message; ``voice``: the one of a session that sets none.
    - ``silence_duration_ms``: of the turn detection of a session that sets none.
    - ``efforts``: the accepted values of ``reasoning.effort``; a model without any refuses ``reasoning``.
    - ``parallel_tool_calls``: it accepts the parameter. ``phases``: the items of its messages have a ``phase``.
    - ``internal_name``: the model's name in messages about rate limits.
    - ``max_input_tokens``: beyond, the conversation is truncated; without it, the context window less the maximum of
      the output decides.
    """

    voices: tuple[str, ...]
    voice: str
    silence_duration_ms: Milliseconds
    efforts: tuple[Level, ...] = ()
    parallel_tool_calls: bool = False
    phases: bool = False
    internal_name: str = ""
    max_input_tokens: Annotated[int, Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        if self.voice not in self.voices:
            raise ValueError(f"voice is {self.voice!r}, none of voices")


class LiveTranscriptionRules(Struct, frozen=True):
    """The rules of a model that transcribes the input of ``v1/realtime`` (API reference, Realtime; recorded sessions).

    - ``deltas``: one with the whole text ("whole"), several after the commit ("burst"), or several while the user
      speaks ("live"). ``leading_space``: the first one begins with a space.
    - ``usage``: the unit of the usage.
    - ``turn_detection``: transcription sessions with the model can detect turns.
    - ``prompt``, ``languages``, ``keywords``, ``delay``, ``logprobs``: it accepts the parameters (``logprobs``: in
      ``include``; other models ignore it). ``speakers``: it sends segments with speakers.

    Times in milliseconds: ``first_delta_ms`` from the events of a commit to the first delta after it, ``completed_ms``
    from the last delta to the end. ``lags``: from the end of a word to its delta, while the user speaks, by ``delay``,
    of which ``default_delay`` is the default. In transcription sessions, ``commit_ms``: from a commit by the client to
    its first event; ``empty_commit_ms``: from a commit without audio to its refusal.
    """

    deltas: Literal["whole", "burst", "live"]
    usage: Literal["tokens", "duration"]
    leading_space: bool = False
    turn_detection: bool = True
    prompt: bool = True
    languages: bool = False
    keywords: bool = False
    delay: bool = False
    logprobs: bool = False
    speakers: bool = False
    first_delta_ms: Milliseconds = 900
    completed_ms: Milliseconds = 200
    lags: dict[Level, Milliseconds] = {}
    default_delay: Level = "medium"
    commit_ms: Milliseconds = 0
    empty_commit_ms: Milliseconds = 0


class CustomVoices(Struct, frozen=True):
    """The rules of custom voices (``voices.toml``).

    ``max_voices`` is per organization. A recording has at most ``recording_bytes`` bytes, the recording of the voice at
    most ``sample_seconds`` seconds. The consent phrase exists in ``consent_languages`` (ISO 639-1). ``prompt_models``
    create voices from prompts. ``pitch`` (0 to 100) and ``tempo`` (a factor) are pairs of minimum and maximum.
    """

    max_voices: int
    sample_seconds: float
    recording_bytes: int
    content_types: tuple[str, ...]
    consent_languages: tuple[str, ...]
    prompt_models: tuple[str, ...]
    pitch: tuple[int, int]
    tempo: tuple[float, float]


class SttRules(Struct, frozen=True):
    """The rules of another provider's speech-to-text jobs for a model.

    ``result`` is the service that defines the form of the result; ``name``, ``version`` and ``arch`` describe the model
    in results of Deepgram's form.
    """

    result: Literal["openai", "deepgram", "assemblyai"]
    name: str = ""
    version: str = ""
    arch: str = ""


class Prices(Struct, frozen=True):
    """Prices in US dollars per million tokens, or ``per_minute`` of audio; ``None`` if no source gives the price.

    The ``cached`` ones are those of the Realtime API, which are below those of other input.
    """

    text_input: float | None = None
    text_output: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    image_input: float | None = None
    cached_text_input: float | None = None
    cached_audio_input: float | None = None
    cached_image_input: float | None = None
    per_minute: float | None = None


class ImageRules(Struct, frozen=True):
    """The numbers of tokens of an image: ``base``, and ``tile`` for each tile of 512 by 512 pixels.

    With ``multiplier``, it is this number for each patch of 32 by 32 pixels, of which there are at most ``patches``.
    """

    base: int = 0
    tile: int = 0
    multiplier: float | None = None
    patches: int = 1536


class TokenRules(Struct, frozen=True):
    """The rules by which a family of models counts the tokens of text and images.

    - ``models``: ids, or prefixes of ids with ``*``.
    - ``prompt``: tokens of a prompt, in addition to its messages.
    - ``tools``: tokens of tools, in addition to their declarations; ``tools_beside_system``: the same if there is a
      system message.
    - ``reply``: tokens of a reply, in addition to its text; ``reply_beside_tools``: the same if the request allows tool
      calls; ``reply_in_schema``: the same if the reply must satisfy a schema.
    - ``sources``: the evidence of the numbers.
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


class ModelCard(Struct, frozen=True):
    """A row of the tables in ``models/``, including the values that it inherits.

    A dated snapshot inherits from the model ``alias_of``, another model from the model that it is ``like``.

    - ``created``: Unix time in seconds. Dates are "YYYY-MM-DD"; windows are in tokens.
    - ``replacements``: the models that the announcement of the shutdown recommends, if it is known.
    - ``snapshot``: the id in responses, which is the model's own id unless it is an alias.
    - ``listed_snapshots``: the snapshots on the product page.
    - ``endpoints``: paths such as "v1/audio/speech".
    - ``tokens``: the rules for counting text and images.
    - ``sources``: the source of each group of values; ``conflicts``: different values in other sources, by key.
    - ``without_responses``: the words with which "v1/responses" refuses a model that it does not serve.
    - ``configured``: the row is from the configuration or the control API, not from the tables.
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
    replacements: tuple[str, ...] = ()
    conflicts: dict[str, str] = {}
    modalities: dict[str, Literal["input and output", "input only", "output only", "not supported"]] = {}
    features: dict[str, bool] = {}
    ratings: dict[str, str] = {}
    context_window: int | None = None
    max_output_tokens: int | None = None
    knowledge_cutoff: str | None = None
    prices: Prices | None = None
    transcription: TranscriptionRules | None = None
    speech: SpeechRules | None = None
    chat: ChatRules | None = None
    responses: ResponsesRules | None = None
    embedding: EmbeddingRules | None = None
    moderation: ModerationRules | None = None
    completion: CompletionRules | None = None
    realtime: RealtimeRules | None = None
    live_transcription: LiveTranscriptionRules | None = None
    without_responses: Literal["not_supported", "not_found", "gone"] = "not_supported"
    stt: SttRules | None = None

    def lifts(self, path: tuple[str | int, ...], keyword: str) -> bool:
        """Return whether the model's rules replace the ``keyword`` of the documented schema at ``path``.

        The model accepts what the schema refuses, or refuses it with another message.
        """
        unbounded = self.speech is not None and self.speech.max_input_chars is None
        return (unbounded and (path, keyword) == (("input",), "maxLength")) or (
            self.chat is not None and (path, keyword) in self.chat.bounded_by_model()
        )

    def is_estimated(self, endpoint: str) -> bool:
        """Return whether requests of an endpoint are charged an estimate before they are answered."""
        return endpoint != "v1/responses" or self.responses is None or self.responses.estimated

    @property
    def sees_images(self) -> bool:
        """Return whether the model accepts images in chats."""
        return self.chat is not None and self.chat.images

    @property
    def is_fine_tuned(self) -> bool:
        """Return whether the id is that of a fine-tuned model, ``ft:BASE:…``."""
        return self.id.startswith("ft:")

    @property
    def error_style(self) -> Literal["whisper", "engine"]:
        """Return the format in which the model's service writes errors."""
        return self.transcription.error_style if self.transcription else "engine"


class Listing(Struct, frozen=True):
    """Another provider's offer of a model, under the name ``model``, from the provider's page.

    ``upstream`` is the OpenAI model behind it, empty for models of others; ``endpoints`` are those that serve it by
    this name; ``stt`` are the rules of the provider's speech-to-text jobs.
    """

    provider: str
    model: str
    source: str
    upstream: str = ""
    endpoints: tuple[str, ...] = ()
    stt: SttRules | None = None
    facts: dict[str, Any] = {}


class TierLimits(Struct, frozen=True):
    """The limits of one limit group on one tier; a limit of ``None`` does not exist.

    ``supported`` is false if the tier cannot use the group. ``enqueued_tokens`` is the limit of the batch queue.
    ``source`` says whether the limits are documented in ``reference``, a product page, or based on it; for limits that
    were observed in responses, ``seen`` is the month ("YYYY-MM") of the newest one. Raises ``ValueError`` for a limit
    below 1, because such a bucket would never refill.
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
    audio_seconds_per_minute: int | None = None
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
            kind: limit
            for kind in (*kinds, "audio_seconds_per_minute", "enqueued_tokens")
            if (limit := getattr(self, kind)) is not None
        }


class Voice(Struct, frozen=True):
    """A row of ``catalog/voices.toml``: an espeak-ng variant with its pitch (0 to 100) and gain (factor).

    A custom voice is such a row with another pitch and another ``tempo`` (factor).
    """

    name: str
    base: str
    variant: str
    pitch: int
    gain: float
    tempo: float = 1.0

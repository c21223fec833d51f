"""All settings of the server.

Order of precedence, lowest first: defaults < ``mockserver.toml`` < environment ``MOCKSERVER_*`` < command line <
``x-mock-*`` header of a request (for settings marked ``per_request``). The field ``strict_urls`` is
``strict_urls = ...`` in the file, ``MOCKSERVER_STRICT_URLS`` in the environment, ``--strict-urls`` on the command line
and ``x-mock-strict-urls`` as a header.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Protocol

from mockserver.settings.account_rows import TIERS as TIERS
from mockserver.settings.account_rows import AccountRow as AccountRow
from mockserver.settings.account_rows import LimitRow as LimitRow
from mockserver.settings.account_rows import check_accounts, check_limit_rows
from mockserver.settings.deployment_rows import DeploymentRow as DeploymentRow
from mockserver.settings.deployment_rows import check_deployments
from mockserver.settings.hosts import are_allowed_hosts, check_url, is_host
from mockserver.settings.values import SettingsError as SettingsError
from mockserver.settings.values import checked, is_folder, is_sendable
from mockserver.settings.webhook_rows import WebhookRow as WebhookRow
from mockserver.settings.webhook_rows import check_webhooks

COMPUTE_TYPES = (  # of CTranslate2
    *("default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16"),
    *("int16", "float16", "bfloat16", "float32"),
)


class SupportsGet(Protocol):
    """The headers of a request, looked up case-insensitively."""

    def get(self, name: str, /) -> str | None:
        """Return the header's value, or ``None``."""
        ...


def _setting(
    default: object,
    help: str,  # noqa: A002 - click's name for it
    *,
    choices: tuple[str, ...] = (),
    per_request: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
    is_path: bool = False,
    admits: Callable[[Any], bool] = lambda value: True,
) -> Any:
    bounds = {"minimum": minimum, "maximum": maximum, "is_path": is_path, "admits": admits}
    metadata = {"help": help, "choices": choices, "per_request": per_request, **bounds}
    return field(default=default, metadata=metadata)


# Upper bounds of counts and times. Larger values are pointless or overflow timeouts.
_MAX_NUMBER = 1_000_000
_MAX_THREADS = 256
_MAX_WORKERS = 64
_STORES = ("sqlite", "redis", "rediss", "unix")  # and memory
_MAX_BYTES = 1 << 40
_DAY, _YEAR = 86_400, 31_536_000  # seconds
_YEAR_3000 = 32_503_680_000  # seconds since 1970


def _can_be_spoken(language: str) -> bool:
    from mockserver.catalog.languages import is_language

    return not language or is_language(language)


def _is_local_url(url: str) -> bool:
    """Return ``True`` for an empty ``url`` or one on this machine. Raises ``ValueError`` otherwise."""
    if url:
        check_url(url)
    return True


def _is_store(text: str) -> bool:
    """Return ``True`` if ``text`` names a kind of store. Raises ``ValueError`` otherwise."""
    scheme, _, place = text.partition(":")
    if text == "memory" or (place and scheme in _STORES):
        return True
    raise ValueError("use memory, sqlite:PATH or redis://HOST:PORT")


def _are_limits(text: str) -> bool:
    """Return ``True`` if ``text`` is a list of limits. Raises ``ValueError`` otherwise."""
    from mockserver.settings.limit_overrides import parse_overrides

    parse_overrides(text)
    return True


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a server. Immutable; ``load_settings`` reads the file and the environment."""

    host: str = _setting(
        "127.0.0.1", "Address to listen on: an IP address or a host name, without a port.", admits=is_host
    )
    port: int = _setting(4010, "Port to listen on; 0 chooses a free one.", minimum=0, maximum=65535)
    tls: bool = _setting(
        False,
        "Serve https: and wss: with a certificate that is made at the start, unless tls_cert names one.",
    )
    tls_cert: str = _setting(
        "", "File of the certificate for https: and wss:, with those that sign it (PEM).", is_path=True
    )
    tls_key: str = _setting(
        "", "File of the key of tls_cert (PEM); empty if that file contains it.", is_path=True
    )
    strictness: str = _setting(
        "real",
        "real: refuse what the real API refuses; schema: accept whatever the documented schema allows; "
        "off: accept whatever can be parsed.",
        choices=("real", "schema", "off"),
        per_request=True,
    )
    strict_urls: bool = _setting(
        False,
        "Refuse paths without /v1, as the real API does; otherwise answer them with a warning.",
        per_request=True,
    )
    mock_headers: bool = _setting(True, "Send the mock's own x-mock-* response headers.")
    require_key: bool = _setting(True, "Refuse requests that carry no API key.")
    accept_any_key: bool = _setting(True, "Accept API keys that mockserver.toml does not declare.")
    retire_models: bool = _setting(
        False, "Refuse models whose announced shutdown date has passed, as the real API will."
    )
    tier: str = _setting("tier-5", "Usage tier of accounts that name none.", choices=TIERS)
    rate_limits: bool = _setting(True, "Enforce rate limits and send their headers.")
    limits: str = _setting(
        "",
        "Limits in place of the tier's, such as requests_per_minute=3,tokens_per_minute=none; "
        "observed: those of recorded answers where they contradict the documented ones.",
        per_request=True,
        admits=_are_limits,
    )
    unsupported_model: str = _setting(
        "403", "Status of refusals of models that the tier may not use.", choices=("403", "404")
    )
    response_headers: str = _setting(
        "full",
        "Response headers: all of the API's, or only those that clients read.",
        choices=("full", "minimal"),
    )
    time_scale: float = _setting(
        1.0, "Speed of the clock, as a multiple of real time.", minimum=0.001, maximum=_MAX_NUMBER
    )
    frozen_time: float = _setting(
        0.0,
        "Time at which the clock is frozen, in seconds since 1970; 0 lets it run.",
        minimum=0,
        maximum=_YEAR_3000,
    )
    fixtures: tuple[str, ...] = _setting(
        (), "Folder of fixtures: audio files with their transcripts. Repeatable.", is_path=True
    )
    stubs: tuple[str, ...] = _setting(
        (), "Folder of stubs (*.yaml, *.json), read again when they change. Repeatable.", is_path=True
    )
    strict_stubs: bool = _setting(
        False, "Refuse requests that no stub answers, and name the nearest one.", per_request=True
    )
    state: str = _setting(
        "",
        "Folder that keeps files, batches, jobs, voices, webhooks, and stored chats and responses across restarts.",
        is_path=True,
    )
    store: str = _setting(
        "memory",
        "Where the state is that all processes share: memory (one process), sqlite:PATH (one machine), "
        "or redis://HOST:PORT.",
        admits=_is_store,
    )
    workers: int = _setting(1, "Number of processes that serve the port.", minimum=1, maximum=_MAX_WORKERS)
    heavy_work: str = _setting(
        "server",
        "Who transcribes with Whisper and processes batches: the server, or workers (mockserver worker), which need "
        "a store in Redis.",
        choices=("server", "workers"),
    )
    max_stub_bytes: int = _setting(
        1 << 25,
        "Largest stub that the control API accepts, in bytes, including the audio in it.",
        minimum=1024,
        maximum=1 << 30,
    )
    max_snapshot_bytes: int = _setting(
        1 << 28,
        "Largest snapshot that the control API accepts, in bytes.",
        minimum=1024,
        maximum=1 << 34,
    )
    template_steps: int = _setting(
        500_000,
        "Most steps of the templates of a reply: loop iterations, calls, filters, comparisons.",
        minimum=1,
        maximum=1_000_000_000,
    )
    template_characters: int = _setting(
        1 << 20,
        "Longest text that a template may produce, intermediate ones included, in characters.",
        minimum=1,
        maximum=1 << 28,
    )
    path_steps: int = _setting(
        300_000,
        "Most steps of all JSONPaths together on a request: values visited.",
        minimum=1,
        maximum=1_000_000_000,
    )
    script_seconds: float = _setting(
        2.0,
        "CPU seconds that the templates, JSONPaths and patterns evaluated for a request may take.",
        minimum=0.01,
        maximum=_DAY,
    )
    journal_entries: int = _setting(
        10_000, "Most exchanges that the journal keeps; 0 for none.", minimum=0, maximum=_MAX_NUMBER
    )
    journal_bytes: int = _setting(
        1 << 26, "Memory for the journal's exchanges, in bytes.", minimum=0, maximum=_MAX_BYTES
    )
    keep_audio: int = _setting(
        0,
        "Memory for audio of requests and answers that can be downloaded from the journal, in bytes; 0 for none.",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    otel: bool = _setting(
        False, "Send traces and metrics by OpenTelemetry, as the variables OTEL_* say; needs the extra otel."
    )
    otel_content: bool = _setting(
        False, "Put the texts of requests and answers into traces; keys in them are hidden."
    )
    control_token: str = _setting(
        "",
        "Secret that calls of the control API must send; without one, they must come from this machine.",
        admits=is_sendable,
    )
    allow_shutdown: bool = _setting(False, "Allow the control API to stop the server.")
    whisper_model: str = _setting(
        "auto",
        "Whisper model: a CTranslate2 folder, the name of one in the local cache, "
        "embedded (included, understands this server's voices, not people), "
        "auto (the smallest in the local cache, else embedded) or none.",
        is_path=True,
    )
    whisper_device: str = _setting("auto", "Device that Whisper runs on.", choices=("auto", "cpu", "cuda"))
    whisper_compute_type: str = _setting(
        "default",
        "Number type that Whisper computes with; default is that of the model.",
        choices=COMPUTE_TYPES,
    )
    whisper_cpu_threads: int = _setting(
        0, "Threads per transcription; 0 lets the library choose.", minimum=0, maximum=_MAX_THREADS
    )
    whisper_workers: int = _setting(
        1, "Most transcriptions at the same time.", minimum=1, maximum=_MAX_THREADS
    )
    whisper_beam_size: int = _setting(5, "Beam size of Whisper's search.", minimum=1, maximum=100)
    whisper_vad_filter: bool = _setting(
        False, "Skip silence before transcribing, even if the request does not ask for it."
    )
    whisper_temperature_fallback: bool = _setting(
        False, "Decode a poor transcript again with random sampling, as Whisper does; answers then vary."
    )
    whisper_queue: int = _setting(
        128,
        "Most transcriptions that wait; further ones are refused with 503.",
        minimum=0,
        maximum=_MAX_NUMBER,
    )
    whisper_queue_seconds: float = _setting(
        86_400.0,
        "Most seconds of audio that wait for Whisper, unless it is a single clip; beyond, 503.",
        minimum=0,
        maximum=_YEAR,
    )
    unknown_audio: str = _setting(
        "placeholder",
        "Answer where nothing can be transcribed (no Whisper, or no audio): a marked placeholder, or an error.",
        choices=("placeholder", "error"),
        per_request=True,
    )
    remember_speech: int = _setting(
        256,
        "Most spoken utterances of the server that it recognises word for word; 0 for none.",
        minimum=0,
        maximum=_MAX_NUMBER,
    )
    speech_slots: int = _setting(
        8, "Most utterances that are synthesized at the same time.", minimum=1, maximum=_MAX_THREADS
    )
    speech_seconds: int = _setting(60, "CPU seconds that an utterance may take.", minimum=1, maximum=_DAY)
    speech_memory: int = _setting(
        1 << 29,
        "Memory limit of an utterance, in bytes of address space.",
        minimum=1 << 27,
        maximum=_MAX_BYTES,
    )
    speech_language: str = _setting(
        "",
        "Language (ISO 639-1) of the text to speak; empty detects it.",
        per_request=True,
        admits=_can_be_spoken,
    )
    custom_voices: str = _setting(
        "", "Ids of custom voices that every account has from the start, comma-separated."
    )
    reply_from: str = _setting(
        "",
        "Base URL of a local OpenAI-compatible server that writes the replies of chats, responses and completions, "
        "such as http://127.0.0.1:8080/v1.",
        admits=_is_local_url,
    )
    choiceless_chunks: bool = _setting(
        False, "Send chunks without choices in spoken chat streams, as the real API does.", per_request=True
    )
    stt_queued_seconds: float = _setting(
        0.0,
        "Minimum seconds that a speech-to-text job is queued.",
        per_request=True,
        minimum=0,
        maximum=_YEAR,
    )
    stt_generating_seconds: float = _setting(
        0.0,
        "Minimum seconds that a speech-to-text job is generating.",
        per_request=True,
        minimum=0,
        maximum=_YEAR,
    )
    stt_get_status: str = _setting(
        "201",
        "HTTP status of responses about a speech-to-text job.",
        choices=("201", "200"),
        per_request=True,
    )
    stt_workers: int = _setting(
        2, "Most speech-to-text jobs processed at the same time.", minimum=1, maximum=_MAX_THREADS
    )
    stt_queue: int = _setting(
        100,
        "Most speech-to-text jobs that wait; further ones are refused with 503.",
        minimum=0,
        maximum=_MAX_NUMBER,
    )
    url_map: str = _setting(
        "",
        "File (TOML, JSON, YAML) that maps audio URLs to files or fixtures.",
        is_path=True,
    )
    url_folder: str = _setting(
        "", "Folder that file: URLs of audio may read from; empty for none.", is_path=True, admits=is_folder
    )
    fetch_urls: str = _setting(
        "",
        "Hosts that audio URLs may be fetched from: HOST, *.DOMAIN or HOST:PORT, comma-separated.",
        admits=are_allowed_hosts,
    )
    fetch_seconds: float = _setting(
        30.0, "Total seconds that fetching an audio URL may take.", minimum=0.1, maximum=_DAY
    )
    webhook_hosts: str = _setting(
        "",
        "Hosts beside this machine that webhooks may be sent to: HOST, *.DOMAIN or HOST:PORT, comma-separated.",
        admits=are_allowed_hosts,
    )
    webhook_seconds: float = _setting(
        5.0, "Seconds that the receiver of a webhook has to answer.", minimum=0.1, maximum=60
    )
    batch_seconds: float = _setting(
        0.0,
        "Seconds that a batch stays in each state; its lines are spread over the time in progress.",
        per_request=True,
        minimum=0,
        maximum=_YEAR,
    )
    background_seconds: float = _setting(
        0.0,
        "Seconds that a response in the background stays queued, and then in progress.",
        per_request=True,
        minimum=0,
        maximum=_YEAR,
    )
    realtime_pacing: str = _setting(
        "fast",
        "Pace of Realtime sessions: as fast as the client sends audio, or the times of the real API on the clock.",
        choices=("fast", "real"),
        per_request=True,
    )
    realtime_beta: bool = _setting(
        False,
        "Speak the beta of the Realtime API to clients that ask for it, which the real API refuses.",
        per_request=True,
    )
    batch_workers: int = _setting(
        4, "Most batches processed at the same time.", minimum=1, maximum=_MAX_THREADS
    )
    batch_lines: int = _setting(
        1,
        "Most lines of a batch answered at the same time; with more than 1, stubs see them in any order.",
        minimum=1,
        maximum=_MAX_THREADS,
    )
    max_body_bytes: int = _setting(
        26_214_400,
        "Largest request body, in bytes; larger ones are refused with 413.",
        minimum=1,
        maximum=_MAX_BYTES,
    )
    max_json_values: int = _setting(
        1_200_000,
        "Most values and names in a JSON body, which take many times its size in memory; beyond, 400.",
        minimum=1,
        maximum=1_000_000_000,
    )
    max_audio_seconds: float = _setting(
        14_400.0, "Longest audio that is decoded, in seconds.", minimum=1, maximum=_YEAR
    )
    max_body_memory: int = _setting(
        419_430_400,
        "Memory for request bodies above 1 MiB, in bytes; further ones wait.",
        minimum=1,
        maximum=_MAX_BYTES,
    )
    max_answer_memory: int = _setting(
        419_430_400,
        "Memory for answers above 1 MiB that clients are reading, in bytes; beyond, 503.",
        minimum=1,
        maximum=_MAX_BYTES,
    )
    max_head_bytes: int = _setting(
        65_536,
        "Largest request line and headers together, in bytes; beyond, 413 or 414.",
        minimum=1024,
        maximum=1 << 20,
    )
    max_head_fields: int = _setting(
        100, "Most headers of a request; beyond, 413.", minimum=10, maximum=10_000
    )
    max_connections: int = _setting(
        10_000,
        "Most open connections; fewer if the limit of open files is lower.",
        minimum=16,
        maximum=_MAX_NUMBER,
    )
    max_threads: int = _setting(512, "Most requests handled at the same time.", minimum=4, maximum=10_000)
    max_web_sockets: int = _setting(
        1000, "Most open WebSockets, each with threads of its own.", minimum=0, maximum=10_000
    )
    reserved_threads: int = _setting(
        16, "Threads for calls of the control API when all others are busy.", minimum=1, maximum=_MAX_THREADS
    )
    socket_timeout: float = _setting(
        30.0, "Seconds that a client may stall while sending or reading.", minimum=0.1, maximum=_DAY
    )
    shutdown_seconds: float = _setting(
        8.0,
        "Seconds that requests in flight have to finish when the server stops.",
        minimum=0,
        maximum=_DAY,
    )
    stop_on_eof: bool = _setting(
        False, "Stop when standard input ends: when the program that has started the server ends."
    )
    seed: str = _setting(
        "", "Seed that makes request ids and other generated values repeatable; empty for unique ones."
    )
    log_level: str = _setting(
        "info", "Lowest level that is logged.", choices=("debug", "info", "warning", "error")
    )
    accounts: tuple[AccountRow, ...] = ()
    limit_rows: tuple[LimitRow, ...] = ()
    models: tuple[Mapping[str, Any], ...] = ()  # ``[[models]]``: ``id``, ``like`` and the fields that differ
    deployments: tuple[DeploymentRow, ...] = ()
    webhooks: tuple[WebhookRow, ...] = ()

    def __post_init__(self) -> None:
        """Convert and check all values. Raises ``SettingsError`` naming the invalid argument."""
        for option in OPTIONS:
            value = getattr(self, option.name)
            object.__setattr__(self, option.name, checked(option, value, f"argument {option.name}"))
        check_accounts(self.accounts, "argument accounts")
        check_limit_rows(self.limit_rows, "argument limit_rows")
        check_deployments(self.deployments, "argument deployments")
        if not isinstance(self.models, Sequence) or not all(isinstance(row, Mapping) for row in self.models):
            raise SettingsError("argument models: is not a list of tables such as {'id': ..., 'like': ...}.")
        check_webhooks(self.webhooks, "argument webhooks")

    @property
    def leaves_heavy_work(self) -> bool:
        """Return whether other processes transcribe and process batches."""
        return self.heavy_work != "server"

    @property
    def speaks_tls(self) -> bool:
        """Return whether the server serves ``https:`` and ``wss:`` in place of ``http:`` and ``ws:``."""
        return self.tls or bool(self.tls_cert or self.tls_key)

    def for_request(self, headers: SupportsGet) -> Settings:
        """Return these settings with the ``x-mock-*`` headers of a request applied.

        Raises ``SettingsError`` for a header with an invalid value.
        """
        changes = {}
        for header, option in _HEADERS.items():
            value = headers.get(header)
            if value is not None:
                changes[option.name] = checked(option, value, f"header {header}")
        return self._with(changes) if changes else self

    def _with(self, changes: Mapping[str, object]) -> Settings:
        """Return a copy with ``changes``, which are checked already."""
        changed = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(changed, name, value)
        return changed


OPTIONS: tuple[Field[Any], ...] = tuple(option for option in fields(Settings) if option.metadata)
PER_REQUEST = tuple(option for option in OPTIONS if option.metadata["per_request"])
_HEADERS = {"x-mock-" + option.name.replace("_", "-"): option for option in PER_REQUEST}

assert all(option.default is not MISSING for option in OPTIONS), "every setting has a default"

"""Every setting of the server, in one place.

One order everywhere: defaults < ``mockserver.toml`` < environment ``MOCKSERVER_*`` < command line <
``x-mock-*`` header of a request (the settings marked per request). The field ``whisper_model`` is
``whisper_model = ...`` in the file, ``MOCKSERVER_WHISPER_MODEL``, ``--whisper-model`` and, were it per
request, ``x-mock-whisper-model``.
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
from mockserver.settings.values import SettingsError as SettingsError
from mockserver.settings.values import are_allowed_hosts, checked, is_folder, is_host, is_sendable

COMPUTE_TYPES = (  # of CTranslate2
    *("default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16"),
    *("int16", "float16", "bfloat16", "float32"),
)


class SupportsGet(Protocol):
    """The headers of a request, looked up without regard to case."""

    def get(self, name: str, /) -> str | None:
        """Return the header's value, or ``None``."""
        ...


def _setting(
    default: object,
    help: str,  # noqa: A002 - the word click uses
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


# The most of settings that count something, or are a time. More makes no sense, or overflows what waits for it.
_MAX_NUMBER = 1_000_000
_MAX_THREADS = 256
_MAX_BYTES = 1 << 40
_DAY, _YEAR = 86_400, 31_536_000  # seconds
_YEAR_3000 = 32_503_680_000  # seconds since 1970


def _can_be_spoken(language: str) -> bool:
    from mockserver.catalog.languages import is_language

    return not language or is_language(language)


def _is_of_this_machine(url: str) -> bool:
    """Raise ``ValueError``, saying what would be, when it is not."""
    if url:
        from mockserver.hosts import check_url

        check_url(url)
    return True


def _are_limits(text: str) -> bool:
    """Raise ``ValueError``, saying why, when they are not."""
    from mockserver.settings.limit_overrides import parse_overrides

    parse_overrides(text)
    return True


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server behaves. Immutable; ``load_settings`` reads the file and the environment."""

    host: str = _setting(
        "127.0.0.1", "Address to listen on: an IP address or a host's name, without a port.", admits=is_host
    )
    port: int = _setting(4010, "Port to listen on; 0 takes a free one.", minimum=0, maximum=65535)
    strictness: str = _setting(
        "real",
        "real: refuse what the real API refuses; schema: accept whatever the documented schema admits; "
        "off: take what can be understood.",
        choices=("real", "schema", "off"),
        per_request=True,
    )
    strict_urls: bool = _setting(
        False,
        "Refuse paths without /v1, as the real API does; else they are answered with a warning.",
        per_request=True,
    )
    mock_headers: bool = _setting(True, "Send the mock's own x-mock-* response headers.")
    require_key: bool = _setting(True, "Refuse requests that carry no API key.")
    accept_any_key: bool = _setting(True, "Accept API keys that mockserver.toml does not declare.")
    retire_models: bool = _setting(
        False, "Refuse models whose announced shutdown date has passed, as the real API will."
    )
    tier: str = _setting("tier-5", "Usage tier of accounts that name none.", choices=TIERS)
    rate_limits: bool = _setting(True, "Enforce rate limits; without, no answer tells of any.")
    limits: str = _setting(
        "",
        "Limits that hold whatever the tier says, such as requests_per_minute=3,tokens_per_minute=none; "
        "observed: those of recorded answers, where they contradict the tables.",
        per_request=True,
        admits=_are_limits,
    )
    unsupported_model: str = _setting(
        "403", "How a model that the tier may not use is refused.", choices=("403", "404")
    )
    response_headers: str = _setting(
        "full",
        "Response headers: all of the API's, or just those that clients read.",
        choices=("full", "minimal"),
    )
    time_scale: float = _setting(
        1.0, "How many times as fast as real time the clock runs.", minimum=0.001, maximum=_MAX_NUMBER
    )
    frozen_time: float = _setting(
        0.0,
        "Seconds since 1970 at which the clock stands still; 0 lets it run.",
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
        "Folder that keeps files, batches, jobs, voices and stored chats after the server ends; empty for none.",
        is_path=True,
    )
    max_stub_bytes: int = _setting(
        1 << 25,
        "Largest stub that the control API takes, in bytes: it may have the sound it answers with in it.",
        minimum=1024,
        maximum=1 << 30,
    )
    max_snapshot_bytes: int = _setting(
        1 << 28,
        "Largest snapshot that the control API takes, in bytes.",
        minimum=1024,
        maximum=1 << 34,
    )
    template_steps: int = _setting(
        500_000,
        "Steps that the templates of a reply may take: turns of loops, calls, filters, what is compared.",
        minimum=1,
        maximum=1_000_000_000,
    )
    template_characters: int = _setting(
        1 << 20, "Longest text that a template may make, also on the way.", minimum=1, maximum=1 << 28
    )
    path_steps: int = _setting(
        300_000,
        "Steps that all JSONPaths together may take on a request: values looked at.",
        minimum=1,
        maximum=1_000_000_000,
    )
    script_seconds: float = _setting(
        2.0,
        "Seconds of processor time that the templates, JSONPaths and patterns evaluated for a request may take.",
        minimum=0.01,
        maximum=_DAY,
    )
    journal_entries: int = _setting(
        10_000, "Exchanges that the journal keeps; 0 for none.", minimum=0, maximum=_MAX_NUMBER
    )
    journal_bytes: int = _setting(
        1 << 26, "Memory for the journal's exchanges, in bytes.", minimum=0, maximum=_MAX_BYTES
    )
    keep_audio: int = _setting(
        0,
        "Memory for uploaded audio that can be downloaded from the journal, in bytes; 0 for none.",
        minimum=0,
        maximum=_MAX_BYTES,
    )
    control_token: str = _setting(
        "",
        "Secret that calls of the control API must carry; without, they must come from this machine.",
        admits=is_sendable,
    )
    allow_shutdown: bool = _setting(False, "Let the control API end the server.")
    whisper_model: str = _setting(
        "auto",
        "Whisper model: a CTranslate2 folder, the name of one in the local cache, "
        "embedded (the one that ships, for this server's voices, not people), "
        "auto (the smallest in the local cache, else the one that ships) or none.",
        is_path=True,
    )
    whisper_device: str = _setting("auto", "Where Whisper runs.", choices=("auto", "cpu", "cuda"))
    whisper_compute_type: str = _setting(
        "default", "Whisper's arithmetic; default is that of the model.", choices=COMPUTE_TYPES
    )
    whisper_cpu_threads: int = _setting(
        0, "Threads per transcription; 0 leaves it to the library.", minimum=0, maximum=_MAX_THREADS
    )
    whisper_workers: int = _setting(
        1, "Transcriptions that run at the same time.", minimum=1, maximum=_MAX_THREADS
    )
    whisper_beam_size: int = _setting(5, "Beam size of Whisper's search.", minimum=1, maximum=100)
    whisper_vad_filter: bool = _setting(
        False, "Skip silence before Whisper hears it, also when the request does not ask."
    )
    whisper_temperature_fallback: bool = _setting(
        False, "Decode a poor transcript again with random samples, as Whisper does; answers then vary."
    )
    whisper_queue: int = _setting(
        128, "Transcriptions that may wait; beyond, 503.", minimum=0, maximum=_MAX_NUMBER
    )
    whisper_queue_seconds: float = _setting(
        86_400.0,
        "Seconds of audio that may wait for Whisper, unless it is one clip; beyond, 503.",
        minimum=0,
        maximum=_YEAR,
    )
    unknown_audio: str = _setting(
        "placeholder",
        "What answers what nobody can transcribe (no Whisper, or no audio): a marked placeholder, or an error.",
        choices=("placeholder", "error"),
        per_request=True,
    )
    remember_speech: int = _setting(
        256,
        "Utterances of its own that the server recognises word for word; 0 for none.",
        minimum=0,
        maximum=_MAX_NUMBER,
    )
    speech_slots: int = _setting(
        8, "Utterances that are spoken at the same time.", minimum=1, maximum=_MAX_THREADS
    )
    speech_seconds: int = _setting(
        60, "Seconds of processor time that an utterance may take.", minimum=1, maximum=_DAY
    )
    speech_memory: int = _setting(
        1 << 29,
        "Memory that an utterance may take, in bytes of address space.",
        minimum=1 << 27,
        maximum=_MAX_BYTES,
    )
    speech_language: str = _setting(
        "",
        "Language (ISO 639-1) of the text to speak; empty tells it from the text.",
        per_request=True,
        admits=_can_be_spoken,
    )
    custom_voices: str = _setting(
        "", "Ids of custom voices that every account has from the start, separated by commas."
    )
    reply_from: str = _setting(
        "",
        "Base URL of a local OpenAI-compatible server that replies to chats, such as http://127.0.0.1:8080/v1.",
        admits=_is_of_this_machine,
    )
    choiceless_chunks: bool = _setting(
        False, "Send chunks without choices in spoken chat streams, as the real API does.", per_request=True
    )
    stt_queued_seconds: float = _setting(
        0.0,
        "Seconds for which a speech-to-text job is queued, at least.",
        per_request=True,
        minimum=0,
        maximum=_YEAR,
    )
    stt_generating_seconds: float = _setting(
        0.0, "Seconds for which it is then generating, at least.", per_request=True, minimum=0, maximum=_YEAR
    )
    stt_get_status: str = _setting(
        "201", "Status of answers about a speech-to-text job.", choices=("201", "200"), per_request=True
    )
    stt_workers: int = _setting(
        2, "Speech-to-text jobs that are worked on at the same time.", minimum=1, maximum=_MAX_THREADS
    )
    stt_queue: int = _setting(
        100, "Speech-to-text jobs that may wait; beyond, 503.", minimum=0, maximum=_MAX_NUMBER
    )
    url_map: str = _setting(
        "",
        "File (TOML, JSON, YAML) of audio URLs with the files or fixtures that stand for them.",
        is_path=True,
    )
    url_folder: str = _setting(
        "", "Folder that file: URLs of audio may read from; empty for none.", is_path=True, admits=is_folder
    )
    fetch_urls: str = _setting(
        "",
        "Hosts that audio URLs may be fetched from: HOST, *.DOMAIN or HOST:PORT, separated by commas.",
        admits=are_allowed_hosts,
    )
    fetch_seconds: float = _setting(
        30.0, "Seconds that fetching an audio URL may take in all.", minimum=0.1, maximum=_DAY
    )
    batch_seconds: float = _setting(
        0.0,
        "Seconds that a batch takes in each of its states; its lines are spread over those in progress.",
        per_request=True,
        minimum=0,
        maximum=_YEAR,
    )
    batch_workers: int = _setting(
        4, "Batches that are worked at at the same time.", minimum=1, maximum=_MAX_THREADS
    )
    batch_lines: int = _setting(
        1,
        "Lines of a batch that are answered at the same time; of several, stubs see any of them first.",
        minimum=1,
        maximum=_MAX_THREADS,
    )
    max_body_bytes: int = _setting(
        26_214_400, "Largest request body, in bytes; beyond, 413.", minimum=1, maximum=_MAX_BYTES
    )
    max_json_values: int = _setting(
        1_200_000,
        "Most values and names in a JSON body; beyond, 400. In memory they take many times the body's size.",
        minimum=1,
        maximum=1_000_000_000,
    )
    max_audio_seconds: float = _setting(
        14_400.0, "Longest audio that is decoded, in seconds.", minimum=1, maximum=_YEAR
    )
    max_body_memory: int = _setting(
        419_430_400,
        "Memory for request bodies above 1 MiB, in bytes; more of them wait.",
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
        "Connections that may be open; fewer, where the limit of open files leaves room for fewer.",
        minimum=16,
        maximum=_MAX_NUMBER,
    )
    max_threads: int = _setting(512, "Requests handled at the same time.", minimum=4, maximum=10_000)
    reserved_threads: int = _setting(
        16, "Threads for calls of the control API when all others are busy.", minimum=1, maximum=_MAX_THREADS
    )
    socket_timeout: float = _setting(
        30.0, "Seconds a client may stall while sending or reading.", minimum=0.1, maximum=_DAY
    )
    shutdown_seconds: float = _setting(
        8.0,
        "Seconds that requests in flight have to be finished when the server is ended.",
        minimum=0,
        maximum=_DAY,
    )
    seed: str = _setting(
        "", "Makes request ids and other generated values repeatable; empty for unique ones."
    )
    log_level: str = _setting("info", "What is logged.", choices=("debug", "info", "warning", "error"))
    accounts: tuple[AccountRow, ...] = ()
    limit_rows: tuple[LimitRow, ...] = ()
    models: tuple[Mapping[str, Any], ...] = ()  # ``[[models]]``: ``id``, ``like`` and what differs

    def __post_init__(self) -> None:
        """Raise ``SettingsError`` naming the argument that makes no sense."""
        for option in OPTIONS:
            value = getattr(self, option.name)
            object.__setattr__(self, option.name, checked(option, value, f"argument {option.name}"))
        check_accounts(self.accounts, "argument accounts")
        check_limit_rows(self.limit_rows, "argument limit_rows")
        if not isinstance(self.models, Sequence) or not all(isinstance(row, Mapping) for row in self.models):
            raise SettingsError("argument models: is not a list of tables such as {'id': ..., 'like': ...}.")

    def for_request(self, headers: SupportsGet) -> Settings:
        """Return these settings with the ``x-mock-*`` headers of one request applied.

        Raises ``SettingsError`` when such a header has a value that its setting cannot have.
        """
        changes = {}
        for option in PER_REQUEST:
            header = "x-mock-" + option.name.replace("_", "-")
            value = headers.get(header)
            if value is not None:
                changes[option.name] = checked(option, value, f"header {header}")
        return self._with(changes) if changes else self

    def _with(self, changes: Mapping[str, object]) -> Settings:
        """Return a copy with some checked values in place of its own; the others are not checked once more."""
        changed = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(changed, name, value)
        return changed


OPTIONS: tuple[Field[Any], ...] = tuple(option for option in fields(Settings) if option.metadata)
PER_REQUEST = tuple(option for option in OPTIONS if option.metadata["per_request"])


assert all(option.default is not MISSING for option in OPTIONS), "every setting has a default"

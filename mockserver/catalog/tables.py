"""Reads the tables of this folder: models and their rules, tier limits, languages, voices.

Each file is parsed when something in it is first asked for, once per ``Catalog``. A table that cannot be
used raises ``CatalogError`` naming the file, the key and the remedy. Adding a model is adding a row to
``models.toml``.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from mockserver.catalog.records import (
    ChatRules,
    CustomVoices,
    Listing,
    ModelCard,
    Prices,
    Source,
    SpeechRules,
    SttRules,
    TierLimits,
    TokenRules,
    TranscriptionRules,
)
from mockserver.engines.speech import Voice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)


class CatalogError(Exception):
    """A table is malformed; the message names the file, the key and what to do about it."""


@dataclass(frozen=True, slots=True)
class _AudioFile:
    extensions: tuple[str, ...]
    content_types: dict[str, str]
    containers: dict[str, tuple[str, ...]]
    misnamed: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Misnamed:
    """A refusal of files that are something else than their name says.

    ``error`` is a row of ``errors.toml``. ``extensions`` and ``containers`` are those of the files that it concerns,
    all where there are none. ``evidence`` says how it is known.
    """

    error: str
    evidence: str
    extensions: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()

    def concerns(self, extension: str, container: str) -> bool:
        """Whether it refuses a file of that name with that content."""
        named = not self.extensions or extension in self.extensions
        return named and (not self.containers or container in self.containers)


@dataclass(frozen=True, slots=True)
class _ModelsFile:
    models: list[dict[str, Any]]
    listings: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _TiersFile:
    tiers: tuple[str, ...]
    groups: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _LimitGroup:
    name: str
    source: Source
    reference: str
    limits: dict[str, dict[str, Any] | Literal["not supported"]]


@dataclass(frozen=True, slots=True)
class _LanguagesFile:
    names: dict[str, str]
    other_names: dict[str, str]
    accepted: dict[str, tuple[str, ...]]
    heard_as: dict[str, str]
    iso_639_1: dict[Literal["codes"], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _TokensFile:
    families: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _VoicesFile:
    voices: list[dict[str, Any]]
    custom: dict[str, Any] = field(default_factory=dict)


_OWN_KEYS = frozenset({"created", "snapshot", "listed_snapshots"})
_NESTED: dict[str, type[Prices | TranscriptionRules | SpeechRules | ChatRules]] = {
    "prices": Prices,
    "transcription": TranscriptionRules,
    "speech": SpeechRules,
    "chat": ChatRules,
}
_RULES_OF_ENDPOINT = {
    "v1/audio/transcriptions": "transcription",
    "v1/audio/speech": "speech",
    "v1/chat/completions": "chat",
}


@dataclass(frozen=True)
class Catalog:
    """The tables in ``folder``. Made once by the app; safe to share between threads."""

    folder: Path = Path(__file__).parent

    @cached_property
    def models(self) -> tuple[ModelCard, ...]:
        """OpenAI's models in the order of the table, snapshots included."""
        return tuple(self._models.values())

    def model(self, model_id: str) -> ModelCard | None:
        """The OpenAI model of that id, or ``None``."""
        return self._models.get(model_id)

    def model_for(self, endpoint: str) -> ModelCard | None:
        """The first model of the table that serves ``endpoint``, to stand in for one nobody knows."""
        return next((model for model in self.every_model if endpoint in model.endpoints), None)

    @property
    def every_model(self) -> tuple[ModelCard, ...]:
        """OpenAI's models, and then those that other providers offer."""
        return (*self.models, *self.offers.values())

    def served(self, name: str) -> ModelCard | None:
        """The model that goes by that name, OpenAI's own or another provider's, or ``None``."""
        return self._models.get(name) or self.offers.get(name)

    @cached_property
    def offers(self) -> dict[str, ModelCard]:
        """Other providers' offers that an endpoint serves, by the provider's name of the model."""
        return {row.model: self._offer(row) for row in self.listings if row.endpoints}

    def token_rules(self, model_id: str = "") -> TokenRules:
        """Return how the model of that id counts tokens, by its family; without an id, how gpt-4o does."""
        return next(
            rules
            for rules in self._token_rules
            if any(fnmatchcase(model_id, pattern) for pattern in rules.models)
        )

    def snapshots(self, model_id: str) -> tuple[str, ...]:
        """The ids of the model's dated snapshots; empty for a snapshot itself."""
        return tuple(model.id for model in self.models if model.alias_of == model_id)

    @cached_property
    def listings(self) -> tuple[Listing, ...]:
        """Other providers' offers."""
        rows = _rows(self._models_file.listings, "models.toml, listings", "provider", "model")
        return tuple(self._listing(row, where) for row, where in rows)

    @property
    def audio_extensions(self) -> tuple[str, ...]:
        """File extensions of the audio files that a model of the catalog takes."""
        return self._audio_file.extensions

    def misnamed(self, extension: str, container: str) -> Misnamed | None:
        """How a model that believes the name refuses a file of that ``container``; ``None`` where they agree."""
        if container in self._audio_file.containers.get(extension, ()):
            return None
        return next((each for each in self._misnamed if each.concerns(extension, container)), None)

    def audio_extension_of(self, content_type: str) -> str | None:
        """The file extension that goes with a ``Content-Type``, or ``None`` for one that is no audio."""
        return self._audio_file.content_types.get(content_type.partition(";")[0].strip().lower())

    @property
    def tiers(self) -> tuple[str, ...]:
        """The usage tiers, lowest first."""
        return self._tiers_file.tiers

    def tier_limits(self, group: str, tier: str) -> TierLimits | None:
        """The limits of ``group`` on ``tier``, or ``None`` where none are known.

        Raises ``ValueError`` for a tier that does not exist.
        """
        if tier not in self.tiers:
            raise ValueError(f"unknown tier {tier!r}; the tiers are {', '.join(self.tiers)}")
        return self._limits.get((group, tier))

    def language_name(self, code: str) -> str:
        """Whisper's English name of a language ("english"); a code Whisper does not know stays as it is."""
        return self._languages.names.get(code.lower(), code)

    def language_code(self, name_or_code: str) -> str | None:
        """Whisper's code of a language given by code or English name, in any case; ``None`` if there is none."""
        given = name_or_code.lower()
        given = self._languages.heard_as.get(given, given)
        return given if given in self._languages.names else self._codes_by_name.get(given)

    def accepts_language(self, family: str, language: str) -> bool:
        """Whether the models of a ``family``, a table of ``languages.toml``, take a ``language``, in any case.

        Whisper takes English names, too.
        """
        given = language.lower()
        code = self._codes_by_name.get(given, given) if family == "whisper" else given
        return code in {each.lower() for each in self._languages.accepted[family]}

    def is_language(self, name_or_code: str) -> bool:
        """Whether that is a code of ISO 639-1, or a code or name of Whisper's, in any case."""
        given = name_or_code.lower()
        known = given in self._languages.names or given in self._codes_by_name
        return known or given in self._languages.iso_639_1["codes"]

    @cached_property
    def voices(self) -> tuple[Voice, ...]:
        """Every voice there is; which of them a model has is in its ``SpeechRules``."""
        rows = _rows(self._voices_file.voices, "voices.toml, voices", "name")
        return tuple(_record(Voice, row, where) for row, where in rows)

    def voice(self, name: str) -> Voice | None:
        """The voice of that name, or ``None``."""
        return next((voice for voice in self.voices if voice.name == name), None)

    @cached_property
    def custom_voices(self) -> CustomVoices:
        """From what custom voices can be created, and how they sound."""
        return _record(CustomVoices, self._voices_file.custom, "voices.toml, custom")

    def card(self, model_id: str) -> dict[str, Any]:
        """Everything known about a model, as plain JSON data: its row, snapshots, limits per tier, offers.

        Another provider's name for a model gives that offer. Raises ``KeyError`` for an unknown name.
        """
        offers = [_plain(row) for row in self.listings if row.model == model_id]
        if model_id not in self._models and offers:
            return offers[0]
        model = self._models[model_id]
        limits = [known for tier in self.tiers if (known := self.tier_limits(model.limit_group, tier))]
        card = _plain(model) | {
            "snapshots": list(self.snapshots(model.alias_of or model_id)),
            "tiers": {row.tier: row.kinds() if row.supported else "not supported" for row in limits},
            "listings": [_plain(row) for row in self.listings if row.upstream == model_id],
        }
        if limits:
            origins = dict.fromkeys(f"{row.source}: {row.reference}" for row in limits)
            card["sources"] = model.sources | {"tiers": "; ".join(origins)}
        return card

    @cached_property
    def _token_rules(self) -> tuple[TokenRules, ...]:
        file = _read(_TokensFile, self.folder / "tokens.toml")
        rows = _rows(file.families, "tokens.toml, families", "family")
        rules = tuple(_record(TokenRules, row, where) for row, where in rows)
        if not rules or "*" not in rules[-1].models:
            raise CatalogError("tokens.toml: the last of the families has no pattern '*'; give it one")
        return rules

    @cached_property
    def _audio_file(self) -> _AudioFile:
        return _read(_AudioFile, self.folder / "audio.toml")

    @cached_property
    def _misnamed(self) -> tuple[Misnamed, ...]:
        rows = enumerate(self._audio_file.misnamed, 1)
        return tuple(_record(Misnamed, row, f"audio.toml, misnamed number {number}") for number, row in rows)

    @cached_property
    def _models_file(self) -> _ModelsFile:
        return _read(_ModelsFile, self.folder / "models.toml")

    @cached_property
    def _tiers_file(self) -> _TiersFile:
        return _read(_TiersFile, self.folder / "tiers.toml")

    @cached_property
    def _voices_file(self) -> _VoicesFile:
        return _read(_VoicesFile, self.folder / "voices.toml")

    @cached_property
    def _languages(self) -> _LanguagesFile:
        return _read(_LanguagesFile, self.folder / "languages.toml")

    @cached_property
    def _models(self) -> dict[str, ModelCard]:
        rows = {
            row["id"]: (row, where)
            for row, where in _rows(self._models_file.models, "models.toml, models", "id")
        }
        models = {}
        for model_id, (row, where) in rows.items():
            alias = rows[row["alias_of"]][0] if row.get("alias_of") in rows else {}
            if "alias_of" in row and (not alias or "alias_of" in alias):
                raise CatalogError(
                    f"{where}: key 'alias_of': no alias has the id {row['alias_of']!r}; add its row"
                )
            counted = self.token_rules(alias.get("id", model_id))
            models[model_id] = _model(row | {"tokens": counted}, alias, where)
        for model in models.values():
            if model.snapshot != model.id and models.get(model.snapshot, model).alias_of != model.id:
                problem = f"key 'snapshot': '{model.snapshot}' is no snapshot of it"
                raise CatalogError(f"{rows[model.id][1]}: {problem}; add its row, with alias_of")
        return models

    def _offer(self, row: Listing) -> ModelCard:
        """The model as its provider serves it: what is not the provider's own is that of the model upstream."""
        upstream = self._models.get(row.upstream)
        own: dict[str, Any] = {"id": row.model, "endpoints": row.endpoints, "stt": row.stt}
        if row.stt is not None:
            own |= {"limit_group": row.provider, "prices": None}
        if upstream is not None:
            return replace(upstream, alias_of=upstream.alias_of or upstream.id, **own)
        return ModelCard(
            name=row.model,
            summary="",
            created=0,
            owned_by="system",
            snapshot=row.model,
            sources={"figures": row.source},
            tokens=self.token_rules(),
            **({"limit_group": row.model} | own),
        )

    def _listing(self, row: dict[str, Any], where: str) -> Listing:
        if isinstance(row.get("stt"), dict):
            row = row | {"stt": _record(SttRules, row["stt"], f"{where}, stt")}
        listing = _record(Listing, row, where)
        if listing.upstream and listing.upstream not in self._models:
            raise CatalogError(
                f"{where}: key 'upstream': no model has the id '{listing.upstream}'; add its row"
            )
        return listing

    @cached_property
    def _limits(self) -> dict[tuple[str, str], TierLimits]:
        limits = {}
        for row, where in _rows(self._tiers_file.groups, "tiers.toml, groups", "name"):
            group = _record(_LimitGroup, row, where)
            for tier, kinds in group.limits.items():
                if tier not in self.tiers:
                    raise CatalogError(f"{where}: unknown tier '{tier}'; add it to 'tiers', or correct it")
                known = {"supported": False} if isinstance(kinds, str) else kinds
                origin = {"source": group.source, "reference": group.reference}
                key = {"group": group.name, "tier": tier}
                limits[group.name, tier] = _record(TierLimits, origin | known | key, f"{where}, {tier}")
        return limits

    @cached_property
    def _codes_by_name(self) -> dict[str, str]:
        return self._languages.other_names | {name: code for code, name in self._languages.names.items()}


def _read(cls: type[Record], file: Path) -> Record:
    """The TOML ``file`` as a ``cls``."""
    import tomllib

    try:
        return _record(cls, tomllib.loads(file.read_text(encoding="utf-8")), file.name)
    except FileNotFoundError:
        raise CatalogError(f"{file.name}: missing from {file.parent}; put it back, or reinstall") from None
    except tomllib.TOMLDecodeError as problem:
        raise CatalogError(f"{file.name}: not valid TOML: {problem}; correct it") from None


def _rows(rows: list[dict[str, Any]], table: str, *names: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Each row with words for where it is. The columns ``names`` tell the rows apart."""
    seen = set()
    for number, row in enumerate(rows, 1):
        for name in names:
            if not isinstance(row.get(name), str):
                raise CatalogError(f"{table} number {number}: key '{name}' is missing or no text; give one")
        where = f"{table} '{' '.join(row[name] for name in names)}'"
        if where in seen:
            raise CatalogError(f"{where}: another row has the same {' and '.join(names)}; keep one")
        seen.add(where)
        yield row, where


def _record(cls: type[Record], row: dict[str, Any], where: str) -> Record:
    """``row`` as a ``cls``: every key known, none missing, every value of its type."""
    import msgspec

    columns = {column.name: column for column in fields(cls)}
    for key in row:
        if key not in columns:
            raise CatalogError(f"{where}: unknown key '{key}'; remove it, or use one of {', '.join(columns)}")
    for key, column in columns.items():
        if key not in row and column.default is MISSING and column.default_factory is MISSING:
            raise CatalogError(f"{where}: key '{key}' is missing; add it")
    try:
        return msgspec.convert(row, cls)
    except msgspec.ValidationError as problem:
        raise CatalogError(f"{where}: {problem}; give the key a value of that kind") from None


def _model(row: dict[str, Any], alias: dict[str, Any], where: str) -> ModelCard:
    """The card of a row, which inherits from its ``alias`` all but what tells the two apart."""
    inherited = {key: value for key, value in alias.items() if key not in _OWN_KEYS}
    card = {"snapshot": row["id"]} | inherited | row
    if isinstance(row.get("sources"), dict):
        card["sources"] = inherited.get("sources", {}) | row["sources"]
    for key, cls in _NESTED.items():
        if isinstance(card.get(key), dict):
            card[key] = _record(cls, card[key], f"{where}, {key}")
    for endpoint, key in _RULES_OF_ENDPOINT.items():
        if endpoint in card.get("endpoints", ()) and key not in card:
            raise CatalogError(f"{where}: key '{key}' is missing, the rules of {endpoint}; add it")
    return _record(ModelCard, card, where)


def _plain(record: DataclassInstance) -> dict[str, Any]:
    """The record as JSON data, without what is unknown or empty."""

    def known(items: list[tuple[str, Any]]) -> dict[str, Any]:
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in items
            if value is not None and value not in ((), {})
        }

    return asdict(record, dict_factory=known)

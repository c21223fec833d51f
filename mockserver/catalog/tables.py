"""Reads the tables of this folder: models and their rules, tier limits, languages, voices.

Each file is parsed when it is first needed, once per ``Catalog``. An invalid table raises ``CatalogError``, which names
the file, the key and the remedy. To add a model, add a row to a table in ``models/``.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict, replace

from mockserver.catalog.model_rows import Models, read_models
from mockserver.catalog.own_models import OwnModels
from mockserver.catalog.reading import CatalogError, read_file, record, rows_of
from mockserver.catalog.records import (
    CustomVoices,
    Listing,
    ModelCard,
    Source,
    SttRules,
    TierLimits,
    TokenRules,
    Voice,
)

__all__ = ["Catalog", "CatalogError"]

_FOLDER = Path(__file__).parent


class _AudioFile(Struct, frozen=True):
    extensions: tuple[str, ...]
    content_types: dict[str, str]
    containers: dict[str, tuple[str, ...]]
    misnamed: list[dict[str, Any]]


class Misnamed(Struct, frozen=True):
    """A refusal of files with contents that do not match their name.

    ``error`` is a row of ``errors.toml``. The refusal applies to files with these ``extensions`` and ``containers``; if
    a list is empty, to all.
    """

    error: str
    extensions: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()

    def applies_to(self, extension: str, container: str) -> bool:
        """Return whether a file with this extension and container is refused."""
        named = not self.extensions or extension in self.extensions
        return named and (not self.containers or container in self.containers)


class _ListingsFile(Struct, frozen=True):
    listings: list[dict[str, Any]]


class _TiersFile(Struct, frozen=True):
    images_per_minute: int
    tiers: tuple[str, ...]
    groups: list[dict[str, Any]]


class _LimitGroup(Struct, frozen=True):
    name: str
    source: Source
    reference: str
    like: str | None = None
    limits: dict[str, dict[str, Any] | Literal["not supported"]] = {}
    observed: dict[str, dict[str, Any]] = {}


class _LanguagesFile(Struct, frozen=True):
    names: dict[str, str]
    other_names: dict[str, str]
    accepted: dict[str, tuple[str, ...]]
    transcribed_as: dict[str, str]
    iso_639_1: dict[Literal["codes"], tuple[str, ...]]


class _TokensFile(Struct, frozen=True):
    families: list[dict[str, Any]]


class _RealtimeFile(Struct, frozen=True):
    instructions: str


class _VoicesFile(Struct, frozen=True):
    voices: list[dict[str, Any]]
    custom: dict[str, Any] = {}


class Catalog:
    """The tables in ``folder``, and custom models. The app creates one catalog. Thread-safe."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self.folder = folder
        self._deployments: dict[str, ModelCard] = {}

    @cached_property
    def models(self) -> tuple[ModelCard, ...]:
        """Return OpenAI's models, including snapshots, in the order of the tables."""
        return tuple(self._models.cards.values())

    @cached_property
    def own_models(self) -> OwnModels:
        """Return the custom models, which the configuration or the control API adds."""
        return OwnModels(lambda: self._models.rows)

    def models_of(self, account_id: str | None) -> tuple[ModelCard, ...]:
        """Return OpenAI's models, then the custom models of an account (``None``: those of all accounts)."""
        own = self.own_models.cards(account_id)
        return tuple({**self._models.cards, **own}.values()) if own else self.models

    def model(self, model_id: str, account_id: str | None = None) -> ModelCard | None:
        """Return the model with this id, OpenAI's or a custom one, or ``None``."""
        return self.own_models.cards(account_id).get(model_id) or self._models.cards.get(model_id)

    def model_for(self, endpoint: str) -> ModelCard | None:
        """Return the first model that serves ``endpoint``, as a substitute for an unknown model, or ``None``."""
        return next((model for model in self.every_model if endpoint in model.endpoints), None)

    @property
    def every_model(self) -> tuple[ModelCard, ...]:
        """Return OpenAI's models, those of other providers, the custom models of all accounts, and deployments."""
        own = self.own_models.every_card()
        return (*self.models, *self.offers.values(), *own, *self._deployments.values())

    def deploy(self, name: str, model: ModelCard, limit_group: str) -> None:
        """Add a deployment: another name of a ``model``, which may have limits of its own."""
        self._deployments[name] = replace(model, limit_group=limit_group)

    def deployment(self, name: str) -> ModelCard | None:
        """Return the model of a declared deployment, with its limit group, or ``None``."""
        return self._deployments.get(name)

    def served(self, name: str, account_id: str | None = None) -> ModelCard | None:
        """Return the model with this name, OpenAI's, a custom one or another provider's, or ``None``."""
        return self.model(name, account_id) or self.offers.get(name)

    @cached_property
    def offers(self) -> dict[str, ModelCard]:
        """Return the offers of other providers that an endpoint serves, by the provider's name of the model."""
        return {row.model: self._offer(row) for row in self.listings if row.endpoints}

    def token_rules(self, model_id: str = "") -> TokenRules:
        """Return the token rules of the family of a model id; without an id, those of gpt-4o."""
        return next(
            rules for rules in self._token_rules if any(_fits(model_id, each) for each in rules.models)
        )

    def snapshots(self, model_id: str) -> tuple[str, ...]:
        """Return the ids of the model's dated snapshots; empty for a snapshot."""
        return tuple(model.id for model in self.models if model.alias_of == model_id)

    @cached_property
    def listings(self) -> tuple[Listing, ...]:
        """Return the offers of other providers."""
        rows = rows_of(self._listings_file.listings, "listings.toml, listings", "provider", "model")
        return tuple(self._listing(row, where) for row, where in rows)

    @property
    def audio_extensions(self) -> tuple[str, ...]:
        """Return the extensions of audio files that any model accepts."""
        return self._audio_file.extensions

    def misnamed(self, extension: str, container: str) -> Misnamed | None:
        """Return the refusal of a file with this extension and ``container``; ``None`` if they match.

        It applies to models that derive the container from the name.
        """
        if container in self._audio_file.containers.get(extension, ()):
            return None
        return next((each for each in self._misnamed if each.applies_to(extension, container)), None)

    def audio_extension_of(self, content_type: str) -> str | None:
        """Return the file extension for a ``Content-Type``, or ``None`` if it is not audio."""
        return self._audio_file.content_types.get(content_type.partition(";")[0].strip().lower())

    @property
    def tiers(self) -> tuple[str, ...]:
        """Return the usage tiers, lowest first."""
        return self._tiers_file.tiers

    @property
    def images_per_minute(self) -> int:
        """Return the limit of images per minute of the limit groups with models that accept images."""
        return self._tiers_file.images_per_minute

    def tier_limits(self, group: str, tier: str, *, observed: bool = False) -> TierLimits | None:
        """Return the limits of ``group`` on ``tier``, or ``None`` if none are known.

        With ``observed``, limits that were observed in responses replace those of the table that they contradict.
        Raises ``ValueError`` for an unknown tier.
        """
        if tier not in self.tiers:
            raise ValueError(f"unknown tier {tier!r}; the tiers are {', '.join(self.tiers)}")
        seen = self.observed_limits(group, tier) if observed else None
        return seen or self._limits.get((group, tier))

    def observed_limits(self, group: str, tier: str) -> TierLimits | None:
        """Return the observed limits of ``group`` on ``tier`` that differ from the table, or ``None``."""
        return self._observed.get((group, tier))

    def language_name(self, code: str) -> str:
        """Return Whisper's English name of a language ("english"); an unknown code is returned unchanged."""
        return self._languages.names.get(code.lower(), code)

    def language_code(self, name_or_code: str) -> str | None:
        """Return Whisper's code of a language given by code or English name; ``None`` if there is none."""
        given = name_or_code.lower()
        given = self._languages.transcribed_as.get(given, given)
        return given if given in self._languages.names else self._codes_by_name.get(given)

    def language_codes(self, family: str) -> tuple[str, ...]:
        """Return the codes that the models of a ``family`` (a key of ``languages.toml``) accept as a ``language``."""
        return self._languages.accepted[family]

    def accepts_language(self, family: str, language: str) -> bool:
        """Return whether the models of a ``family`` (a key of ``languages.toml``) accept a ``language``, in any case.

        Whisper also accepts English names.
        """
        given = language.lower()
        code = self._codes_by_name.get(given, given) if family == "whisper" else given
        return code in {each.lower() for each in self._languages.accepted[family]}

    def is_language(self, name_or_code: str) -> bool:
        """Return whether the text is an ISO 639-1 code, or a code or name of Whisper, in any case."""
        given = name_or_code.lower()
        known = given in self._languages.names or given in self._codes_by_name
        return known or given in self._languages.iso_639_1["codes"]

    @cached_property
    def voices(self) -> tuple[Voice, ...]:
        """Return all voices. The voices of a model are in its ``SpeechRules``."""
        rows = rows_of(self._voices_file.voices, "voices.toml, voices", "name")
        return tuple(record(Voice, row, where) for row, where in rows)

    def voice(self, name: str) -> Voice | None:
        """Return the voice with this name, or ``None``."""
        return next((voice for voice in self.voices if voice.name == name), None)

    @cached_property
    def custom_voices(self) -> CustomVoices:
        """Return the rules of custom voices."""
        return record(CustomVoices, self._voices_file.custom, "voices.toml, custom")

    @cached_property
    def realtime_instructions(self) -> str:
        """Return the instructions of Realtime sessions that set none."""
        return read_file(_RealtimeFile, self.folder / "realtime.toml").instructions

    def card(self, model_id: str, account_id: str | None = None) -> dict[str, Any]:
        """Return a model as JSON data: its row, snapshots, limits per tier and offers.

        For another provider's name of a model, return that offer. Raises ``KeyError`` for an unknown name.
        """
        offers = [_plain(row) for row in self.listings if row.model == model_id]
        model = self.model(model_id, account_id)
        if model is None and offers:
            return offers[0]
        if model is None:
            raise KeyError(model_id)
        limits = [known for tier in self.tiers if (known := self.tier_limits(model.limit_group, tier))]
        card = _plain(model) | {
            "snapshots": list(self.snapshots(model.alias_of or model_id)),
            "tiers": {row.tier: row.kinds() if row.supported else "not supported" for row in limits},
            "listings": [_plain(row) for row in self.listings if row.upstream == model_id],
        }
        seen = [known for tier in self.tiers if (known := self.observed_limits(model.limit_group, tier))]
        if seen:
            card["observed"] = {
                row.tier: row.kinds() | {"seen": row.seen, "reference": row.reference} for row in seen
            }
        if limits:
            origins = dict.fromkeys(f"{row.source}: {row.reference}" for row in limits)
            card["sources"] = model.sources | {"tiers": "; ".join(origins)}
        return card

    @cached_property
    def _token_rules(self) -> tuple[TokenRules, ...]:
        file = read_file(_TokensFile, self.folder / "tokens.toml")
        rows = rows_of(file.families, "tokens.toml, families", "family")
        rules = tuple(record(TokenRules, row, where) for row, where in rows)
        if not rules or "*" not in rules[-1].models:
            raise CatalogError("tokens.toml: the last of the families has no pattern '*'; give it one")
        return rules

    @cached_property
    def _audio_file(self) -> _AudioFile:
        return read_file(_AudioFile, self.folder / "audio.toml")

    @cached_property
    def _misnamed(self) -> tuple[Misnamed, ...]:
        rows = enumerate(self._audio_file.misnamed, 1)
        return tuple(record(Misnamed, row, f"audio.toml, misnamed number {number}") for number, row in rows)

    @cached_property
    def _listings_file(self) -> _ListingsFile:
        return read_file(_ListingsFile, self.folder / "listings.toml")

    @cached_property
    def _tiers_file(self) -> _TiersFile:
        return read_file(_TiersFile, self.folder / "tiers.toml")

    @cached_property
    def _voices_file(self) -> _VoicesFile:
        return read_file(_VoicesFile, self.folder / "voices.toml")

    @cached_property
    def _languages(self) -> _LanguagesFile:
        return read_file(_LanguagesFile, self.folder / "languages.toml")

    @cached_property
    def _models(self) -> Models:
        return read_models(self.folder / "models", self.token_rules)

    def _offer(self, row: Listing) -> ModelCard:
        """Return the model as its provider serves it; other values are those of the upstream model."""
        upstream = self._models.cards.get(row.upstream)
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
            row = row | {"stt": record(SttRules, row["stt"], f"{where}, stt")}
        listing = record(Listing, row, where)
        if listing.upstream and listing.upstream not in self._models.cards:
            raise CatalogError(
                f"{where}: key 'upstream': no model has the id '{listing.upstream}'; add its row"
            )
        return listing

    @cached_property
    def _limit_groups(self) -> list[tuple[_LimitGroup, str]]:
        rows = rows_of(self._tiers_file.groups, "tiers.toml, groups", "name")
        return [(record(_LimitGroup, row, where), where) for row, where in rows]

    @cached_property
    def _limits(self) -> dict[tuple[str, str], TierLimits]:
        groups = {group.name: group for group, _ in self._limit_groups}
        limits = {}
        for group, where in self._limit_groups:
            if group.like is not None and group.like not in groups:
                raise CatalogError(f"{where}: key 'like': unknown group {group.like!r}; add its row")
            inherited = groups[group.like].limits if group.like else {}
            for tier, kinds in (inherited | group.limits).items():
                row = self._tier(group, tier, kinds, where)
                observed = self._observed.get((group.name, tier))
                limits[group.name, tier] = observed if observed and row.source == "assumed" else row
        return limits

    @cached_property
    def _observed(self) -> dict[tuple[str, str], TierLimits]:
        return {
            (group.name, tier): self._tier(group, tier, {"source": "observed"} | kinds, where)
            for group, where in self._limit_groups
            for tier, kinds in group.observed.items()
        }

    def _tier(
        self, group: _LimitGroup, tier: str, kinds: dict[str, Any] | Literal["not supported"], where: str
    ) -> TierLimits:
        if tier not in self.tiers:
            raise CatalogError(f"{where}: unknown tier '{tier}'; add it to 'tiers', or correct it")
        known = {"supported": False} if isinstance(kinds, str) else kinds
        origin = {"source": group.source, "reference": group.reference}
        key = {"group": group.name, "tier": tier}
        return record(TierLimits, origin | known | key, f"{where}, {tier}")

    @cached_property
    def _codes_by_name(self) -> dict[str, str]:
        return self._languages.other_names | {name: code for code, name in self._languages.names.items()}


def _plain(record: Struct) -> dict[str, Any]:
    """Return the record as JSON data, without unknown and empty values."""
    known = {name: value for name, value in asdict(record).items() if value not in (None, (), {})}
    return {name: _plain_value(value) for name, value in known.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Struct):
        return _plain(value)
    return list(value) if isinstance(value, tuple) else value


def _fits(model_id: str, pattern: str) -> bool:
    """Return whether the pattern is the model's id, or, with ``*``, a prefix of it."""
    return model_id.startswith(pattern[:-1]) if pattern.endswith("*") else model_id == pattern

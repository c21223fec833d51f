"""Makes model cards from rows: those of the tables in ``models/``, and those of a configuration.

A dated snapshot (``alias_of``) and a model that is ``like`` another one inherit the values that their rows lack. Rules
(``transcription``, ``speech``, ``chat``, ``responses``, …) and ``sources`` are inherited key by key, other values as a
whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from mockserver.catalog.reading import CatalogError, read_file, record, rows_of
from mockserver.catalog.records import (
    ChatRules,
    CompletionRules,
    EmbeddingRules,
    LiveTranscriptionRules,
    ModelCard,
    ModerationRules,
    Prices,
    RealtimeRules,
    ResponsesRules,
    SpeechRules,
    TokenRules,
    TranscriptionRules,
)
from mockserver.wording import problem_of_text, shown, suggestion

Row = dict[str, Any]

_Rules = (
    Prices
    | TranscriptionRules
    | SpeechRules
    | ChatRules
    | ResponsesRules
    | EmbeddingRules
    | ModerationRules
    | CompletionRules
    | RealtimeRules
    | LiveTranscriptionRules
)

_NESTED: dict[str, type[_Rules]] = {
    "prices": Prices,
    "transcription": TranscriptionRules,
    "speech": SpeechRules,
    "chat": ChatRules,
    "responses": ResponsesRules,
    "embedding": EmbeddingRules,
    "moderation": ModerationRules,
    "completion": CompletionRules,
    "realtime": RealtimeRules,
    "live_transcription": LiveTranscriptionRules,
}
_RULES_OF_ENDPOINT = {
    "v1/audio/transcriptions": "transcription",
    "v1/audio/speech": "speech",
    "v1/chat/completions": "chat",
    "v1/responses": "responses",
    "v1/embeddings": "embedding",
    "v1/moderations": "moderation",
    "v1/completions": "completion",
}
_RULES_OF_REALTIME = ("realtime", "live_transcription")  # models of "v1/realtime" have one of them
_RULES = (*_RULES_OF_ENDPOINT.values(), *_RULES_OF_REALTIME)
_KEY_BY_KEY = (*_RULES, "sources")
_OWN = frozenset({"id", "alias_of", "like", "created", "snapshot", "listed_snapshots"})
_OWN_OF_MODELS = _OWN | {"name", "summary", "shutdown_date", "replacements", "conflicts", "ratings", "prices"}
_OWN_SOURCES = ("prices", "snapshot")
_FROM_THE_MODEL_LIKE = ("created", "prices")  # inherited by configured rows, unless they give them
CONFIGURABLE = (
    *("id", "like", "name", "summary", "created", "owned_by", "snapshot", "limit_group", "shutdown_date"),
    *("endpoints", "modalities", "features", "context_window", "max_output_tokens", "knowledge_cutoff"),
    *("prices", *_RULES, "sources"),
)
_HIGHEST = 10**12  # tokens, US dollars, Unix seconds
_MAX_DEPTH = 4  # nested tables
_LOWEST = {"created": 0, "context_window": 1, "max_output_tokens": 1}
_NAMES = ("id", "snapshot", "limit_group")
_DATES = ("shutdown_date", "knowledge_cutoff")
_CONFIGURATION = "configuration"  # the source of the values of a configured row
_FINE_TUNED = "ft:"


class _ModelsFile(Struct, frozen=True):
    models: list[Row]


class Models(Struct, frozen=True):
    """The models of the tables: their cards, and their complete ``rows`` with inherited values."""

    cards: dict[str, ModelCard]
    rows: dict[str, Row]


def read_models(folder: Path, token_rules: Callable[[str], TokenRules]) -> Models:
    """Return the models of the ``*.toml`` files in ``folder``, in the order of files and rows.

    ``token_rules`` returns the token rules of a model id; snapshots have those of their models. Raises
    ``CatalogError``.
    """
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise CatalogError(f"{folder.name}/: has no tables of models; put them back, or reinstall")
    own: dict[str, tuple[Row, str]] = {}
    for file in files:
        for row, where in rows_of(read_file(_ModelsFile, file).models, f"{file.name}, models", "id"):
            if row["id"] in own:
                raise CatalogError(f"{where}: another table has a row with this id; keep one")
            own[row["id"]] = row, where
    rows: dict[str, Row] = {}
    for model_id in own:
        _complete(model_id, own, rows, ())
    for model_id, row in rows.items():
        rows[model_id] = row | {"tokens": token_rules(row.get("alias_of", model_id))}
    cards = {model_id: card_of(rows[model_id], where) for model_id, (_, where) in own.items()}
    for model in cards.values():
        if model.snapshot != model.id and cards.get(model.snapshot, model).alias_of != model.id:
            problem = f"key 'snapshot': '{model.snapshot}' is not a snapshot of it"
            raise CatalogError(f"{own[model.id][1]}: {problem}; add its row, with alias_of")
    return Models(cards, {model_id: rows[model_id] for model_id in own})


def configured_row(row: Mapping[str, Any], known: Mapping[str, Row], where: str) -> Row:
    """Return a row of a configuration with its inherited values. Raises ``CatalogError`` naming ``where``.

    ``known`` are the rows that it can be ``like``. By default, a fine-tuned model (``ft:BASE:…``) is like its base, and
    a model that replaces a known one is like that. It inherits all values except names, snapshots, the shutdown date
    and the replacements.
    """
    model_id = row.get("id")
    if not isinstance(model_id, str) or not model_id:
        raise CatalogError(f"{where}.id: is missing or not a text; give the model's name")
    row = {key: value.isoformat() if isinstance(value, date) else value for key, value in row.items()}
    _check_configured(row, known, where)
    tuned = model_id.split(":") if model_id.startswith(_FINE_TUNED) else []
    itself = model_id if model_id in known else None
    like = row.get("like", tuned[1] if len(tuned) > 1 else itself)
    if not isinstance(like, str):
        raise CatalogError(f"{where}.like: is missing or not a text; name the model that it is like")
    if like not in known:
        raise CatalogError(f"{where}.like: unknown model {like!r}. {nearest(like, known)}")
    base = known[like]
    given = {key: base[key] for key in _FROM_THE_MODEL_LIKE if key in base}
    given |= {"name": model_id, "summary": f"Configured, like {like}."}
    if len(tuned) > 2 and tuned[2]:
        given["owned_by"] = tuned[2]
    own = {**given, **row, "like": like, "configured": True}
    own_sources = {key: _CONFIGURATION for key in ("created", "shutdown_date", "prices") if key in row}
    own["sources"] = {"created": _CONFIGURATION} | own_sources | dict(row.get("sources", {}))
    return _inheriting(own, base, _OWN_OF_MODELS)


def _check_configured(row: Mapping[str, Any], known: Mapping[str, Row], where: str) -> None:
    """Raise ``CatalogError`` for a key that cannot be configured, or a value that no model can have.

    Types are checked when the row is converted to a card.
    """
    for key, value in row.items():
        if problem := problem_of_text(key, max_length=100):
            raise CatalogError(f"{where}: the key {shown(key)} {problem}; remove it")
        place = f"{where}.{key}"
        if key not in CONFIGURABLE:
            raise CatalogError(f"{place}: unknown key. {suggestion(key, CONFIGURABLE)}")
        if (
            key in _NAMES
            and isinstance(value, str)
            and not (value.isprintable() and value.strip() == value != "")
        ):
            raise CatalogError(f"{place}: {value!r} is not a name; give one line without spaces around it")
        _check_written(value, place)
        if key in _LOWEST and type(value) is int and value < _LOWEST[key]:
            raise CatalogError(f"{place}: {value} is below {_LOWEST[key]}; give a higher number")
        if key in _DATES and isinstance(value, str) and not _is_date(value):
            raise CatalogError(f"{place}: {value!r} is not a date; write it as YYYY-MM-DD")
        if key == "endpoints" and isinstance(value, list):
            _check_endpoints(value, known, place)
        if key == "chat" and isinstance(value, Mapping) and isinstance(value.get("efforts"), list):
            _check_efforts(value["efforts"], known, f"{place}.efforts")
        if key == "prices" and isinstance(value, Mapping):
            for name, price in value.items():
                if isinstance(price, int | float) and price < 0:
                    raise CatalogError(
                        f"{place}.{name}: {price} is below 0; give US dollars, or leave it out"
                    )
        if key == "sources" and not isinstance(value, Mapping):
            raise CatalogError(f"{place}: is not a table; give a text for each group of values")


def _check_written(value: Any, place: str, depth: int = 0) -> None:
    """Raise ``CatalogError`` for texts, numbers and depths that are out of range for every model."""
    if isinstance(value, str) and (problem := problem_of_text(value)):
        raise CatalogError(f"{place}: {shown(value)} {problem}; write another text")
    if isinstance(value, int | float) and not -_HIGHEST <= value <= _HIGHEST:
        raise CatalogError(
            f"{place}: {shown(value)} is not a number from -{_HIGHEST} to {_HIGHEST}; give one"
        )
    if isinstance(value, Mapping | list):
        if depth > _MAX_DEPTH:
            raise CatalogError(f"{place}: is nested too deeply; give a flatter value")
        members = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, member in members:
            _check_written(member, place, depth + 1)
            if isinstance(name, str):
                _check_written(name, place)


def _check_endpoints(endpoints: list[Any], known: Mapping[str, Row], place: str) -> None:
    """Raise ``CatalogError`` for endpoints that no model of the catalog has."""
    existing = sorted({endpoint for row in known.values() for endpoint in row.get("endpoints", ())})
    if not endpoints:
        raise CatalogError(f"{place}: is empty; give one of {', '.join(existing)}")
    for endpoint in endpoints:
        if isinstance(endpoint, str) and endpoint not in existing:
            raise CatalogError(f"{place}: unknown endpoint {endpoint!r}. {suggestion(endpoint, existing)}")


def _check_efforts(efforts: list[Any], known: Mapping[str, Row], place: str) -> None:
    """Raise ``CatalogError`` for values of ``reasoning_effort`` that no model of the catalog accepts."""
    existing = sorted({effort for row in known.values() for effort in row.get("chat", {}).get("efforts", ())})
    for effort in efforts:
        if isinstance(effort, str) and effort not in existing:
            raise CatalogError(f"{place}: unknown effort {effort!r}. {suggestion(effort, existing)}")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelled ``name``."""
    return suggestion(name, list(known), "`mockserver models` lists them.")


def _complete(
    model_id: str, own: Mapping[str, tuple[Row, str]], rows: dict[str, Row], heirs: tuple[str, ...]
) -> Row:
    """Return the row of a model with its inherited values, and store it in ``rows``; ``heirs`` inherit from it."""
    if model_id in rows:
        return rows[model_id]
    row, where = own[model_id]
    key = "alias_of" if "alias_of" in row else "like"
    parent = row.get(key)
    if parent is None:
        rows[model_id] = row
        return row
    if parent not in own or (key == "alias_of" and "alias_of" in own[parent][0]):
        sort = "alias" if key == "alias_of" else "model"
        raise CatalogError(f"{where}: key '{key}': no {sort} has the id {parent!r}; add its row")
    if parent in (model_id, *heirs):
        raise CatalogError(f"{where}: key '{key}': {parent!r} inherits from it; remove one of the keys")
    inherited = _complete(parent, own, rows, (*heirs, model_id))
    rows[model_id] = _inheriting(row, inherited, _OWN if key == "alias_of" else _OWN_OF_MODELS)
    return rows[model_id]


def _inheriting(row: Row, parent: Row, own: frozenset[str]) -> Row:
    """Return ``row`` with the keys that it inherits from ``parent``: all except those in ``own``."""
    inherited = {key: value for key, value in parent.items() if key not in own}
    if "prices" in own and "sources" in inherited:
        sources = inherited["sources"].items()
        inherited["sources"] = {key: value for key, value in sources if key not in _OWN_SOURCES}
    both = {
        key: inherited[key] | row[key]
        for key in _KEY_BY_KEY
        if isinstance(row.get(key), dict) and isinstance(inherited.get(key), dict)
    }
    return inherited | row | both


def card_of(row: Row, where: str, *, separator: str = ", ") -> ModelCard:
    """Return the card of a complete row. Raises ``CatalogError`` naming ``where``."""
    card = {"snapshot": row["id"]} | row
    for key, cls in _NESTED.items():
        if isinstance(card.get(key), dict):
            card[key] = record(cls, card[key], f"{where}{separator}{key}")
    endpoints = card.get("endpoints")
    for endpoint, key in _RULES_OF_ENDPOINT.items():
        if isinstance(endpoints, list | tuple) and endpoint in endpoints and key not in card:
            raise CatalogError(f"{where}: key '{key}' is missing, the rules of {endpoint}; add it")
    return record(ModelCard, card, where)

"""Finds the places of a type of the SDK: a ``TypedDict`` of a request, or a model of an event."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import typing_extensions

from mockserver.drift.places import DISCRIMINATORS, Places, add

_WRAPPERS = (typing.Required, typing.NotRequired, typing_extensions.Required, typing_extensions.NotRequired)
_ARRAYS = (list, Iterable, Sequence)


def find_type(name: str) -> Any:
    """Return the type that ``module:Name`` stands for. Raises ``ImportError`` and ``AttributeError``."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def places_of(name: str) -> Places:
    """Return all places of the type ``module:Name``. Raises ``ImportError`` and ``AttributeError``."""
    places: Places = {}
    _walk(find_type(name), "", places, ())
    places.pop("", None)
    return places


def texts_of(given: Any) -> frozenset[str]:
    """Return the texts of all ``Literal`` types in a type, including those in a union with ``str``."""
    if typing.get_origin(given) in (typing.Literal, typing_extensions.Literal):
        return frozenset(each for each in typing.get_args(given) if isinstance(each, str))
    return frozenset().union(*(texts_of(each) for each in typing.get_args(given)))


def _walk(given: Any, place: str, places: Places, above: tuple[Any, ...]) -> None:
    options = _options(given)
    texts: frozenset[str] = frozenset()
    if str not in options:  # in a union with ``str``, the literals are only examples
        texts = frozenset().union(*(texts_of(each) for each in options if not _is_generic(each)))
    add(places, place, texts)
    objects = [each for each in options if _members(each) is not None and each not in above]
    labels = {each: _labels(each) for each in objects} if len(objects) > 1 else {}
    for each in objects:
        name, values = labels.get(each) or ("", frozenset({""}))
        if name:
            add(places, f"{place}<{name}>", values)
        for value in sorted(values):
            inside = f"{place}<{name}={value}>" if name else place
            for member, kind in (_members(each) or {}).items():
                if member != name:
                    _walk(kind, f"{inside}.{member}".removeprefix("."), places, (*above, each))
    for each in options:
        if typing.get_origin(each) in _ARRAYS or _is_sequence(each):
            for item in typing.get_args(each)[:1]:
                _walk(item, f"{place}[]", places, above)


def _options(given: Any) -> list[Any]:
    """Return the members of a union, without annotations; for another type, only that type."""
    origin = typing.get_origin(given)
    if origin in _WRAPPERS or origin in (typing.Annotated, typing_extensions.Annotated):
        return _options(typing.get_args(given)[0])
    if origin in (typing.Union, types.UnionType):
        return [option for each in typing.get_args(given) for option in _options(each)]
    return [given]


def _members(given: Any) -> Mapping[str, Any] | None:
    """Return the members of a ``TypedDict`` or a model with their types, or ``None`` for another type."""
    if typing_extensions.is_typeddict(given):
        return typing_extensions.get_type_hints(given, include_extras=True)
    fields = getattr(given, "model_fields", None) if isinstance(given, type) else None
    if fields is None:
        return None
    return {getattr(field, "alias", None) or name: field.annotation for name, field in fields.items()}


def _labels(given: Any) -> tuple[str, frozenset[str]] | None:
    """Return the member that identifies a kind of object, with its values."""
    for name in DISCRIMINATORS:
        texts = texts_of((_members(given) or {}).get(name, str))
        if texts:
            return name, texts
    return None


def _is_generic(given: Any) -> bool:
    """Return whether the type is an array or a mapping, whose literals are those of its items."""
    return typing.get_origin(given) not in (None, typing.Literal, typing_extensions.Literal)


def _is_sequence(given: Any) -> bool:
    return getattr(typing.get_origin(given), "__name__", "") == "SequenceNotStr"

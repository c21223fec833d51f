"""Finds the places of a JSON Schema of this server."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.drift.places import DISCRIMINATORS, Places, add

Schema = dict[str, Any]


class _Part(NamedTuple):
    """A part of a schema that applies at a place, with the file to which its references are relative."""

    schema: Schema
    file: Path


class _Case(NamedTuple):
    """A part that applies only if a member has a certain value: ``if`` and ``then``."""

    member: str
    value: str
    part: _Part


def places_of(folder: Path, name: str) -> Places:
    """Return all places of the schema ``name`` in ``folder``, such as ``openai/create_speech.request``."""
    file = folder / f"{name}.json"
    places: Places = {}
    _walk([_Part(_read(file), file)], "", places)
    places.pop("", None)
    return places


def _read(file: Path) -> Schema:
    document: Schema = json.loads(file.read_bytes())
    return document


def _walk(given: list[_Part], place: str, places: Places) -> None:
    parts, cases = _applying(given)
    properties: dict[str, list[_Part]] = defaultdict(list)
    items: list[_Part] = []
    for schema, file in parts:
        for name, member in schema.get("properties", {}).items():
            properties[name].append(_Part(member, file))
        if isinstance(schema.get("items"), dict):
            items.append(_Part(schema["items"], file))
    add(places, place, _texts(parts))
    branches, cases = _branches(parts, cases)
    possible = {name: _texts(_applying(properties[name])[0]) for name in properties}
    cases = [case for case in cases if not possible.get(case.member) or case.value in possible[case.member]]
    distinguishing = {case.member for case in cases} if len({case.value for case in cases}) > 1 else set()
    for name, member in properties.items():
        if name not in distinguishing:
            _walk(member, f"{place}.{name}".removeprefix("."), places)
    if items:
        _walk(items, f"{place}[]", places)
    for branch in branches:
        _walk([branch], place, places)
    for case in cases:
        if case.member in distinguishing:
            add(places, f"{place}<{case.member}>", frozenset({case.value}))
            _walk_case(case, f"{place}<{case.member}={case.value}>", places)
        else:
            _walk([case.part], place, places)


def _walk_case(case: _Case, place: str, places: Places) -> None:
    """Add the places of a case, without the member that identifies it."""
    found: Places = {}
    _walk([case.part], "", found)
    for inner, texts in found.items():
        if inner and inner != case.member:
            separator = "" if inner.startswith(("[", "<")) or not place else "."
            add(places, f"{place}{separator}{inner}", texts)


def _applying(given: list[_Part]) -> tuple[list[_Part], list[_Case]]:
    """Return the parts that always apply, and the cases in which further parts apply."""
    parts: list[_Part] = []
    cases: list[_Case] = []
    for part in given:
        parts.append(part)
        schema, file = part
        below = [_Part(each, file) for each in schema.get("allOf", ()) if "if" not in each]
        if "$ref" in schema:
            below.append(_resolved(schema["$ref"], file))
        inner, more = _applying(below)
        parts += inner
        cases += more
        for each in schema.get("allOf", ()):
            if "if" in each:
                (member, condition), *_ = each["if"]["properties"].items()
                for value in condition.get("enum", [condition.get("const")]) if "then" in each else ():
                    cases.append(_Case(member, value, _Part(each["then"], file)))
    return parts, cases


def _branches(parts: list[_Part], cases: list[_Case]) -> tuple[list[_Part], list[_Case]]:
    """Return the branches of ``anyOf`` and ``oneOf``; as cases, if a member identifies them."""
    branches: list[_Part] = []
    identified: list[_Case] = []
    for schema, file in parts:
        for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            part = _Part(each, file)
            case = _case_of(part)
            if case is None:
                branches.append(part)
            else:
                identified.append(case)
    return branches, [*cases, *identified]


def _case_of(part: _Part) -> _Case | None:
    applying, _ = _applying([part])
    for name in DISCRIMINATORS:
        members = [
            _Part(schema["properties"][name], file)
            for schema, file in applying
            if name in schema.get("properties", {})
        ]
        texts = _texts(_applying(members)[0])
        if len(texts) == 1:
            return _Case(name, next(iter(texts)), part)
    return None


def _texts(parts: list[_Part]) -> frozenset[str]:
    """Return the texts that all parts allow; empty if any text is allowed."""
    admitted: frozenset[str] | None = None
    for schema, _ in parts:
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if values is not None:
            texts = frozenset(each for each in values if isinstance(each, str))
            admitted = texts if admitted is None else admitted & texts
    return admitted or frozenset()


def _resolved(reference: str, file: Path) -> _Part:
    name, _, pointer = reference.partition("#")
    target = file.parent / name if name else file
    schema: Any = _read(target)
    for step in pointer.split("/")[1:]:
        schema = schema[step]
    return _Part(schema, target)

"""Replies that are filled in: their texts are Jinja2 templates, which know the request.

What templates can do, and how much of it, is in ``template_sandbox.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jinja2
from jinja2 import meta, nodes

from mockserver.scripting.stubs.template_sandbox import Sandbox, expression, within_limits

# What a template knows of the request that it answers, as docs/stubs.md describes it.
NAMES = frozenset(
    {
        "count",
        "duration",
        "file",
        "headers",
        "heard",
        "language",
        "model",
        "now",
        "request",
        "user_text",
    }
)

MAX_CHARACTERS = 1 << 18  # of all templates of a stub; to compile 64 KiB can take a second
_MAX_TEMPLATE = 1 << 16  # characters of a template
_SHOWN = 40  # characters of a template that an error shows
# The members of a reply that are templates with every text in them, and those of which only a member is.
_TEMPLATES = ("text", "say", "json", "body", "events", "headers")
_WITHIN = {"segments": "text", "tool_calls": "arguments", "error": "message"}
# What goes wrong while a template is compiled or rendered, beyond Jinja's own errors.
_FAILURES = (
    jinja2.TemplateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
_FROM_FILES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


class TemplateFailed(ValueError):
    """A template that cannot be parsed or rendered. The message shows it and says why."""


class _Compiled(NamedTuple):
    template: jinja2.Template
    names: frozenset[str]


def check_template(text: str) -> None:
    """Raise ``TemplateFailed`` for a template that can never be rendered."""
    unknown = sorted(_compiled(text).names - NAMES)
    if unknown:
        raise _failed(text, f"there is no {unknown[0]!r}. There are {', '.join(sorted(NAMES))}.")


def render_reply(reply: Mapping[str, Any], context: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a reply with its templates filled in; as it is, unless it says that it has some.

    They take of what the block allows (``allowance.sharing``). Raises ``TemplateFailed`` naming the member.
    """
    if not reply.get("template"):
        return reply
    return _changed(reply, lambda text: _rendered(text, context))


def template_characters(reply: Mapping[str, Any]) -> int:
    """Return the characters of all texts of a reply that have something to fill in."""
    total = 0

    def count(text: str) -> str:
        nonlocal total
        total += len(text) if "{" in text else 0
        return text

    if reply.get("template"):
        _changed(reply, count)
    return total


def check_reply_template(reply: Mapping[str, Any]) -> None:
    """Raise ``TemplateFailed``, naming the member, for a reply with a template that can never be rendered."""

    def check(text: str) -> str:
        check_template(text)
        return text

    _changed(reply, check)


def _rendered(text: str, context: Mapping[str, Any]) -> str:
    """Render a template. Raises ``TemplateFailed``."""
    compiled = _compiled(text)
    pieces: list[str] = []
    try:
        known = {name: context[name] for name in compiled.names & frozenset(context)}
        with within_limits() as most:
            room = most
            for piece in compiled.template.generate(known):
                pieces.append(piece)
                room -= len(piece)
                if room < 0:
                    raise ValueError(f"it renders more than {most} characters")
    except _FAILURES as error:
        raise _failed(text, error) from error
    return "".join(pieces)


def _changed(reply: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    changed = dict(reply)
    for name in _TEMPLATES:
        if name in reply:
            changed[name] = _walked(reply[name], change, name)
    for name, member in _WITHIN.items():
        rows = reply.get(name)
        if isinstance(rows, list):
            places = [f"{name}[{number}]" for number in range(len(rows))]
            changed[name] = [_member(*row, member, change) for row in zip(rows, places, strict=True)]
        elif isinstance(rows, dict):
            changed[name] = _member(rows, name, member, change)
    return changed


def _member(row: dict[str, Any], place: str, member: str, change: Callable[[str], str]) -> dict[str, Any]:
    if member not in row:
        return row
    return row | {member: _walked(row[member], change, f"{place}.{member}")}


def _walked(value: Any, change: Callable[[str], str], place: str) -> Any:
    """Return ``value`` with every text in it changed; the names of members stay."""
    if isinstance(value, str):
        try:
            return change(value)
        except TemplateFailed as error:
            raise TemplateFailed(f"{place}: {error}") from error
    if isinstance(value, dict):
        return {name: _walked(each, change, f"{place}.{name}") for name, each in value.items()}
    if isinstance(value, list):
        return [_walked(each, change, f"{place}[{number}]") for number, each in enumerate(value)]
    return value


@lru_cache(maxsize=1)
def _environment() -> Sandbox:
    return Sandbox()


@lru_cache(maxsize=256)
def _compiled(text: str) -> _Compiled:
    """Return the compiled template. Raises ``TemplateFailed``."""
    environment = _environment()
    if len(text) > _MAX_TEMPLATE:
        raise _failed(text, f"it is longer than {_MAX_TEMPLATE} characters.")
    try:
        tree = environment.parse(text)
        if any(True for _ in tree.find_all(_FROM_FILES)):
            raise _failed(text, "templates of replies read no files.")
        if any(True for _ in tree.find_all(nodes.EvalContextModifier)):
            raise _failed(text, "autoescape is not known here. Use the filter escape.")
        _check_expressions(text, tree)
        names = meta.find_undeclared_variables(tree) - set(environment.globals)
        template = environment.from_string(environment.metered(tree))
    except jinja2.TemplateSyntaxError as error:
        raise _failed(text, f"line {error.lineno}: {error.message}") from error
    except TemplateFailed:
        raise
    except RecursionError as error:
        raise _failed(text, "it is nested too deeply.") from error
    except _FAILURES as error:
        raise _failed(text, error) from error
    return _Compiled(template, frozenset(names))


def _check_expressions(text: str, tree: nodes.Template) -> None:
    """Raise ``TemplateFailed`` for a regular expression, written out for the filter ``search``, that is none."""
    for used in tree.find_all(nodes.Filter):
        pattern = used.args[0] if used.name == "search" and used.args else None
        if isinstance(pattern, nodes.Const) and isinstance(pattern.value, str):
            try:
                expression(pattern.value)
            except ValueError as error:
                raise _failed(text, error) from error


def _failed(text: str, reason: object) -> TemplateFailed:
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return TemplateFailed(f"template {shown!r}: {str(reason).rstrip('.')}.")

"""Renders replies whose texts are Jinja2 templates.

``template_sandbox.py`` limits what templates can do, and how much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jinja2
from jinja2 import meta, nodes

from mockserver.scripting.stubs.template_sandbox import Sandbox, expression, within_limits
from mockserver.wording import cut, suggestion

# The variables of a template, as docs/stubs.md describes them.
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
        "turn",
        "user_text",
    }
)

MAX_CHARACTERS = 1 << 18  # of all templates of a stub; compiling 64 KiB can take a second
_MAX_TEMPLATE = 1 << 16  # characters of a template
_SHOWN = 40  # characters of a template in an error message
# The members of a reply in which every text is a template, and those in which only one member is.
_TEMPLATES = ("text", "say", "items", "json", "body", "events", "headers")
_WITHIN = {"segments": "text", "tool_calls": "arguments", "error": "message"}
# The exceptions raised while a template is compiled or rendered.
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
    """A template that cannot be parsed or rendered. The message quotes it and says why."""


class _Compiled(NamedTuple):
    template: jinja2.Template
    names: frozenset[str]


def check_template(text: str) -> None:
    """Raise ``TemplateFailed`` for a template that can never be rendered."""
    unknown = sorted(_compiled(text).names - NAMES)
    if unknown:
        raise _failed(text, f"unknown variable {unknown[0]!r}. {suggestion(unknown[0], sorted(NAMES))}")


def render_reply(reply: Mapping[str, Any], context: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a reply with its templates rendered, or unchanged unless it sets ``template``.

    Rendering counts against the limits of the block (``allowance.sharing``). Raises ``TemplateFailed`` naming the
    member.
    """
    if not reply.get("template"):
        return reply
    return _changed(reply, lambda text: _rendered(text, context))


def template_characters(reply: Mapping[str, Any]) -> int:
    """Return the number of characters of all templates of a reply."""
    total = 0

    def count(text: str) -> str:
        nonlocal total
        total += len(text) if "{" in text else 0
        return text

    if reply.get("template"):
        _changed(reply, count)
    return total


def check_reply_template(reply: Mapping[str, Any]) -> None:
    """Raise ``TemplateFailed``, naming the member, if a template of a reply can never be rendered."""

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
        with within_limits() as max_characters:
            left = max_characters
            for piece in compiled.template.generate(known):
                pieces.append(piece)
                left -= len(piece)
                if left < 0:
                    raise ValueError(f"it renders more than {max_characters} characters")
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
    """Return ``value`` with every text in it changed, except the names of members."""
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
            raise _failed(text, "templates of replies cannot read files.")
        if any(True for _ in tree.find_all(nodes.EvalContextModifier)):
            raise _failed(text, "autoescape is not supported. Use the filter escape.")
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
    """Raise ``TemplateFailed`` for an invalid regular expression, given as a literal to the filter ``search``."""
    for used in tree.find_all(nodes.Filter):
        pattern = used.args[0] if used.name == "search" and used.args else None
        if isinstance(pattern, nodes.Const) and isinstance(pattern.value, str):
            try:
                expression(pattern.value)
            except ValueError as error:
                raise _failed(text, error) from error


def _failed(text: str, reason: object) -> TemplateFailed:
    message = str(reason)
    return TemplateFailed(
        f"template {cut(text, _SHOWN)!r}: {message}{'' if message.endswith(('.', '?')) else '.'}"
    )

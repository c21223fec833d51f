"""Jinja2 in bounds: without files, without Python, and with as much work and text as a reply can need.

Whatever a template makes passes a ``_Meter``: the loops it goes through, the calls, filters and tests it makes, the
texts and lists that come of them. Before a template is compiled its tree is changed for that (``_Metered``). Values
are weighed by the text they would be if they were written out, so that lists which hold the same list many times
weigh what it takes to compare or to write them. Filters and methods are those of ``catalog/templates.toml``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import filters, nodes
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from mockserver.catalog.reading import read_table
from mockserver.matching.allowance import Allowance, scripts
from mockserver.matching.expressions import Expression, ExpressionError, compiled

_CHARACTERS_A_STEP = 64  # of texts that are made or compared
_ITEMS_A_STEP = 8  # of lists that are copied
_MAX_FACTOR = 1 << 20  # what numbers may be that are multiplied
_MAX_NUMBER_BITS = 4_096  # bits
_MAX_OPTION = 10_000  # of filters that make as many characters, items or digits as one says
_MAX_INDENT = 16
_MAX_OPTION_CHARACTERS = 200  # characters of those that are gone through for each character of a text
_WORD = re.compile(r"\w+(?:['’-]\w+)*")

_TABLE = Path(__file__).parents[2] / "catalog" / "templates.toml"
_SIZED = frozenset(["batch", "round", "slice", "truncate"])  # by numbers among their arguments
# Filters that only return what they are given.
_HANDED_ON = frozenset(["attr", "d", "default", "first", "last", "max", "min", "safe"])


class _Meter:
    """Counts the work of a reply's templates so far."""

    def __init__(self, allowance: Allowance, largest: int) -> None:
        self._largest = largest
        self.spend = allowance.spend
        self.spend_on_search = allowance.spend_on_search
        self._known: dict[
            int, tuple[Any, int]
        ] = {}  # containers by identity, kept so that they stay the same

    def weigh(self, value: Any) -> int:
        """Return about how many characters a value is, written out. Raises ``ValueError`` for a namespace."""
        if isinstance(value, str):
            return len(value)
        if isinstance(value, int):
            return 1 + value.bit_length() // 3
        if isinstance(value, Mapping):
            return self._weigh_items(value, chain(value.keys(), value.values()), 2 * len(value))
        if isinstance(value, list | tuple):
            return self._weigh_items(value, value, len(value))
        if isinstance(value, Namespace):
            raise ValueError("a namespace cannot be written, compared or handed on; what is in it can")
        return 0 if isinstance(value, Undefined) else 24

    def made(self, value: Any) -> Any:
        """Return a value that a template has made. Raises ``ValueError`` for one that is too large."""
        weight = self.weigh(value)
        self.room_for(weight)
        self.spend(1 + weight // _CHARACTERS_A_STEP)
        return value

    def room_for(self, characters: int) -> None:
        """Raise ``ValueError`` if a text of that many characters must not be made."""
        if characters > self._largest:
            raise ValueError(f"it makes more than {self._largest} characters")

    def look_at(self, value: Any) -> Any:
        """Return a value all of which is compared."""
        self.spend(1 + self.weigh(value) // _CHARACTERS_A_STEP)
        return value

    def each(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield items, and count them."""
        for item in items:
            self.spend(1 + (len(item) // _ITEMS_A_STEP if isinstance(item, list | tuple) else 0))
            yield item

    def _weigh_items(self, value: Any, items: Iterable[Any], number: int) -> int:
        known = self._known.get(id(value))
        if known is None:
            self.spend(1 + number // _ITEMS_A_STEP)
            known = self._known[id(value)] = (value, 2 * number + 2 + sum(map(self.weigh, items)))
        return known[1]


_meter: ContextVar[_Meter] = ContextVar("meter")


@contextmanager
def within_limits() -> Iterator[int]:
    """Have what this thread renders in the block take of what is shared; yield how long a text it may make.

    Where the bounds are met a template raises ``ValueError``.
    """
    shared = scripts()
    with shared.templates as allowance:
        token = _meter.set(_Meter(allowance, shared.limits.template_characters))
        try:
            yield shared.limits.template_characters
        finally:
            _meter.reset(token)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja for texts of replies, strict about names. Templates are to be ``metered`` before they are compiled."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(
            undefined=jinja2.StrictUndefined,
            finalize=_finalized,
            keep_trailing_newline=True,
            optimized=False,  # else constants are calculated as the template is compiled
        )
        self.globals = {name: self.globals[name] for name in ("range", "dict", "namespace")}
        table = read_table(_TABLE)
        theirs: dict[str, Any] = self.filters
        known = {name: theirs[name] for name in table["filters"] + table["filters_of_wholes"]}
        self.filters = {
            name: _counted(name, function, is_of_wholes=name in table["filters_of_wholes"])
            for name, function in {**known, **_OWN_FILTERS}.items()
        }
        self.filters |= {
            "_concat": _concat,
            "_each": lambda items: _meter.get().each(items),
            "_looked_at": lambda value: _meter.get().look_at(value),
            "_made": lambda value: _meter.get().made(value),
        }
        tests: dict[str, Any] = self.tests
        self.tests = {name: _looking(function) for name, function in tests.items()}
        kinds = {"str": str, "list": list, "tuple": tuple, "dict": dict}
        self._methods = {kinds[name]: frozenset(methods) for name, methods in table["methods"].items()}

    def metered(self, tree: nodes.Template) -> nodes.Template:
        """Return the tree of a template, changed so that what it does is counted."""
        changed: nodes.Template = _Metered().visit(tree)
        changed.set_environment(self)
        return changed

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return whether templates may read a member of that name."""
        if not super().is_safe_attribute(obj, attr, value):
            return False
        known = [methods for kind, methods in self._methods.items() if isinstance(obj, kind)]
        if not known and type(obj).__module__ != "builtins":
            return True  # a loop, a macro
        return not callable(value) or any(attr in methods for methods in known)

    def wrap_str_format(self, value: Any) -> None:
        """Have ``format`` judged as other methods are."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look up an item. The key is compared with others."""
        if not isinstance(argument, str | int):
            _meter.get().look_at(argument)
        return super().getitem(obj, argument)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call what a template calls, and count it."""
        meter = _meter.get()
        given = [meter.look_at(each) for each in args if not isinstance(each, Iterator)]
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(__obj, LoopContext) and args:
            args = (meter.each(args[0]), *args[1:])
        if isinstance(owner, str):
            meter.look_at(owner)
            if name == "join":
                return _join(args[0], owner)
            if name == "replace":
                return _replace(owner, *args, **kwargs)
            if "strip" in name:
                _check_length(given)
        elif isinstance(owner, list | tuple):
            meter.look_at(owner)
        result = super().call(__context, __obj, *args, **kwargs)
        return meter.made(result) if isinstance(result, str | list | tuple | dict) else result

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Calculate with numbers within bounds; add texts or lists."""
        if operator in ("*", "**", "%"):
            if not all(isinstance(x, int | float) and abs(x) <= _MAX_FACTOR for x in (left, right)):
                raise ValueError(f"{operator} is for numbers up to {_MAX_FACTOR}")
            if operator == "**" and abs(right) > 64:
                raise ValueError("** is for powers up to 64")
        meter = _meter.get()
        meter.room_for(meter.weigh(left) + meter.weigh(right))
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and result.bit_length() > _MAX_NUMBER_BITS:
            raise ValueError(f"{operator} makes a number of more than {_MAX_NUMBER_BITS} bits")
        return meter.made(result)


class _Metered(NodeTransformer):
    """Has a template hand to the meter what no method of ``Sandbox`` sees."""

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802 - as the library has it
        return nodes.Const(node.data, lineno=node.lineno)  # which is finalized

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = _filtered(node.iter, "_each")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), "_concat")

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_made")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_made")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_made") if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_made") if isinstance(node.arg, nodes.Slice) else node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _filtered(node.expr, "_looked_at")
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, "_looked_at")
        return node


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _counted(name: str, function: Callable[..., Any], *, is_of_wholes: bool) -> Callable[..., Any]:
    """Return a filter whose work is counted."""

    @wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        meter = _meter.get()
        around = [each for each in args if isinstance(each, Context | EvalContext | jinja2.Environment)]
        value, *options = args[len(around) :]
        if is_of_wholes and isinstance(value, Iterator | range):
            value = list(meter.each(value))
        number = len(value) if isinstance(value, str | list | tuple | Mapping | range) else 1
        meter.spend(1 + number // _ITEMS_A_STEP)
        if is_of_wholes:
            meter.spend(meter.weigh(value) * number.bit_length() // _CHARACTERS_A_STEP)
        for option in (*options, *kwargs.values()):
            meter.look_at(option)
        if name in _SIZED:
            _check_size((*options, *kwargs.values()))
        if name == "trim":
            _check_length((*options, *kwargs.values()))
        result = function(*around, value, *options, **kwargs)
        if isinstance(result, Iterator):
            return meter.each(result)
        return result if name in _HANDED_ON else meter.made(result)

    return counted


def _looking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a test whose work is counted."""

    @wraps(function)
    def looking(*args: Any, **kwargs: Any) -> Any:
        for each in chain(args, kwargs.values()):
            if not isinstance(each, Context | EvalContext | jinja2.Environment | Iterator | Undefined):
                _meter.get().look_at(each)
        return function(*args, **kwargs)

    return looking


def _check_size(options: Iterable[Any]) -> None:
    for option in options:
        if isinstance(option, int) and abs(option) > _MAX_OPTION:
            raise ValueError(f"{option} is more than {_MAX_OPTION}")


def _check_length(options: Iterable[Any]) -> None:
    for option in options:
        if isinstance(option, str) and len(option) > _MAX_OPTION_CHARACTERS:
            raise ValueError(f"the characters to take away are more than {_MAX_OPTION_CHARACTERS}")


@jinja2.pass_context
def _finalized(_context: Context, value: Any) -> Any:
    return "" if value is None else _meter.get().made(value)


def _concat(values: list[Any]) -> str:
    """Return what ``~`` makes."""
    return _joined(values, "")


def _joined(values: list[Any], between: str) -> str:
    meter = _meter.get()
    meter.room_for(sum(map(meter.weigh, values)) + len(between) * len(values))
    text: str = meter.made(between.join(map(str, values)))
    return text


@jinja2.pass_environment
def _join_filter(environment: Sandbox, value: Iterable[Any], d: Any = "", attribute: Any = None) -> str:
    """Return the items of a list as one text, with ``d`` between them."""
    items = _meter.get().each(value)
    if attribute is not None:
        items = map(filters.make_attrgetter(environment, attribute), items)
    return _joined(list(items), str(d))


def _join(items: Iterable[Any], between: str) -> str:
    return _joined(list(_meter.get().each(items)), between)


def _replace(text: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Return a text with one piece in place of another."""
    whole, piece, other = str(text), str(old), str(new)
    most = -1 if count is None else count
    places = whole.count(piece) if most < 0 else min(whole.count(piece), most)
    _meter.get().room_for(len(whole) + places * max(len(other) - len(piece), 0))
    return whole.replace(piece, other, most)


@jinja2.pass_environment
def _sum(environment: Sandbox, value: Iterable[Any], attribute: Any = None, start: Any = 0) -> Any:
    """Return the sum of numbers."""
    total = start
    items = _meter.get().each(value)
    if attribute is not None:
        items = map(filters.make_attrgetter(environment, attribute), items)
    for item in items:
        total = environment.call_binop(None, "+", total, item)
    return total


def _json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON."""
    if isinstance(indent, str) or (isinstance(indent, int) and not 0 <= indent <= _MAX_INDENT):
        raise ValueError(f"indent is a number from 0 to {_MAX_INDENT}")
    meter = _meter.get()
    meter.room_for(meter.weigh(value))
    return json.dumps(value, ensure_ascii=False, indent=indent)


def expression(pattern: str) -> Expression:
    """Return a regular expression for the filter ``search``. Raises ``ValueError``."""
    try:
        return compiled(pattern, re.IGNORECASE | re.DOTALL)
    except ExpressionError as error:
        raise ValueError(f"{pattern[:_MAX_OPTION_CHARACTERS]!r} {error}") from error


def _search(text: str | None, pattern: str) -> str:
    """Return what a regular expression finds first, case ignored: its first group, if it has one; else nothing."""
    sought = expression(pattern)
    _meter.get().spend_on_search(sought, text or "")
    found = sought.search(text or "")
    if found is None:
        return ""
    return found[1] or "" if len(found) > 1 else found[0] or ""


def _words(text: str | None) -> list[str]:
    """Return the words of a text, without punctuation."""
    return [found[0] for found in _WORD.finditer(text or "")]


def _date(seconds: float, layout: str = "%Y-%m-%d") -> str:
    """Return the UTC date, or what ``layout`` says of it, of a time in seconds since 1970."""
    if isinstance(layout, str) and len(layout) > _MAX_OPTION_CHARACTERS:
        raise ValueError(f"a layout has at most {_MAX_OPTION_CHARACTERS} characters")
    return datetime.fromtimestamp(seconds, UTC).strftime(layout)


_OWN_FILTERS: Mapping[str, Callable[..., Any]] = {
    "date": _date,
    "join": _join_filter,
    "json": _json,
    "replace": _replace,
    "search": _search,
    "sum": _sum,
    "tojson": _json,
    "words": _words,
}

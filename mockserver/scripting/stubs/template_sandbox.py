"""A Jinja2 sandbox: templates have no access to files or to Python, and limited work and output.

A ``_Meter`` counts what a template does: its loops, calls, filters and tests, and the texts and lists that they
return. For that, the syntax tree of a template is changed before it is compiled (``_Metered``). The weight of a value
is the length of its text, so a list that contains the same list many times weighs as much as it takes to compare or
write it. Filters and methods are those of ``catalog/templates.toml``.
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

_CHARACTERS_A_STEP = 64  # of a text that is created or compared
_ITEMS_A_STEP = 8  # of a list that is copied
_MAX_FACTOR = 1 << 20  # largest operand of a multiplication
_MAX_NUMBER_BITS = 4_096  # bits of a number that is computed
_MAX_OPTION = 10_000  # largest number of characters, items or digits that a filter is asked for
_MAX_INDENT = 16  # spaces
_MAX_OPTION_CHARACTERS = 200  # characters of an argument that is searched for each character of a text
_WORD = re.compile(r"\w+(?:['’-]\w+)*")

_TABLE = Path(__file__).parents[2] / "catalog" / "templates.toml"
_SIZED = frozenset(
    ["batch", "round", "slice", "truncate"]
)  # filters with a number as the size of their result
# Filters that return a value that already existed.
_SELECTING = frozenset(["attr", "d", "default", "first", "last", "max", "min", "safe"])


class _Meter:
    """The counter of the work that the templates of a reply have done."""

    def __init__(self, allowance: Allowance, largest: int) -> None:
        self._largest = largest
        self.spend = allowance.spend
        self.spend_on_search = allowance.spend_on_search
        # Weights of containers by identity; the containers are kept, so that no other gets the same identity.
        self._known: dict[int, tuple[Any, int]] = {}

    def weigh(self, value: Any) -> int:
        """Return the approximate length of a value as text. Raises ``ValueError`` for a namespace."""
        if isinstance(value, str):
            return len(value)
        if isinstance(value, int):
            return 1 + value.bit_length() // 3
        if isinstance(value, Mapping):
            return self._weigh_items(value, chain(value.keys(), value.values()), 2 * len(value))
        if isinstance(value, list | tuple):
            return self._weigh_items(value, value, len(value))
        if isinstance(value, Namespace):
            raise ValueError("a namespace cannot be written, compared or passed. Use its members")
        return 0 if isinstance(value, Undefined) else 24

    def made(self, value: Any) -> Any:
        """Count and return a value that a template has created. Raises ``ValueError`` if it is too large."""
        weight = self.weigh(value)
        self.check_size(weight)
        self.spend(1 + weight // _CHARACTERS_A_STEP)
        return value

    def check_size(self, characters: int) -> None:
        """Raise ``ValueError`` if a text of that many characters is too large."""
        if characters > self._largest:
            raise ValueError(f"it makes more than {self._largest} characters")

    def read(self, value: Any) -> Any:
        """Count and return a value that is read as a whole."""
        self.spend(1 + self.weigh(value) // _CHARACTERS_A_STEP)
        return value

    def each(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield the items, and count them."""
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
    """Count what this thread renders in the block against the shared limits; yield the longest text in characters.

    A template that exceeds a limit raises ``ValueError``.
    """
    shared = scripts()
    with shared.templates as allowance:
        token = _meter.set(_Meter(allowance, shared.limits.template_characters))
        try:
            yield shared.limits.template_characters
        finally:
            _meter.reset(token)


class Sandbox(ImmutableSandboxedEnvironment):
    """The Jinja2 environment of replies; undefined variables are errors. ``metered`` must precede compilation."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(
            undefined=jinja2.StrictUndefined,
            finalize=_finalized,
            keep_trailing_newline=True,
            optimized=False,  # otherwise constant expressions are computed, unmetered, at compilation
        )
        self.globals = {name: self.globals[name] for name in ("range", "dict", "namespace")}
        table = read_table(_TABLE)
        builtin: dict[str, Any] = self.filters
        known = {name: builtin[name] for name in table["filters"] + table["filters_of_wholes"]}
        self.filters = {
            name: _counted(name, function, is_of_wholes=name in table["filters_of_wholes"])
            for name, function in {**known, **_OWN_FILTERS}.items()
        }
        self.filters |= {
            "_concat": _concat,
            "_each": lambda items: _meter.get().each(items),
            "_read": lambda value: _meter.get().read(value),
            "_made": lambda value: _meter.get().made(value),
        }
        tests: dict[str, Any] = self.tests
        self.tests = {name: _counted_test(function) for name, function in tests.items()}
        kinds = {"str": str, "list": list, "tuple": tuple, "dict": dict}
        self._methods = {kinds[name]: frozenset(methods) for name, methods in table["methods"].items()}

    def metered(self, tree: nodes.Template) -> nodes.Template:
        """Return the syntax tree of a template, changed so that its work is counted."""
        changed: nodes.Template = _Metered().visit(tree)
        changed.set_environment(self)
        return changed

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return whether templates may read the attribute."""
        if not super().is_safe_attribute(obj, attr, value):
            return False
        known = [methods for kind, methods in self._methods.items() if isinstance(obj, kind)]
        if not known and type(obj).__module__ != "builtins":
            return True  # a loop, a macro
        return not callable(value) or any(attr in methods for methods in known)

    def wrap_str_format(self, value: Any) -> None:
        """Treat ``format`` like other methods."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item, and count the comparisons of its key."""
        if not isinstance(argument, str | int):
            _meter.get().read(argument)
        return super().getitem(obj, argument)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call a function or method for a template, and count the work."""
        meter = _meter.get()
        given = [meter.read(each) for each in args if not isinstance(each, Iterator)]
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(__obj, LoopContext) and args:
            args = (meter.each(args[0]), *args[1:])
        if isinstance(owner, str):
            meter.read(owner)
            if name == "join":
                return _join(args[0], owner)
            if name == "replace":
                return _replace(owner, *args, **kwargs)
            if "strip" in name:
                _check_characters(given)
        elif isinstance(owner, list | tuple):
            meter.read(owner)
        result = super().call(__context, __obj, *args, **kwargs)
        return meter.made(result) if isinstance(result, str | list | tuple | dict) else result

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Return the result of a binary operator, within the limits on numbers and texts."""
        if operator in ("*", "**", "%"):
            if not all(isinstance(x, int | float) and abs(x) <= _MAX_FACTOR for x in (left, right)):
                raise ValueError(f"{operator} takes numbers up to {_MAX_FACTOR}")
            if operator == "**" and abs(right) > 64:
                raise ValueError("** takes exponents up to 64")
        meter = _meter.get()
        meter.check_size(meter.weigh(left) + meter.weigh(right))
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and result.bit_length() > _MAX_NUMBER_BITS:
            raise ValueError(f"{operator} returns a number of more than {_MAX_NUMBER_BITS} bits")
        return meter.made(result)


class _Metered(NodeTransformer):
    """Adds filters that count what no method of ``Sandbox`` is called for."""

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802 - as the library has it
        return nodes.Const(node.data, lineno=node.lineno)  # constants are passed to ``finalize``

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
        node.expr = _filtered(node.expr, "_read")
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, "_read")
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
            meter.read(option)
        if name in _SIZED:
            _check_numbers((*options, *kwargs.values()))
        if name == "trim":
            _check_characters((*options, *kwargs.values()))
        result = function(*around, value, *options, **kwargs)
        if isinstance(result, Iterator):
            return meter.each(result)
        return result if name in _SELECTING else meter.made(result)

    return counted


def _counted_test(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a test whose work is counted."""

    @wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        for each in chain(args, kwargs.values()):
            if not isinstance(each, Context | EvalContext | jinja2.Environment | Iterator | Undefined):
                _meter.get().read(each)
        return function(*args, **kwargs)

    return counted


def _check_numbers(options: Iterable[Any]) -> None:
    for option in options:
        if isinstance(option, int) and abs(option) > _MAX_OPTION:
            raise ValueError(f"{option} is more than {_MAX_OPTION}")


def _check_characters(options: Iterable[Any]) -> None:
    for option in options:
        if isinstance(option, str) and len(option) > _MAX_OPTION_CHARACTERS:
            raise ValueError(f"the characters to strip are more than {_MAX_OPTION_CHARACTERS}")


@jinja2.pass_context
def _finalized(_context: Context, value: Any) -> Any:
    return "" if value is None else _meter.get().made(value)


def _concat(values: list[Any]) -> str:
    """Return the result of the operator ``~``."""
    return _joined(values, "")


def _joined(values: list[Any], between: str) -> str:
    meter = _meter.get()
    meter.check_size(sum(map(meter.weigh, values)) + len(between) * len(values))
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
    """Return a text in which the first ``count`` occurrences of ``old``, or all, are replaced by ``new``."""
    whole, piece, other = str(text), str(old), str(new)
    limit = -1 if count is None else count
    places = whole.count(piece) if limit < 0 else min(whole.count(piece), limit)
    _meter.get().check_size(len(whole) + places * max(len(other) - len(piece), 0))
    return whole.replace(piece, other, limit)


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
        raise ValueError(f"indent must be a number from 0 to {_MAX_INDENT}")
    meter = _meter.get()
    meter.check_size(meter.weigh(value))
    return json.dumps(value, ensure_ascii=False, indent=indent)


def expression(pattern: str) -> Expression:
    """Return the compiled expression of the filter ``search``. Raises ``ValueError``."""
    try:
        return compiled(pattern, re.IGNORECASE | re.DOTALL)
    except ExpressionError as error:
        raise ValueError(f"{pattern[:_MAX_OPTION_CHARACTERS]!r} {error}") from error


def _search(text: str | None, pattern: str) -> str:
    """Return the first match of a regular expression, or its first group, case ignored; empty for no match."""
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
    """Return a time in seconds since 1970 as text, in UTC; ``layout`` is a format of ``strftime``."""
    if isinstance(layout, str) and len(layout) > _MAX_OPTION_CHARACTERS:
        raise ValueError(f"the layout is longer than {_MAX_OPTION_CHARACTERS} characters")
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

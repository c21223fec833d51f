"""JSONPath (RFC 9535) in bounded time and memory, with the regular expressions of ``expressions.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonpath
from jsonpath.exceptions import JSONPathSyntaxError
from jsonpath.filter import BaseExpression, RegexLiteral, StringLiteral
from jsonpath.function_extensions import ExpressionType, FilterFunction
from jsonpath.match import JSONPathMatch
from jsonpath.parse import Parser
from jsonpath.segments import JSONPathChildSegment, JSONPathRecursiveDescentSegment, JSONPathSegment
from jsonpath.selectors import IndexSelector, NameSelector
from jsonpath.token import TOKEN_RE_FLAGS, Token

from mockserver.matching.allowance import Allowance, Exhausted, scripts
from mockserver.matching.expressions import Expression, ExpressionError, compiled

if TYPE_CHECKING:
    from jsonpath.stream import TokenStream

MAX_CHARACTERS = 2_000  # characters of a path

_CHARACTERS_A_STEP = 64  # of a text that is searched
_ITEMS_A_STEP = 8  # of a list that is searched
_allowance: ContextVar[Allowance] = ContextVar("allowance")


class JsonPathError(ValueError):
    """An invalid JSONPath."""


def finder(path: str) -> Callable[[Any], list[Any]]:
    """Return a function that finds the values at ``path`` in a document, and raises ``Exhausted`` for too much work.

    Raises ``JsonPathError``.
    """
    if len(path) > MAX_CHARACTERS:
        raise JsonPathError(f"has more than {MAX_CHARACTERS} characters. Shorten it.")
    try:
        parsed = _environment().compile(path)
    except (jsonpath.JSONPathError, RecursionError, ArithmeticError, ValueError) as error:
        is_deep = isinstance(error, RecursionError)
        reason = "it is nested too deeply" if is_deep else str(error).partition("\n")[0]
        raise JsonPathError(f"is not a JSONPath: {reason}") from error

    def find(document: Any) -> list[Any]:
        with scripts().paths as allowance:
            token = _allowance.set(allowance)
            try:
                return [found.obj for found in parsed.finditer(document)]
            except (jsonpath.JSONPathError, RecursionError) as error:
                raise Exhausted("the document is nested too deeply for it") from error
            finally:
                _allowance.reset(token)

    return find


class _Node(JSONPathMatch):
    """A match without its location and children."""

    def add_child(self, *children: JSONPathMatch) -> None:
        """Do nothing: children are not kept."""

    def new_child(self, obj: object, _key: int | str) -> JSONPathMatch:
        """Return the match of a value in this one, and count a step."""
        _allowance.get().spend()
        return _Node(
            filter_context=self.filter_context(), obj=obj, parent=None, path="", parts=(), root=self.root
        )

    @classmethod
    def of(cls, node: JSONPathMatch) -> _Node:
        """Return a node with the value of a match."""
        return cls(
            filter_context=node.filter_context(), obj=node.obj, parent=None, path="", parts=(), root=node.root
        )


def _counted(segment: JSONPathSegment, nodes: Iterable[JSONPathMatch]) -> Iterable[JSONPathMatch]:
    """Yield the nodes, and count the steps that the segment takes in each."""
    for node in nodes:
        _allowance.get().spend(1 + _items(segment, node.obj))
        yield _Node.of(node)


def _items(segment: JSONPathSegment, value: object) -> int:
    """Return how many items of a value the selectors of a segment visit; a name or an index visits one."""
    number = len(value) if isinstance(value, Mapping | list) else 0
    return sum(1 if isinstance(each, NameSelector | IndexSelector) else number for each in segment.selectors)


class _ChildSegment(JSONPathChildSegment):
    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterable[JSONPathMatch]:
        return super().resolve(_counted(self, nodes))


class _DescentSegment(JSONPathRecursiveDescentSegment):
    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterable[JSONPathMatch]:
        return super().resolve(_counted(self, nodes))

    def _visit(self, node: JSONPathMatch, depth: int = 1) -> Iterable[JSONPathMatch]:
        items = len(node.obj) if isinstance(node.obj, Mapping | list) else 0
        _allowance.get().spend(1 + items + _items(self, node.obj))
        return super()._visit(node, depth)


class _Parser(Parser):
    def parse_query(self, stream: TokenStream) -> Iterable[JSONPathSegment]:
        for segment in super().parse_query(stream):
            kind = _DescentSegment if isinstance(segment, JSONPathRecursiveDescentSegment) else _ChildSegment
            yield kind(env=segment.env, token=segment.token, selectors=segment.selectors)

    def parse_regex(self, stream: TokenStream) -> BaseExpression:
        token, flags = stream.current(), 0
        if stream.peek().kind == TOKEN_RE_FLAGS:
            stream.next()
            for flag in stream.next().value:
                flags |= self.RE_FLAG_MAP[flag]
        return RegexLiteral(value=_expression(token.value, token, flags))  # type: ignore[arg-type]


class _Environment(jsonpath.JSONPathEnvironment):
    parser_class = _Parser

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _RegexFunction(_matches_whole)
        self.function_extensions["search"] = _RegexFunction(_found_in)

    def validate_function_extension_signature(self, token: Token, args: list[Any]) -> list[Any]:
        """Also check regular expressions given as literals."""
        checked = super().validate_function_extension_signature(token, args)
        if token.value in ("match", "search") and isinstance(args[1], StringLiteral):
            _expression(args[1].value, token)
        return checked

    def compare(self, left: object, operator: str, right: object) -> bool:
        """Compare two values, and count the steps."""
        _allowance.get().spend(1 + _size(left) + _size(right))
        if operator == "=~":
            return isinstance(right, Expression) and isinstance(left, str) and _matches_whole(right, left)
        return super().compare(left, operator, right)


class _RegexFunction(FilterFunction):
    """The function ``match`` or ``search`` on a text and a regular expression."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 - the library declares it so
    return_type = ExpressionType.LOGICAL

    def __init__(self, test: Callable[[Expression, str], bool]) -> None:
        self._test = test

    def __call__(self, text: object, pattern: object) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False
        try:
            return self._test(compiled(pattern), text)
        except ExpressionError:  # the pattern comes from the document
            return False


def _matches_whole(expression: Expression, text: str) -> bool:
    _allowance.get().spend_on_search(expression, text)
    return expression.is_all_of(text)


def _found_in(expression: Expression, text: str) -> bool:
    _allowance.get().spend_on_search(expression, text)
    return expression.found_in(text)


@cache
def _environment() -> _Environment:
    return _Environment()


def _expression(pattern: str, token: Token, flags: int = 0) -> Expression:
    try:
        return compiled(pattern, flags)
    except ExpressionError as error:
        raise JSONPathSyntaxError(f"{pattern!r} {error}", token=token) from error


def _size(value: object) -> int:
    """Return the number of steps to read a value."""
    if isinstance(value, str):
        return len(value) // _CHARACTERS_A_STEP
    return len(value) // _ITEMS_A_STEP if isinstance(value, Mapping | Sequence) else 0

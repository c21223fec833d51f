"""Regular expressions of callers, in Python's syntax, run by RE2 in time linear in the text.

Python's own engine backtracks, possibly for hours, and blocks all threads meanwhile. RE2 does not backtrack, and lets
other threads run. Python's parser parses the pattern, and its parse tree is rewritten for RE2, so that the pattern
keeps its meaning in Python: ``\\w``, ``\\d``, ``\\s`` and ``\\b`` cover all of Unicode, and ``$`` also matches before
a final line break (which then belongs to the match). Patterns that RE2 cannot express are refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from msgspec import Struct

MAX_CHARACTERS = 10_000  # characters of a pattern
MAX_REPEATS = 1_000  # RE2's own bound for {m,n}

_MAX_DEPTH = 100  # nested groups
_MEMORY = 1 << 21  # bytes that RE2 may use for a pattern and its cache
_KEPT = 1_024  # patterns in the cache of `compiled`

# The characters of Python's classes, as RE2 writes them in brackets.
_UNICODE_CLASSES = {
    "DIGIT": r"\p{Nd}",
    "SPACE": r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}",
    "WORD": r"\p{L}\p{N}_",
}
_ASCII_CLASSES = {"DIGIT": "0-9", "SPACE": r"\t-\r\x20", "WORD": "A-Za-z0-9_"}
_MARK = "\uffff"  # inserted at every word boundary of a text; not a character itself
_MARKED = 2  # marks at each boundary, so that as many consecutive \b can match
_BOUNDARY = re.compile(r"\b")

_UNBOUNDED = {
    "ASSERT": "look-ahead and look-behind are supported only right after ^ at the beginning, as in ^(?!.*no).*yes",
    "ASSERT_NOT": "look-ahead and look-behind are supported only right after ^ at the beginning, as in ^(?!.*no).*yes",
    "AT_NON_BOUNDARY": r"\B is not supported. Write the characters that may stand there",
    "ATOMIC_GROUP": "groups of the form (?>…) are not supported. Write (?:…)",
    "GROUPREF": r"references to groups, such as \1, are not supported. Write the pattern again",
    "GROUPREF_EXISTS": "conditions on groups are not supported. Write both cases, separated by |",
    "POSSESSIVE_REPEAT": "repetitions of the form *+ are not supported. Leave the second sign out",
}


class ExpressionError(ValueError):
    """A text cannot be used as a regular expression. The message continues a sentence that begins with the text."""


class Expression(Struct, frozen=True):
    """A regular expression. Searching takes no lock and lets other threads run."""

    pattern: str
    plain: _Programs  # for texts of ASCII
    marked: _Programs  # for others

    @property
    def size(self) -> int:
        """Return the number of RE2 instructions, which all run for each character of a text in the worst case."""
        return max(self.plain.size, self.marked.size)

    def search(self, text: str) -> list[str | None] | None:
        """Return the first match in ``text`` followed by its groups; ``None`` if there is no match."""
        programs, data = self._read(text)
        if not all(bool(each.match(data)) == wanted for wanted, each in programs.at_the_beginning):
            return None
        found = programs.main.search(data)
        if found is None:
            return None
        return [None if each is None else _decoded(each) for each in (found[0], *found.groups())]

    def found_in(self, text: str) -> bool:
        """Return whether the expression matches anywhere in ``text``."""
        return self.search(text) is not None

    def is_all_of(self, text: str) -> bool:
        """Return whether the expression matches the whole of ``text``."""
        programs, data = self._read(text)
        conditions = programs.at_the_beginning
        return programs.main.fullmatch(data) is not None and all(
            bool(each.match(data)) == wanted for wanted, each in conditions
        )

    def _read(self, text: str) -> tuple[_Programs, bytes]:
        if text.isascii():
            return self.plain, text.encode()
        if self.marked.needs_marks:
            text = _BOUNDARY.sub(_MARK * _MARKED, text.replace(_MARK, ""))
        return self.marked, text.encode("utf-8", "replace")


class _Programs(NamedTuple):
    """A pattern compiled for RE2. ``at_the_beginning`` has patterns that must (``True``) or must not match there."""

    main: Any
    at_the_beginning: tuple[tuple[bool, Any], ...]
    needs_marks: bool

    @property
    def size(self) -> int:
        """Return the number of instructions of all programs."""
        return int(self.main.programsize) + sum(int(each.programsize) for _, each in self.at_the_beginning)


@lru_cache(maxsize=_KEPT)
def compiled(pattern: str, flags: int = 0) -> Expression:
    """Return the compiled pattern; ``flags`` are those of ``re``. Raises ``ExpressionError``."""
    if len(pattern) > MAX_CHARACTERS:
        raise _unusable(f"it has more than {MAX_CHARACTERS} characters. Shorten it")
    try:
        tree = import_module("re._parser").parse(pattern, flags)
    except (re.error, FutureWarning, DeprecationWarning, OverflowError) as error:
        raise ExpressionError(f"is not a regular expression: {error}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    return Expression(pattern, _programs(tree, is_ascii=True), _programs(tree, is_ascii=False))


def _programs(tree: Any, *, is_ascii: bool) -> _Programs:
    flags, items = tree.state.flags, list(tree)
    is_ascii = is_ascii or bool(flags & re.ASCII)
    writer = _Writer(is_ascii=is_ascii, has_marks=not is_ascii and _has_boundary(tree))
    conditions = []
    if items and items[0][0].name == "AT" and items[0][1].name in _beginnings(flags):
        while len(items) > 1 and items[1][0].name in ("ASSERT", "ASSERT_NOT") and items[1][1][0] == 1:
            operation, (_, ahead) = items.pop(1)
            conditions.append((operation.name == "ASSERT", writer.written(ahead, flags)))
    written = writer.written(items, flags) + writer.marks
    return _Programs(
        _run_by_re2(written),
        tuple((wanted, _run_by_re2(each)) for wanted, each in conditions),
        bool(writer.marks),
    )


def _beginnings(flags: int) -> tuple[str, ...]:
    return ("AT_BEGINNING_STRING",) if flags & re.MULTILINE else ("AT_BEGINNING", "AT_BEGINNING_STRING")


def _run_by_re2(written: str) -> Any:
    import re2

    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        return re2.compile(written.encode(), options)
    except re2.error as error:
        raise _unusable("it is too large. Shorten it, or let it repeat fewer characters") from error


def _decoded(found: bytes) -> str:
    return found.decode().replace(_MARK, "")


def _unusable(reason: str) -> ExpressionError:
    return ExpressionError(f"cannot be used as a regular expression: {reason}.")


def _too_deep() -> ExpressionError:
    return _unusable(f"its groups are more than {_MAX_DEPTH} deep. Nest fewer")


class _Writer:
    """A writer that turns the parse tree of Python's parser into a pattern for RE2.

    If words are those of Unicode and the pattern has a ``\\b``, marks may precede every character, as in the text.
    """

    def __init__(self, *, is_ascii: bool, has_marks: bool) -> None:
        self.marks = f"{_MARK}*" if has_marks else ""
        self._is_ascii = is_ascii
        self._depth = 0

    def written(self, tree: Iterable[tuple[Any, Any]], flags: int) -> str:
        """Return the pattern of a parse tree. Raises ``ExpressionError``."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _too_deep()
        pieces = [self._item(operation.name, argument, flags) for operation, argument in tree]
        self._depth -= 1
        return "".join(pieces)

    def _item(self, operation: str, argument: Any, flags: int) -> str:
        match operation:
            case "LITERAL":
                return self._one(_code(argument), flags)
            case "NOT_LITERAL":
                return self._one(f"[^{_code(argument)}{self._mark}]", flags)
            case "ANY":
                kept_out = self._mark if flags & re.DOTALL else rf"\n{self._mark}"
                return self._one(f"[^{kept_out}]" if kept_out else "(?s:.)", flags)
            case "IN":
                return self._one(self._class(argument, flags), flags)
            case "AT":
                return self._place(argument.name, flags)
            case "BRANCH":
                return f"(?:{'|'.join(self.written(each, flags) for each in argument[1])})"
            case "SUBPATTERN":
                group, added, removed, inside = argument
                beginning = "(?:" if group is None else "("
                return f"{beginning}{self.written(inside, (flags | added) & ~removed)})"
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, repeated = argument
                greed = "?" if operation == "MIN_REPEAT" else ""
                return self._repeated(least, most, repeated, flags) + greed
            case "FAILURE":
                return r"[^\x00-\x{10ffff}]"
        raise _unusable(_UNBOUNDED[operation])

    def _one(self, written: str, flags: int) -> str:
        """Return the pattern of one character, with optional marks and case folding."""
        cased = f"(?i:{written})" if flags & re.IGNORECASE else written
        return f"(?:{self.marks}{cased})" if self.marks else cased

    @property
    def _mark(self) -> str:
        return _code(ord(_MARK)) if self.marks else ""

    def _class(self, members: list[tuple[Any, Any]], flags: int) -> str:
        written = [self._member(operation.name, argument, flags) for operation, argument in members]
        if members[0][0].name == "NEGATE":
            return f"[^{''.join(written)}{self._mark}]"
        return f"[{''.join(written)}]"

    def _member(self, operation: str, argument: Any, flags: int) -> str:
        if operation == "NEGATE":
            return ""
        if operation == "LITERAL":
            return _code(argument)
        if operation == "RANGE":
            return f"{_code(argument[0])}-{_code(argument[1])}"
        is_ascii = self._is_ascii or bool(flags & re.ASCII)
        name = argument.name.removeprefix("CATEGORY_")
        if name.startswith("NOT_"):
            return _others(name.removeprefix("NOT_"), is_ascii)
        return (_ASCII_CLASSES if is_ascii else _UNICODE_CLASSES)[name]

    def _place(self, name: str, flags: int) -> str:
        if name == "AT_BOUNDARY":
            return _MARK if self.marks else r"\b"
        if name == "AT_BEGINNING":
            return "(?m:^)" if flags & re.MULTILINE else r"\A"
        if name == "AT_BEGINNING_STRING":
            return r"\A"
        if name == "AT_END":
            return self.marks + ("(?m:$)" if flags & re.MULTILINE else r"(?:\z|\n\z)")
        if name == "AT_END_STRING":
            return rf"{self.marks}\z"
        raise _unusable(_UNBOUNDED[name])

    def _repeated(self, least: int, most: int, repeated: Any, flags: int) -> str:
        endless = most == import_module("re._constants").MAXREPEAT
        if least > MAX_REPEATS or (most > MAX_REPEATS and not endless):
            raise ExpressionError(
                f"it repeats more than {MAX_REPEATS} times. Leave out the upper bound: {{1,}}."
            )
        return f"(?:{self.written(repeated, flags)}){{{least},{'' if endless else most}}}"


def _code(character: int) -> str:
    return rf"\x{{{character:x}}}"


def _has_boundary(tree: Any) -> bool:
    """Return whether a parse tree contains a ``\\b``."""
    for item in tree:
        if isinstance(item, tuple | list) or hasattr(item, "data"):
            if _has_boundary(item):
                return True
        elif getattr(item, "name", "") == "AT_BOUNDARY":
            return True
    return False


@cache
def _others(name: str, is_ascii: bool) -> str:
    """Return the characters outside one of Python's classes, as ranges."""
    in_class = re.compile({"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[name], re.ASCII if is_ascii else 0)
    return "".join(f"{_code(first)}-{_code(last)}" for first, last in _ranges_without(in_class))


def _ranges_without(in_class: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    first = 0
    for found in in_class.finditer(everything):
        if found.start() > first:
            yield first, found.start() - 1
        first = found.end()
    if first <= sys.maxunicode:
        yield first, sys.maxunicode

"""Redacts the secrets of requests in the journal, snapshots and logs.

A secret is recognised by the name of its header, argument or member (``catalog/secret_names.toml``), by a scheme before
it (``Bearer``), or, anywhere in the request, because it equals the request's API key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from mockserver.accounts.accounts import HIDDEN, abbreviated, key_of
from mockserver.catalog.reading import read_table

_TABLE = Path(__file__).parents[1] / "catalog" / "secret_names.toml"
_FOUND_ALONE = 6  # characters; minimum length of a secret that is hidden if it is a whole value
_FOUND_WITHIN = 8  # characters; the same for a secret within a text (shorter secrets may be words)
_ENDS_WORDS = (
    5  # letters; minimum length of a word that is recognised at the end of another, as in `accesstoken`
)
_MAX_NAME = 200  # characters
_REMEMBERED_CHARACTERS = 512  # of a header's value, or of the secrets of a request, that are remembered
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_OPAQUE_SCHEMES = frozenset({"basic", "digest"})  # their credentials may contain a password
_CREDENTIALS = re.compile(r"\b(bearer|basic)(\s+)([^\s,;\"']+)", re.IGNORECASE)
# In headers with other names: `Token …` and `ApiKey …`, which are not HTTP schemes, and `key=…`.
_KEY_VALUE = re.compile(
    r"(^(?:token|api[-_]?key|key)\s+(?!\w+=)\"?|(?:^|(?<=[\s;,]))(?:token|api[-_]?key|key|session|sid)=\"?)"
    r"([^\s,;\"'=]+)",
    re.IGNORECASE,
)
_KEY_PROTOCOL = re.compile(r"(openai-insecure-api-key\.)([^\s,]+)")
_ARGUMENT = re.compile(r"([?&;#])([^=&;#?\s]{1,200})=([^&;#\s]+)")  # an argument of a URL within a text
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")
# What the value of a header has, in lower case, if a pattern above finds something in it.
_MARKS = ("bearer", "basic", "key", "token", "session=", "sid=", "://", "?")
# Keys in the form of OpenAI and others (texts without digits are not keys), and client secrets; in JSON, an escape such
# as `\n` may precede them.
_KEY = re.compile(
    r"(?:(?<![\w-])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4}))"
    r"(?:sk-(?=[\w-]*[0-9])[\w-]{16,}|ek_[0-9a-f]{32}(?![\w-]))"
)

Carrier = Literal["headers", "queries", "members"]


def is_secret(carrier: Carrier, name: str) -> bool:
    """Return whether a name is that of a secret. Only the last 200 characters of a name are examined."""
    return _is_secret(carrier, name[-_MAX_NAME:])


@lru_cache(maxsize=4096)
def _is_secret(carrier: Carrier, name: str) -> bool:
    wanted, endings, exceptions = _names(carrier)
    words = [word.lower() for word in _WORD.findall(name)]
    pairs = (f"{one} {other}" for one, other in pairwise(words))
    found = (
        not wanted.isdisjoint(words)
        or not wanted.isdisjoint(pairs)
        or any(w.endswith(endings) for w in words)
    )
    return found and "-".join(words) not in exceptions


@cache
def _names(carrier: Carrier) -> tuple[frozenset[str], tuple[str, ...], frozenset[str]]:
    row = read_table(_TABLE)[carrier]
    endings = tuple(word for word in row["words"] if len(word) >= _ENDS_WORDS and " " not in word)
    return frozenset(row["words"]), endings, frozenset(row["not"])


def are_secret(carrier: Carrier, names: Iterable[str]) -> bool:
    """Return whether one of several names, of at most 200 characters, is that of a secret."""
    return any(map(_is_secret, repeat(carrier), names))


class Secrets:
    """The secrets of a request, with methods that hide them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = frozenset(secrets)
        self._shown: dict[str, str] = {}
        for secret in self._secrets:
            if len(secret) >= _FOUND_ALONE:
                in_header = secret.encode("utf-8", "surrogateescape").decode("latin-1")
                escaped = json.dumps(secret)[1:-1]
                self._shown |= dict.fromkeys(
                    (secret, quote(secret, safe="", errors="replace"), in_header, escaped),
                    abbreviated(secret),
                )
        self._unlike_keys = [each for each in self._shown if "sk-" not in each and "ek_" not in each]
        found_within = (each for each in self._shown if len(each) >= _FOUND_WITHIN)
        self._within = sorted(found_within, key=len, reverse=True)  # a key can begin with another key

    def and_those(self, others: Iterable[str]) -> Secrets:
        """Return these secrets together with others."""
        return Secrets(self._secrets.union(others))

    def within_pattern(self, pattern: str) -> list[tuple[str, re.Pattern[str]]]:
        """Return the secrets in a regular expression, each with a pattern that finds it, escaped or not."""
        escaped = ((each, re.compile("".join(rf"\\?{re.escape(c)}" for c in each))) for each in self._within)
        return [(each, found) for each, found in escaped if found.search(pattern)]

    def hide_in_all(self, value: Any) -> Any:
        """Return a JSON value with the secrets in its texts hidden. The names of members are not changed."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {name: self.hide_in_all(each) for name, each in value.items()}
        return [self.hide_in_all(each) for each in value] if isinstance(value, list) else value

    def hide(self, text: str) -> str:
        """Return a text with the secrets, and everything that looks like a key, hidden."""
        if len(text) < _FOUND_ALONE:
            return text
        whole = self._shown.get(text)
        if whole is not None:
            return whole
        for secret in self._within:
            if secret in text:
                text = text.replace(secret, self._shown[secret])
        if "%" in text and any(secret in (plain := unquote(text)) for secret in self._within):
            return self.hide(plain)
        return _KEY.sub(lambda found: abbreviated(found[0]), text) if "sk-" in text or "ek_" in text else text

    def may_be_in(self, text: str) -> bool:
        """Return whether ``hide`` could change a text, or a part of it. This is found out quickly."""
        if "sk-" in text or "ek_" in text or "%" in text:
            return True
        return bool(self._unlike_keys) and any(secret in text for secret in self._unlike_keys)

    def places(self, text: str) -> list[tuple[int, int, str]]:
        """Return where secrets are in a text: the beginning, the end, and what is shown in its place."""
        known = (found for each in self._within for found in re.finditer(re.escape(each), text))
        taken = bytearray(len(text))
        places = []
        for found in (*known, *_KEY.finditer(text)):
            start, end = found.span()
            if not any(taken[start:end]):
                taken[start:end] = bytes([1]) * (end - start)
                places.append((start, end, self._shown.get(found[0]) or abbreviated(found[0])))
        return places

    def hide_in_path(self, path: str) -> str:
        """Return a path with the secrets hidden."""
        if not self.may_be_in(path):
            return path
        return "/".join(map(self.hide, self.hide(path).split("/")))

    def hide_in_header(self, name: str, value: str) -> str:
        """Return the value of a header with secrets hidden; ``name`` is in lower case."""
        header = _header(name, value)
        return header.shown if header.is_secret else self.hide(header.shown)

    def hide_in_headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return headers, whose names are in lower case, with secrets hidden."""
        values = "\n".join(headers.values())
        in_lower_case = values.lower()
        if (
            any(mark in in_lower_case for mark in _MARKS)
            or self.may_be_in(values)
            or _have_secret(tuple(headers))
        ):
            return {name: self.hide_in_header(name, value) for name, value in headers.items()}
        return headers

    def hide_in_value(self, text: str) -> str:
        """Return a text of a body, which may be a URL, with secrets hidden."""
        return self.hide(_without_credentials(text) if "://" in text else text)

    def hide_in_argument(self, name: str, value: str) -> str:
        """Return the value of a query argument with secrets hidden."""
        return abbreviated(value) if is_secret("queries", name) and value else self.hide(value)


def secrets_of(headers: Mapping[str, str], query_string: str = "") -> Secrets:
    """Return the secrets of a request. Lookups in ``headers`` ignore case; its items have names in lower case."""
    secrets = frozenset(_carried(headers, query_string))
    is_short = len("".join(secrets)) <= _REMEMBERED_CHARACTERS
    return _known_secrets(secrets) if is_short else Secrets(secrets)


_known_secrets = lru_cache(maxsize=1024)(Secrets)


def _carried(headers: Mapping[str, str], query_string: str) -> Iterator[str]:
    """Yield the secrets in the expected places of a request."""
    yield key_of(headers)
    for name, value in headers.items():
        yield from _header(name, value).secrets
    if query_string:
        for name, value in parse_qsl(query_string):
            if is_secret("queries", name):
                yield value


@lru_cache(maxsize=256)
def _have_secret(names: tuple[str, ...]) -> bool:
    """Return whether one of the names of headers is that of a secret."""
    return any(is_secret("headers", name) for name in names)


class _Header(NamedTuple):
    """A header, examined by itself: its ``secrets``, and its value with what looks like a secret hidden."""

    is_secret: bool
    secrets: tuple[str, ...]
    shown: str


def _header(name: str, value: str) -> _Header:
    """Return what a header tells about secrets. Clients repeat their headers, so short ones are remembered."""
    return (_known_header if len(value) <= _REMEMBERED_CHARACTERS else _examined_header)(name, value)


def _examined_header(name: str, value: str) -> _Header:
    """Examine a header. Cookies are no ``secrets``: most of them are not secret."""
    patterns = (_CREDENTIALS, _KEY_PROTOCOL, _KEY_VALUE)
    secrets = [found[found.re.groups] for pattern in patterns for found in pattern.finditer(value)]
    if is_secret("headers", name):
        if "cookie" not in name:
            secrets += [value.strip(), value.strip().partition(" ")[2].strip()]
        return _Header(True, tuple(secrets), _secret_header(name, value))
    shown = _CREDENTIALS.sub(lambda found: found[1] + found[2] + abbreviated(found[3]), value)
    for pattern in (_KEY_PROTOCOL, _KEY_VALUE):
        shown = pattern.sub(lambda found: found[1] + abbreviated(found[2]), shown)
    if "://" in shown or "?" in shown:
        shown = _without_credentials(shown)
    return _Header(False, tuple(secrets), shown)


_known_header = lru_cache(maxsize=4096)(_examined_header)


def _secret_header(name: str, value: str) -> str:
    scheme, space, secret = value.partition(" ") if name.endswith("authorization") else ("", "", value)
    if scheme and not space:
        return HIDDEN
    opaque = "cookie" in name or scheme.lower() in _OPAQUE_SCHEMES
    return f"{scheme}{space}{HIDDEN if opaque else abbreviated(secret)}"


def _without_credentials(text: str) -> str:
    """Return a text with the user information and the secret arguments of its URLs hidden."""

    def argument(found: re.Match[str]) -> str:
        sign, name, value = found.groups()
        shown = abbreviated(value) if is_secret("queries", unquote(name)) else value
        return f"{sign}{name}={shown}"

    return _ARGUMENT.sub(argument, _USER.sub(HIDDEN, text))

"""Authenticates API keys and resolves their accounts.

A key is sent in ``Authorization``, else in ``api-key`` or ``x-api-key``. Each key has an account of its own.
``sk-mock-<tier>-<anything>`` also selects the usage tier (``sk-mock-free-x``, ``sk-mock-tier-3-ci``). Two kinds of key
always fail: ``sk-mock-invalid...`` is refused, and ``sk-mock-noquota...`` has no credit left.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from msgspec import Struct
from msgspec.structs import replace

from mockserver.errors import ApiError
from mockserver.ids import organization_id, project_id
from mockserver.settings.model import TIERS, AccountRow, LimitRow, Settings, SupportsGet

if TYPE_CHECKING:
    from mockserver.state.protocols import Counters

HIDDEN = "***"

_SHOWN_IN_PART = 16  # characters; the beginning and end of secrets of at least this length are shown
_MAX_SECRET = 1024  # characters; longer secrets are hidden completely
_MOCK_KEY = "sk-mock-"
_REMEMBERED_ACCOUNTS = 4096
_REMEMBERED_CHARACTERS = 512  # of headers with keys; longer ones are read each time
_KEY_HEADERS = ("Authorization", "api-key", "x-api-key", "Sec-WebSocket-Protocol")
# Prefixes of the WebSocket subprotocols that contain a key or a name.
_KEY_PROTOCOL = "openai-insecure-api-key."
_NAMING_PROTOCOLS = {"organization": "openai-organization.", "project": "openai-project."}
_NAMING = {"organization": "OpenAI-Organization", "project": "OpenAI-Project"}
_NAME = re.compile("[ -~]{1,200}")  # names that a response header can contain
# Control characters and surrogates.
_NOT_IN_KEYS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_WORD = re.compile(r"[\w.~+/=-]{8,}")  # a text in which a key could be found
_KIND = "accounts"  # of counters: the values of the accounts
_NO_NAMES = frozenset({"null", "none", "undefined"})  # sent by programs that have no name


class Account(Struct, frozen=True, weakref=True):
    """The account of a caller; all state is scoped by ``id``. ``key`` is abbreviated.

    ``names`` are the names that patterns can use: its id, organization, project, and the SHA-256 of its API key.
    """

    id: str
    key: str
    organization: str
    project: str
    tier: str
    models: tuple[str, ...] = ()
    limits: tuple[LimitRow, ...] = ()
    names: frozenset[str] = frozenset()

    def as_value(self) -> dict[str, Any]:
        """Return the account as a JSON value, for ``from_value``. The key is redacted."""
        return {
            **{name: getattr(self, name) for name in ("id", "key", "organization", "project", "tier")},
            "models": list(self.models),
            "limits": [[row.group, row.tier, list(row.limits), row.observed] for row in self.limits],
            "names": sorted(self.names),
        }

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> Account:
        """Return the account of a value that ``as_value`` returned."""
        limits = tuple(
            LimitRow(group, tier, tuple((kind, amount) for kind, amount in amounts), *observed)
            for group, tier, amounts, *observed in value["limits"]
        )
        models, names = tuple(value["models"]), frozenset(value["names"])
        return cls(**{**value, "models": models, "limits": limits, "names": names})

    def limits_of(self, group: str, tier: str) -> dict[str, int | None]:
        """Return the limits of the account's row for a limit group on a tier."""
        rows = (row for row in self.limits if row.group == group and row.tier in (None, tier))
        return {kind: amount for row in rows for kind, amount in row.limits}

    def may_use(self, model: str, alias: str | None) -> bool:
        """Return whether the project has access to a model, by its name or its alias. An empty list allows all."""
        return not self.models or model in self.models or alias in self.models


class Accounts:
    """The accounts of the callers, resolved from the headers of requests.

    With ``counters``, the accounts of all processes are known: their names, and the SHA-256 of their keys.
    """

    def __init__(self, settings: Settings, counters: Counters | None = None) -> None:
        self._settings = settings
        self._counters = counters
        self._declared = {row.key: row for row in settings.accounts}
        self._account = lru_cache(maxsize=_REMEMBERED_ACCOUNTS)(self._make)
        self._latest_keys: deque[str] = deque(maxlen=_REMEMBERED_ACCOUNTS)
        self._by_id: WeakValueDictionary[str, Account] = WeakValueDictionary()

    def of_request(self, headers: SupportsGet) -> Account:
        """Return the account of a request's key, with the organization and project that its headers name.

        Raises ``ApiError`` as ``authenticate`` does, and ``mismatched_organization``, ``mismatched_project`` or
        ``invalid_organization`` if the headers name another organization or project than the account's.
        """
        key = key_of(headers)
        account = self.authenticate(key)
        named = {name: value for name in _NAMING if (value := _name_in(headers, name))}
        return self._named(account, key, named) if named else account

    def authenticate(self, key: str) -> Account:
        """Return the account of an API key; ``key`` is empty if there is none.

        Raises ``ApiError``: ``missing_api_key``, ``invalid_api_key`` or ``insufficient_quota``.
        """
        if not key:
            if self._settings.require_key:
                raise ApiError("missing_api_key")
            key = "anonymous"
        if key.startswith(_MOCK_KEY + "invalid") or not self._is_accepted(key):
            raise ApiError("invalid_api_key", key=redact(key))
        if key.startswith(_MOCK_KEY + "noquota"):
            raise ApiError("insufficient_quota")
        return self._account(key)

    def known(self, account_id: str) -> Account | None:
        """Return the account with this id, if it is one of the 4,096 most recent ones, else ``None``."""
        account = self._by_id.get(account_id)
        if (
            account is None
            and self._counters is not None
            and (value := self._counters.get(_KIND, account_id))
        ):
            return Account.from_value(value)
        return account

    def named(self, name: str) -> list[Account]:
        """Return the recent accounts with that name, which may be a project or organization."""
        if self._counters is not None:
            values = self._counters.all(_KIND).values()
            return [Account.from_value(value) for value in values if name in value["names"]]
        return [account for account in list(self._by_id.values()) if name in account.names]

    def keys_in(self, text: str) -> list[str]:
        """Return the declared or recently used keys that a text contains. Keys of letters only are ignored.

        Those that only other processes have seen are found if no letter or digit adjoins them.
        """
        plain = text.replace("\\", "")  # JSON and regular expressions escape characters
        keys = {*self._declared, *self._latest_keys}
        return [key for key in keys if key in plain and not key.isalpha()] + self._keys_of_others(plain, keys)

    def _keys_of_others(self, text: str, keys: set[str]) -> list[str]:
        """Return the keys in a text that only other processes have seen."""
        if self._counters is None:
            return []
        words = {word for word in _WORD.findall(text) if not word.isalpha()} - keys
        digests = (
            {name for value in self._counters.all(_KIND).values() for name in value["names"]} if words else ()
        )
        return [word for word in words if _digest(word) in digests]

    def _is_accepted(self, key: str) -> bool:
        if key in self._declared:
            return True
        return self._settings.accept_any_key and not _NOT_IN_KEYS.search(key)

    def _named(self, account: Account, key: str, named: Mapping[str, str]) -> Account:
        """Return the account with the organization and project that a request names.

        Raises ``ApiError`` for others than the declared ones, and for invalid names.
        """
        row = self._declared.get(key)
        for name, value in named.items():
            declared = getattr(row, name, None)
            if name == "organization" and value.lower() in _NO_NAMES:
                raise ApiError("invalid_organization", organization=value)
            if declared not in (None, value) or not _NAME.fullmatch(value) or value.lower() in _NO_NAMES:
                raise ApiError(f"mismatched_{name}")
        organization = named.get("organization", account.organization)
        project = named.get("project", account.project)
        names = account.names | {organization, project}
        return replace(account, organization=organization, project=project, names=names)

    def _make(self, key: str) -> Account:
        self._latest_keys.append(key)
        row = self._declared.get(key, AccountRow(key))
        organization = row.organization or organization_id(key)
        project = row.project or project_id(key)
        tier = row.tier or _tier_in(key) or self._settings.tier
        id_ = f"{organization}/{project}"
        names = frozenset({id_, organization, project, _digest(key)})
        account = Account(id_, abbreviated(key), organization, project, tier, row.models, row.limits, names)
        self._by_id[account.id] = account
        if self._counters is not None and (value := account.as_value()) != self._counters.get(_KIND, id_):
            self._counters.change(_KIND, id_, lambda known: known.update(value))
        return account


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def redact(key: str) -> str:
    """Return ``key`` as errors show it to its sender: above 12 characters, only the first 8 and the last 4."""
    if len(key) <= 12:
        return key
    return key[:8] + "*" * (len(key) - 12) + key[-4:]


def abbreviated(secret: str) -> str:
    """Return ``secret`` as others see it: from 16 characters, the first 8 and the last 4; otherwise ``***``."""
    return redact(secret) if _SHOWN_IN_PART <= len(secret) <= _MAX_SECRET else HIDDEN


def _tier_in(key: str) -> str | None:
    rest = key.removeprefix(_MOCK_KEY)
    if rest == key:
        return None
    return next((tier for tier in TIERS if rest == tier or rest.startswith(tier + "-")), None)


def key_of(headers: SupportsGet) -> str:
    """Return the API key in the headers of a request; empty if there is none."""
    values = tuple(map(headers.get, _KEY_HEADERS))
    is_short = len("".join(filter(None, values))) <= _REMEMBERED_CHARACTERS
    return _known_key(*values) if is_short else _key_of(*values)


def _key_of(authorization: str | None, *others: str | None) -> str:
    """Return the API key in the values of ``_KEY_HEADERS``."""
    *keys, protocols = others
    candidates = (
        _key_in(authorization),
        *map(_text, keys),
        _of_websocket(protocols, _KEY_PROTOCOL),
    )
    return next(filter(None, candidates), "")


_known_key = lru_cache(maxsize=_REMEMBERED_ACCOUNTS)(_key_of)


def _name_in(headers: SupportsGet, name: str) -> str:
    """Return the organization or project that a request names; empty if there is none."""
    protocols = headers.get("Sec-WebSocket-Protocol")
    return _text(headers.get(_NAMING[name])) or _of_websocket(protocols, _NAMING_PROTOCOLS[name])


def _of_websocket(protocols: str | None, prefix: str) -> str:
    """Return the value in a WebSocket subprotocol, in which browsers send keys and names; empty if there is none."""
    if not protocols:
        return ""
    offered = (each.strip() for each in _text(protocols).split(","))
    return next((each.removeprefix(prefix) for each in offered if each.startswith(prefix)), "")


def _text(header: str | None) -> str:
    """Return the text of a header. WSGI decodes it as Latin-1, but clients may have encoded it as UTF-8."""
    text = (header or "").strip()
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _key_in(authorization: str | None) -> str:
    """Return the key of a Bearer header, or the password of a Basic header; empty if there is none."""
    scheme, _, credentials = _text(authorization).partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "bearer":
        return credentials
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""

"""Who is calling: API keys and the accounts they stand for.

Any key is an account of its own. ``sk-mock-<tier>-<anything>`` also picks the usage tier
(``sk-mock-free-x``, ``sk-mock-tier-3-ci``), and two kinds of key are there to fail:
``sk-mock-invalid...`` is refused, ``sk-mock-noquota...`` has no credit left.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

from mockserver.gateway.errors import ApiError
from mockserver.settings import TIERS, AccountRow, LimitRow, Settings
from mockserver.wire.ids import organization_id, project_id

_MOCK_KEY = "sk-mock-"
_REMEMBERED_ACCOUNTS = 4096


@dataclass(frozen=True)  # without slots: `Accounts` refers to it weakly
class Account:
    """The caller: everything stateful is scoped by ``id``. ``key`` is redacted.

    ``names`` are what patterns can call it: its id, organization, project, and the SHA-256 of its API key.
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
        """The account as a JSON value, for ``from_value``; its key stays redacted."""
        return {
            **{name: getattr(self, name) for name in ("id", "key", "organization", "project", "tier")},
            "models": list(self.models),
            "limits": [[row.group, row.tier, list(row.limits)] for row in self.limits],
            "names": sorted(self.names),
        }

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> Account:
        """The account that ``as_value`` told."""
        limits = tuple(
            LimitRow(group, tier, tuple((kind, amount) for kind, amount in amounts))
            for group, tier, amounts in value["limits"]
        )
        models, names = tuple(value["models"]), frozenset(value["names"])
        return cls(**{**value, "models": models, "limits": limits, "names": names})

    def limits_of(self, group: str, tier: str) -> dict[str, int | None]:
        """The account's own limits of a limit group, on a tier."""
        rows = (row for row in self.limits if row.group == group and row.tier in (None, tier))
        return {kind: amount for row in rows for kind, amount in row.limits}

    def may_use(self, model: str, alias: str | None) -> bool:
        """Whether the project has access to a model, by its own name or its alias'. No list allows all."""
        return not self.models or model in self.models or alias in self.models


class Accounts:
    """Turns ``Authorization`` headers into accounts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._declared = {row.key: row for row in settings.accounts}
        self._account = lru_cache(maxsize=_REMEMBERED_ACCOUNTS)(self._make)
        self._by_id: WeakValueDictionary[str, Account] = WeakValueDictionary()

    def authenticate(self, authorization: str | None) -> Account:
        """The account of an ``Authorization`` header.

        Raises ``ApiError``: ``missing_api_key``, ``invalid_api_key`` or ``insufficient_quota``.
        """
        key = _key_in(authorization)
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
        """The account of that id, if it is one of the 4,096 that called last."""
        return self._by_id.get(account_id)

    def _is_accepted(self, key: str) -> bool:
        if key in self._declared:
            return True
        return self._settings.accept_any_key and key.isascii() and key.isprintable() and " " not in key

    def _make(self, key: str) -> Account:
        row = self._declared.get(key, AccountRow(key))
        organization = row.organization or organization_id(key)
        project = row.project or project_id(key)
        tier = row.tier or _tier_in(key) or self._settings.tier
        id_, digest = f"{organization}/{project}", hashlib.sha256(key.encode("utf-8", "surrogateescape"))
        names = frozenset({id_, organization, project, digest.hexdigest()})
        account = Account(id_, redact(key), organization, project, tier, row.models, row.limits, names)
        self._by_id[account.id] = account
        return account


def redact(key: str) -> str:
    """``key`` as error messages show it: keys of more than 12 characters keep their first 8 and last 4."""
    if len(key) <= 12:
        return key
    return key[:8] + "*" * (len(key) - 12) + key[-4:]


def _tier_in(key: str) -> str | None:
    rest = key.removeprefix(_MOCK_KEY)
    if rest == key:
        return None
    return next((tier for tier in TIERS if rest == tier or rest.startswith(tier + "-")), None)


def _key_in(authorization: str | None) -> str:
    """The key of a Bearer header, or the password of a Basic one; empty when there is none."""
    scheme, _, credentials = (authorization or "").strip().partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "bearer":
        return credentials
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""

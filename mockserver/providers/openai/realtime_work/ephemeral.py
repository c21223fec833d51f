"""Client secrets: short-lived keys, ``ek_…``, for which a session was configured beforehand."""

from __future__ import annotations

import hashlib
import re
import threading
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.accounts.accounts import Account

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mockserver.clock import Clock
    from mockserver.ids import Ids
    from mockserver.state.protocols import Change, Documents

KIND = "realtime_client_secret"

_KEY = re.compile(r"ek_[0-9a-f]{32}")


class ClientSecret(Struct, frozen=True):
    """What a client secret opens: a session of ``account``, configured as by ``session``, the one of an update.

    ``session`` has its ``type``, and that of a conversation its ``model``. The secret can be used until ``expires_at``
    (seconds since 1970), several times.
    """

    account: Account
    session: Mapping[str, Any]
    expires_at: int


class ClientSecrets:
    """The client secrets of a server: mints them, and finds those that are valid. Thread-safe.

    The store has the hash of a key in place of the key.
    """

    def __init__(self, store: Documents, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._lock = threading.Lock()
        self._accounts = {key: account for account, key, _ in store.all(KIND)}
        store.listen(self._on_changes, KIND)

    def mint(self, account: Account, session: Mapping[str, Any], seconds: int) -> tuple[str, int]:
        """Return a new key and when it expires: in ``seconds``. Drop the account's keys that have expired."""
        now = int(self._clock.now())
        for value in self._store.values(KIND, account.id):
            if value["expires_at"] <= now:
                self._store.remove(KIND, account.id, value["id"])
        key, expires_at = self._ids.ephemeral_key(now), now + seconds
        value = {
            "id": _hash(key),
            "expires_at": expires_at,
            "account": account.as_value(),
            "session": dict(session),
        }
        self._store.put(KIND, account.id, value["id"], value)
        return key, expires_at

    def find(self, key: str) -> ClientSecret | None:
        """Return what a key opens; ``None`` if it is no client secret, or has expired."""
        hashed = _hash(key)
        account_id = self._accounts.get(hashed) or self._of_another_process(hashed)
        value = None if account_id is None else self._store.get(KIND, account_id, hashed)
        if value is None or value["expires_at"] <= self._clock.now():
            return None
        return ClientSecret(Account.from_value(value["account"]), value["session"], value["expires_at"])

    def _of_another_process(self, hashed: str) -> str | None:
        """Return the account of a key that another process has minted just now, ``None`` if there is no such key."""
        return next((account for account, key, _ in self._store.all(KIND) if key == hashed), None)

    def _on_changes(self, changes: Sequence[Change]) -> None:
        with self._lock:
            for change in changes:
                if change.after is None:
                    self._accounts.pop(change.key, None)
                else:
                    self._accounts[change.key] = change.account


def is_client_secret(key: str) -> bool:
    """Return whether a key has the form of a client secret of this server, valid or not."""
    return _KEY.fullmatch(key) is not None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

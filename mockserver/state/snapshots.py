"""Snapshots of the store, which include the blobs that its values name, except for large ones."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from mockserver.state.blobs import named_in
from mockserver.state.value_rules import BadValue, check_bytes

if TYPE_CHECKING:
    from mockserver.state.protocols import BlobStore, Documents, Value
    from mockserver.state.value_rules import ValueRules

_MAX_BLOB = 1 << 20  # bytes of one blob in a snapshot
_MAX_BLOBS = 1 << 26  # bytes of all blobs in a snapshot


class StoreSnapshots:
    """The store as a part of the state of a server."""

    def __init__(self, store: Documents, blobs: BlobStore, rules: ValueRules) -> None:
        self._store = store
        self._blobs = blobs
        self._rules = rules

    def reset(self, account_id: str | None) -> None:
        """Remove all values of an account, or of all accounts."""
        self._store.reset(account_id)

    def snapshot(self, account_id: str | None) -> list[Value]:
        """Return the snapshot of the store, with the blobs of each kind under ``blobs``, in base64 by id.

        Blobs above 1 MiB, and those beyond 64 MiB in all, are left out.
        """
        left = _MAX_BLOBS
        rooms = self._store.snapshot(account_id)
        for room in rooms:
            encoded = {}
            for blob_id in {each for value in room["values"].values() for each in named_in(value)}:
                content = self._read(blob_id, min(left, _MAX_BLOB))
                if content is not None:
                    encoded[blob_id] = b64encode(content).decode()
                    left -= len(content)
            if encoded:
                room["blobs"] = encoded
        return rooms

    def restore(self, state: list[Value], account_id: str | None) -> None:
        """Restore the values of a ``snapshot``, except those with blobs that neither it nor the server has.

        Raises ``BadValue`` and ``StateFailed`` without changing anything.
        """
        for room in state:
            for key, value in room["values"].items():
                self._check(room["kind"], account_id or room["account"], key, value)
        written: list[str] = []
        try:
            for room in state:
                for blob_id, content in room.get("blobs", {}).items():
                    if blob_id not in self._blobs:
                        written.append(blob_id)
                        self._write(blob_id, b64decode(content, validate=True))
            complete = [room | {"values": self._complete(room["values"])} for room in state]
            self._store.restore(complete, account_id, check=lambda: self._check_blobs(complete))
        except BaseException:
            for blob_id in written:
                self._blobs.delete(blob_id)
            raise
        named = {each for room in complete for value in room["values"].values() for each in named_in(value)}
        for blob_id in set(written) - named:
            self._blobs.delete(blob_id)

    def _check(self, kind: str, account: str, key: str, value: Value) -> None:
        try:
            self._rules.check(kind, account, key, value)
        except BadValue as error:
            raise BadValue(f"{kind} {key[:80]!r}: {error}") from error

    def _check_blobs(self, rooms: list[Value]) -> None:
        """Raise ``BadValue`` if a blob has been deleted meanwhile. None can be while this is called by the store."""
        for room in rooms:
            if self._complete(room["values"]).keys() != room["values"].keys():
                raise BadValue("a file that the snapshot names was deleted at this moment. Restore it again")

    def _complete(self, values: dict[str, Value]) -> dict[str, Any]:
        """Return the values with all blobs present. Raises ``BadValue`` for a blob of another size than stated."""
        complete = {
            key: value
            for key, value in values.items()
            if all(blob_id in self._blobs for blob_id in named_in(value))
        }
        for value in complete.values():
            check_bytes(value, self._blobs.size)
        return complete

    def _read(self, blob_id: str, max_bytes: int) -> bytes | None:
        try:
            with self._blobs.open(blob_id) as file:
                content = file.read(max_bytes + 1)
        except KeyError:  # deleted just now
            return None
        return content if len(content) <= max_bytes else None

    def _write(self, blob_id: str, content: bytes) -> None:
        with self._blobs.writer(blob_id) as writer:
            writer.write(content)
            writer.commit()

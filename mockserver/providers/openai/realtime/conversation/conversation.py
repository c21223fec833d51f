"""The conversation of a session: its items in their order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.conversation.items import FunctionCall, Item

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = "root"  # the id in place of the previous item's, for an item that becomes the first


class Conversation:
    """The items of a session, oldest first. Ids can be given twice by the client; the later item is then found."""

    def __init__(self, identifier: str) -> None:
        self.id = identifier
        self._items: list[Item] = []
        self._ids: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Item]:
        return iter(tuple(self._items))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def last_id(self) -> str | None:
        """Return the id of the last item, ``None`` if there is none."""
        return self._items[-1].id if self._items else None

    def find(self, item_id: str) -> Item | None:
        """Return the item with an id, ``None`` if there is none."""
        return next((item for item in reversed(self._items) if item.id == item_id), None)

    def has_call(self, call_id: str) -> bool:
        """Return whether a function was called with an id."""
        return any(isinstance(item, FunctionCall) and item.call_id == call_id for item in self._items)

    def append(self, item: Item) -> str | None:
        """Add an item at the end. Return the id of the one before it, ``None`` if it is the first.

        If there is an item with its id, return that id: so does the API.
        """
        previous = item.id if self._ids[item.id] else self.last_id
        self._put(len(self._items), item)
        return previous

    def insert(self, item: Item, after: str | None) -> str | None:
        """Add an item after another one, ``root`` for the first place, at the end without one.

        Return the id of the item before it, ``None`` if it is the first. Raises ``ApiError`` if there is no such item.
        """
        if not after:
            return self.append(item)
        if after == _ROOT:
            self._put(0, item)
            return None
        previous = self.find(after)
        if previous is None:
            raise ApiError("realtime_previous_item_unknown", item_id=after)
        self._put(self._place(previous) + 1, item)
        return after

    def remove(self, item: Item) -> None:
        """Remove an item."""
        del self._items[self._place(item)]
        self._ids[item.id] -= 1

    def previous_of(self, item: Item) -> str | None:
        """Return the id of the item before one; ``None`` if it is the first, or was removed."""
        place = self._place(item)
        return self._items[place - 1].id if place > 0 else None

    def previous_when_done(self, item: Item) -> str | None:
        """Return the ``previous_item_id`` of the event that an item of the model is done.

        It is ``None`` not only for the first item of the conversation, but for the second one, too: so does the API.
        """
        place = self._place(item)
        return self._items[place - 1].id if place > 1 else None

    def _put(self, place: int, item: Item) -> None:
        self._items.insert(place, item)
        self._ids[item.id] += 1

    def _place(self, item: Item) -> int:
        """Return the place of an item, -1 if it was removed."""
        return next((place for place, each in enumerate(self._items) if each is item), -1)

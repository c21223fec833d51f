"""The items that ``response.create`` gives as the context of a response, in place of the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.conversation.items import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mockserver.providers.openai.realtime.conversation.conversation import Conversation
    from mockserver.providers.openai.realtime.conversation.items import Item
    from mockserver.providers.openai.realtime.hearing.input_transcription import InputTranscription
    from mockserver.providers.openai.realtime.sounds import Sound


class GivenItems:
    """Reads given items. ``read_item`` returns the item that a client describes at a place of its event."""

    def __init__(
        self,
        conversation: Conversation,
        transcription: InputTranscription,
        read_item: Callable[[Mapping[str, Any], str], Item],
    ) -> None:
        self._conversation = conversation
        self._transcription = transcription
        self._read_item = read_item

    def read(self, given: Sequence[Mapping[str, Any]]) -> list[Item]:
        """Return the items, whose audio can be heard until they are forgotten.

        Raises ``ApiError`` for a reference to an unknown item, and for audio that cannot be read.
        """
        items = [self._item(each, f"response.input[{number}]") for number, each in enumerate(given)]
        for item_id, sound in self._sounds(items):
            self._transcription.given(item_id, sound)
        return items

    def forget(self, items: Sequence[Item]) -> None:
        """Forget the audio of items that are not in the conversation."""
        for item_id, _ in self._sounds(items):
            self._transcription.forget(item_id)

    def _item(self, given: Mapping[str, Any], place: str) -> Item:
        if given["type"] == "item_reference":
            found = self._conversation.find(given["id"])
            if found is None:
                raise ApiError("realtime_reference_unknown", item_id=given["id"], param=f"{place}.id")
            return found
        is_known = self._conversation.find(given.get("id") or "") is not None
        return self._read_item({**given, "id": None} if is_known else given, place)

    def _sounds(self, items: Sequence[Item]) -> Iterator[tuple[str, Sound]]:
        """Yield what the user says in items that are not in the conversation."""
        for item in items:
            if isinstance(item, Message) and item.role == "user" and item not in tuple(self._conversation):
                yield from ((item.id, part.sound) for part in item.content if part.sound is not None)

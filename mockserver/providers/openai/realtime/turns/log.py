"""The turns of a session in the journal: what the user said, what the model replied, and how it ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from mockserver.journal import redacted
from mockserver.journal.record import HitFault, RealtimeTurn

if TYPE_CHECKING:
    from mockserver.accounts.redaction import Secrets
    from mockserver.providers.openai.realtime.turns.turn import Turn

_MAX_TURNS = 500  # of a session; the oldest are dropped
_MAX_ITEMS = 1_000  # whose words are remembered
_ABANDONED, _UNANSWERED = "abandoned", "unanswered"  # statuses, beside those of responses

Event = Mapping[str, Any]


class _Saying:
    """The beginning of what a response says, in its deltas."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._characters = 0

    def add(self, delta: str) -> None:
        """Add a delta, if it is not beyond what the journal keeps."""
        if self._characters < redacted.MAX_CHARACTERS:
            self.pieces.append(delta)
            self._characters += len(delta)


class TurnLog:
    """The turns of a session, written by its events. The caller has the lock. Times are in milliseconds."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self.is_conversation = True
        self._turns: deque[RealtimeTurn] = deque()
        self.dropped = 0
        self._by_number: dict[tuple[str, int], RealtimeTurn] = {}
        self._by_response: dict[str, RealtimeTurn] = {}
        self._by_item: dict[str, RealtimeTurn] = {}  # responses, by the items of the model
        self._spoken: dict[int, Sequence[str]] = {}  # items of the user, by the number of the response
        self._saying: dict[str, _Saying] = {}  # what was said so far, by response
        self._transcriptions: dict[str, RealtimeTurn] = {}  # by item
        self._to_create: list[tuple[Turn, RealtimeTurn]] = []  # responses that are not created yet
        self._responses = 0  # so far
        self._waiting: list[str] = []  # items of the user that no response has followed yet
        self._speech: dict[str, tuple[float, float]] = {}  # by item of the user
        self._speaks_from = 0.0
        self._heard: dict[str, str] = {}  # by item
        self._now = 0.0

    def began(self, turn: Turn, now: float) -> None:
        """Add a turn."""
        facts = turn.call.facts
        record = RealtimeTurn(
            kind=turn.kind,
            turn=turn.number,
            item=turn.item_id or None,
            began_ms=round(now, 3),
            user_text=redacted.text(facts.user_text, self._secrets) or None,
            model=turn.model.id,
            prompt=redacted.text(facts.prompt, self._secrets) or None,
            stub=turn.call.scripted.stub_id if turn.call.scripted else None,
            answered_by=str(turn.answered_by) if turn.answered_by else None,
            fault=HitFault(**turn.fault.as_json) if turn.fault else None,
            error=turn.error or None,
        )
        if turn.kind == "response":
            self._take_what_the_user_did(record, turn.spoken_items)
        elif turn.item_id:
            self._transcriptions[turn.item_id] = record
            record.speech = self._speech_of([turn.item_id])
        self._keep(record)
        self._by_number[turn.kind, turn.number] = record
        if turn.is_refused:
            record.status, record.ended_ms = "refused", record.began_ms
        elif turn.kind == "response" and turn.events is None:
            self._to_create.append((turn, record))

    def settled(self, turn: Turn, now: float) -> RealtimeTurn | None:
        """Note the usage and the cost of a turn, and what the user said if that is known. Return a copy of its record.

        Only the first call counts; others return ``None``.
        """
        record = self._by_number.pop((turn.kind, turn.number), None)
        if record is None:
            return None
        record.usage = dict(turn.call.outcome.usage) if turn.call.outcome.usage else None
        record.cost_usd = turn.call.outcome.cost_usd
        if turn.answered_by:
            record.answered_by = str(turn.answered_by)
        heard = vars(turn.call.facts).get("heard")  # if it was asked for
        if record.heard is None and isinstance(heard, str):
            record.heard = redacted.text(heard, self._secrets)
        if turn.events is not None:
            record.status = "completed"
        if record.ended_ms is None and (turn.kind == "transcription" or turn.events is not None):
            record.ended_ms = round(now, 3)
        settled = copy(record)
        settled.said = record.said or self._said_so_far(record)
        return settled

    def made(self, event: Event, now: float, seconds: float) -> None:
        """Note an event of the server with so many ``seconds`` of audio."""
        self._now = now
        if seconds:
            turn = self._by_response.get(str(event.get("response_id")))
            if turn is not None:
                turn.audio_seconds = round(turn.audio_seconds + seconds, 3)
            return
        handler = _HANDLERS.get(str(event.get("type")))
        if handler is not None:
            handler(self, event)

    def end(self, now: float) -> bool:
        """Note that the session has ended. Return whether a turn was in progress, which is abandoned."""
        unfinished = [turn for turn in self._turns if turn.ended_ms is None]
        for turn in unfinished:
            turn.status, turn.ended_ms = _ABANDONED, round(now, 3)
            turn.said = self._said_so_far(turn)
        return bool(unfinished)

    def heard(self, item: str, text: str) -> None:
        """Note what the user said in an item."""
        if item not in self._heard and len(self._heard) >= _MAX_ITEMS:
            del self._heard[next(iter(self._heard))]
        self._heard[item] = redacted.text(text, self._secrets)
        for turn in self._turns:
            if turn.kind == "response" and item in self._spoken[turn.turn]:
                self._hear(turn)

    def records(self) -> list[RealtimeTurn]:
        """Return the turns, and, as the last one, what the user said since then."""
        turns = [copy(turn) for turn in self._turns]
        for turn in turns:
            turn.said = turn.said or self._said_so_far(turn)
        heard = self._words_of(self._waiting)
        if heard is not None:
            speech = self._speech_of(self._waiting)
            began = speech[0][0] if speech else self._now
            turns.append(
                RealtimeTurn(
                    kind="response",
                    turn=self._responses + 1,
                    began_ms=began,
                    heard=heard,
                    speech=speech,
                    status=_UNANSWERED,
                )
            )
        return turns

    def _keep(self, record: RealtimeTurn) -> None:
        self._turns.append(record)
        if len(self._turns) > _MAX_TURNS:
            gone = self._turns.popleft()
            self.dropped += 1
            self._by_response.pop(gone.response or "", None)
            self._saying.pop(gone.response or "", None)
            self._transcriptions.pop(gone.item or "", None)
            self._spoken.pop(gone.turn if gone.kind == "response" else 0, None)
            for item in [item for item, turn in self._by_item.items() if turn is gone]:
                del self._by_item[item]

    def _take_what_the_user_did(self, record: RealtimeTurn, items: Sequence[str]) -> None:
        """Give a response what the user said in the items that it answers."""
        self._responses = record.turn
        self._spoken[record.turn] = items
        self._waiting = [item for item in self._waiting if item not in items]
        record.speech = self._speech_of(items)
        self._hear(record)

    def _hear(self, record: RealtimeTurn) -> None:
        """Write what the user said before a response into its record."""
        record.heard = self._words_of(self._spoken[record.turn])

    def _words_of(self, items: Iterable[str]) -> str | None:
        return " ".join(filter(None, map(self._heard.get, items))) or None

    def _speech_of(self, items: Iterable[str]) -> list[tuple[float, float]]:
        return [self._speech[item] for item in items if item in self._speech]

    def _said_so_far(self, record: RealtimeTurn) -> str | None:
        saying = self._saying.get(record.response or "")
        return redacted.text("".join(saying.pieces), self._secrets) or None if saying else None

    def _created(self, event: Event) -> None:
        response = str(event["response"]["id"])
        for turn, record in self._to_create:
            if turn.response_id == response:
                record.response = response
                self._by_response[response] = record
        self._to_create = [each for each in self._to_create if each[0].response_id != response]

    def _output_added(self, event: Event) -> None:
        record = self._by_response.get(str(event.get("response_id")))
        if record is not None:
            item = event["item"]
            self._by_item[str(item.get("id"))] = record
            if item.get("type") == "function_call":
                record.tools = [*record.tools, {"name": item["name"], "arguments": ""}]

    def _said_more(self, event: Event) -> None:
        response = str(event.get("response_id"))
        if response in self._by_response:
            self._saying.setdefault(response, _Saying()).add(event["delta"])

    def _done(self, event: Event) -> None:
        response = event["response"]
        self._saying.pop(str(response["id"]), None)
        record = self._by_response.get(str(response["id"]))
        if record is None:
            return
        details = response.get("status_details") or {}
        error = details.get("error") or {}
        record.status, record.ended_ms = response["status"], round(self._now, 3)
        record.reason = details.get("reason") or error.get("code") or error.get("type")
        record.interrupted = record.interrupted or record.status == "cancelled"
        record.said = redacted.text(_said(response["output"]), self._secrets) or None
        record.tools = [
            {"name": item["name"], "arguments": redacted.text(item["arguments"], self._secrets)}
            for item in response["output"]
            if item.get("type") == "function_call"
        ]

    def _speech_started(self, event: Event) -> None:
        self._speaks_from = event["audio_start_ms"]

    def _speech_stopped(self, event: Event) -> None:
        if len(self._speech) >= _MAX_ITEMS:
            del self._speech[next(iter(self._speech))]
        self._speech[str(event["item_id"])] = self._speaks_from, event["audio_end_ms"]

    def _committed(self, event: Event) -> None:
        if self.is_conversation:
            self._waiting = [*self._waiting, str(event["item_id"])][-_MAX_TURNS:]

    def _transcribed(self, event: Event) -> None:
        item = str(event["item_id"])
        text = str(event["transcript"])
        self.heard(item, text)
        transcription = self._transcriptions.get(item)
        if transcription is not None:
            transcription.heard, transcription.status = self._heard[item], "completed"
            transcription.ended_ms = round(self._now, 3)

    def _transcription_failed(self, event: Event) -> None:
        record = self._transcriptions.get(str(event["item_id"]))
        if record is not None:
            error = event.get("error") or {}
            record.status, record.ended_ms = "failed", round(self._now, 3)
            record.reason = error.get("code") or error.get("type")

    def _truncated(self, event: Event) -> None:
        record = self._by_item.get(str(event["item_id"]))
        if record is not None:
            record.interrupted, record.heard_until_ms = True, event["audio_end_ms"]


def _said(output: list[Mapping[str, Any]]) -> str:
    """Return the text or transcript of the messages in an output."""
    parts = [part for item in output for part in item.get("content") or ()]
    return " ".join(filter(None, (part.get("transcript") or part.get("text") for part in parts)))


_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_HANDLERS: Mapping[str, Callable[[TurnLog, Event], None]] = {
    "response.created": TurnLog._created,
    "response.output_item.added": TurnLog._output_added,
    "response.output_text.delta": TurnLog._said_more,
    "response.output_audio_transcript.delta": TurnLog._said_more,
    "response.done": TurnLog._done,
    "input_audio_buffer.speech_started": TurnLog._speech_started,
    "input_audio_buffer.speech_stopped": TurnLog._speech_stopped,
    "input_audio_buffer.committed": TurnLog._committed,
    f"{_TRANSCRIPTION}.completed": TurnLog._transcribed,
    f"{_TRANSCRIPTION}.failed": TurnLog._transcription_failed,
    "conversation.item.truncated": TurnLog._truncated,
}

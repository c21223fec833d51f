"""A call: says, waits, listens, interrupts, hangs up, and answers the functions that the server calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.caller.line import SILENCE, HungUp
from mockserver.caller.listening import FunctionCall, Listening, arguments_of
from mockserver.caller.record import CallFailed, Reply, Said, Timeline, ToolCall
from mockserver.caller.sounds import FRAME, sound_of
from mockserver.wording import shown

if TYPE_CHECKING:
    from pathlib import Path

    from mockserver.caller.line import Event, Line
    from mockserver.caller.playback import Playback
    from mockserver.caller.sounds import CallerVoice, Sound

Tool = Callable[..., Any]

_WITHIN_MS = 10_000.0  # that a reply may take to begin
_LONGEST_REPLY_MS = 600_000.0


class Call:
    """A call that has begun. A context manager, which hangs up.

    ``timeline`` is what happened so far. ``tools`` are functions by name; each gets the arguments as keywords, and
    returns JSON or a text.
    """

    def __init__(self, line: Line, voice: CallerVoice, tools: Mapping[str, Tool]) -> None:
        """Take a line that has received the first event. Raises ``CallFailed`` if that refuses the session."""
        self.timeline = Timeline()
        self.events: list[Event] = []  # of the server
        self._line = line
        self._voice = voice
        self._tools = tools
        self._listening = Listening(self.timeline, self._truncate)
        self._heard = 0  # answers that ``hear`` has returned or passed
        self._asked = 0  # commits to which a response was asked for
        self._has_ended = False
        self._take(line.first)
        if self.timeline.errors:
            raise CallFailed(f"The server refuses the session: {_described(self.timeline.errors[0])}")
        self._line.use_format(self._listening.audio_format("input"))

    @property
    def now_ms(self) -> float:
        """Return the milliseconds since the call began."""
        return self._line.now_ms

    @property
    def is_virtual(self) -> bool:
        """Return whether the time of the call is virtual."""
        return self._line.is_virtual

    def configure(self, session: Mapping[str, Any]) -> None:
        """Update the session, and wait until it is. Raises ``CallFailed`` if the server refuses it."""
        before, known = len(self.timeline.errors), self._listening.session
        self._send("session.update", session={"type": self._listening.kind, **session})
        while self._listening.session is known:
            try:
                self._take(self._line.next_event())
            except HungUp as hung_up:
                self._ended(hung_up)
            if len(self.timeline.errors) > before:
                raise CallFailed(f"The server refuses the session: {_described(self.timeline.errors[-1])}")
        self._line.use_format(self._listening.audio_format("input"))

    def say(self, text: str) -> Said:
        """Say a text, without waiting for a reply. Raises ``CallFailed`` if the call has ended."""
        return self._utter(self._voice.say(text))

    def play(self, path: Path) -> Said:
        """Play a sound file to the server. Raises ``CallFailed``, also if it cannot be read."""
        return self._utter(sound_of(path))

    def wait(self, ms: float) -> None:
        """Be silent for some time, while replies come and are played."""
        until = self.now_ms + ms
        while self.now_ms < until:
            self._step()

    def hear(self, within_ms: float = _WITHIN_MS) -> Reply:
        """Listen to the reply to its end, and return it. Functions that it calls are answered, and their reply awaited.

        Raises ``CallFailed`` if no reply begins in time.
        """
        began = self.now_ms
        while (reply := self._ended_reply()) is None:
            if self._is_late(began, within_ms):
                raise CallFailed(f"No reply began within {within_ms:g} ms.{self._why()}")
            if self.now_ms - began > _LONGEST_REPLY_MS:
                raise CallFailed(f"The reply did not end within {_LONGEST_REPLY_MS / 60_000:g} minutes.")
            self._step()
        return reply

    def interrupt(self, text: str, *, after_ms: float = 340.0, within_ms: float = _WITHIN_MS) -> Reply:
        """Say something when ``after_ms`` of the reply were played, and return the reply.

        Raises ``CallFailed`` if no reply begins in time, or it ends before.
        """
        began = self.now_ms
        while True:
            playing = self._listening.answers[self._heard :]
            answer = next((each for each in playing if each.sounds), None)
            if answer is not None and answer.played_ms(self.now_ms) >= after_ms:
                break
            if answer is not None and answer.is_over(self.now_ms):
                played = answer.played_ms(self.now_ms)
                raise CallFailed(f"The reply was over after {played:g} ms, before it could be interrupted.")
            if answer is None and self._is_late(began, within_ms):
                raise CallFailed(f"No reply with sound began within {within_ms:g} ms.{self._why()}")
            self._step()
        self._heard = self._listening.answers.index(answer) + 1
        if self._listening.turn_detection is None:  # else the server notices, and stops
            if not answer.is_done:
                self._send("response.cancel")
            self._listening.interrupt(self.now_ms)
        self.say(text)
        return answer.reply

    def transcript(self, within_ms: float = _WITHIN_MS) -> str:
        """Wait for the transcript of what was said last, and return it. Raises ``CallFailed`` if there is none."""
        if not self.timeline.said:
            raise CallFailed("Nothing was said that could be transcribed.")
        if not self._listening.is_transcribed:
            raise CallFailed("The session does not transcribe. Set its audio.input.transcription.")
        said, until = self.timeline.said[-1], self.now_ms + within_ms
        while (understood := said.transcript) is None or not said.is_committed:
            if said.failure is not None:
                raise CallFailed(f"The server cannot transcribe {shown(said.text)}: {said.failure}")
            if self.now_ms >= until:
                raise CallFailed(f"No transcript came within {within_ms:g} ms.{self._why()}")
            self._step()
        return understood

    def wait_for_end(self, within_ms: float = _WITHIN_MS) -> tuple[int, str]:
        """Be silent until the server ends the call, and return code and reason. Raises ``CallFailed`` otherwise."""
        until = self.now_ms + within_ms
        while not self._has_ended and self.now_ms < until:
            try:
                self._step()
            except CallFailed:
                if self.timeline.closed is None:
                    raise
        if self.timeline.closed is None:
            raise CallFailed(f"The server has not ended the call within {within_ms:g} ms.")
        return self.timeline.closed

    def hang_up(self) -> None:
        """End the call."""
        self.timeline.end_ms = self.now_ms
        if not self._has_ended:
            self._has_ended = True
            self._listening.stop(self.now_ms)
            self._line.hang_up()

    def __enter__(self) -> Call:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def _utter(self, sound: Sound) -> Said:
        self._check_open()
        said = Said(sound.text, self.now_ms, self.now_ms + sound.speech_ms)
        self.timeline.said.append(said)
        for start in range(0, len(sound.pcm), FRAME):
            self._step(sound.pcm[start : start + FRAME])
        if self._listening.turn_detection is None:
            self._send("input_audio_buffer.commit")
            if self._listening.kind == "realtime":
                self._send("response.create")
        return said

    def _step(self, frame: bytes = SILENCE) -> None:
        """Send a frame, and handle the events up to its end."""
        self._check_open()
        try:
            for event in self._line.step(frame):
                self._take(event)
            self._act()
        except HungUp as hung_up:
            self._ended(hung_up)

    def _act(self) -> None:
        """Ask for what the server leaves to its client: responses to turns, and answers of functions."""
        turns, listening = self._listening.turn_detection, self._listening
        if turns is not None and listening.kind == "realtime" and listening.commits > self._asked:
            self._asked = listening.commits
            if not turns.get("create_response", True):
                self._line.send("response.create")
        if listening.done_calls:
            calls, listening.done_calls = listening.done_calls, []
            for called in calls:
                output = {
                    "type": "function_call_output",
                    "call_id": called.call_id,
                    "output": self._answer(called),
                }
                self._line.send("conversation.item.create", item=output)
            self._line.send("response.create")

    def _answer(self, called: FunctionCall) -> str:
        """Return the answer of a function. Raises ``CallFailed`` for an unknown one, and what the function raises."""
        tool, arguments = self._tools.get(called.name), arguments_of(called)
        if tool is None:
            known = ", ".join(map(shown, self._tools)) or "none"
            raise CallFailed(f"The server calls the function {shown(called.name)}; the caller has: {known}.")
        if not isinstance(arguments, dict):
            raise CallFailed(
                f"The arguments of {shown(called.name)} are no JSON object: {shown(called.arguments)}."
            )
        answer = tool(**arguments)
        output = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        self.timeline.tool_calls.append(ToolCall(called.name, arguments, output, self.now_ms))
        return output

    def _ended_reply(self) -> Reply | None:
        """Return the next reply that is over; ``None`` if there is none yet, or functions are still answered."""
        answers = self._listening.answers
        for index in range(self._heard, len(answers)):
            answer = answers[index]
            if not answer.is_over(self.now_ms):
                return None
            is_round = bool(answer.calls) and answer.reply.status == "completed"
            was_never_heard = answer.reply.reason == "turn_detected" and answer.reply.start_ms is None
            if not is_round and not was_never_heard:
                self._heard = index + 1
                return answer.reply
        return None

    def _is_late(self, began_ms: float, within_ms: float) -> bool:
        """Return whether no reply has begun in time. A function that is answered begins one."""
        has_begun = any(
            each.reply.start_ms is not None or each.calls for each in self._listening.answers[self._heard :]
        )
        return not has_begun and self.now_ms - began_ms >= within_ms

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self._listening.take(event, self.now_ms)

    def _truncate(self, sound: Playback, played_ms: int) -> None:
        self._line.send(
            "conversation.item.truncate",
            item_id=sound.item_id,
            content_index=sound.content_index,
            audio_end_ms=played_ms,
        )

    def _check_open(self) -> None:
        if self._has_ended:
            raise CallFailed("The call has ended.")

    def _send(self, kind: str, **members: Any) -> None:
        self._check_open()
        try:
            self._line.send(kind, **members)
        except HungUp as hung_up:
            self._ended(hung_up)

    def _ended(self, hung_up: HungUp) -> None:
        """Note that the server has ended the call. Raises ``CallFailed``."""
        self._has_ended = True
        self._listening.stop(self.now_ms)
        for said in self.timeline.said[-1:]:
            said.end_ms = min(said.end_ms, self.now_ms)
        self.timeline.closed = (hung_up.code, hung_up.reason)
        self.timeline.end_ms = self.now_ms
        raise CallFailed(f"{hung_up}{self._why()}") from hung_up

    def _why(self) -> str:
        """Return the last error of the server as the end of a message."""
        errors = self.timeline.errors
        return f" The server's last error: {_described(errors[-1])}" if errors else ""


def _described(error: Mapping[str, Any]) -> str:
    code = error.get("code")
    return f"{error.get('message')}" + (f" ({code})" if code else "")

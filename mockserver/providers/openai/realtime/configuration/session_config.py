"""The configuration of a session: its defaults by model, its updates, and its form in events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from mockserver.providers.openai.realtime.configuration.changes import (
    PCM,
    Defaults,
    changed,
    changed_transcription,
)
from mockserver.providers.openai.realtime.configuration.parts import AudioFormat, Transcription, TurnDetection
from mockserver.providers.openai.realtime.configuration.rules import (
    State,
    check_changes,
    check_response,
    check_transcription,
    detects_turns,
    transcription_model,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.catalog.records import ModelCard
    from mockserver.providers.openai.realtime.configuration.rules import Basis

Members = dict[str, Any]

_SILENCE_OF_TRANSCRIPTION = 200  # milliseconds


class SessionConfig:
    """The configuration of a session. ``members`` are those of ``session`` in events, in their order.

    The responses set ``has_spoken`` once the model has spoken, because then the voice cannot change, and
    ``is_responding`` while a response is in progress, because then the speed cannot.
    """

    def __init__(
        self,
        kind: Literal["realtime", "transcription"],
        members: Members,
        basis: Basis,
        model: ModelCard | None,
    ) -> None:
        self.kind = kind
        self.members = members
        self.model = model  # of the conversation; None in a transcription session
        self.has_spoken = False
        self.is_responding = False
        self.parallel_tool_calls: bool | None = None  # None if the client has not set it
        self._basis = basis
        rules = model.realtime if model is not None else None
        self._silence_duration_ms = rules.silence_duration_ms if rules else _SILENCE_OF_TRANSCRIPTION
        self._transcription: Members | None = None  # with the members that events do not show
        self._read()

    @staticmethod
    def of_conversation(name: str, model: ModelCard, basis: Basis) -> SessionConfig:
        """Return the configuration with which a conversation begins; ``name`` is the model as asked for."""
        rules = model.realtime
        assert rules is not None
        turns = {"idle_timeout_ms": None, "create_response": True, "interrupt_response": True}
        members: Members = {
            "type": "realtime",
            "object": "realtime.session",
            "id": None,
            "model": name,
            "output_modalities": ["audio"],
            "instructions": basis.instructions,
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "expires_at": None,
            "audio": {
                "input": _input(_server_vad(rules.silence_duration_ms) | turns),
                "output": {"format": PCM, "voice": rules.voice, "speed": 1.0},
            },
            "include": None,
        }
        return SessionConfig("realtime", members, basis, model)

    @staticmethod
    def of_transcription(basis: Basis) -> SessionConfig:
        """Return the configuration with which a transcription session begins."""
        members: Members = {
            "type": "transcription",
            "object": "realtime.transcription_session",
            "id": None,
            "expires_at": None,
            "audio": {"input": _input(_server_vad(_SILENCE_OF_TRANSCRIPTION))},
            "include": None,
        }
        return SessionConfig("transcription", members, basis, None)

    def update(self, changes: Mapping[str, Any]) -> None:
        """Apply the ``session`` of an update, which satisfies its schema, or nothing of it. Raises ``ApiError``."""
        state = State(self.members, self.model, self.has_spoken, self.is_responding)
        check_changes(changes, state, self._basis)
        given = changes.get("audio", {}).get("input", {})
        transcription = self._transcription
        if "transcription" in given:
            transcription = changed_transcription(transcription, given["transcription"])
        check_transcription(changes, transcription, self.kind, self._basis)
        defaults = Defaults(self._basis.instructions, self._silence_duration_ms)
        members = changed(self.members, changes, transcription, defaults)
        if not detects_turns(transcription, self.kind, self._basis):
            members["audio"]["input"]["turn_detection"] = None
        self.members, self._transcription = members, transcription
        self.parallel_tool_calls = changes.get("parallel_tool_calls", self.parallel_tool_calls)
        self._read()

    def check_response(self, given: Mapping[str, Any]) -> None:
        """Raise ``ApiError`` for the ``response`` of a ``response.create`` that the session's model cannot make."""
        if self.model is not None:
            check_response(given, self.model, self._basis)

    def shown(self, session_id: str, expires_at: int) -> Members:
        """Return the ``session`` of events."""
        return self.members | {"id": session_id, "expires_at": expires_at}

    def _read(self) -> None:
        """Read the parts that are asked for often."""
        given = self.members["audio"]["input"]
        self.input_format = AudioFormat.of(given["format"])
        self.turn_detection = _read_turn_detection(given["turn_detection"])
        self.transcription = self._read_transcription()
        output = self.members["audio"].get("output", {})
        self.output_format = AudioFormat.of(output.get("format", PCM))

    def _read_transcription(self) -> Transcription | None:
        given = self._transcription
        if given is None:
            return None
        return Transcription(
            str(given.get("model")),
            transcription_model(given.get("model"), self._basis),
            given.get("language"),
            tuple(given.get("languages") or ()),
            tuple(given.get("keywords") or ()),
            given.get("prompt"),
            given.get("delay"),
        )

    @property
    def voice(self) -> str | Members:
        """Return the name of the voice, or ``{"id": …}`` of a custom one."""
        return cast("str | Members", self.members["audio"]["output"]["voice"])

    @property
    def speed(self) -> float:
        """Return the speed of speech, a factor."""
        return cast("float", self.members["audio"]["output"]["speed"])

    @property
    def instructions(self) -> str:
        """Return the instructions, the API's own if the client has set none."""
        return cast("str", self.members["instructions"])

    @property
    def tools(self) -> list[Members]:
        """Return the tools, as events show them."""
        return cast("list[Members]", self.members["tools"])

    @property
    def tool_choice(self) -> str | Members:
        """Return the choice of a tool, as events show it."""
        return cast("str | Members", self.members["tool_choice"])

    @property
    def output_modalities(self) -> list[str]:
        """Return ``["audio"]`` or ``["text"]``."""
        return cast("list[str]", self.members["output_modalities"])

    @property
    def max_output_tokens(self) -> int | Literal["inf"]:
        """Return the limit of the tokens of a response, or ``inf``."""
        return cast("int", self.members["max_output_tokens"])

    @property
    def include(self) -> list[str]:
        """Return what events have in addition."""
        return cast("list[str]", self.members["include"] or [])

    @property
    def truncation(self) -> str | Members:
        """Return how the context is truncated: ``auto``, ``disabled``, or the members of a ``retention_ratio``."""
        return cast("str | Members", self.members["truncation"])

    @property
    def prompt(self) -> Members | None:
        """Return the reference to a prompt."""
        return cast("Members | None", self.members["prompt"])

    @property
    def reasoning(self) -> Members | None:
        """Return the ``reasoning``, as the client has set it."""
        return cast("Members | None", self.members.get("reasoning"))

    @property
    def tracing(self) -> str | Members | None:
        """Return the configuration of traces."""
        return cast("str | Members | None", self.members.get("tracing"))


def _server_vad(silence_duration_ms: int) -> Members:
    """Return the turn detection with which sessions begin."""
    times = {"prefix_padding_ms": 300, "silence_duration_ms": silence_duration_ms}
    return {"type": "server_vad", "threshold": 0.5, **times}


def _input(turn_detection: Members) -> Members:
    """Return the ``audio.input`` with which sessions begin."""
    return {"format": PCM, "transcription": None, "noise_reduction": None, "turn_detection": turn_detection}


def _read_turn_detection(given: Members | None) -> TurnDetection | None:
    if given is None:
        return None
    members = {name: value for name, value in given.items() if name != "type"}
    return TurnDetection(given["type"], **members)

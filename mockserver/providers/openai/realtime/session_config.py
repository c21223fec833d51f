"""The configuration of a session: its defaults by model, its updates, and its form in events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal, cast

from mockserver.providers.openai.realtime.session_parts import AudioFormat, Transcription, TurnDetection

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard

Members = dict[str, Any]
FindModel = Callable[[str], "ModelCard | None"]

_PCM = {"type": "audio/pcm", "rate": 24_000}


class SessionConfig:
    """The configuration of a session. ``members`` are those of ``session`` in events, in their order.

    ``has_spoken`` is set by the responses once the model has spoken: then the voice cannot change.
    """

    def __init__(
        self,
        kind: Literal["realtime", "transcription"],
        members: Members,
        find_model: FindModel,
        model: ModelCard | None,
        default_instructions: str = "",
    ) -> None:
        self.kind = kind
        self.members = members
        self.model = model  # of the conversation; None in a transcription session
        self.has_spoken = False
        self._find_model = find_model
        self._default_instructions = default_instructions
        self._read()

    @staticmethod
    def of_conversation(
        name: str, model: ModelCard, find_model: FindModel, instructions: str
    ) -> SessionConfig:
        """Return the configuration with which a conversation begins; ``name`` is the model as asked for.

        ``instructions`` are those of sessions that set none. ``find_model`` returns the model with a name.
        """
        rules = model.realtime
        assert rules is not None
        turns = {"idle_timeout_ms": None, "create_response": True, "interrupt_response": True}
        detection = _turn_detection(rules.silence_duration_ms) | turns
        members: Members = {
            "type": "realtime",
            "object": "realtime.session",
            "id": None,
            "model": name,
            "output_modalities": ["audio"],
            "instructions": instructions,
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "expires_at": None,
            "audio": {
                "input": _input(detection),
                "output": {"format": dict(_PCM), "voice": rules.voice, "speed": 1.0},
            },
            "include": None,
        }
        return SessionConfig("realtime", members, find_model, model, instructions)

    @staticmethod
    def of_transcription(find_model: FindModel) -> SessionConfig:
        """Return the configuration with which a transcription session begins."""
        members: Members = {
            "type": "transcription",
            "object": "realtime.transcription_session",
            "id": None,
            "expires_at": None,
            "audio": {"input": _input(_turn_detection(200))},
            "include": None,
        }
        return SessionConfig("transcription", members, find_model, None)

    def update(self, changes: Mapping[str, Any]) -> None:
        """Apply the ``session`` of an update, or nothing of it. Raises ``ApiError``."""

    def shown(self, session_id: str, expires_at: int) -> Members:
        """Return the ``session`` of events."""
        return self.members | {"id": session_id, "expires_at": expires_at}

    def _read(self) -> None:
        """Read the parts that the session asks for often."""
        given = self.members["audio"]["input"]
        self.input_format = AudioFormat.of(given["format"])
        self.turn_detection = _read_turn_detection(given["turn_detection"])
        self.transcription = self._read_transcription(given["transcription"])
        output = self.members["audio"].get("output", {})
        self.output_format = AudioFormat.of(output.get("format", _PCM))

    def _read_transcription(self, given: Members | None) -> Transcription | None:
        card = self._find_model(given["model"]) if given else None
        if given is None or card is None:
            return None
        return Transcription(
            given["model"],
            card,
            given["language"],
            tuple(given.get("languages") or ()),
            tuple(given.get("keywords") or ()),
            given["prompt"],
            given.get("delay"),
        )

    @property
    def voice(self) -> str | Members:
        """Return the name of the voice, or ``{"id": …}`` of a custom one."""
        return cast("str | Members", self.members["audio"]["output"]["voice"])

    @property
    def speed(self) -> float:
        """Return the factor of the speed of speech."""
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
        """Return the additional members that events have."""
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
    def parallel_tool_calls(self) -> bool | None:
        """Return whether a response can have several tool calls; ``None`` if the client has not set it."""
        return cast("bool | None", self.members.get("parallel_tool_calls"))

    @property
    def tracing(self) -> str | Members | None:
        """Return the configuration of traces."""
        return cast("str | Members | None", self.members["tracing"])


def _turn_detection(silence_duration_ms: int) -> Members:
    """Return the turn detection with which sessions begin."""
    times = {"prefix_padding_ms": 300, "silence_duration_ms": silence_duration_ms}
    return {"type": "server_vad", "threshold": 0.5, **times}


def _input(turn_detection: Members) -> Members:
    """Return the ``audio.input`` with which sessions begin."""
    return {
        "format": dict(_PCM),
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": turn_detection,
    }


def _read_turn_detection(given: Members | None) -> TurnDetection | None:
    if given is None:
        return None
    members = {name: value for name, value in given.items() if name != "type"}
    return TurnDetection(given["type"], **deepcopy(members))

"""What a response is made with: the configuration of the session, changed by ``response.create``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from mockserver.providers.openai.realtime.configuration.parts import AudioFormat

if TYPE_CHECKING:
    from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig

Members = Mapping[str, Any]


class ResponseSettings(Struct, frozen=True):
    """The parameters of one response.

    ``input`` replaces the conversation as the context. ``is_apart``: the response is not added to the conversation.
    """

    modality: Literal["audio", "text"]
    instructions: str
    tools: Sequence[Members]
    tool_choice: object
    max_output_tokens: int | Literal["inf"]
    audio_format: AudioFormat
    voice: str | dict[str, Any]
    speed: float
    parallel_tool_calls: bool
    effort: str | None = None
    input: Sequence[Members] | None = None
    is_apart: bool = False
    metadata: Members | None = None

    @property
    def is_spoken(self) -> bool:
        """Return whether the response is spoken."""
        return self.modality == "audio"

    @staticmethod
    def of(config: SessionConfig, given: Members) -> ResponseSettings:
        """Return the parameters of a response; ``given`` is the valid ``response`` of ``response.create``."""
        output = (given.get("audio") or {}).get("output") or {}
        rules = config.model.realtime if config.model else None
        parallel = _either(given.get("parallel_tool_calls"), config.parallel_tool_calls, True)
        reasoning = given.get("reasoning") or config.reasoning or {}
        audio_format = output.get("format")
        return ResponseSettings(
            _either(given.get("output_modalities"), config.output_modalities)[0],
            _either(given.get("instructions"), config.instructions),
            _either(given.get("tools"), config.tools),
            _either(given.get("tool_choice"), config.tool_choice),
            _either(given.get("max_output_tokens"), config.max_output_tokens),
            AudioFormat.of(audio_format) if audio_format else config.output_format,
            _either(output.get("voice"), config.voice),
            config.speed,
            bool(parallel and rules is not None and rules.parallel_tool_calls),
            reasoning.get("effort"),
            given.get("input"),
            given.get("conversation") == "none",
            given.get("metadata"),
        )


def _either(*values: Any) -> Any:
    """Return the first value that is not ``None``."""
    return next((value for value in values if value is not None), None)

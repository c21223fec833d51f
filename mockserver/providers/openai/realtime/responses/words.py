"""The words of a response: those of a stub or a responder, and their speech."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mockserver.engines.speech import SpeechFailed, Utterance
from mockserver.errors import ApiError
from mockserver.pipeline.responses import crashed
from mockserver.providers.openai.audio.speaking import stub_sound, voice_of
from mockserver.providers.openai.dialogue.responding import respond
from mockserver.providers.openai.realtime.responses.output_speech import OutputSpeech
from mockserver.providers.openai.realtime.turns.turn import FAILED, SERVER_ERROR, Failure, Turn

if TYPE_CHECKING:
    from mockserver.engines.dialogue import Conversation as Dialogue
    from mockserver.engines.dialogue import Reply
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.responses.settings import ResponseSettings
    from mockserver.providers.openai.realtime.sounds import Sound, Sounds


class ResponseWords:
    """The words of one response; implements ``running_response.Words``.

    ``dialogue`` returns what a responder replies to; it is called only if a responder is asked.
    """

    def __init__(
        self,
        context: RealtimeContext,
        settings: ResponseSettings,
        turn: Turn,
        sounds: Sounds,
        dialogue: Callable[[], Dialogue],
    ) -> None:
        self._context = context
        self._settings = settings
        self._turn = turn
        self._sounds = sounds
        self._dialogue = dialogue
        self._language = ""
        self._utterance: Utterance | None = None
        self._is_stub = False

    def reply(self) -> Reply:
        """Return what is said and called. Raises ``ApiError``."""
        if self._turn.scripted is not None:
            return self._turn.scripted.chat_reply()
        reply = respond(self._context.responders, self._dialogue(), self._unfit)
        self._turn.answered_by = reply.answered_by
        return reply

    def speech(self, text: str) -> OutputSpeech:
        """Return the speech of a text, or the sound of a stub. Raises ``ApiError``."""
        settings, context = self._settings, self._context
        language = self._turn.call.settings.speech_language or None
        utterance = Utterance(text, voice_of(context.catalog, settings.voice), settings.speed, language)
        sound = stub_sound(self._turn.call)
        if sound is None:
            self._language = context.speaker.language_of(utterance)
            if self._turn.answered_by is not None:
                self._turn.answered_by = self._turn.answered_by.with_detail("voice", utterance.voice.name)
        try:
            chunks = context.speaker.speak(utterance) if sound is None else sound
        except SpeechFailed as error:
            raise ApiError("overloaded", reason=f"The speech failed: {error}.") from error
        self._utterance, self._is_stub = utterance, sound is not None
        return OutputSpeech(chunks, settings.audio_format)

    def keep(self, speech: OutputSpeech) -> Sound | None:
        """Return what was sent of a speech; remember it, unless it is a stub's sound, whose words are not known."""
        if not speech.ms:
            return None
        if self._language:
            speech.remember(self._context.spoken, self._language)
        if self._utterance is not None:
            self._turn.said = speech.said(self._turn, self._utterance, is_stub=self._is_stub)
        return speech.sound(self._sounds)

    def failure(self, error: ApiError) -> Failure:
        """Return an error as one with which a response fails."""
        fields = self._context.errors.fields(error)
        code = fields["code"]
        return Failure(str(fields["type"]), None if code is None else str(code), str(fields["message"]))

    def crash(self, error: Exception) -> Failure:
        """Log an unexpected exception, and return it as an error with which a response fails."""
        refusal = crashed(error, self._turn.call.request)
        return Failure(SERVER_ERROR, None, FAILED) if refusal.name == SERVER_ERROR else self.failure(refusal)

    def _unfit(self, tool: str, reason: str) -> ApiError:
        """Return the error for a tool whose parameters no value satisfies."""
        names = [each.get("name") for each in self._settings.tools]
        param = f"tools[{names.index(tool)}].parameters" if tool in names else "tools"
        return ApiError("chat_invalid_parameters_schema", param=param, function=tool, reason=reason)

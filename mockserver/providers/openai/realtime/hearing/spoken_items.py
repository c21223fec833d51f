"""What the user said in an item: its sound, the turn that transcribes it, and the transcription."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from mockserver.engines.transcription import Segment, Transcription, TranscriptionOptions
from mockserver.errors import ApiError
from mockserver.pipeline.request_audio import refusals
from mockserver.providers.openai.realtime.hearing.live_text import LiveSpeech, LiveText
from mockserver.providers.openai.realtime.turns.facts import Said
from mockserver.wire import tokens, transcripts

if TYPE_CHECKING:
    from mockserver.catalog.records import LiveTranscriptionRules
    from mockserver.catalog.tables import Catalog
    from mockserver.providers.openai.realtime.configuration.parts import Transcription as Asked
    from mockserver.providers.openai.realtime.hearing.listening import Listening
    from mockserver.providers.openai.realtime.sounds import Sound
    from mockserver.providers.openai.realtime.turns.turns import Turn, Turns


class Wanted(Struct, frozen=True):
    """The transcription that the configuration asks for, and whether its events have ``logprobs``."""

    asked: Asked
    rules: LiveTranscriptionRules
    options: TranscriptionOptions
    logprobs: bool

    @staticmethod
    def of(catalog: Catalog, asked: Asked | None, include: list[str]) -> Wanted | None:
        """Return what a configuration asks for; ``None`` for no transcription."""
        if asked is None or asked.card.live_transcription is None:
            return None
        rules = asked.card.live_transcription
        logprobs = rules.logprobs and "item.input_audio_transcription.logprobs" in include
        hints = (asked.language,) if asked.language else asked.languages
        options = TranscriptionOptions(
            languages=tuple(catalog.language_code(hint) or hint for hint in hints),
            prompt=asked.prompt or "",
            keywords=asked.keywords,
            words=logprobs,
        )
        return Wanted(asked, rules, options, logprobs)

    @property
    def lag_ms(self) -> int:
        """Return the time from the end of a word to its delta, while the user speaks."""
        return self.rules.lags.get(self.asked.delay or self.rules.default_delay, 0)

    @property
    def vocabulary(self) -> tokens.Vocabulary:
        """Return the vocabulary of the model."""
        return self.asked.card.tokens.vocabulary

    @property
    def hints(self) -> tuple[str, ...]:
        """Return the languages as they were sent."""
        return (self.asked.language,) if self.asked.language else self.asked.languages

    def document(self) -> dict[str, object]:
        """Return the parameters, for stubs and the journal."""
        given: dict[str, object] = {"model": self.asked.model}
        for name in ("language", "languages", "keywords", "prompt", "delay"):
            if value := getattr(self.asked, name):
                given[name] = list(value) if isinstance(value, tuple) else value
        return given


class SpokenItem:
    """An item that the user speaks or has spoken. ``sound`` is there once it is committed.

    ``wanted`` is ``None`` if no transcription is configured: then there are no events, only the text for others.
    """

    OPTIONS = TranscriptionOptions()  # without ``wanted``

    def __init__(self, item_id: str, listening: Listening, turns: Turns) -> None:
        self.id = item_id
        self.wanted: Wanted | None = None
        self.live = LiveText()
        self.speech: LiveSpeech | None = None  # what was heard of it while it went on
        self.is_dropped = False
        self.end: Callable[[], None] | None = None  # once it is time to end its transcription
        self._listening = listening
        self._turns = turns
        self._sound: Sound | None = None
        self._rest_ms = 0.0
        self._heard: Transcription | ApiError | None = None
        self._answer: Transcription | ApiError | None = None
        self._turn: Turn | None = None

    def commit(self, sound: Sound, wanted: Wanted | None, rest_ms: float = 0.0) -> None:
        """Note the whole sound, of which the last ``rest_ms`` were not yet transcribed while it went on."""
        self._sound, self.wanted, self._rest_ms = sound, wanted, rest_ms

    @property
    def turn(self) -> Turn:
        """Return the turn of the transcription, which begins when it is first needed."""
        assert self.wanted is not None
        assert self._sound is not None
        if self._turn is None:
            sound = self._sound
            self._turn = self._turns.begin(
                "transcription",
                self.wanted.asked.card,
                self.wanted.document(),
                Said(heard=self._heard_text, pcm=sound.data(), rate=sound.rate),
                instructions=self.wanted.options.prompt,
                audio_seconds=sound.samples / sound.rate,
                item_id=self.id,
            )
        return self._turn

    @property
    def is_committed(self) -> bool:
        """Return whether the whole sound is there."""
        return self._sound is not None

    @property
    def is_transcribed(self) -> bool:
        """Return whether the transcription is made."""
        return isinstance(self._answer, Transcription)

    def transcription(self) -> Transcription:
        """Return the transcription: of a stub, or of what was heard. Raises ``ApiError``, and what ``look`` raises."""
        if self._answer is None:
            try:
                self._answer = self._scripted() or self._hear()
            except ApiError as error:
                self._answer = error
        return _made(self._answer)

    def text(self) -> str:
        """Return what was said: the transcript, or what was heard if the transcription is refused.

        Raises ``ApiError``, and what ``look`` raises.
        """
        try:
            answer = self.transcription()
        except ApiError:
            answer = self._hear()
        text = transcripts.text_of(answer.segments)
        self._turns.heard(self.id, text)
        return text

    def recognise(self) -> None:
        """Find out what was said if it is known speech, which takes little time."""
        if self._sound is None or self._heard is not None or self._answer is not None:
            return
        known = self._listening.partly_known(self._sound.data(), self._sound.rate, self.OPTIONS)
        if known is not None:
            self._turns.heard(self.id, transcripts.text_of(known.transcription.segments))

    def _scripted(self) -> Transcription | None:
        """Return the transcription of a stub. Raises the ``ApiError`` with which the turn is refused."""
        if self.wanted is None or self._sound is None:
            return None
        turn = self.turn
        if turn.refusal is not None:
            raise turn.refusal
        if turn.scripted is None or not turn.scripted.has_transcript:
            return None
        seconds = self._sound.samples / self._sound.rate
        answer = turn.scripted.transcription(seconds, self.wanted.options.languages)
        if not self.wanted.rules.speakers:
            return answer
        return self._listening.with_speakers(answer, self._sound.data(), self._sound.rate)

    def _heard_text(self) -> str | None:
        """Return what the engines hear, for the conditions of stubs; ``None`` if nothing was said or understood."""
        try:
            return transcripts.text_of(self._hear().segments) or None
        except ApiError:
            return None

    def _hear(self) -> Transcription:
        """Return what the engines hear. Raises ``ApiError``."""
        if self._heard is None:
            try:
                with refusals(ApiError("audio_undecodable")):
                    self._heard = self._listen()
            except ApiError as error:
                self._heard = error
        return _made(self._heard)

    def _listen(self) -> Transcription:
        """Return what is heard. It continues what was sent, which is not taken back."""
        assert self._sound is not None
        pcm, rate = self._sound.data(), self._sound.rate
        options = self.wanted.options if self.wanted else self.OPTIONS
        if self.wanted is not None and self.wanted.rules.speakers:
            return self._listening.heard(pcm, rate, options, speakers=True)
        speech, self.speech = self.speech, None
        if speech is not None and speech.before is not None:
            heard = self._listening.heard_rest(pcm, rate, options, speech.before, self._rest_ms)
        else:
            heard = self._listening.heard(pcm, rate, options)
        text = transcripts.text_of(heard.segments)
        continued = self.live.continued(text)
        return heard if continued == text else replace(heard, segments=(_segment(continued, heard.duration),))


def _segment(text: str, seconds: float) -> Segment:
    return Segment(text, 0.0, round(seconds, 3))


def _made(answer: Transcription | ApiError) -> Transcription:
    if isinstance(answer, ApiError):
        raise answer
    return answer

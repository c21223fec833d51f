"""The reply to a chat request: its text or tool calls, cut to the limits of the request, and its speech."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.engines.dialogue import Reply, ToolCall
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, SpeechChunk, SpokenWord, Utterance
from mockserver.providers.openai.audio.speaking import Speech, failures_answered, stub_sound, voice_of
from mockserver.providers.openai.chat.request import AUDIO_KIND
from mockserver.providers.openai.chat.tool_rules import no_value_fits
from mockserver.providers.openai.dialogue.responding import before_stop, respond
from mockserver.wire import chat, tokens
from mockserver.wire.chat_tokens import transcript_tokens
from mockserver.wire.moderation import results
from mockserver.wire.usage import OUTPUT_TOKENS_PER_SECOND

if TYPE_CHECKING:
    from mockserver.engines.answered_by import AnsweredBy
    from mockserver.engines.espeak.speaker import Pyttsx3Speaker
    from mockserver.engines.spoken import SpokenMemory
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.chat.request import ChatRequest
    from mockserver.providers.openai.contexts import ChatContext
    from mockserver.state.protocols import Documents
    from mockserver.wire.chat_tokens import ReplyTokens

LIFETIME = 3600  # seconds for which later messages can refer to a spoken reply

_PLACE = "choices[0].message.audio"  # of the speech, which is that of all choices
_TOKEN_BYTES = 2 * SPEECH_SAMPLE_RATE // OUTPUT_TOKENS_PER_SECOND
_MAX_SPOKEN = 16_384  # tokens of a spoken reply, for a model without a limit
_SLOWEST = 0.25  # seconds of speech for a letter at most, which shows that a limit cannot be reached
_FORMATS = {"pcm16": "pcm"}  # formats of chats with another name for speech


class ReplySpeech(msgspec.Struct):
    """The speech of a reply, which is spoken once for all choices."""

    utterance: Utterance
    audio_format: str
    chunks: Iterable[SpeechChunk] | None = None  # a stub's sound, or speech that was cut
    is_stub: bool = False
    _spoken: Speech | None = None

    @property
    def seconds(self) -> float:
        """Return the duration that has been spoken so far, in seconds."""
        return self._spoken.seconds if self._spoken else 0.0

    def speak(self, speaker: Pyttsx3Speaker, memory: SpokenMemory, call: Call) -> Generator[bytes]:
        """Return the speech in the requested format, while it is spoken. Iterating it may raise ``SpeechFailed``."""
        outcome = call.outcome

        def note(spoken: Speech) -> None:
            outcome.said = (spoken.said(_PLACE),)

        chunks = speaker.speak(self.utterance) if self.chunks is None else self.chunks
        audio_format = _FORMATS.get(self.audio_format, self.audio_format)
        self._spoken = Speech(
            speaker,
            memory,
            self.utterance,
            audio_format,
            _whole_tokens(chunks),
            note,
            is_stub=self.is_stub,
            keep_bytes=call.settings.keep_audio,
        )
        return self._spoken.audio()


class ChatReply(msgspec.Struct):
    """A choice of the answer. ``finish_reason`` is one of the API's.

    Later messages refer to it by ``audio_id`` and ``call_ids``. ``expires_at`` is when its audio expires, in seconds
    since 1970, and is set once it has been spoken. ``flagged`` are the categories that moderation finds in the
    ``input`` and the ``output``. ``cut`` are the tokens of the text within the limit of the request: the text that is
    left may have other tokens. ``written`` is the number of text tokens, if they were counted before.
    """

    answered_by: AnsweredBy
    text: str
    finish_reason: str
    counted: ReplyTokens
    cut: tuple[bytes, ...] | None = None
    written: int | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    call_ids: tuple[str, ...] = ()
    speech: ReplySpeech | None = None
    audio_id: str = ""
    expires_at: int = 0
    flagged: Mapping[str, Sequence[str] | Mapping[str, str]] = {}

    def tokens(self) -> Iterable[bytes]:
        """Return the tokens of the text."""
        return tokens.split(self.text, self.counted.vocabulary) if self.cut is None else self.cut

    @property
    def as_json(self) -> dict[str, Any]:
        """Return the text and the tool calls, for the journal."""
        calls = [{"name": call.name, "arguments": call.arguments} for call in self.tool_calls]
        return {"text": self.text, "tool_calls": calls}

    @property
    def text_tokens(self) -> int:
        """Return the number of text tokens, including those of a transcript."""
        if self.written is not None:
            return self.written
        if self.tool_calls:
            return self.counted.of_calls(self.tool_calls)
        if self.speech is not None:
            return self.counted.of_transcript(self.text)
        return self.counted.of_text(self.text)

    @property
    def audio_tokens(self) -> int:
        """Return the number of audio tokens that have been spoken so far."""
        return round(self.speech.seconds * OUTPUT_TOKENS_PER_SECOND) if self.speech else 0

    def remember(self, store: Documents, now: float, call: Call) -> None:
        """Store the spoken reply, so that later messages can refer to it."""
        self.expires_at = int(now) + LIFETIME
        value = {
            "id": self.audio_id,
            "transcript": self.text,
            "audio_tokens": self.audio_tokens,
            "expires_at": self.expires_at,
        }
        store.put(AUDIO_KIND, call.account.id, self.audio_id, value)


def chat_replies(context: ChatContext, call: Call, request: ChatRequest) -> list[ChatReply]:
    """Return the choices of the answer, which differ only in their ids. Raises ``ApiError``."""
    reply = _chat_reply(context, call, request)
    replies = [reply, *(msgspec.structs.replace(reply) for _ in range(request.choices - 1))]
    for each in replies:
        each.audio_id = context.ids.audio_id(context.clock.now()) if each.speech else ""
        each.call_ids = tuple([context.ids.call_id() for _ in each.tool_calls])
    return replies


def usage_of(request: ChatRequest, replies: list[ChatReply]) -> dict[str, Any]:
    """Return the ``usage`` of the answer, with the speech that has been spoken so far."""
    return chat.usage(
        prompt_text=request.prompt_text_tokens,
        prompt_audio=request.prompt_audio_tokens,
        reply_text=sum(reply.text_tokens for reply in replies),
        reply_audio=sum(reply.audio_tokens for reply in replies),
        rules=request.rules,
    )


def moderation_of(request: ChatRequest, replies: list[ChatReply]) -> dict[str, Any] | None:
    """Return the ``moderation`` of the answer, one result for each choice; ``None`` unless the request asks for it."""
    options = request.body.get("moderation")
    if not options:
        return None
    turns = request.conversation.turns
    prompt = "\n".join(text for turn in turns for text in (turn.text, turn.transcript) if text)
    flagged = replies[0].flagged
    return {
        "input": results(options["model"], [prompt], flagged.get("input", ())),
        "output": results(options["model"], [reply.text for reply in replies], flagged.get("output", ())),
    }


def _chat_reply(context: ChatContext, call: Call, request: ChatRequest) -> ChatReply:
    """Return the reply of a stub or a responder, cut to the request's ``stop`` and token limits."""
    if call.scripted:
        source = call.scripted.chat_reply()
    else:
        source = respond(context.responders, request.conversation, partial(no_value_fits, request.body))
    reply = _reply(context, call, request, source)
    if request.transcribed_by:
        reply.answered_by = reply.answered_by.with_detail("heard-by", "+".join(request.transcribed_by))
    if source.finish_reason:
        reply.finish_reason = source.finish_reason
    if call.scripted:
        reply.flagged = call.scripted.flagged
    return reply


def _reply(context: ChatContext, call: Call, request: ChatRequest, source: Reply) -> ChatReply:
    if source.tool_calls:
        return _calls(source, request)
    text = before_stop(source.text, request.stop)
    if not request.spoken:
        return _written(source, text, request)
    form = request.body["audio"]
    utterance = Utterance(
        text, voice_of(context.catalog, form["voice"]), language=call.settings.speech_language or None
    )
    sound = stub_sound(call)
    speech = ReplySpeech(utterance, form["format"], sound, is_stub=sound is not None)
    answered_by = (
        source.answered_by if sound else source.answered_by.with_detail("voice", utterance.voice.name)
    )
    reply = ChatReply(answered_by, text, "stop", request.reply_tokens, speech=speech)
    if sound is not None:
        return reply
    limit = _MAX_SPOKEN if request.max_tokens is None else request.max_tokens
    _limit_speech(context.speaker, reply, speech, limit)
    return reply


def _calls(source: Reply, request: ChatRequest) -> ChatReply:
    finish_reason, calls = "tool_calls", source.tool_calls
    if request.calls_functions:  # a message has only one
        finish_reason, calls = "function_call", calls[:1]
    reply = ChatReply(source.answered_by, "", finish_reason, request.reply_tokens, tool_calls=calls)
    limit = request.max_tokens
    if limit is not None and reply.text_tokens > limit:
        first = source.tool_calls[0]
        left = limit - reply.counted.of_calls([ToolCall(first.name, "", first.custom)])
        arguments = tokens.text_of(tokens.first(first.arguments, left, reply.counted.vocabulary))
        reply.tool_calls = (ToolCall(first.name, arguments, first.custom),)
        reply.finish_reason = "length"
    return reply


def _written(source: Reply, text: str, request: ChatRequest) -> ChatReply:
    reply = ChatReply(source.answered_by, text, "stop", request.reply_tokens)
    limit, counted = request.max_tokens, request.reply_tokens
    reply.written = reply.text_tokens
    if limit is not None and reply.written > limit:
        reply.cut = tokens.first(text, limit - counted.beside_text, counted.vocabulary)
        reply.text, reply.written = tokens.text_of(reply.cut), limit
        reply.finish_reason = "length"
    return reply


def _limit_speech(speaker: Pyttsx3Speaker, reply: ChatReply, speech: ReplySpeech, limit: int) -> None:
    """Cut text and speech if their tokens together exceed ``limit``."""
    upper_bound = reply.text_tokens + OUTPUT_TOKENS_PER_SECOND * (1 + _SLOWEST * len(reply.text))
    if upper_bound <= limit:
        return
    pcm, words = _first_seconds(speaker, speech.utterance, limit / OUTPUT_TOKENS_PER_SECOND)
    if reply.text_tokens + math.ceil(len(pcm) / _TOKEN_BYTES) <= limit:
        speech.chunks = (SpeechChunk(pcm, words),)
        return
    words = tuple(_affordable(words, limit, reply.counted.vocabulary))
    end = math.ceil(words[-1].end * OUTPUT_TOKENS_PER_SECOND) * _TOKEN_BYTES if words else 0
    reply.text = " ".join(word.text for word in words)
    reply.finish_reason = "length"
    speech.chunks = (SpeechChunk(pcm[:end], words),) if words else ()


def _first_seconds(
    speaker: Pyttsx3Speaker, utterance: Utterance, seconds: float
) -> tuple[bytes, tuple[SpokenWord, ...]]:
    """Return the speech until its first chunk that ends after ``seconds``: its PCM and its words."""
    pcm, words = bytearray(), list[SpokenWord]()
    with failures_answered(), contextlib.closing(speaker.speak(utterance)) as chunks:
        for chunk in chunks:
            pcm += chunk.pcm
            words += chunk.words
            if len(pcm) > 2 * SPEECH_SAMPLE_RATE * seconds:
                break
    return bytes(pcm), tuple(words)


def _affordable(
    words: Iterable[SpokenWord], limit: int, vocabulary: tokens.Vocabulary
) -> Iterator[SpokenWord]:
    """Yield the first words, as many as fit into ``limit`` text and audio tokens."""
    written, space = 0, ""
    for word in words:
        written += tokens.count(space + word.text, vocabulary)
        space = " "
        if transcript_tokens(written) + math.ceil(word.end * OUTPUT_TOKENS_PER_SECOND) > limit:
            return
        yield word


def _whole_tokens(chunks: Iterable[SpeechChunk]) -> Iterator[SpeechChunk]:
    """Yield the speech, padded with silence to a whole number of audio tokens."""
    size = 0
    for chunk in chunks:
        size += len(chunk.pcm)
        yield chunk
    if size % _TOKEN_BYTES:
        yield SpeechChunk(bytes(_TOKEN_BYTES - size % _TOKEN_BYTES))

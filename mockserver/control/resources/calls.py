"""``/_mock/calls``: telephone calls of scripted callers, which ring at the code under test by a webhook."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

import flask

from mockserver.audio.decode import pcm_hasher
from mockserver.audio.encode import write_wav
from mockserver.control.operation import ControlError, NotFound
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, SpeechFailed, Utterance
from mockserver.engines.spoken import Spoken
from mockserver.engines.transcription import Word
from mockserver.telephone import ANSWERED, TelephoneError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.control.contexts import CallsContext
    from mockserver.control.operation import Call
    from mockserver.telephone import IncomingCall

_VOICE = "alloy"
_SILENCE = 1.0  # seconds after what a caller says, so that turn detection finds its end
_TIMEOUT = 10.0  # seconds that a call may ring before the caller speaks


def show_all(context: CallsContext, call: Call) -> dict[str, Any]:
    """Return the calls of the caller, or of all accounts."""
    return {"calls": [_shown(each) for each in context.telephone.calls(call.account_id)]}


def ring(context: CallsContext, call: Call) -> dict[str, Any]:
    """Make a call, and announce it by a webhook."""
    if call.account_id is None:
        raise ControlError("A call belongs to an account. Send the API key of the code that answers it.")
    body = call.body
    headers = [("From", body["from"]), ("To", body["to"]), *body.get("headers", {}).items()]
    incoming = context.telephone.ring(call.account_id, headers)
    context.webhooks.announce(call.account_id, *incoming.announcement)
    return _shown(incoming)


def remove_all(context: CallsContext, call: Call) -> dict[str, Any]:
    """End and forget the calls of the caller, or of all accounts."""
    context.telephone.reset(call.account_id)
    return show_all(context, call)


def show(context: CallsContext, call: Call) -> dict[str, Any]:
    """Return one call."""
    return _shown(_found(context, call))


def say(context: CallsContext, call: Call) -> dict[str, Any]:
    """Have the caller speak a text or play audio, when somebody has answered."""
    incoming, body = _found(context, call), call.body
    pcm = _pcm(context, body) + bytes(2 * int(body.get("silence", _SILENCE) * incoming.rate))
    connection = call.request.connection
    status = incoming.wait(
        body.get("timeout", _TIMEOUT), lambda: context.closing.is_set() or connection.has_hung_up
    )
    if status != ANSWERED:
        raise ControlError(f"Nobody is on the line: the call is {status}.")
    _do(lambda: incoming.say(pcm))
    return _shown(incoming)


def press(context: CallsContext, call: Call) -> dict[str, Any]:
    """Have the caller press keys."""
    incoming = _found(context, call)
    _do(lambda: incoming.press(call.body["digits"]))
    return _shown(incoming)


def hang_up(context: CallsContext, call: Call) -> dict[str, Any]:
    """Have the caller hang up."""
    incoming = _found(context, call)
    incoming.hang_up()
    return _shown(incoming)


def download_heard(context: CallsContext, call: Call) -> flask.Response:
    """Return what the caller has heard, as a wav file."""
    incoming = _found(context, call)
    return flask.Response(write_wav(incoming.heard, incoming.rate), content_type="audio/wav")


def _found(context: CallsContext, call: Call) -> IncomingCall:
    found = context.telephone.find(call.account_id, call.path["id"])
    if found is None:
        raise NotFound(f"Unknown call {call.path['id']!r}. GET /_mock/calls lists them.")
    return found


def _do(act: Callable[[], None]) -> None:
    try:
        act()
    except TelephoneError as error:
        raise ControlError(str(error)) from error


def _pcm(context: CallsContext, body: dict[str, Any]) -> bytes:
    """Return what the caller says, as 16-bit samples at 24 kHz. Raises ``ControlError``."""
    if "audio" in body:
        try:
            return base64.b64decode(body["audio"], validate=True)
        except binascii.Error as error:
            raise ControlError("audio: is no base64.") from error
    name = body.get("voice", _VOICE)
    voice = context.catalog.voice(name)
    if voice is None:
        raise ControlError(f"voice: unknown voice {name!r}.")
    try:
        return _spoken(context, Utterance(body["text"], voice))
    except SpeechFailed as error:
        raise ControlError(f"The text cannot be spoken: {error}") from error


def _spoken(context: CallsContext, utterance: Utterance) -> bytes:
    """Return speech, and remember its words, so that it is recognised. Raises ``SpeechFailed``."""
    chunks = list(context.speaker.speak(utterance))
    pcm = b"".join(chunk.pcm for chunk in chunks)
    words = tuple(Word(word.text, word.start, word.end) for chunk in chunks for word in chunk.words)
    digest = pcm_hasher(SPEECH_SAMPLE_RATE, 1)
    digest.update(pcm)
    context.spoken.remember(
        Spoken(words, context.speaker.language_of(utterance), len(pcm) / 2 / SPEECH_SAMPLE_RATE),
        sha256=hashlib.sha256(pcm).hexdigest(),
        pcm_sha256=digest.hexdigest(),
        pcm=pcm,
    )
    return pcm


def _shown(call: IncomingCall) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": call.id,
        "status": call.status,
        "created_at": call.created_at,
        "sip_headers": dict(call.sip_headers),
        "heard_seconds": round(len(call.heard) / 2 / call.rate, 3),
    }
    if call.status_code is not None:
        shown["status_code"] = call.status_code
    if call.target_uri:
        shown["target_uri"] = call.target_uri
    return shown

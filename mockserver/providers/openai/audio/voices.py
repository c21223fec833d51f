"""``/v1/audio/voices``: custom voices, and checks of the voice in a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.audio.voice_consents import check_consent
from mockserver.providers.openai.audio.voice_recordings import check_recording

if TYPE_CHECKING:
    from collections.abc import Set

    from mockserver.catalog.tables import Catalog
    from mockserver.providers.openai.contexts import AudioContext
    from mockserver.settings.model import Settings
    from mockserver.state.protocols import Documents

_KIND = "voice"


def check_request(context: AudioContext, call: Call) -> None:
    """Raise ``ApiError`` for a prompt's unknown model, an undocumented kind of sample or one that is too long, an
    unknown consent, and more voices than an organization can have.
    """
    documented, form = context.catalog.custom_voices, call.document
    if form.get("type") == "prompt":
        model = form.get("model", documented.prompt_models[0])
        if model not in documented.prompt_models:
            raise ApiError("model_not_found", model=model)
    else:
        check_recording(context.catalog, call, max_seconds=documented.sample_seconds)
        check_consent(context.store, call, form["consent"], param="consent")
    _check_room(context.catalog, context.store, call)


def create_voice(context: AudioContext, call: Call) -> Answer:
    """Create a voice. Its sound depends on its id alone, not on the sample."""
    form = call.document
    voice: dict[str, Any] = {
        "object": "audio.voice",
        "id": context.ids.voice_id(),
        "name": str(form.get("name", "")),
        "created_at": int(context.clock.now()),
        "type": form.get("type", "audio_sample"),
    }
    if voice["type"] == "prompt":
        voice["prompt"] = str(form.get("prompt", ""))

    def check() -> None:  # again, because other requests may have created voices since
        if call.strict:
            _check_room(context.catalog, context.store, call)

    context.store.put(_KIND, call.account.id, voice["id"], voice, check=check)
    return json_answer(voice)


def delete_voice(context: AudioContext, call: Call) -> Answer:
    """Delete a voice. Its consent remains."""
    voice_id = call.path["id"]
    if not context.store.remove(_KIND, call.account.id, voice_id) and call.strict:
        raise ApiError("voice_not_found", id=voice_id)
    return json_answer({"id": voice_id, "object": "audio.voice.deleted", "deleted": True})


def speaking_voices(store: Documents, call: Call) -> Set[str]:
    """Return the ids of the account's custom voices that speech and chat can use: those created from samples."""
    created = store.values(_KIND, call.account.id)
    return _configured(call.settings) | {voice["id"] for voice in created if voice["type"] == "audio_sample"}


def check_speaks(store: Documents, call: Call, voice: object, *, param: str) -> None:
    """Raise ``ApiError`` if ``voice`` is ``{"id": ...}`` of a voice that the account does not have or that cannot
    speak; ``param`` is its place in the request.
    """
    if not isinstance(voice, dict) or voice["id"] in _configured(call.settings):
        return
    known = store.get(_KIND, call.account.id, voice["id"])
    if known is None:
        raise ApiError("voice_not_found", id=voice["id"], param=param)
    if known["type"] == "prompt":
        raise ApiError("voice_of_prompt", id=voice["id"], param=param)


def _check_room(catalog: Catalog, store: Documents, call: Call) -> None:
    """Raise ``ApiError`` if the organization has the maximum of voices in all of its projects together."""
    maximum = catalog.custom_voices.max_voices
    projects = (account for account, _, _ in store.all(_KIND))
    if sum(account.partition("/")[0] == call.account.organization for account in projects) >= maximum:
        raise ApiError("voice_limit_reached", most=maximum)


def _configured(settings: Settings) -> Set[str]:
    """Return the ids in the setting ``custom_voices``, which are voices of every account."""
    return {each.strip() for each in settings.custom_voices.split(",")} - {""}

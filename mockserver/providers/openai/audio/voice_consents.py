"""``/v1/audio/voice_consents``: recordings in which speakers consent to the creation of a custom voice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.audio.voice_recordings import check_recording
from mockserver.providers.openai.pages import Paging, page

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import AudioContext
    from mockserver.state.protocols import Documents

_KIND = "voice_consent"
_PAGES = Paging("openai/voice_consent_page.query", missing="voice_consent_not_found")
_LANGUAGE_TAG = re.compile(r"([A-Za-z]{2,3})(-[A-Za-z0-9]{1,8})*")  # BCP 47
_EXAMPLE_CREATED = 1_686_935_002

Consent = dict[str, Any]


def check_request(context: AudioContext, call: Call) -> None:
    """Raise ``ApiError`` for a language without a consent phrase, or an undocumented kind of recording."""
    languages, given = context.catalog.custom_voices.consent_languages, call.document["language"]
    tag = _LANGUAGE_TAG.fullmatch(given)
    if tag is None or tag[1].lower() not in languages:
        raise ApiError("voice_consent_language", language=given, supported=", ".join(languages))
    check_recording(context.catalog, call)


def create_consent(context: AudioContext, call: Call) -> Answer:
    """Store the consent. The recording itself is not stored, because no call returns it."""
    name, language = (str(call.document.get(field, "")) for field in ("name", "language"))
    consent = _consent(context.ids.consent_id(), name, language, int(context.clock.now()))
    context.store.put(_KIND, call.account.id, consent["id"], consent)
    return json_answer(consent)


def list_consents(context: AudioContext, call: Call) -> Answer:
    """Return a page of the account's consents."""
    return json_answer(
        page(context.request_schemas, call, context.store.values(_KIND, call.account.id), _PAGES)
    )


def retrieve_consent(context: AudioContext, call: Call) -> Answer:
    """Return one consent."""
    consent = context.store.get(_KIND, call.account.id, call.path["id"])
    return json_answer(consent or _example(call))


def update_consent(context: AudioContext, call: Call) -> Answer:
    """Rename a consent."""
    named = {"name": call.document["name"]} if "name" in call.document else {}
    changed = context.store.update(_KIND, call.account.id, call.path["id"], lambda consent: consent | named)
    return json_answer(changed or _example(call) | named)


def delete_consent(context: AudioContext, call: Call) -> Answer:
    """Delete a consent. The voices that were created with it remain."""
    consent_id = call.path["id"]
    if not context.store.remove(_KIND, call.account.id, consent_id) and call.strict:
        raise ApiError("voice_consent_not_found", id=consent_id)
    return json_answer({"id": consent_id, "object": "audio.voice_consent", "deleted": True})


def check_consent(store: Documents, call: Call, consent_id: str, *, param: str) -> None:
    """Raise ``ApiError`` unless the account has the consent; ``param`` is its place in the request."""
    if store.get(_KIND, call.account.id, consent_id) is None:
        raise ApiError("voice_consent_not_found", id=consent_id, param=param)


def _consent(consent_id: str, name: str, language: str, created_at: int) -> Consent:
    return {
        "object": "audio.voice_consent",
        "id": consent_id,
        "name": name,
        "language": language,
        "created_at": created_at,
    }


def _example(call: Call) -> Consent:
    """Return the example that strictness ``schema`` answers for an unknown id. Raises ``ApiError`` in ``real``."""
    if call.strict:
        raise ApiError("voice_consent_not_found", id=call.path["id"])
    return _consent(call.path["id"], "Example", "en-US", _EXAMPLE_CREATED)

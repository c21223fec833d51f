"""``POST /v1/moderations``: judgements of texts and images, all of which are harmless unless a stub says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mockserver import json_styles
from mockserver.engines.answered_by import AnsweredBy
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.given_texts import texts_of
from mockserver.providers.openai.image_urls import check_image_url
from mockserver.wire.moderation import judgement

if TYPE_CHECKING:
    from mockserver.catalog.records import ModerationRules
    from mockserver.providers.openai.contexts import ModerationsContext

_ANSWERED_BY = AnsweredBy("moderation")


def check_request(context: ModerationsContext, call: Call) -> None:
    """Raise ``ApiError`` for images that the model does not judge, or that could not be downloaded."""
    rules, images = _rules(call), _images(call.document)
    if images and not rules.of_images:
        raise ApiError("moderation_no_images")
    if len(images) > rules.max_images:
        raise ApiError("moderation_too_many_images", given=len(images), most=rules.max_images)
    for image in images:
        check_image_url(context.url_sources, image["image_url"]["url"])


def create_moderation(context: ModerationsContext, call: Call) -> Answer:
    """Judge each string on its own, or all parts together."""
    assert call.model is not None
    rules, body = _rules(call), call.document
    texts, images = texts_of(body), _images(body)
    items = body.get("input")
    together = isinstance(items, list) and any(isinstance(item, dict) for item in items)
    judged = ["\n".join(texts)] if together or not isinstance(items, list) else texts
    flagged = call.scripted.flagged.get("input", ()) if call.scripted else ()
    types = _types(rules, has_text=bool(texts) or not together, has_image=bool(images))
    asked = str(body.get("model") or call.operation.default_model)
    document = {
        "id": context.ids.moderation_id(short=bool(rules.of_images)),
        "model": rules.answers_as or asked,
        "results": [judgement(text, rules.categories, flagged, types) for text in judged],
    }
    answered_by = call.scripted.answered_by if call.scripted else _ANSWERED_BY
    written = msgspec.json.format(json_styles.streamed(document), indent=2)
    return Answer(written, "application/json", answered_by)


def _rules(call: Call) -> ModerationRules:
    assert call.model is not None
    assert call.model.moderation is not None
    return call.model.moderation


def _images(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts that are images."""
    items = body.get("input")
    parts = items if isinstance(items, list) else ()
    return [part for part in parts if isinstance(part, dict) and part.get("type") == "image_url"]


def _types(rules: ModerationRules, *, has_text: bool, has_image: bool) -> dict[str, list[str]] | None:
    """Return the types of input that each category is judged in; ``None`` for a model of texts only."""
    if not rules.of_images:
        return None
    text, image = ["text"] if has_text else [], ["image"] if has_image else []
    return {name: [*text, *(image if name in rules.of_images else ())] for name in rules.categories}

"""The table of response formats agrees with everything else that names them."""

from __future__ import annotations

import pytest

from mockserver.catalog.tables import Catalog
from mockserver.cli import main
from mockserver.engines.transcription import Segment, Task
from mockserver.providers.openai.audio.formats import FORMATS, Transcript, format_of
from mockserver.validation.schemas import Schemas

TRANSCRIPT = Transcript((Segment("Hello.", 0.0, 1.5),), 2.0, "translate", "english", 0.0)


@pytest.mark.parametrize(
    ("schema", "task"), [("create_transcription", "transcribe"), ("create_translation", "translate")]
)
def test_a_schema_allows_the_formats_of_its_task(schemas: Schemas, schema: str, task: Task) -> None:
    response_format = schemas.properties(f"openai/{schema}.request")["response_format"]
    assert response_format["enum"] == [name for name, each in FORMATS.items() if task in each.tasks]


def test_the_formats_of_every_model_are_known() -> None:
    named = {
        name for card in Catalog().models if (rules := card.transcription) for name in rules.response_formats
    }
    assert named == set(FORMATS)


def test_the_command_line_offers_every_format() -> None:
    (option,) = (each for each in main.commands["transcribe"].params if each.name == "response_format")
    assert list(option.type.choices) == list(FORMATS)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "content_type", "body"),
    [
        ("json", "application/json", b'{"text":"Hello."}'),
        ("text", "text/plain; charset=utf-8", b"Hello.\n"),
        ("srt", "text/plain; charset=utf-8", b"1\n00:00:00,000 --> 00:00:01,500\nHello.\n\n\n"),
        ("vtt", "text/plain; charset=utf-8", b"WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello.\n\n"),
        ("diarized_json", "application/json", b'{"text":"Hello."}'),  # which translations lack
        ("braille", "application/json", b'{"text":"Hello."}'),
    ],
)
def test_a_transcript_is_rendered_in_its_format(name: str, content_type: str, body: bytes) -> None:
    response_format = format_of(name, "translate")
    assert (response_format.content_type, response_format.render(TRANSCRIPT)) == (content_type, body)

"""Reports missing or damaged parts of the installation when a server starts; ``doctor`` reports more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.app import OPERATIONS
from mockserver.catalog.reading import CatalogError, read_table
from mockserver.engines.espeak.driver import check_installed
from mockserver.engines.speech import SpeechFailed
from mockserver.engines.transcription import EngineFailed
from mockserver.engines.whisper.models import check_complete, embedded_model
from mockserver.installation import (
    GONE,
    broken_part,
    complaint_about,
    incomplete_distributions,
    missing_parts,
    own_damage,
)

if TYPE_CHECKING:
    from mockserver.engines.transcription import Whisper
    from mockserver.validation.schemas import Schemas

PACKAGE = Path(__file__).parents[1]
# All tables are listed, so that a missing one is reported.
_CATALOG_TABLES = """
    accepted_drift aimlapi_errors audio azure azure_errors batch_errors drift embedding error_examples errors headers
    instructions languages languages_text listings namesake_variables openai_paths proxy_headers realtime response_items
    response_output response_tools secret_names special_addresses structured_outputs templates tiers tokens voices
    webhooks
    models/1-speech-to-text models/2-text-to-speech models/3-chat-with-audio models/4-chat models/5-reasoning
    models/6-other-endpoints models/7-realtime models/8-embeddings-and-others
"""
TABLES = (
    *(f"catalog/{name}.toml" for name in _CATALOG_TABLES.split()),
    "agents/tools.toml",
    "control/operations.toml",
    "reproducing/faults.toml",
    "reproducing/sdk_calls.toml",
    "telemetry/operations.toml",
)
_REFUSED = "Requests that need it are answered with a 503. `mockserver doctor` reports more."


def missing(whisper: Whisper | None, schemas: Schemas) -> Iterator[str]:
    """Yield a message about each missing part. Reads no files."""
    for part in missing_parts():
        yield f"{complaint_about(part, GONE)}. {_REFUSED}"
    try:
        check_installed()
    except SpeechFailed as error:
        yield f"Speech cannot be synthesized: {error}. {_REFUSED}"
    try:
        if whisper is not None and whisper.is_in(embedded_model()):
            check_complete(embedded_model())
    except EngineFailed as error:
        yield f"The embedded Whisper model is damaged: {error}. {_REFUSED}"
    required = {operation.schema for operation in OPERATIONS if operation.schema}
    if names := sorted(required - schemas.names):
        yield f"{own_damage('schemas are missing: ' + ', '.join(names))}. {_REFUSED}"


def damaged() -> Iterator[str]:
    """Yield a message about each part with missing or truncated files, and about each unreadable table."""
    for complaint in incomplete_distributions():
        yield f"{complaint}. {_REFUSED}"
    for table in TABLES:
        try:
            read_table(PACKAGE / table)
        except CatalogError as error:
            yield f"{broken_part(error)}. {_REFUSED}"

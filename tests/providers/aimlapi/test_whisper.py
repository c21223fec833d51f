"""Jobs whose audio must be transcribed by Whisper."""

from __future__ import annotations

import pytest

from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.providers.aimlapi.conftest import ASSEMBLYAI, DEEPGRAM, Stt

pytestmark = pytest.mark.slow


def test_whisper_listens_in_the_background(
    whisper_server: MockServer, schemas: Schemas, silence: tuple[str, bytes]
) -> None:
    stt = Stt(whisper_server.account(), schemas)
    for model in (DEEPGRAM, ASSEMBLYAI):
        job = stt.upload(silence, model=model, diarize="true", speaker_labels="true")
        stt.becomes(job, "completed")
        assert stt.get(job).headers["x-mock-answered-by"].startswith("whisper")

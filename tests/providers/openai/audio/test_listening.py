"""The common part of transcriptions and translations."""

from __future__ import annotations

from werkzeug.test import create_environ

from mockserver.app import services_of
from mockserver.audio.clip import Clip
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.transcription import TranscriptionOptions
from mockserver.pipeline.adapters.wsgi_adapter import request_of
from mockserver.pipeline.call import Call
from mockserver.pipeline.request_audio import RequestAudio
from mockserver.providers.openai import routes
from mockserver.providers.openai.audio.listening import listen
from mockserver.testing.mock_server import MockServer
from mockserver.transport.bodies import BodyReader


def test_waiting_for_whisper_holds_no_place_of_a_large_body(
    server: MockServer, silence: tuple[str, bytes]
) -> None:
    bodies = BodyReader(1 << 30, timeout=0, memory=1 << 20)
    slot = bodies.slot()
    slot.take(1 << 20)
    services = services_of(server.app)
    call = Call(
        request_of(create_environ(method="POST")),
        routes.CREATE_TRANSCRIPTION,
        services.settings,
        services.accounts.authenticate("sk-mock-me"),
        slot,
        path={},
        audio=RequestAudio(services.transcribers, 60.0, lambda: None),
        model=services.catalog.model("whisper-1"),
    )
    name, data = silence
    assert listen(call, Clip(data, name, 60.0), TranscriptionOptions()).answered_by == AnsweredBy(
        "placeholder"
    )
    bodies.slot().take(1 << 20)

"""`/v1/audio/voice_consents`, through the official SDK."""

from __future__ import annotations

import openai
import pytest
from openai.types.audio import VoiceConsent

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.audio.containers import FILE_TYPES, encode, tone
from tests.conftest import FIXTURES

HELLO = FIXTURES / "hello.wav"
TYPES = "audio/mpeg, audio/wav, audio/x-wav, audio/ogg, audio/aac, audio/flac, audio/webm, audio/mp4"


def consent(client: openai.OpenAI, name: str = "Jane Doe", language: str = "en-US") -> VoiceConsent:
    return client.audio.voice_consents.create(name=name, language=language, recording=HELLO)


def refusal(error: openai.APIStatusError) -> tuple[int, str, str | None, str | None]:
    return error.status_code, error.body["message"], error.param, error.code  # type: ignore[index]


def test_an_uploaded_consent_can_be_retrieved_renamed_and_deleted(client: openai.OpenAI) -> None:
    created = consent(client)
    assert (created.object, created.name, created.language) == ("audio.voice_consent", "Jane Doe", "en-US")
    assert created.id.startswith("cons_")
    assert client.audio.voice_consents.retrieve(created.id) == created
    renamed = client.audio.voice_consents.update(created.id, name="Jane")
    assert renamed.to_dict() == created.to_dict() | {"name": "Jane"}
    assert client.audio.voice_consents.retrieve(created.id) == renamed
    deleted = client.audio.voice_consents.delete(created.id)
    assert deleted.to_dict() == {"id": created.id, "object": "audio.voice_consent", "deleted": True}
    assert client.audio.voice_consents.list().data == []


def test_the_newest_consents_come_first_page_by_page(client: openai.OpenAI) -> None:
    ids = [consent(client, f"Take {number}").id for number in range(5)][::-1]
    page = client.audio.voice_consents.list(limit=2)
    assert ([each.id for each in page.data], page.has_more) == (ids[:2], True)
    last = client.audio.voice_consents.list(limit=2, after=ids[3])
    assert ([each.id for each in last.data], last.has_more) == (ids[4:], False)
    assert [each.id for each in client.audio.voice_consents.list(limit=2)] == ids


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_holds_1_to_100_consents(client: openai.OpenAI, limit: int) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.voice_consents.list(limit=limit)
    assert caught.value.param == "limit"


@pytest.mark.parametrize("method", ["retrieve", "delete", "update"])
def test_an_unknown_consent_is_not_found(client: openai.OpenAI, method: str) -> None:
    call = getattr(client.audio.voice_consents, method)
    with pytest.raises(openai.NotFoundError) as caught:
        call("cons_1234", **({"name": "x"} if method == "update" else {}))
    assert refusal(caught.value) == (404, "No voice consent found with id 'cons_1234'.", None, None)


def test_an_account_has_its_own_consents_only(client: openai.OpenAI, server: MockServer) -> None:
    created = consent(client)
    stranger = server.account().client
    assert stranger.audio.voice_consents.list().data == []
    with pytest.raises(openai.NotFoundError):
        stranger.audio.voice_consents.retrieve(created.id)


@pytest.mark.parametrize("language", ["en", "en-US", "EN-us", "zh-Hant-TW", "vi"])
def test_a_language_is_a_tag_with_or_without_a_region(client: openai.OpenAI, language: str) -> None:
    assert consent(client, language=language).language == language


@pytest.mark.parametrize("language", ["sv-SE", "english", "en_US", "", "e", "en-"])
def test_a_language_without_a_consent_phrase_is_refused(client: openai.OpenAI, language: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        consent(client, language=language)
    known = "de, en, es, fr, hi, id, it, ja, ko, nl, pl, pt, ru, uk, vi, zh"
    message = f"Invalid language: '{language}'. There is a consent phrase for these languages: {known}."
    assert refusal(caught.value) == (400, message, "language", "invalid_value")


@pytest.mark.parametrize("missing", ["name", "language", "recording"])
def test_a_missing_field_is_required(client: openai.OpenAI, missing: str) -> None:
    form = {"name": "Jane", "language": "en", "recording": HELLO, missing: openai.omit}
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.voice_consents.create(**form)  # type: ignore[arg-type]
    message = f"Missing required parameter: '{missing}'."
    assert refusal(caught.value) == (400, message, missing, "missing_required_parameter")


@pytest.mark.parametrize("file_type", sorted(FILE_TYPES))
def test_every_container_is_really_decoded(client: openai.OpenAI, file_type: str) -> None:
    recording = encode(tone(0.5), file_type)
    created = client.audio.voice_consents.create(name="Jane", language="en", recording=recording)
    assert created.name == "Jane"


@pytest.mark.parametrize("recording", [b"", b"RIFF\x10\0\0\0WAVEnothing.", b"These are words."])
def test_what_is_no_audio_is_refused(client: openai.OpenAI, recording: bytes) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.voice_consents.create(name="Jane", language="en", recording=("a.wav", recording))
    message = f"The file is not audio that can be decoded. Supported types are: {TYPES}."
    assert refusal(caught.value) == (400, message, "recording", "invalid_value")


@pytest.mark.parametrize("content_type", ["text/plain", "audio/aiff", "video/mp4"])
def test_a_type_that_is_not_documented_is_refused(client: openai.OpenAI, content_type: str) -> None:
    recording = ("consent", HELLO.read_bytes(), content_type)
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.voice_consents.create(name="Jane", language="en", recording=recording)
    message = f"Invalid file type: '{content_type}'. Supported types are: {TYPES}."
    assert refusal(caught.value) == (400, message, "recording", "unsupported_value")


def test_a_recording_may_have_10_mebibytes(client: openai.OpenAI) -> None:
    data = HELLO.read_bytes()
    most = data + bytes((10 << 20) - len(data))
    client.audio.voice_consents.create(name="Jane", language="en", recording=("a.wav", most, "audio/wav"))
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.voice_consents.create(name="Jane", language="en", recording=("a.wav", most + b"\0"))
    message = "The file has 10485761 bytes; a recording may have at most 10485760."
    assert refusal(caught.value) == (413, message, "recording", None)


def test_answers_satisfy_the_documented_schema(client: openai.OpenAI, schemas: Schemas) -> None:
    resource = client.audio.voice_consents
    created = consent(client).to_dict()
    assert schemas.violations("openai/voice_consent.response", created) == []
    page = resource.with_raw_response.list().http_response.json()
    assert schemas.violations("openai/voice_consent_list.response", page) == []
    deleted = resource.delete(str(created["id"])).to_dict()
    assert schemas.violations("openai/voice_consent_deleted.response", deleted) == []


def test_strictness_schema_takes_any_recording_and_language_and_knows_every_consent(
    client: openai.OpenAI, schemas: Schemas
) -> None:
    lenient = client.with_options(default_headers={"x-mock-strictness": "schema"}).audio.voice_consents
    assert lenient.create(name="Jane", language="any", recording=b"Example data").language == "any"
    for answer in (lenient.retrieve("cons_1234"), lenient.update("cons_1234", name="Joe")):
        assert schemas.violations("openai/voice_consent.response", answer.to_dict()) == []
    assert lenient.update("cons_1234", name="Joe").name == "Joe"
    assert lenient.delete("cons_1234").deleted


def test_the_journal_has_the_facts_of_the_recording(client: openai.OpenAI, api: AudioApi) -> None:
    consent(client)
    (entry,) = api.journal
    assert entry["endpoint"] == "create_voice_consent"
    assert entry["request"] == {"name": "Jane Doe", "language": "en-US", "recording": ""}
    (audio,) = entry["audio"]
    assert (audio["file"], audio["container"]) == ("hello.wav", "wav")
    assert audio["duration"] == pytest.approx(2.0, abs=0.3)


def test_stubs_and_faults_know_consents_by_their_operation(client: openai.OpenAI, api: AudioApi) -> None:
    api.on("create_voice_consent", file="hello.wav").fail("voice_consent_phrase")
    with pytest.raises(openai.BadRequestError, match="does not contain the consent phrase"):
        consent(client)
    api.fail_next("server_error", endpoint="list_voice_consents")
    with pytest.raises(openai.InternalServerError):
        client.audio.voice_consents.list()
    assert client.audio.voice_consents.list().data == []

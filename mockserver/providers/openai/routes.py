"""Every endpoint of OpenAI's API that is served: what the pipeline must know of it, and which function answers it."""

from __future__ import annotations

from mockserver.limits.estimate import chat_images, chat_tokens, speech_tokens, transcription_tokens
from mockserver.pipeline.handlers import routes_of
from mockserver.pipeline.operation import Operation
from mockserver.transport.streamed_forms import FileField

CREATE_TRANSCRIPTION = Operation(
    "create_transcription",
    "POST",
    "/audio/transcriptions",
    body="multipart",
    schema="openai/create_transcription.request",
    endpoint="v1/audio/transcriptions",
    explains="pydantic",
    estimate=transcription_tokens,
    rules="audio.transcriptions.check_request",
)
CREATE_TRANSLATION = Operation(
    "create_translation",
    "POST",
    "/audio/translations",
    body="multipart",
    schema="openai/create_translation.request",
    endpoint="v1/audio/translations",
    explains="pydantic",
    estimate=transcription_tokens,
    rules="audio.translations.check_request",
)
CREATE_SPEECH = Operation(
    "create_speech",
    "POST",
    "/audio/speech",
    body="json",
    schema="openai/create_speech.request",
    endpoint="v1/audio/speech",
    explains="pydantic",
    reads_texts=True,
    estimate=speech_tokens,
    tells_tokens=True,
    rules="audio.speech.check_request",
)
CREATE_CHAT_COMPLETION = Operation(
    "create_chat_completion",
    "POST",
    "/chat/completions",
    body="json",
    schema="openai/create_chat_completion.request",
    endpoint="v1/chat/completions",
    estimate=chat_tokens,
    images=chat_images,
    tells_tokens=True,
    rules="chat.completions.check_request",
)
UPDATE_CHAT_COMPLETION = Operation(
    "update_chat_completion",
    "POST",
    "/chat/completions/<id>",
    body="json",
    schema="openai/chat_completion_update.request",
)
# Sizes are those of the API reference, Upload file and Add upload part.
UPLOADED_FILE = FileField("file", most=512 << 20, error="file_too_large")
UPLOAD_PART = FileField("data", most=64 << 20, error="upload_part_too_large")
CREATE_FILE = Operation(
    "create_file",
    "POST",
    "/files",
    schema="openai/create_file.request",
    file_field=UPLOADED_FILE,
    explains="files",
)
CREATE_UPLOAD = Operation(
    "create_upload", "POST", "/uploads", body="json", schema="openai/create_upload.request"
)
ADD_UPLOAD_PART = Operation(
    "add_upload_part",
    "POST",
    "/uploads/<id>/parts",
    schema="openai/add_upload_part.request",
    file_field=UPLOAD_PART,
)
COMPLETE_UPLOAD = Operation(
    "complete_upload",
    "POST",
    "/uploads/<id>/complete",
    body="json",
    schema="openai/complete_upload.request",
)
CREATE_VOICE_CONSENT = Operation(
    "create_voice_consent",
    "POST",
    "/audio/voice_consents",
    body="multipart",
    schema="openai/create_voice_consent.request",
    audio_field="recording",
    rules="audio.voice_consents.check_request",
)
UPDATE_VOICE_CONSENT = Operation(
    "update_voice_consent",
    "POST",
    "/audio/voice_consents/<id>",
    body="json",
    schema="openai/update_voice_consent.request",
)
CREATE_VOICE = Operation(
    "create_voice",
    "POST",
    "/audio/voices",
    body="either",
    schema="openai/create_voice.request",
    audio_field="audio_sample",
    rules="audio.voices.check_request",
)
CREATE_BATCH = Operation(
    "create_batch", "POST", "/batches", body="json", schema="openai/create_batch.request"
)

# The functions are named by module and name below this package, and imported at their first call.
_HANDLERS: tuple[tuple[Operation, str], ...] = (
    (CREATE_TRANSCRIPTION, "audio.transcriptions.create_transcription"),
    (CREATE_TRANSLATION, "audio.translations.create_translation"),
    (CREATE_SPEECH, "audio.speech.create_speech"),
    (CREATE_CHAT_COMPLETION, "chat.completions.create_chat_completion"),
    (Operation("list_chat_completions", "GET", "/chat/completions"), "chat.stored.list_completions"),
    (
        Operation("retrieve_chat_completion", "GET", "/chat/completions/<id>"),
        "chat.stored.retrieve_completion",
    ),
    (
        Operation("list_chat_completion_messages", "GET", "/chat/completions/<id>/messages"),
        "chat.stored.list_messages",
    ),
    (UPDATE_CHAT_COMPLETION, "chat.stored.update_completion"),
    (
        Operation("delete_chat_completion", "DELETE", "/chat/completions/<id>"),
        "chat.stored.delete_completion",
    ),
    (CREATE_VOICE_CONSENT, "audio.voice_consents.create_consent"),
    (Operation("list_voice_consents", "GET", "/audio/voice_consents"), "audio.voice_consents.list_consents"),
    (
        Operation("retrieve_voice_consent", "GET", "/audio/voice_consents/<id>"),
        "audio.voice_consents.retrieve_consent",
    ),
    (UPDATE_VOICE_CONSENT, "audio.voice_consents.update_consent"),
    (
        Operation("delete_voice_consent", "DELETE", "/audio/voice_consents/<id>"),
        "audio.voice_consents.delete_consent",
    ),
    (CREATE_VOICE, "audio.voices.create_voice"),
    (Operation("delete_voice", "DELETE", "/audio/voices/<id>"), "audio.voices.delete_voice"),
    (CREATE_FILE, "files.create_file"),
    (Operation("list_files", "GET", "/files"), "files.list_files"),
    (Operation("retrieve_file", "GET", "/files/<id>"), "files.retrieve_file"),
    (Operation("delete_file", "DELETE", "/files/<id>"), "files.delete_file"),
    (Operation("download_file", "GET", "/files/<id>/content"), "files.download_file"),
    (CREATE_UPLOAD, "uploads.create_upload"),
    (ADD_UPLOAD_PART, "uploads.add_upload_part"),
    (COMPLETE_UPLOAD, "uploads.complete_upload"),
    (Operation("cancel_upload", "POST", "/uploads/<id>/cancel"), "uploads.cancel_upload"),
    (CREATE_BATCH, "batches.create_batch"),
    (Operation("list_batches", "GET", "/batches"), "batches.list_batches"),
    (Operation("retrieve_batch", "GET", "/batches/<id>"), "batches.retrieve_batch"),
    (Operation("cancel_batch", "POST", "/batches/<id>/cancel"), "batches.cancel_batch"),
    (Operation("list_models", "GET", "/models"), "models.list_models"),
    (Operation("retrieve_model", "GET", "/models/<path:id>"), "models.retrieve_model"),
    (Operation("delete_model", "DELETE", "/models/<path:id>"), "models.delete_model"),
    (
        Operation("list_project_rate_limits", "GET", "/organization/projects/<project_id>/rate_limits"),
        "rate_limits.list_rate_limits",
    ),
)


ROUTES = routes_of(__package__, _HANDLERS)

# What batches can be for, by the path that they name.
BATCH_OPERATIONS = {f"/v1{operation.path}": operation for operation in (CREATE_CHAT_COMPLETION,)}

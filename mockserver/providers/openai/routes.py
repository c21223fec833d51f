"""The table of the operations of OpenAI's API that are served.

Handlers and rules are named as ``module.function`` below this package, and imported at the first call.
"""

from __future__ import annotations

from functools import partial

from mockserver.catalog.paths import WEBSOCKET
from mockserver.limits.costs import (
    chat_cost,
    realtime_cost,
    response_cost,
    speech_cost,
    texts_cost,
    transcription_cost,
)
from mockserver.limits.estimate import (
    chat_images,
    chat_tokens,
    completion_tokens,
    embedding_inputs,
    embedding_tokens,
    moderation_tokens,
    response_tokens,
    speech_tokens,
    transcription_tokens,
)
from mockserver.pipeline.operation import Operation
from mockserver.providers.openai import refusals
from mockserver.providers.openai.chat.document import ChatDocument
from mockserver.providers.openai.given_texts import PartsDocument, TextsDocument
from mockserver.providers.openai.responses.requests.facts import ResponseDocument
from mockserver.transport.streamed_forms import FileField
from mockserver.wire import responses, sse

_TRANSCRIPTS = frozenset({"text", "segments", "words", "logprobs"})  # reply kinds of stubs

# Sizes are those of the API reference, Upload file and Add upload part.
_UPLOADED_FILE = FileField("file", max_bytes=512 << 20, error="file_too_large")
_UPLOAD_PART = FileField("data", max_bytes=64 << 20, error="upload_part_too_large")

# An endpoint below ``/v1/audio``.
_audio = partial(Operation, refuses=refusals.AUDIO, event=sse.scripted_of_audio)

CREATE_TRANSCRIPTION = _audio(
    "create_transcription",
    "POST",
    "/audio/transcriptions",
    body="multipart",
    schema="openai/create_transcription.request",
    endpoint="v1/audio/transcriptions",
    explains="pydantic",
    estimate=transcription_tokens,
    cost=transcription_cost,
    reply_kinds=_TRANSCRIPTS,
    from_request=True,
    handler="audio.transcriptions.create_transcription",
    rules="audio.transcriptions.check_request",
)
CREATE_CHAT_COMPLETION = Operation(
    "create_chat_completion",
    "POST",
    "/chat/completions",
    body="json",
    schema="openai/create_chat_completion.request",
    endpoint="v1/chat/completions",
    estimate=chat_tokens,
    cost=chat_cost,
    reads=ChatDocument,
    reply_kinds=frozenset({"text", "say", "audio", "tool_calls"}),
    images=chat_images,
    has_token_headers=True,
    from_request=True,
    handler="chat.completions.create_chat_completion",
    rules="chat.completions.check_request",
)
# An endpoint below ``/v1/responses`` or ``/v1/conversations``.
_response = partial(Operation, explains="responses", refuses=refusals.RESPONSES)

CREATE_RESPONSE = _response(
    "create_response",
    "POST",
    "/responses",
    body="json",
    schema="openai/create_response.request",
    endpoint="v1/responses",
    model_last=True,
    estimate=response_tokens,
    cost=response_cost,
    reads=ResponseDocument,
    recalls="responses.chains.earlier_user_text",
    reply_kinds=frozenset({"text", "say", "tool_calls", "items", "failure"}),
    has_token_headers=True,
    failure=responses.failure,
    handler="responses.create.create_response",
    rules="responses.refusals.rules.check_request",
)
CREATE_EMBEDDING = Operation(
    "create_embedding",
    "POST",
    "/embeddings",
    body="json",
    schema="openai/create_embedding.request",
    endpoint="v1/embeddings",
    explains="python",
    estimate=embedding_tokens,
    inputs=embedding_inputs,
    cost=texts_cost,
    reads=TextsDocument,
    reply_kinds=frozenset({"text", "embedding"}),
    has_token_headers=True,
    wrong_model=refusals.wrong_for_embeddings,
    from_request=True,
    handler="embeddings.create_embedding",
    rules="embeddings.check_request",
)
CREATE_MODERATION = Operation(
    "create_moderation",
    "POST",
    "/moderations",
    body="json",
    schema="openai/create_moderation.request",
    endpoint="v1/moderations",
    refuses=refusals.BEARER,
    estimate=moderation_tokens,
    reads=PartsDocument,
    reply_kinds=frozenset({"flagged"}),
    has_limit_headers=False,
    default_model="omni-moderation-latest",
    wrong_model=refusals.wrong_for_moderations,
    from_request=True,
    handler="moderations.create_moderation",
    rules="moderations.check_request",
)
CREATE_COMPLETION = Operation(
    "create_completion",
    "POST",
    "/completions",
    body="json",
    schema="openai/create_completion.request",
    endpoint="v1/completions",
    explains="python",
    estimate=completion_tokens,
    cost=texts_cost,
    reads=TextsDocument,
    reply_kinds=frozenset({"text", "say"}),
    has_token_headers=True,
    wrong_model=refusals.wrong_for_completions,
    from_request=True,
    handler="completions.create_completion",
    rules="completions.check_request",
)

AUDIO = (
    CREATE_TRANSCRIPTION,
    _audio(
        "create_translation",
        "POST",
        "/audio/translations",
        body="multipart",
        schema="openai/create_translation.request",
        endpoint="v1/audio/translations",
        explains="pydantic",
        estimate=transcription_tokens,
        cost=transcription_cost,
        reply_kinds=_TRANSCRIPTS,
        from_request=True,
        handler="audio.translations.create_translation",
        rules="audio.translations.check_request",
    ),
    _audio(
        "create_speech",
        "POST",
        "/audio/speech",
        body="json",
        schema="openai/create_speech.request",
        endpoint="v1/audio/speech",
        explains="pydantic",
        reads_texts=True,
        estimate=speech_tokens,
        cost=speech_cost,
        gives=frozenset({"sound"}),
        reply_kinds=frozenset({"text", "say", "audio"}),
        has_token_headers=True,
        handler="audio.speech.create_speech",
        rules="audio.speech.check_request",
    ),
    _audio(
        "create_voice_consent",
        "POST",
        "/audio/voice_consents",
        body="multipart",
        schema="openai/create_voice_consent.request",
        audio_field="recording",
        handler="audio.voice_consents.create_consent",
        rules="audio.voice_consents.check_request",
    ),
    _audio(
        "list_voice_consents", "GET", "/audio/voice_consents", handler="audio.voice_consents.list_consents"
    ),
    _audio(
        "retrieve_voice_consent",
        "GET",
        "/audio/voice_consents/<id>",
        handler="audio.voice_consents.retrieve_consent",
    ),
    _audio(
        "update_voice_consent",
        "POST",
        "/audio/voice_consents/<id>",
        body="json",
        schema="openai/update_voice_consent.request",
        handler="audio.voice_consents.update_consent",
    ),
    _audio(
        "delete_voice_consent",
        "DELETE",
        "/audio/voice_consents/<id>",
        handler="audio.voice_consents.delete_consent",
    ),
    _audio(
        "create_voice",
        "POST",
        "/audio/voices",
        body="either",
        schema="openai/create_voice.request",
        audio_field="audio_sample",
        handler="audio.voices.create_voice",
        rules="audio.voices.check_request",
    ),
    _audio("delete_voice", "DELETE", "/audio/voices/<id>", handler="audio.voices.delete_voice"),
)

CHAT = (
    CREATE_CHAT_COMPLETION,
    Operation("list_chat_completions", "GET", "/chat/completions", handler="chat.stored.list_completions"),
    Operation(
        "retrieve_chat_completion", "GET", "/chat/completions/<id>", handler="chat.stored.retrieve_completion"
    ),
    Operation(
        "list_chat_completion_messages",
        "GET",
        "/chat/completions/<id>/messages",
        handler="chat.stored.list_messages",
    ),
    Operation(
        "update_chat_completion",
        "POST",
        "/chat/completions/<id>",
        body="json",
        schema="openai/chat_completion_update.request",
        handler="chat.stored.update_completion",
    ),
    Operation(
        "delete_chat_completion", "DELETE", "/chat/completions/<id>", handler="chat.stored.delete_completion"
    ),
)

RESPONSES = (
    CREATE_RESPONSE,
    _response("connect_responses", WEBSOCKET, "/responses", handler="responses.web_socket.connect_responses"),
    _response("retrieve_response", "GET", "/responses/<id>", handler="responses.stored.retrieve_response"),
    _response("delete_response", "DELETE", "/responses/<id>", handler="responses.stored.delete_response"),
    _response(
        "cancel_response", "POST", "/responses/<id>/cancel", handler="responses.stored.cancel_response"
    ),
    _response(
        "list_response_input_items",
        "GET",
        "/responses/<id>/input_items",
        handler="responses.stored.list_input_items",
    ),
    _response(
        "count_input_tokens",
        "POST",
        "/responses/input_tokens",
        body="json",
        schema="openai/count_input_tokens.request",
        endpoint="v1/responses",
        default_model="gpt-4o-mini",
        resource="responses.input_tokens",
        has_limit_headers=False,
        reads=ResponseDocument,
        recalls="responses.chains.earlier_user_text",
        model_last=True,
        handler="responses.input_tokens.count_input_tokens",
        rules="responses.refusals.rules.check_input",
    ),
    _response(
        "compact_response",
        "POST",
        "/responses/compact",
        body="json",
        schema="openai/compact_response.request",
        endpoint="v1/responses",
        estimate=response_tokens,
        cost=response_cost,
        resource="responses.compact",
        reads=ResponseDocument,
        recalls="responses.chains.earlier_user_text",
        has_token_headers=True,
        model_last=True,
        handler="responses.compaction.compact_response",
        rules="responses.refusals.rules.check_input",
    ),
    _response(
        "create_conversation",
        "POST",
        "/conversations",
        body="json",
        schema="openai/create_conversation.request",
        handler="responses.conversations.create_conversation",
    ),
    _response(
        "retrieve_conversation",
        "GET",
        "/conversations/<id>",
        handler="responses.conversations.retrieve_conversation",
    ),
    _response(
        "update_conversation",
        "POST",
        "/conversations/<id>",
        body="json",
        schema="openai/update_conversation.request",
        handler="responses.conversations.update_conversation",
    ),
    _response(
        "delete_conversation",
        "DELETE",
        "/conversations/<id>",
        handler="responses.conversations.delete_conversation",
    ),
    _response(
        "list_conversation_items",
        "GET",
        "/conversations/<id>/items",
        handler="responses.conversations.list_items",
    ),
    _response(
        "create_conversation_items",
        "POST",
        "/conversations/<id>/items",
        body="json",
        schema="openai/create_conversation_items.request",
        handler="responses.conversations.create_items",
    ),
    _response(
        "retrieve_conversation_item",
        "GET",
        "/conversations/<id>/items/<item_id>",
        handler="responses.conversations.retrieve_item",
    ),
    _response(
        "delete_conversation_item",
        "DELETE",
        "/conversations/<id>/items/<item_id>",
        handler="responses.conversations.delete_item",
    ),
)

REALTIME = (
    Operation(
        "connect_realtime",
        WEBSOCKET,
        "/realtime",
        resource="realtime",
        refuses=refusals.REALTIME,
        gives=frozenset({"session", "upgrade"}),
        handler="realtime.connect.connect_realtime",
    ),
    Operation(
        "create_realtime_client_secret",
        "POST",
        "/realtime/client_secrets",
        body="json",
        keeps_nulls=True,
        schema="openai/create_realtime_client_secret.request",
        resource="realtime.client_secrets",
        has_limit_headers=False,
        handler="realtime_calls.client_secrets.create_client_secret",
    ),
    Operation(
        "create_realtime_session",
        "POST",
        "/realtime/sessions",
        body="json",
        keeps_nulls=True,
        schema="openai/create_realtime_session.request",
        resource="realtime.sessions",
        has_limit_headers=False,
        handler="realtime_calls.beta_sessions.create_session",
    ),
    Operation(
        "create_realtime_transcription_session",
        "POST",
        "/realtime/transcription_sessions",
        body="json",
        keeps_nulls=True,
        schema="openai/create_realtime_transcription_session.request",
        resource="realtime.transcription_sessions",
        has_limit_headers=False,
        handler="realtime_calls.beta_sessions.create_transcription_session",
    ),
    Operation(
        "create_beta_realtime_call",
        "POST",
        "/realtime",
        body="sdp",
        keeps_nulls=True,
        schema="openai/create_realtime_call.request",
        resource="realtime.calls",
        has_limit_headers=False,
        gives=frozenset({"session"}),
        handler="realtime_calls.beta_sessions.create_call",
    ),
    Operation(
        "create_realtime_call",
        "POST",
        "/realtime/calls",
        body="sdp",
        keeps_nulls=True,
        schema="openai/create_realtime_call.request",
        resource="realtime.calls",
        has_limit_headers=False,
        gives=frozenset({"session"}),
        handler="realtime_calls.calls.create_call",
    ),
    Operation(
        "accept_realtime_call",
        "POST",
        "/realtime/calls/<call_id>/accept",
        body="json",
        keeps_nulls=True,
        schema="openai/realtime_configuration.request",
        resource="realtime.calls",
        has_limit_headers=False,
        gives=frozenset({"session"}),
        handler="realtime_calls.sip.accept_call",
    ),
    Operation(
        "reject_realtime_call",
        "POST",
        "/realtime/calls/<call_id>/reject",
        body="any",
        schema="openai/reject_realtime_call.request",
        resource="realtime.calls",
        has_limit_headers=False,
        handler="realtime_calls.sip.reject_call",
    ),
    Operation(
        "refer_realtime_call",
        "POST",
        "/realtime/calls/<call_id>/refer",
        body="json",
        schema="openai/refer_realtime_call.request",
        resource="realtime.calls",
        has_limit_headers=False,
        handler="realtime_calls.sip.refer_call",
    ),
    Operation(
        "hang_up_realtime_call",
        "POST",
        "/realtime/calls/<call_id>/hangup",
        body="any",
        resource="realtime.calls",
        has_limit_headers=False,
        handler="realtime_calls.calls.hang_up_call",
    ),
)

# The turns of Realtime sessions, which stubs and faults can name; no calls of their own.
_OF_TRANSCRIPTS = frozenset({"text", "segments", "words", "logprobs", "failure"})
REALTIME_REPLIES = frozenset({"say", "text", "tool_calls", "audio", "failure"})
REALTIME_RESPONSE = Operation(
    "realtime_response",
    WEBSOCKET,
    "/realtime",
    resource="realtime",
    endpoint="v1/realtime",
    cost=realtime_cost,
    reply_kinds=REALTIME_REPLIES,
)
REALTIME_TRANSCRIPTION = Operation(
    "realtime_transcription",
    WEBSOCKET,
    "/realtime",
    resource="realtime_transcriptions",
    endpoint="v1/realtime",
    cost=transcription_cost,
    reply_kinds=_OF_TRANSCRIPTS,
)
REALTIME_TURNS = (REALTIME_RESPONSE, REALTIME_TRANSCRIPTION)

EMBEDDINGS = (CREATE_EMBEDDING,)

MODERATIONS = (CREATE_MODERATION,)

COMPLETIONS = (CREATE_COMPLETION,)

FILES = (
    Operation(
        "create_file",
        "POST",
        "/files",
        schema="openai/create_file.request",
        file_field=_UPLOADED_FILE,
        explains="files",
        handler="files.create_file",
    ),
    Operation("list_files", "GET", "/files", handler="files.list_files"),
    Operation("retrieve_file", "GET", "/files/<id>", handler="files.retrieve_file"),
    Operation("delete_file", "DELETE", "/files/<id>", handler="files.delete_file"),
    Operation("download_file", "GET", "/files/<id>/content", handler="files.download_file"),
    Operation(
        "create_upload",
        "POST",
        "/uploads",
        body="json",
        schema="openai/create_upload.request",
        handler="uploads.create_upload",
    ),
    Operation(
        "add_upload_part",
        "POST",
        "/uploads/<id>/parts",
        schema="openai/add_upload_part.request",
        file_field=_UPLOAD_PART,
        handler="uploads.add_upload_part",
    ),
    Operation(
        "complete_upload",
        "POST",
        "/uploads/<id>/complete",
        body="json",
        schema="openai/complete_upload.request",
        handler="uploads.complete_upload",
    ),
    Operation("cancel_upload", "POST", "/uploads/<id>/cancel", handler="uploads.cancel_upload"),
)

BATCHES = (
    Operation(
        "create_batch",
        "POST",
        "/batches",
        body="json",
        schema="openai/create_batch.request",
        handler="batches.create_batch",
    ),
    Operation("list_batches", "GET", "/batches", handler="batches.list_batches"),
    Operation("retrieve_batch", "GET", "/batches/<id>", handler="batches.retrieve_batch"),
    Operation("cancel_batch", "POST", "/batches/<id>/cancel", handler="batches.cancel_batch"),
)

MODELS = (
    Operation("list_models", "GET", "/models", handler="models.list_models"),
    Operation("retrieve_model", "GET", "/models/<path:id>", handler="models.retrieve_model"),
    Operation("delete_model", "DELETE", "/models/<path:id>", handler="models.delete_model"),
    Operation(
        "list_project_rate_limits",
        "GET",
        "/organization/projects/<project_id>/rate_limits",
        handler="rate_limits.list_rate_limits",
    ),
)

WEBHOOKS = (
    Operation(
        "create_webhook_endpoint",
        "POST",
        "/webhook_endpoints",
        body="json",
        schema="openai/create_webhook_endpoint.request",
        handler="webhook_endpoints.create_endpoint",
        rules="webhook_endpoints.check_request",
    ),
    Operation(
        "list_webhook_endpoints", "GET", "/webhook_endpoints", handler="webhook_endpoints.list_endpoints"
    ),
    Operation(
        "retrieve_webhook_endpoint",
        "GET",
        "/webhook_endpoints/<id>",
        handler="webhook_endpoints.retrieve_endpoint",
    ),
    Operation(
        "update_webhook_endpoint",
        "POST",
        "/webhook_endpoints/<id>",
        body="json",
        schema="openai/update_webhook_endpoint.request",
        handler="webhook_endpoints.update_endpoint",
        rules="webhook_endpoints.check_request",
    ),
    Operation(
        "delete_webhook_endpoint",
        "DELETE",
        "/webhook_endpoints/<id>",
        handler="webhook_endpoints.delete_endpoint",
    ),
    Operation(
        "rotate_webhook_secret",
        "POST",
        "/webhook_endpoints/<id>/rotate_secret",
        body="json",
        schema="openai/rotate_webhook_secret.request",
        handler="webhook_endpoints.rotate_secret",
    ),
    Operation(
        "test_webhook_endpoint",
        "POST",
        "/webhook_endpoints/<id>/test",
        body="json",
        schema="openai/test_webhook_endpoint.request",
        handler="webhook_endpoints.send_test",
    ),
    Operation(
        "list_webhook_event_types",
        "GET",
        "/webhook_event_types",
        handler="webhook_endpoints.list_event_types",
    ),
)

OPERATIONS = (
    *AUDIO,
    *CHAT,
    *RESPONSES,
    *REALTIME,
    *EMBEDDINGS,
    *MODERATIONS,
    *COMPLETIONS,
    *FILES,
    *BATCHES,
    *MODELS,
    *WEBHOOKS,
)

# The operations that batches can call, by path.
BATCH_OPERATIONS = {
    f"/v1{operation.path}": operation
    for operation in (
        CREATE_CHAT_COMPLETION,
        CREATE_RESPONSE,
        CREATE_EMBEDDING,
        CREATE_MODERATION,
        CREATE_COMPLETION,
    )
}

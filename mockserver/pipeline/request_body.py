"""Reads the body of a request: a form, JSON, or a form with a file that is stored while it arrives."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from mockserver import strict_json
from mockserver.audio.content import has_disk
from mockserver.audio.uploads import UPLOAD
from mockserver.errors import ApiError
from mockserver.transport import forms, streamed_forms
from mockserver.transport.bodies import LARGE, BodyMemory, BodyReader, UploadSlot
from mockserver.validation.nulls import drop_nulls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.pipeline.call import Call
    from mockserver.remote.sources import UrlSources
    from mockserver.settings.model import Settings
    from mockserver.state.protocols import BlobStore
    from mockserver.transport.streamed_forms import FileField
    from mockserver.validation.schemas import RequestSchemas


_SDP = "application/sdp"
_COPIES_OF_JSON = 2  # copies of a body in memory at the same time: its bytes and the strings parsed from it


class RequestBodies:
    """Reads the bodies of requests into their calls."""

    def __init__(
        self, settings: Settings, schemas: RequestSchemas, blobs: BlobStore, url_sources: UrlSources
    ) -> None:
        """Store files that are kept while they arrive in ``blobs``."""
        self._max_json_values = settings.max_json_values
        self._schemas = schemas
        self._blobs = blobs
        self._url_sources = url_sources
        self._reader = BodyReader(settings.max_body_bytes, settings.socket_timeout, settings.max_body_memory)
        self._waiting = BodyMemory(settings.max_body_memory)
        self._timeout = settings.socket_timeout

    def slot(self) -> UploadSlot:
        """Return the slot for the large body of one request, with no memory taken yet."""
        return self._reader.slot()

    def waiting_slot(self) -> UploadSlot:
        """Return the slot for a request of a WebSocket that waits. It is in another memory, that of those that wait."""
        return UploadSlot(self._waiting, self._timeout)

    def read(self, call: Call) -> None:
        """Fill ``document`` and ``files`` of the call from its body, or from its query. Raises ``ApiError``."""
        operation = call.operation
        if operation.file_field is not None:
            self._read_stored_file(call, operation.file_field)
        elif operation.body == "multipart":
            self._read_form(call)
        elif operation.body == "json":
            self._read_json(call)
        elif operation.body == "either":
            self._read_form_or_json(call)
        elif operation.body == "sdp":
            self._read_description(call)
        else:
            if call.request.query_string:
                call.document.update(call.request.query)
            if operation.body == "any":
                self._read_any(call)

    def _read_form(self, call: Call) -> None:
        audio_field = call.operation.audio_field
        content_type = call.request.content_type
        try:
            form = self._parts(call, content_type, audio_field)
        except forms.MultipartError as error:
            if call.settings.strictness == "off":
                return
            raise ApiError("invalid_multipart") from error
        call.files = form.files
        call.audio.files = {UPLOAD: form.files[audio_field]} if audio_field in form.files else {}
        call.document.update(forms.to_document(form, self._properties(call)))

    def _parts(self, call: Call, content_type: str, audio_field: str) -> forms.Form:
        """Return the parts of a form, those of a large one on disk. Raises ``MultipartError`` and ``ApiError``."""
        stream, length = call.request.body, call.request.length
        is_small = length is not None and length <= LARGE
        if is_small or call.request.media_type != "multipart/form-data" or not has_disk():
            body = self._bytes(call)
            _check_content_type(call, "multipart/form-data", content_type)
            return forms.parse_multipart(body, content_type, audio_field)
        return streamed_forms.receive_audio(
            stream, length, content_type, audio_field, self._reader.limit, call.slot
        )

    def _read_form_or_json(self, call: Call) -> None:
        """Read a form or JSON. Audio by URL that is known without fetching becomes an upload."""
        if call.request.media_type == "multipart/form-data":
            self._read_form(call)
        else:
            self._read_json(call)
        if call.operation.takes_urls:
            call.audio.files = self._url_sources.audio_of(call.document, call.files)

    def _read_description(self, call: Call) -> None:
        """Read a form with an SDP, which browsers may send as a file, or the SDP alone."""
        if call.request.media_type == _SDP:
            text = self._bytes(call).decode("utf-8", "replace")
            call.document.update({**call.request.query, "sdp": text})
            return
        _check_content_type(call, "multipart/form-data", call.request.content_type)
        self._read_form(call)
        texts = [(name, part.content.read().decode("utf-8", "replace")) for name, part in call.files.items()]
        call.document.update(forms.to_document(forms.Form(texts, {}), self._properties(call)))

    def _read_any(self, call: Call) -> None:
        """Read a form or JSON of an endpoint that is not served; ignore other bodies."""
        if call.request.media_type == "multipart/form-data":
            with suppress(forms.MultipartError):
                form = self._parts(call, call.request.content_type, UPLOAD)
                call.files = form.files
                call.audio.files = {UPLOAD: next(iter(form.files.values()))} if form.files else {}
                call.document.update(forms.to_document(form, {}))
            return
        body = self._bytes(call)
        if call.request.media_type == "application/x-www-form-urlencoded":
            with suppress(ValueError):  # more fields than a form may have
                text = body.decode("utf-8", "replace")
                fields = parse_qsl(text, keep_blank_values=True, max_num_fields=forms.MAX_PARTS)
                call.document.update(forms.to_document(forms.Form(fields, {}), {}))
        else:
            with suppress(ApiError):
                call.document.update(parse_json(body, self._max_json_values))

    def _read_stored_file(self, call: Call, file_field: FileField) -> None:
        """Read a form, and store its file while it arrives."""
        stream, length = call.request.body, call.request.length
        content_type = call.request.content_type
        _check_content_type(call, "multipart/form-data", content_type)
        try:
            streamed_forms.receive(call.streamed, self._blobs, stream, length, content_type, file_field)
        except forms.MultipartError as error:
            if call.settings.strictness != "off":
                raise ApiError("invalid_multipart") from error
        call.audio.received = call.streamed.files.values()
        form = forms.Form(call.streamed.fields, {})
        call.document.update(
            forms.to_document(form, self._properties(call)),
            **dict.fromkeys(call.streamed.files, ""),
        )

    def _read_json(self, call: Call) -> None:
        content_type = call.request.content_type
        body = self._bytes(call, _COPIES_OF_JSON)
        _check_content_type(call, "application/json", content_type)
        try:
            document = parse_json(body, self._max_json_values)
        except ApiError as error:
            if call.settings.strictness != "off" or error.name == "too_many_values":
                raise
            return
        if call.operation.schema and not call.operation.keeps_nulls and b"null" in body:
            schemas = self._schemas.of(call.settings.strictness)
            drop_nulls(schemas.resolved(call.operation.schema), document)
        call.document.update(document)
        if call.operation.reads_texts:
            _parse_scalars(call.document, self._properties(call))

    def _properties(self, call: Call) -> Mapping[str, Any]:
        """Return the documented members of the operation's document."""
        return self._schemas.documented.properties(call.operation.schema)

    def _bytes(self, call: Call, copies: int = 1) -> bytes:
        return self._reader.read(call.request.body, call.request.length, call.slot, copies)


def parse_json(body: bytes, max_values: int | None = None) -> dict[str, Any]:
    """Return the JSON object in ``body``.

    Raises ``ApiError``: ``too_many_values`` for more than ``max_values`` values and names, ``invalid_json`` for
    anything else that is not an object.
    """
    try:
        document = strict_json.parse(body, max_values)
    except strict_json.TooManyValues as error:
        raise ApiError("too_many_values", most=max_values) from error
    except ValueError as error:
        raise ApiError("invalid_json") from error
    if not isinstance(document, dict):
        raise ApiError("invalid_json")
    return document


def _check_content_type(call: Call, accepted: str, given: str) -> None:
    """Raise ``ApiError`` for a content type other than ``accepted``, or for several JSON ones."""
    if not call.strict:
        return
    several = accepted == "application/json" and forms.names_several(given)
    if several or given.partition(";")[0].strip().lower() != accepted:
        raise ApiError("unsupported_content_type", accepted=accepted, given=given)


def _parse_scalars(document: dict[str, Any], properties: Mapping[str, Any]) -> None:
    """Parse numbers and booleans that were sent as strings, as the validation library of the audio endpoints does."""
    for name, value in document.items():
        if isinstance(value, str):
            document[name] = forms.scalar(value, properties.get(name, {}))

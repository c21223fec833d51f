"""Takes in the body of a request: a form, JSON, or a form whose file is kept while it arrives."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from mockserver import strict_json
from mockserver.audio.content import has_disk
from mockserver.audio.uploads import UPLOAD
from mockserver.errors import ApiError
from mockserver.transport import forms, streamed_forms
from mockserver.transport.bodies import LARGE, BodyReader, UploadSlot
from mockserver.validation.nulls import drop_nulls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.pipeline.call import Call
    from mockserver.remote.sources import UrlSources
    from mockserver.settings.model import Settings
    from mockserver.state.blobs import Blobs
    from mockserver.transport.streamed_forms import FileField
    from mockserver.validation.schemas import RequestSchemas


_COPIES_OF_JSON = 2  # of a body, in memory at the same time: its bytes and the texts in it


class RequestBodies:
    """Reads the bodies of all requests of a server into their calls."""

    def __init__(
        self, settings: Settings, schemas: RequestSchemas, blobs: Blobs, url_sources: UrlSources
    ) -> None:
        """Files that are kept while they arrive go to ``blobs``."""
        self._max_json_values = settings.max_json_values
        self._schemas = schemas
        self._blobs = blobs
        self._url_sources = url_sources
        self._reader = BodyReader(settings.max_body_bytes, settings.socket_timeout, settings.max_body_memory)

    def slot(self) -> UploadSlot:
        """Return the memory for the large body of one request, not taken yet."""
        return self._reader.slot()

    def take_in(self, call: Call) -> None:
        """Fill the call's ``document`` and ``files``, as its operation's body is; without one, of the query.

        Raises ``ApiError``.
        """
        operation = call.operation
        if operation.file_field is not None:
            self._receive(call, operation.file_field)
        elif operation.body == "multipart":
            self._form(call)
        elif operation.body == "json":
            self._json(call)
        elif operation.body == "either":
            self._either(call)
        else:
            call.document.update(call.request.query)
            if operation.body == "any":
                self._anything(call)

    def _form(self, call: Call) -> None:
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
        """Return the parts of a form; of a large one they are on disk. Raises ``MultipartError`` and ``ApiError``."""
        stream, length = call.request.body, call.request.length
        is_small = length is not None and length <= LARGE
        if is_small or call.request.media_type != "multipart/form-data" or not has_disk():
            body = self._read(call)
            _check_content_type(call, "multipart/form-data", content_type)
            return forms.parse_multipart(body, content_type, audio_field)
        return streamed_forms.receive_audio(
            stream, length, content_type, audio_field, self._reader.limit, call.slot
        )

    def _either(self, call: Call) -> None:
        """Take in a form or JSON; audio that is named by URL is an upload if it need not be fetched."""
        if call.request.media_type == "multipart/form-data":
            self._form(call)
        else:
            self._json(call)
        if call.operation.takes_urls:
            call.audio.files = self._url_sources.audio_of(call.document, call.files)

    def _anything(self, call: Call) -> None:
        """Take in a form or JSON of an endpoint that is not served. Other bodies are not looked into."""
        if call.request.media_type == "multipart/form-data":
            with suppress(forms.MultipartError):
                form = self._parts(call, call.request.content_type, UPLOAD)
                call.files = form.files
                call.audio.files = {UPLOAD: next(iter(form.files.values()))} if form.files else {}
                call.document.update(forms.to_document(form, {}))
            return
        body = self._read(call)
        if call.request.media_type == "application/x-www-form-urlencoded":
            with suppress(ValueError):  # for more fields than a form has
                text = body.decode("utf-8", "replace")
                fields = parse_qsl(text, keep_blank_values=True, max_num_fields=forms.MAX_PARTS)
                call.document.update(forms.to_document(forms.Form(fields, {}), {}))
        else:
            with suppress(ApiError):
                call.document.update(parse_json(body, self._max_json_values))

    def _receive(self, call: Call, file_field: FileField) -> None:
        """Take in a form whose file is kept while it arrives."""
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

    def _json(self, call: Call) -> None:
        content_type = call.request.content_type
        body = self._read(call, _COPIES_OF_JSON)
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
            _read_scalars(call.document, self._properties(call))

    def _properties(self, call: Call) -> Mapping[str, Any]:
        """Return the documented members of the operation's document."""
        return self._schemas.documented.properties(call.operation.schema)

    def _read(self, call: Call, copies: int = 1) -> bytes:
        return self._reader.read(call.request.body, call.request.length, call.slot, copies)


def parse_json(body: bytes, most_values: int | None = None) -> dict[str, Any]:
    """Return the JSON object in ``body``.

    Raises ``ApiError``: ``too_many_values`` for more than ``most_values`` of values and names, ``invalid_json`` for
    anything else that is no object.
    """
    try:
        document = strict_json.parse(body, most_values)
    except strict_json.TooManyValues as error:
        raise ApiError("too_many_values", most=most_values) from error
    except ValueError as error:
        raise ApiError("invalid_json") from error
    if not isinstance(document, dict):
        raise ApiError("invalid_json")
    return document


def _check_content_type(call: Call, accepted: str, given: str) -> None:
    """Raise ``ApiError`` for another content type than ``accepted``, several JSON ones included."""
    if not call.strict:
        return
    several = accepted == "application/json" and forms.names_several(given)
    if several or given.partition(";")[0].strip().lower() != accepted:
        raise ApiError("unsupported_content_type", accepted=accepted, given=given)


def _read_scalars(document: dict[str, Any], properties: Mapping[str, Any]) -> None:
    """Read numbers and booleans that were sent as texts, as the validation library of the audio endpoints does."""
    for name, value in document.items():
        if isinstance(value, str):
            document[name] = forms.scalar(value, properties.get(name, {}))

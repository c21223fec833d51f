"""Multipart bodies as clients send them, and the documents of their fields."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.audio.content import Content
from mockserver.audio.uploads import FilePart
from mockserver.resources import data_folder
from mockserver.transport.forms import Form, MultipartError, parse_multipart, to_document
from mockserver.validation.schemas import Schemas

SCHEMAS = Schemas(data_folder("schemas"))
TRANSCRIPTION = "openai/create_transcription.request"
CONTENT_TYPE = "multipart/form-data; boundary=b"


def sent_by_httpx(**parts: Any) -> tuple[bytes, str]:
    request = httpx.Request("POST", "http://localhost/", **parts)
    return request.read(), request.headers["content-type"]


def part(head: str | bytes, data: bytes = b"data") -> bytes:
    head = head.encode() if isinstance(head, str) else head
    return b"--b\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


def parsed(*parts: bytes) -> Form:
    return parse_multipart(b"".join(parts) + b"--b--\r\n", CONTENT_TYPE)


def document(*fields: tuple[str, str], **files: FilePart) -> dict[str, Any]:
    return to_document(Form(list(fields), files), SCHEMAS.properties(TRANSCRIPTION))


def test_fields_keep_their_order_and_files_their_bytes() -> None:
    body, content_type = sent_by_httpx(
        data={"model": "whisper-1", "include[]": ["logprobs", "x"], "prompt": "Grüße, 世界"},
        files={"file": ("hello.wav", b"\x00\xff\r\n--\r\n", "audio/wav")},
    )
    form = parse_multipart(body, content_type)
    assert form.fields == [
        ("model", "whisper-1"),
        ("include[]", "logprobs"),
        ("include[]", "x"),
        ("prompt", "Grüße, 世界"),
    ]
    assert form.files == {"file": FilePart("hello.wav", "audio/wav", Content(b"\x00\xff\r\n--\r\n"))}


@settings(deadline=None)
@given(data=st.binary(max_size=300), text=st.text(max_size=50))
def test_whatever_is_uploaded_comes_out_unchanged(data: bytes, text: str) -> None:
    body, content_type = sent_by_httpx(data={"prompt": text}, files={"file": ("a.mp3", data)})
    form = parse_multipart(body, content_type)
    assert form.files["file"].content.read() == data
    assert form.fields == [("prompt", text)]


def test_a_file_of_25_megabytes_comes_out_unchanged() -> None:
    data = bytes(range(256)) * (25 * 4096)
    body, content_type = sent_by_httpx(data={"model": "m"}, files={"file": ("long.wav", data)})
    form = parse_multipart(body, content_type)
    assert form.files["file"].content.read() == data
    assert form.fields == [("model", "m")]


def test_data_that_nearly_looks_like_the_boundary_is_data() -> None:
    data = b"\r\n--bx\r\n--b-x\r\n--\r\n-\r\n--B--\r\n--"
    form = parsed(part('Content-Disposition: form-data; name="file"; filename="a"', data))
    assert form.files["file"].content.read() == data


@pytest.mark.parametrize(
    ("parameters", "filename"),
    [
        ('filename="plain.mp3"', "plain.mp3"),
        ("filename=bare name.mp3", "bare name.mp3"),
        ('filename=""', ""),
        ('filename="naïve 世界.mp3"', "naïve 世界.mp3"),
        (r'filename="a \"b\" \\ c.mp3"', r'a "b" \ c.mp3'),
        ('filename="a %22b%22.mp3"', 'a "b".mp3'),
        ('filename="a;b=c.mp3"', "a;b=c.mp3"),
        (r'filename="C:\clips\a.mp3"', r"C:\clips\a.mp3"),
        ("filename*=UTF-8''na%C3%AFve%20%E4%B8%96.mp3", "naïve 世.mp3"),
        ("filename*=iso-8859-1'en'na%EFve.mp3", "naïve.mp3"),
        ("filename=fallback.mp3; filename*=utf-8''%C3%BC.mp3", "ü.mp3"),
        ("filename=fallback.mp3; filename*=klingon''x.mp3", "fallback.mp3"),
        ('FileName = "spaced.mp3" ', "spaced.mp3"),
        ('filename="unclosed.mp3', "unclosed.mp3"),
    ],
)
def test_filenames_are_understood_in_every_spelling(parameters: str, filename: str) -> None:
    form = parsed(part(f'Content-Disposition: form-data; name="file"; {parameters}'))
    assert form.files["file"].filename == filename


def test_names_may_be_other_than_ascii() -> None:
    assert parsed(part('content-disposition: form-data; name="größe"', b"1")).fields == [("größe", "1")]


def test_a_part_named_file_is_a_file_even_without_a_filename() -> None:
    form = parsed(part('Content-Disposition: form-data; name="file"', b"\xff\xfe"))
    assert form == Form([], {"file": FilePart("", "", Content(b"\xff\xfe"), is_field=True)})


def test_a_part_with_a_filename_is_a_file_whatever_its_name() -> None:
    form = parsed(
        part('Content-Disposition: form-data; name="clip"; filename="a"\r\nContent-Type: audio/ogg')
    )
    assert form.files == {"clip": FilePart("a", "audio/ogg", Content(b"data"))}


@pytest.mark.parametrize(
    "head",
    [
        'Content-Disposition: form-data; name="file", filename:"a.mp3"',
        'Content-Disposition: form-data; name="file"; filename:"a.mp3"',
        'Content-Disposition: form-data; name="file" filename="a.mp3"',
        'Content-Disposition: form-data, name="file"',
        'Content-Disposition: form-data; filename="a.mp3"',
        "Content-Disposition: form-data",
        'Content-Disposition: attachment; name="file"',
        "Content-Type: text/plain",
    ],
)
def test_a_part_whose_name_cannot_be_read_ends_the_form(head: str) -> None:
    model = part('Content-Disposition: form-data; name="model"', b"m")
    assert parsed(part(head), model) == Form([], {})
    assert parsed(model, part(head)) == Form([("model", "m")], {})


def test_a_disposition_of_any_length_is_read_quickly() -> None:
    head = 'Content-Disposition: form-data; name="a"' + "; x = " * 600 + '"x" y'
    assert parsed(part(head)) == Form([], {})


def test_of_two_files_of_one_name_the_last_wins() -> None:
    head = 'Content-Disposition: form-data; name="file"; filename='
    assert parsed(part(head + "a"), part(head + "b")).files["file"].filename == "b"


def test_an_empty_file_is_a_file() -> None:
    form = parsed(part('Content-Disposition: form-data; name="file"; filename="a"', b""))
    assert form.files["file"].content.read() == b""


def test_a_quoted_boundary_an_opening_line_break_and_an_epilogue_are_fine() -> None:
    body = (
        b"\r\n"
        + part('Content-Disposition: form-data; name="a"').replace(b"--b", b"--b c")
        + b"--b c--\r\nbye"
    )
    assert parse_multipart(body, 'Multipart/Form-Data; charset=utf-8; boundary="b c"').fields == [
        ("a", "data")
    ]


@pytest.mark.parametrize(
    ("content_type", "reason"),
    [
        ("", "not multipart/form-data"),
        ("application/json", "not multipart/form-data"),
        ("multipart/form-data", "names no boundary"),
        ('multipart/form-data; boundary=""', "names no boundary"),
        ("multipart/form-data; boundary=b, multipart/form-data; boundary=b", "more than one"),
        ("multipart/form-data; boundary=other", "."),
        (f"multipart/form-data; boundary={'b' * 5000}", "."),
    ],
)
def test_a_wrong_content_type_or_boundary_is_refused(content_type: str, reason: str) -> None:
    body = part('Content-Disposition: form-data; name="a"') + b"--b--\r\n"
    with pytest.raises(MultipartError, match=reason):
        parse_multipart(body, content_type)


def test_a_body_cut_anywhere_before_its_end_is_refused() -> None:
    body, content_type = sent_by_httpx(data={"model": "m"}, files={"file": ("a.wav", b"\r\n--")})
    for length in range(len(body) - len("\r\n")):
        with pytest.raises(MultipartError):
            parse_multipart(body[:length], content_type)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"--b--\r\n", "no parts"),
        (b'{"model": "m"}', "."),
        (part('Content-Disposition: form-data; name="prompt"', b"\xff") + b"--b--", "'prompt' is not UTF-8"),
        (part("a\x00b: c") + b"--b--", "."),
        (part("x: " + "y" * 5000) + b"--b--", "header size"),
        (part("\r\n".join(f"x-{number}: y" for number in range(17))) + b"--b--", "[Hh]eader"),
        (part('Content-Disposition: form-data; name="a"') * 1001 + b"--b--", "more than 1000 parts"),
    ],
)
def test_a_broken_body_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MultipartError, match=reason):
        parse_multipart(body, CONTENT_TYPE)


@pytest.mark.parametrize(
    "fields",
    [
        [("include[]", "logprobs"), ("include[]", "x")],
        [("include[0]", "logprobs"), ("include[1]", "x")],
        [("include", "logprobs"), ("include[]", "x")],
    ],
)
def test_an_array_may_be_sent_with_brackets(fields: list[tuple[str, str]]) -> None:
    assert document(*fields) == {"include": ["logprobs", "x"]}


def test_of_an_array_that_is_repeated_without_brackets_the_last_value_counts() -> None:
    assert document(("include", "x"), ("include", "logprobs")) == {"include": ["logprobs"]}


def test_one_plain_value_of_an_array_is_an_array_of_one() -> None:
    assert document(("include", "logprobs")) == {"include": ["logprobs"]}


@pytest.mark.parametrize("languages", ['["en", "de"]', "en,de"])
def test_languages_in_one_text_stay_one_element_as_sent(languages: str) -> None:
    assert document(("languages", languages)) == {"languages": [languages]}


@pytest.mark.parametrize(
    "fields",
    [
        [("chunking_strategy[type]", "server_vad"), ("chunking_strategy[threshold]", "0.5")],
        [("chunking_strategy", '{"type": "server_vad", "threshold": 0.5}')],
    ],
)
def test_an_object_may_be_sent_by_its_members_or_as_json(fields: list[tuple[str, str]]) -> None:
    assert document(*fields) == {"chunking_strategy": {"type": "server_vad", "threshold": 0.5}}


@pytest.mark.parametrize("text", ["auto", "{", "[1]", "{" * 100_000, '{"a": NaN}', "null"])
def test_what_is_no_json_object_stays_text(text: str) -> None:
    assert document(("chunking_strategy", text)) == {"chunking_strategy": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [(" 0.5 ", 0.5), ("1", 1), ("-1", -1), ("1e-2", 0.01), (".5", 0.5), ("2.", 2.0), ("+0", 0)],
)
def test_numbers_are_read_where_a_number_is_declared(text: str, value: float) -> None:
    assert document(("temperature", text), ("prompt", text)) == {"temperature": value, "prompt": text}


@pytest.mark.parametrize(
    "text", ["", "warm", "NaN", "Infinity", "-inf", "1e999", "1_0", "0x1", "٣", "9" * 5000]
)
def test_what_is_no_number_stays_text(text: str) -> None:
    assert document(("temperature", text)) == {"temperature": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("True", True),
        ("1", True),
        ("false", False),
        ("False", False),
        ("0", False),
        ("yes", True),
        ("ON", True),
        ("t", True),
        ("n", False),
        ("off", False),
        ("yeah", "yeah"),
        ("", ""),
    ],
)
def test_booleans_are_read_where_a_boolean_is_declared(text: str, value: object) -> None:
    assert document(("stream", text)) == {"stream": value}


def test_a_fraction_sent_for_an_integer_is_left_for_validation_to_refuse() -> None:
    fields = ("chunking_strategy[type]", "server_vad"), ("chunking_strategy[silence_duration_ms]", "0.5")
    violations = SCHEMAS.violations(TRANSCRIPTION, {"file": "", "model": "m"} | document(*fields))
    assert [violation.path for violation in violations] == [("chunking_strategy", "silence_duration_ms")]


def test_the_last_value_of_a_scalar_wins() -> None:
    assert document(("model", "a"), ("model", "b")) == {"model": "b"}


def test_fields_that_no_schema_knows_are_kept_as_sent() -> None:
    fields = [("x", "1"), ("y[]", "1"), ("z[a]", "1"), ("[", "1"), ("a[b][c]", "1")]
    assert document(*fields) == {"x": "1", "y": ["1"], "z": {"a": "1"}, "[": "1", "a[b][c]": "1"}


def test_a_file_appears_as_a_stand_in() -> None:
    form = document(("model", "m"), file=FilePart("a.wav", "", Content(b"\xff")))
    assert form == {"model": "m", "file": ""}
    assert SCHEMAS.is_valid(TRANSCRIPTION, form)


def test_a_field_of_megabytes_is_not_read_as_json() -> None:
    properties = {"chunking_strategy": {"type": "object"}}
    small, large = '{"a": [1]}', '{"a": [' + "{}," * 500_000 + "{}]}"
    for text, value in ((small, {"a": [1]}), (large, large)):
        form = Form([("chunking_strategy", text)], {})
        assert to_document(form, properties) == {"chunking_strategy": value}

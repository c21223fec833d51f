"""Secrets are recognised by their name, by the scheme before them, and as the API key of the request."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from werkzeug.test import create_environ

from mockserver.accounts.accounts import abbreviated
from mockserver.accounts.redaction import Secrets, is_secret
from mockserver.pipeline.adapters.wsgi_adapter import request_of
from mockserver.pipeline.request import Request

KEY = "sk-proj-Zq8-bYw_7Rk29DfTtLm4"
SHOWN = "sk-proj-****************tLm4"


def request(query: str = "", **headers: str) -> Request:
    """Return a request with these headers."""
    environ = create_environ(query_string=query)
    return request_of(environ | {f"HTTP_{name.upper()}": value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (KEY, SHOWN),
        ("sixteen-letters!", "sixteen-****ers!"),
        ("fifteen-letters", "***"),
        ("sk-mock-me", "***"),
        ("x", "***"),
        ("", "***"),
        ("x" * 100_000, "***"),
    ],
)
def test_of_short_secrets_nothing_is_shown(secret: str, shown: str) -> None:
    assert abbreviated(secret) == shown


@pytest.mark.parametrize(
    "name",
    [
        *(
            "authorization",
            "proxy-authorization",
            "x-api-key",
            "api-key",
            "apikey",
            "xapikey",
            "x-functions-key",
            "x-access-key",
            "x-accesskey",
            "x-access-code",
            "authentication",
            "x-authz",
            "x-bearer",
            "x-hmac",
            "x-otp",
            "dpop",
        ),
        *(
            "ocp-apim-subscription-key",
            "x-signature",
            "x-hub-signature-256",
            "x-auth",
            "x-auth-token",
            "cookie",
        ),
        *(
            "set-cookie2",
            "x-csrf-token",
            "x-accesstoken",
            "x-amz-security-token",
            "x-client-secret",
            "x-password",
        ),
        "x-mock-control-token",
    ],
)
def test_headers_are_secret_by_their_names(name: str) -> None:
    assert is_secret("headers", name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "user-agent",
            "content-type",
            "idempotency-key",
            "sec-websocket-key",
            "openai-organization",
            "referer",
        ),
        *("x-stainless-retry-count", "x-stainless-timeout", "accept", "x-keyboard", "author", "x-tokenizer"),
    ],
)
def test_other_headers_are_not(name: str) -> None:
    assert not is_secret("headers", name)


@pytest.mark.parametrize(
    "name", ["key", "api_key", "code", "sig", "auth", "token", "access_token", "X-Amz-Signature"]
)
def test_query_arguments_are_secret_by_their_names(name: str) -> None:
    assert is_secret("queries", name)


@pytest.mark.parametrize("name", ["after", "limit", "order", "model", "purpose", "metadata[tone]"])
def test_other_arguments_are_not(name: str) -> None:
    assert not is_secret("queries", name)


@pytest.mark.parametrize(
    "name", ["api_key", "apiKey", "Authorization", "password", "client_secret", "access_token"]
)
def test_members_are_secret_by_their_names(name: str) -> None:
    assert is_secret("members", name)


@pytest.mark.parametrize("name", ["max_tokens", "prompt_cache_key", "model", "code", "stop", "keywords"])
def test_other_members_are_not(name: str) -> None:
    assert not is_secret("members", name)


@pytest.mark.parametrize(
    "sent",
    [
        request(authorization=f"Bearer {KEY}"),
        request(authorization=f"bearer   {KEY}"),
        request(authorization=KEY),
        request(api_key=KEY),
        request(x_api_key=KEY),
        request(x_functions_key=KEY),
        request(x_upstream=f"Bearer {KEY}"),
        request(sec_websocket_protocol=f"realtime, openai-insecure-api-key.{KEY}"),
        request(f"key={KEY}"),
        request(f"a=1&access_token={KEY}"),
    ],
)
def test_a_key_is_hidden_wherever_it_stands(sent: Request) -> None:
    secrets = sent.secrets
    assert secrets.hide(f"My key is {KEY}.") == f"My key is {SHOWN}."
    assert secrets.hide(KEY) == SHOWN
    assert secrets.hide_in_path(f"/v1/{KEY}/models") == f"/v1/{SHOWN}/models"
    assert secrets.hide_in_argument("after", KEY) == SHOWN
    for name, value in sent.headers.items():
        assert KEY not in secrets.hide_in_header(name, value)


@pytest.mark.parametrize("key", ["sk-proj-0123456789abcdef", f"ek_{'0123456789abcdef' * 2}"])
@pytest.mark.parametrize("escape", [r"\n", r"\t", r"\u2028", r"\""])
def test_what_looks_like_a_key_is_hidden_after_an_escape_of_json(escape: str, key: str) -> None:
    assert key not in Secrets([]).hide(f'{{"text": "My key:{escape}{key}"}}')


def test_a_key_is_hidden_also_as_urls_have_it() -> None:
    key = "a key/with+signs=of=URLs"
    secrets = request(authorization=f"Bearer {key}").secrets
    for written in (
        "a%20key%2Fwith%2Bsigns%3Dof%3DURLs",
        "a%20key%2fwith%2bsigns%3dof%3durls".replace("urls", "URLs"),
    ):
        shown = secrets.hide_in_header("referer", f"http://localhost/page?x={written}")
        assert "signs" not in shown


def test_a_key_with_letters_beyond_ascii_is_hidden_in_both_readings() -> None:
    header = "Bearer schlüssel-9".encode().decode("latin-1")
    secrets = request(authorization=header).secrets
    assert secrets.hide("mein schlüssel-9") == "mein ***"
    assert secrets.hide("schlüssel-9".encode().decode("latin-1")) == "***"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://localhost/?api_key=hunter2&page=3", "http://localhost/?api_key=***&page=3"),
        ("https://ann:hunter2@localhost/x", "https://***@localhost/x"),
        ("Bearer hunter2", "Bearer ***"),
        ("upstream=Bearer hunter2, other", "upstream=Bearer ***, other"),
        ("realtime, openai-insecure-api-key.hunter2, v1", "realtime, openai-insecure-api-key.***, v1"),
        (KEY, SHOWN),
        ("OpenAI/Python 3.57.0", "OpenAI/Python 3.57.0"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_in_any_header(value: str, shown: str) -> None:
    assert Secrets(()).hide_in_header("x-anything", value) == shown


def test_a_key_that_is_a_word_is_hidden_only_where_it_stands_alone() -> None:
    secrets = request(authorization="Bearer secret").secrets
    assert secrets.hide("It is no secret.") == "It is no secret."
    assert secrets.hide("secret") == "***"
    assert secrets.hide_in_path("/v1/models/secret") == "/v1/models/***"
    assert request(authorization="Bearer test").secrets.hide("test") == "test"


def test_of_a_key_that_begins_with_another_no_more_is_shown() -> None:
    longer = f"{KEY}-hunter2"
    for others in ([], [KEY[:-1]], [KEY[:-2], KEY[:-1]]):  # sets have no order
        secrets = Secrets([KEY, *others, longer])
        assert secrets.hide(f"My key is {longer}.") == f"My key is {abbreviated(longer)}."
        assert secrets.within_pattern(longer)[0][0] == longer


@pytest.mark.parametrize("length", [500, 100_000])
def test_secrets_in_repeated_headers_are_hidden_each_time(length: int) -> None:
    key = "k9" * (length // 2)
    for _ in range(2):
        sent = request(authorization=f"Bearer {key}", x_note="Bearer hunter2, " + "x" * length)
        assert sent.secrets.hide(f"My key is {key}.") == f"My key is {abbreviated(key)}."
        assert "hunter2" not in sent.secrets.hide_in_header("x-note", sent.headers["x-note"])


def test_long_headers_are_not_kept_in_memory() -> None:
    tracemalloc.start()
    try:
        for number in range(50):
            headers = dict.fromkeys(("authorization", "x_note"), f"Bearer {number}" + "x" * 50000)
            assert request(**headers).secrets.hide("nothing") == "nothing"
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000

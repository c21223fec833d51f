"""Signatures of webhooks."""

from __future__ import annotations

import pytest

from mockserver.webhooks.signing import check_secret, hint_of, secret_of, signature, wrong_secret

# The example of the official SDK's tests (tests/lib/test_webhooks.py).
SECRET = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c="
BODY = (
    b'{"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, '
    b'"type": "response.completed", "data": {"id": "resp_123"}}'
)
ID, TIMESTAMP = "wh_685c059ae39c8190af8c71ed1022a24d", 1750861210
SIGNATURE = "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY="


def test_the_example_of_the_sdk() -> None:
    assert signature([SECRET], ID, TIMESTAMP, BODY) == SIGNATURE


def test_each_secret_signs() -> None:
    other = secret_of("00" * 32)
    assert signature([other, SECRET], ID, TIMESTAMP, BODY).split(" ")[1] == SIGNATURE


@pytest.mark.parametrize("changed", [{"webhook_id": "wh_"}, {"timestamp": 1}, {"body": b"{}"}])
def test_everything_is_signed(changed: dict[str, object]) -> None:
    asked: dict[str, object] = {"webhook_id": ID, "timestamp": TIMESTAMP, "body": BODY} | changed
    assert signature([SECRET], **asked) != SIGNATURE  # type: ignore[arg-type]


def test_a_wrong_secret_is_one_that_signs_otherwise() -> None:
    wrong = wrong_secret(SECRET)
    check_secret(wrong)
    assert wrong == wrong_secret(SECRET) != SECRET
    assert signature([wrong], ID, TIMESTAMP, BODY) != SIGNATURE


def test_a_hint_hides_the_secret() -> None:
    assert hint_of(SECRET) == "whsec_...40c="


@pytest.mark.parametrize("secret", [SECRET, "any text", "whsec_"])
def test_a_secret_that_the_sdk_can_use(secret: str) -> None:
    check_secret(secret)
    assert signature([secret], ID, TIMESTAMP, BODY).startswith("v1,")


@pytest.mark.parametrize("secret", ["", "whsec_é", "whsec_A", "whsec_A B=", "a\nb"])
def test_a_secret_that_it_cannot_use(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base64|control characters"):
        check_secret(secret)

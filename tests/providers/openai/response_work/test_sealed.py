"""Opaque texts with values, in the form of Fernet tokens."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mockserver.ids import Ids
from mockserver.providers.openai.response_work.sealed import seal, unseal

NOW = 1_785_448_146.5
VALUES: list[Any] = [None, "", "x" * 100_000, {"items": [{"text": "Zoë"}]}, [1, 2.5, True]]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back(value: Any) -> None:
    assert unseal(seal(Ids(), NOW, value)) == value


def test_it_has_the_form_of_a_token_with_the_time() -> None:
    text = seal(Ids(), NOW, {"text": "secret words"})
    token = base64.urlsafe_b64decode(text)
    assert text.startswith("gAAAAAB")
    assert int.from_bytes(token[1:9], "big") == int(NOW)
    assert (len(token) - 25 - 32) % 16 == 0
    assert b"secret" not in token


def test_each_is_another_text_but_with_a_seed() -> None:
    ids = Ids()
    assert seal(ids, NOW, 1) != seal(ids, NOW, 1)
    assert seal(Ids("a"), NOW, 1) == seal(Ids("a"), NOW, 1)


@pytest.mark.parametrize(
    "text",
    ["", "x", "é", "gAAAAAB", "gAAAAAB" + "A" * 93, base64.urlsafe_b64encode(bytes(200)).decode()],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not "):
        unseal(text)


def test_a_changed_text_is_refused() -> None:
    text = seal(Ids(), NOW, {"text": "words"})
    changed = text[:40] + ("A" if text[40] != "A" else "B") + text[41:]
    with pytest.raises(ValueError, match="not "):
        unseal(changed)

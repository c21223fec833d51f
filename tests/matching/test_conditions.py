"""Patterns: the requests that they match, and the differences of those that they do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.audio.decode import ClipFacts, UndecodableAudio
from mockserver.matching.comparisons import PatternError
from mockserver.matching.patterns import IndexKey, Pattern

SHA = "ab" * 32


@dataclass
class KnownClip:
    name: str = "meeting.wav"
    sha256: str = SHA
    known: ClipFacts | None = field(
        default_factory=lambda: ClipFacts("wav", "pcm_s16le", 2.5, 1, 16_000, "cd" * 32)
    )

    @property
    def facts(self) -> ClipFacts:
        if self.known is None:
            raise UndecodableAudio("noise")
        return self.known


@dataclass
class KnownFacts:
    """A request with all facts."""

    endpoint_names: frozenset[str] = frozenset({"transcriptions", "create_transcription"})
    path: str = "/v1/audio/transcriptions"
    method: str = "POST"
    account_names: frozenset[str] = frozenset({"org-1", "proj_1", "org-1/proj_1"})
    model: str = "whisper-1"
    headers: dict[str, str] = field(default_factory=lambda: {"x-run": "7"})
    document: dict[str, Any] = field(default_factory=dict)
    prompt: str = "Names: Ada."
    user_text: str = "Please listen."
    clips: tuple[KnownClip, ...] = (KnownClip(),)
    heard: str | None = "The weather is fine."
    languages: tuple[str, ...] = ("en",)
    turn: int | None = None
    asks_for: frozenset[str] = frozenset()
    reply_kinds: frozenset[str] = frozenset()


DOCUMENT = {
    "temperature": 0,
    "stream": False,
    "messages": [{"role": "system"}, {"role": "user", "content": "Hi"}],
}


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"endpoint": "transcriptions"},
        {"endpoint": ["chat", "create_transcription"]},
        {"endpoint": "/v1/audio/transcriptions", "method": "post"},
        {"endpoint": ["/audio/{kind}", "nothing"]},
        {"endpoint": "/v1/audio/*", "method": ["GET", "POST"]},
        {"account": "proj_1"},
        {"model": "whisper-*"},
        {"model": ["gpt-*", "whisper-1"]},
        {"headers": {"X-Run": "7"}},
        {"headers": {"x-other": {"present": False}}},
        {"fields": {"temperature": 0}},
        {"fields": {"messages[1].role": "user"}},
        {"fields": {"messages.1.role": "user"}},
        {"fields": {"$.messages[*].role": "user"}},
        {"fields": {"messages[1].content": {"matches": "^h"}}},
        {"prompt": "ada"},
        {"user_text": {"contains": "listen"}},
        {"file": "meet*.wav"},
        {"sha256": SHA.upper()},
        {"pcm_sha256": "CD" * 32},
        {"container": ["ogg", "wav"]},
        {"codec": "pcm_s16le"},
        {"channels": 1},
        {"sample_rate": 16_000},
        {"duration": 2.5},
        {"duration": {"at_least": 2, "at_most": 3}},
        {"language": "en"},
        {"heard": "WEATHER"},
        {"heard": {"equals": "The weather is fine."}},
    ],
    ids=str,
)
def test_a_pattern_whose_conditions_hold_matches(when: dict[str, Any]) -> None:
    facts = KnownFacts(document=DOCUMENT)
    assert Pattern(when).matches(facts)
    assert Pattern(when).differences(facts) == []


@pytest.mark.parametrize(
    ("when", "difference"),
    [
        ({"endpoint": "chat"}, "endpoint: wanted 'chat', got 'transcriptions'"),
        ({"endpoint": "/v1/audio/*/x"}, "endpoint: wanted '/v1/audio/*/x', got '/v1/audio/transcriptions'"),
        ({"endpoint": "/v1/{resource}"}, "endpoint: wanted '/v1/{resource}', got '/v1/audio/transcriptions'"),
        ({"method": ["GET", "DELETE"]}, "method: wanted ['GET', 'DELETE'], got 'POST'"),
        ({"account": "proj_2"}, "account: is another account"),
        ({"model": "gpt-*"}, "model: wanted 'gpt-*', got 'whisper-1'"),
        ({"headers": {"x-run": "8"}}, "headers: x-run: wanted '8', got '7'"),
        ({"headers": {"x-other": "1"}}, "headers: x-other: wanted '1', got nothing"),
        ({"fields": {"stream": 0}}, "fields: stream: wanted 0, got False"),
        ({"fields": {"messages[2].role": "user"}}, "fields: messages[2].role: wanted 'user', got nothing"),
        ({"fields": {"temperature": {"present": False}}}, "fields: temperature: is present: 0"),
        ({"prompt": "Bob"}, "prompt: wanted /Bob/, got 'Names: Ada.'"),
        (
            {"user_text": {"contains": "speak"}},
            "user_text: wanted a value containing 'speak', got 'Please listen.'",
        ),
        ({"file": "*.mp3"}, "file: wanted '*.mp3', got 'meeting.wav'"),
        ({"channels": 2}, "channels: wanted 2, got 1"),
        ({"duration": {"at_least": 3}}, "duration: wanted {'at_least': 3}, got 2.5"),
        ({"language": "fr"}, "language: wanted 'fr', got 'en'"),
        ({"heard": "^weather"}, "heard: wanted /^weather/, got 'The weather is fine.'"),
    ],
    ids=str,
)
def test_a_pattern_says_what_differs(when: dict[str, Any], difference: str) -> None:
    facts = KnownFacts(document=DOCUMENT)
    assert not Pattern(when).matches(facts)
    assert Pattern(when).differences(facts) == [difference]


def test_every_condition_that_fails_is_reported() -> None:
    pattern = Pattern({"model": "tts-1", "file": "*.mp3", "heard": "weather"})
    assert [text.partition(":")[0] for text in pattern.differences(KnownFacts())] == ["model", "file"]


def test_a_request_without_audio_has_none_of_its_facts() -> None:
    facts = KnownFacts(clips=(), heard=None)
    assert Pattern({"duration": 1}).differences(facts) == ["duration: the request has no audio"]
    assert Pattern({"heard": "a"}).differences(facts) == ["heard: wanted /a/, got nothing"]
    assert Pattern({"heard": {"present": False}}).matches(facts)


def test_audio_that_cannot_be_decoded_is_reported() -> None:
    facts = KnownFacts(clips=(KnownClip(known=None),))
    assert Pattern({"container": "wav"}).differences(facts) == [
        "container: the audio cannot be decoded: noise"
    ]


def test_nothing_is_listened_to_for_cheaper_conditions() -> None:
    class Deaf(KnownFacts):
        @property
        def heard(self) -> str | None:
            raise AssertionError("was listened to")

        @heard.setter
        def heard(self, value: str | None) -> None:
            pass

    assert not Pattern({"heard": "a", "model": "tts-1"}).matches(Deaf())
    assert Pattern({"heard": "a", "model": "tts-1"}).differences(Deaf(), listen=False) == [
        "model: wanted 'tts-1', got 'whisper-1'"
    ]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (
            {"heard": "("},
            "heard: '(' is not a regular expression: missing ), unterminated subpattern at position 0.",
        ),
        ({"fields": {"a": {"matches": "["}}}, "fields.a: '[' is not a regular expression"),
        ({"fields": {"$[": 1}}, "fields.$[: is not a JSONPath"),
        ({"duration": {"at_least": 5, "at_most": 2}}, "duration: at_least must not be more than at_most."),
        ({"endpoint": "speach"}, "endpoint: unknown endpoint 'speach'. Did you mean 'speech'?"),
    ],
    ids=str,
)
def test_a_pattern_that_makes_no_sense_says_where(when: dict[str, Any], message: str) -> None:
    with pytest.raises(PatternError) as error:
        Pattern(when, ("speech", "chat"))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("when", "key"),
    [
        ({"sha256": SHA, "file": "a.wav"}, IndexKey("sha256", SHA)),
        ({"file": "a.wav"}, IndexKey("file", "a.wav")),
        ({"file": "*.wav"}, None),
        ({"user_text": "hello"}, None),
        ({"user_text": {"equals": "hello"}}, IndexKey("user_text", "hello")),
        ({"user_text": {"equals": "hello", "present": True}}, None),
        ({"model": "whisper-1"}, None),
    ],
    ids=str,
)
def test_exact_facts_are_indexed(when: dict[str, Any], key: IndexKey | None) -> None:
    assert Pattern(when).index_key == key


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values, st.text(min_size=1).filter(lambda path: not path.startswith("$") and path.strip(".[]")))
def test_any_path_can_be_looked_for_in_any_document(document: Any, path: str) -> None:
    facts = KnownFacts(document=document)
    there, missing = (Pattern({"fields": {path: {"present": present}}}) for present in (True, False))
    assert there.matches(facts) != missing.matches(facts)
    assert there.matches(facts) == (there.differences(facts) == [])

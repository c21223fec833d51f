"""The three forms of results, as documented and true of the audio."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest

from tests.providers.aimlapi.conftest import ASSEMBLYAI, DEEPGRAM, Stt

CALL = (
    "Thanks for calling our support line. Hello, I would like to know when my parcel arrives. "
    "It will be with you tomorrow morning. Wonderful, thank you very much."
)
SECONDS = 10.2365

Clip = tuple[str, bytes]
Body = dict[str, Any]


def alternative(result: Body) -> Body:
    (found,) = result["results"]["channels"]["alternatives"]
    return dict(found)


def follow_each_other(spans: Iterable[Body], duration: float) -> bool:
    """Return whether times increase and lie within the audio."""
    times = [time for span in spans for time in (span["start"], span["end"])]
    return all(0 <= before <= after <= duration for before, after in pairwise(times))


def test_openai_s_shape_has_text_and_usage(stt: Stt, call: Clip) -> None:
    assert stt.result(stt.upload(call, prompt="parcel")) == {
        "text": CALL,
        "usage": {
            "type": "tokens",
            "total_tokens": 139,
            "input_tokens": 103,
            "input_token_details": {"text_tokens": 1, "audio_tokens": 102},
            "output_tokens": 36,
        },
    }


@pytest.mark.parametrize(
    ("model", "name", "arch"),
    [
        ("#g1_nova-2-meeting", "2-meeting-nova", "nova-2"),
        ("nova-3", "general-nova-3", "nova-3"),
        ("#g1_whisper-large", "large-whisper", "whisper"),
    ],
)
def test_deepgram_s_shape_tells_of_file_and_model(
    stt: Stt, call: Clip, model: str, name: str, arch: str
) -> None:
    metadata = stt.result(stt.upload(call, model=model))["metadata"]
    assert metadata["sha256"] == hashlib.sha256(call[1]).hexdigest()
    assert (metadata["duration"], metadata["channels"]) == (SECONDS, 1)
    (uuid,) = metadata["models"]
    info = metadata["model_info"][uuid]
    assert (info["name"], info["arch"]) == (name, arch)
    assert metadata["created"].startswith("20")
    assert metadata["transaction_key"] == "deprecated"


def test_deepgram_s_words_are_those_of_the_transcript(stt: Stt, call: Clip) -> None:
    found = alternative(stt.result(stt.upload(call, model=DEEPGRAM)))
    words = found["words"]
    assert found["transcript"] == " ".join(word["punctuated_word"] for word in words) == CALL
    assert [word["word"] for word in words[:7]] == [
        "thanks",
        "for",
        "calling",
        "our",
        "support",
        "line",
        "hello",
    ]
    assert follow_each_other(words, SECONDS)
    assert all(0.8 < word["confidence"] < 1 for word in words)
    assert found["confidence"] == pytest.approx(sum(word["confidence"] for word in words) / len(words))
    assert "speaker" not in words[0]


def test_deepgram_s_sentences_make_a_paragraph(stt: Stt, call: Clip) -> None:
    found = alternative(stt.result(stt.upload(call, model=DEEPGRAM)))
    (paragraph,) = found["paragraphs"]
    sentences = paragraph["paragraphs"]["sentences"]
    assert paragraph["transcript"] == " ".join(sentence["text"] for sentence in sentences) == CALL
    assert paragraph["paragraphs"]["num_words"] == len(found["words"])
    assert follow_each_other(sentences, SECONDS)


def test_deepgram_tells_speakers_apart_when_asked(stt: Stt, call: Clip) -> None:
    found = alternative(stt.result(stt.upload(call, model=DEEPGRAM, diarize="true")))
    turns = [paragraph["transcript"] for paragraph in found["paragraphs"]]
    assert turns[0] == "Thanks for calling our support line."
    assert len(turns) == 4
    assert [word["speaker"] for word in found["words"]] == [0] * 6 + [1] * 10 + [0] * 7 + [1] * 5


def test_deepgram_leaves_punctuation_out_when_asked(stt: Stt, call: Clip) -> None:
    bare = alternative(stt.result(stt.upload(call, model=DEEPGRAM, punctuate="false")))
    assert bare["transcript"].startswith("thanks for calling our support line hello i would like")
    formatted = stt.upload(call, model=DEEPGRAM, punctuate="false", smart_format="true")
    assert alternative(stt.result(formatted))["transcript"] == CALL


@pytest.mark.parametrize(("model", "own_name"), [("aai/slam-1", "slam-1"), ("aai/universal", "universal")])
def test_assemblyai_s_shape_has_words_in_milliseconds(
    stt: Stt, call: Clip, model: str, own_name: str
) -> None:
    result = stt.result(stt.upload(call, model=model))
    assert (result["speech_model"], result["status"], result["language_code"]) == (
        own_name,
        "completed",
        "en_us",
    )
    words = result["words"]
    assert result["text"] == " ".join(word["text"] for word in words) == CALL
    assert all(isinstance(word["start"], int) and isinstance(word["end"], int) for word in words)
    assert follow_each_other(words, SECONDS * 1000)
    assert result["audio_duration"] == 11
    assert 0.8 < result["confidence"] < 1
    assert "utterances" not in result


def test_assemblyai_has_an_utterance_a_turn_when_asked(stt: Stt, call: Clip) -> None:
    result = stt.result(stt.upload(call, model=ASSEMBLYAI, speaker_labels="true"))
    utterances = result["utterances"]
    assert [each["speaker"] for each in utterances] == ["A", "B", "A", "B"]
    assert " ".join(each["text"] for each in utterances) == CALL
    assert [word for each in utterances for word in each["words"]] == result["words"]
    assert follow_each_other(utterances, SECONDS * 1000)


def test_assemblyai_s_analyses_are_empty_but_there(stt: Stt, call: Clip) -> None:
    plain = stt.result(stt.upload(call, model=ASSEMBLYAI))
    assert plain["content_safety_labels"] == {"status": "unavailable", "results": [], "summary": {}}
    assert "chapters" not in plain
    switches = (
        "auto_highlights",
        "content_safety",
        "iab_categories",
        "summarization",
        "auto_chapters",
        "sentiment_analysis",
        "entity_detection",
    )
    asked = stt.result(stt.upload(call, model=ASSEMBLYAI, **dict.fromkeys(switches, "true")))
    assert all(asked[switch] is True for switch in switches)
    assert asked["content_safety_labels"]["status"] == asked["auto_highlights_result"]["status"] == "success"
    assert (asked["chapters"], asked["sentiment_analysis_results"], asked["entities"]) == ([], [], [])


def test_confidences_are_those_of_the_recogniser_where_it_has_any(stt: Stt, call: Clip) -> None:
    words = [
        {"word": "Hello", "start": 0.0, "end": 0.5, "probability": 0.25},
        {"word": "there.", "start": 0.5, "end": 1.0, "probability": 0.75},
    ]
    stt.api.on("stt").reply(words=words)
    found = alternative(stt.result(stt.upload(call, model=DEEPGRAM)))
    assert [word["confidence"] for word in found["words"]] == [0.25, 0.75]
    assert found["confidence"] == 0.5


def test_nothing_said_is_nothing_written(stt: Stt, silence: Clip) -> None:
    stt.api.on("stt").reply("")
    found = alternative(stt.result(stt.upload(silence, model=DEEPGRAM)))
    assert found == {"transcript": "", "confidence": 0.0, "words": [], "paragraphs": []}
    assert stt.result(stt.upload(silence, model=ASSEMBLYAI, speaker_labels="true"))["utterances"] == []


def test_a_hinted_language_is_the_language(stt: Stt, silence: Clip) -> None:
    job = stt.upload(silence, model=ASSEMBLYAI, language_code="fr")
    assert stt.result(job)["language_code"] == "fr"

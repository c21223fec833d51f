"""Log probabilities of tokens."""

from __future__ import annotations

from mockserver.wire import likelihood, tokens


def test_entries_are_those_of_the_tokens_with_alternatives() -> None:
    split = list(tokens.split("Hello, world."))
    entries = likelihood.entries(split, 3)
    assert "".join(entry["token"] for entry in entries) == "Hello, world."
    for entry in entries:
        alternatives = entry["top_logprobs"]
        assert alternatives[0]["token"] == entry["token"]
        assert [each["logprob"] for each in alternatives] == sorted(
            (each["logprob"] for each in alternatives), reverse=True
        )
    assert {len(entry["top_logprobs"]) for entry in likelihood.entries(split, 0)} == {0}

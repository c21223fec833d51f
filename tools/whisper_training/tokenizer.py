"""The vocabulary: a token for each everyday word form, pieces for all others, and Whisper's special tokens.

Whisper's ids, in order: text, ``<|endoftext|>``, the other special tokens, timestamps. faster-whisper finds them
by name. As the vocabulary is small it takes the model for an English-only one: prompts have no language.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from tools.whisper_training.lexicon import dictionary_words, everyday_forms, word_classes

PIECES = 1500  # tokens that spell what is no everyday word, single bytes included
SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
TIMESTAMPS = 1501  # every 20 ms up to 30 s
# faster-whisper suppresses the first token of each of these. It must not be a bare space, which pieces follow.
SUPPRESSED = (" -", " '", " ♪", " ♪♪♪", " ♩")
# Sentences begin with these more often than with others, so they have a token with a capital as well.
INITIAL = (
    "adverb", "place_preposition", "preposition", "conjunction", "subject", "possessive", "determiner",
    "plural_determiner", "question", "auxiliary", "negated", "number", "ordinal", "greeting", "interjection",
    "verb", "mass", "large", "helper",
)  # fmt: skip


class Vocabulary:
    """A tokenizer and the ids of its special tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.end = self.id_of("<|endoftext|>")
        self.start = self.id_of("<|startoftranscript|>")
        self.previous = self.id_of("<|startofprev|>")
        self.no_speech = self.id_of("<|nospeech|>")
        self.no_timestamps = self.id_of("<|notimestamps|>")
        self.first_timestamp = self.no_timestamps + 1

    @classmethod
    def load(cls, file: Path) -> Vocabulary:
        """Load a ``tokenizer.json``."""
        return cls(Tokenizer.from_file(str(file)))

    def id_of(self, token: str) -> int:
        """Return the id of a token, which must exist."""
        found = self.tokenizer.token_to_id(token)
        assert found is not None, token
        return int(found)

    def timestamp(self, seconds: float) -> int:
        """Return the id of a time in the window, from 0 to 30 s."""
        return self.first_timestamp + min(max(round(seconds * 50), 0), TIMESTAMPS - 1)

    def encode(self, text: str) -> list[tuple[int, int, int]]:
        """Return the tokens of " " + ``text``: id, start and end in ``text`` (without the space)."""
        encoding = self.tokenizer.encode(" " + text, add_special_tokens=False)
        spans = zip(encoding.ids, encoding.offsets, strict=True)
        return [(token, max(start - 1, 0), end - 1) for token, (start, end) in spans]

    @cached_property
    def tokens(self) -> list[str]:
        """Return all tokens by id, timestamps included."""
        return [str(self.tokenizer.id_to_token(i)) for i in range(self.tokenizer.get_vocab_size())]

    def __len__(self) -> int:
        return int(self.tokenizer.get_vocab_size())


def build_vocabulary() -> Vocabulary:
    """Build the vocabulary from the word lists, always the same for the same lists."""
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    pieces.train_from_iterator(_spellings(), trainer)
    state = json.loads(pieces.to_str())["model"]
    vocabulary: dict[str, int] = dict(sorted(state["vocab"].items(), key=lambda entry: entry[1]))
    for word in _whole_words(pieces):
        vocabulary.setdefault(word, len(vocabulary))
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=[tuple(pair) for pair in state["merges"]], ignore_merges=True)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    times = (f"<|{index * 0.02:.2f}|>" for index in range(TIMESTAMPS))
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in (*SPECIAL, *times)])
    return Vocabulary(tokenizer)


def _spellings() -> Iterator[str]:
    """Return words to learn the pieces from, each as it is written within a sentence, some with a capital."""
    rng = random.Random(0)
    for word in (*everyday_forms(), *dictionary_words()):
        yield " " + (word.capitalize() if rng.random() < 0.2 else word)


def _whole_words(pieces: Tokenizer) -> Iterator[str]:
    """Return everyday words as the pre-tokenizer splits them ("don't" is two), and those not to be split."""
    initial = [word.capitalize() for name in INITIAL for word in word_classes()[name]]
    for text in (*SUPPRESSED, *(f" {word}" for word in (*everyday_forms(), *initial))):
        for part, _ in pieces.pre_tokenizer.pre_tokenize_str(text):
            yield part
    yield from ["'d", "'ll", "'m", "'re", "'s", "'t", "'ve"]

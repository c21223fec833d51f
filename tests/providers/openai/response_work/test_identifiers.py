"""The ids of responses and conversations: their forms, times and chains."""

from __future__ import annotations

import re

import pytest

from mockserver.ids import Ids
from mockserver.providers.openai.response_work import identifiers
from mockserver.providers.openai.response_work.identifiers import Chain, chain_of, new_chain

NOW = 1_785_448_146.4375
# Recorded ids, with the second in which the response was created, and its chain.
RECORDED = [
    ("resp_075ddfa016e58c6b016a6bc6d272288195837c203a2e083401", 1785448146, Chain("075ddfa016e58c6b", "195")),
    ("fc_075ddfa016e58c6b016a6bc6d2f86c81959a95d390cf21855a", 1785448146, Chain("075ddfa016e58c6b", "195")),
    ("resp_06a874b3b87dc3ad006a624e85069881948c6d1a09696312f5", 1784827525, Chain("06a874b3b87dc3ad", "194")),
]


@pytest.mark.parametrize(("identifier", "seconds", "chain"), RECORDED)
def test_recorded_ids_have_the_chain_and_the_time(identifier: str, seconds: int, chain: Chain) -> None:
    assert chain_of(identifier) == chain
    digits = identifier.partition("_")[2]
    assert int(digits[18:26], 16) == seconds


def test_new_ids_have_the_form_of_recorded_ones() -> None:
    ids = Ids()
    chain = new_chain(ids)
    assert re.fullmatch("0[0-9a-f]{15}", chain.key)
    assert re.fullmatch("1[9a][0-9a-f]", chain.marker)
    uuid = f"6a6bc6d270008{chain.marker}[89ab][0-9a-f]{{15}}"
    assert re.fullmatch(f"resp_{chain.key}00{uuid}", identifiers.response_id(ids, chain, NOW))
    assert re.fullmatch(f"msg_{chain.key}00{uuid}", identifiers.item_id(ids, chain, NOW, "msg"))
    assert re.fullmatch(f"resp_{chain.key}01{uuid}", identifiers.compaction_id(ids, chain, NOW))
    assert re.fullmatch(f"conv_{uuid}{chain.key}", identifiers.conversation_id(ids, chain, NOW))
    assert re.fullmatch(f"msg_{uuid}{chain.key}", identifiers.conversation_item_id(ids, chain, NOW))


def test_the_chain_is_read_from_every_kind_of_id() -> None:
    ids = Ids()
    chain = new_chain(ids)
    made = [
        identifiers.response_id(ids, chain, NOW),
        identifiers.item_id(ids, chain, NOW, "rs"),
        identifiers.compaction_id(ids, chain, NOW),
        identifiers.conversation_id(ids, chain, NOW),
        identifiers.conversation_item_id(ids, chain, NOW),
    ]
    assert {chain_of(each) for each in made} == {chain}
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("other", ["", "resp_1", "resp_" + "g" * 50, "conv_" + "0" * 48, "x" * 1000])
def test_other_ids_have_no_chain(other: str) -> None:
    assert chain_of(other) is None


def test_a_seed_gives_the_same_ids_again() -> None:
    def some(ids: Ids) -> list[str]:
        chain = new_chain(ids)
        return [
            identifiers.response_id(ids, chain, NOW),
            identifiers.item_id(ids, chain, NOW, "msg"),
            identifiers.conversation_id(ids, chain, NOW),
        ]

    assert some(Ids("seven")) == some(Ids("seven"))
    assert not set(some(Ids("seven"))) & set(some(Ids("eight")))


@pytest.mark.parametrize("now", [-1e12, 0, 2.0**33, 1e15])
def test_no_time_is_too_far_off(now: float) -> None:
    ids = Ids()
    chain = new_chain(ids)
    assert chain_of(identifiers.response_id(ids, chain, now)) == chain

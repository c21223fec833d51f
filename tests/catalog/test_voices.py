"""The voices that requests name: those of the catalog, and custom ones that depend on their id alone."""

from __future__ import annotations

import pytest

from mockserver.catalog.tables import Catalog
from mockserver.catalog.voices import voice_of


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


def test_a_voice_of_the_catalog_is_found_by_its_name(catalog: Catalog) -> None:
    assert voice_of(catalog, "alloy") is catalog.voice("alloy")


def test_another_voice_depends_on_its_id_alone(catalog: Catalog) -> None:
    mine, other = voice_of(catalog, "voice_mine"), voice_of(catalog, "voice_other")
    assert mine == voice_of(catalog, "voice_mine")
    assert (mine.pitch, mine.tempo) != (other.pitch, other.tempo)
    assert mine.name == "voice_mine"


def test_a_long_id_is_cut_in_the_name(catalog: Catalog) -> None:
    assert voice_of(catalog, "v" * 100).name == "v" * 64

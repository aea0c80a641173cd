"""Shelves: what is there, and what may be loaded."""

import pytest

from modelwright.core.errors import Invalid, NotFound
from modelwright.core.registry import Shelf
from modelwright.models.package import FLAVOURS


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """The shelf of flavours, with a third party's ``shouting`` and its own ``sklearn`` installed."""
    (tmp_path / "shouting_flavour.py").write_text("variant = 'AAH'\n")
    about = tmp_path / "shouting-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[modelwright.flavours]\nshouting = shouting_flavour:variant\nsklearn = shouting_flavour:variant\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return Shelf("modelwright.models.flavours", "flavour")


def test_a_third_partys_variant_is_loaded_only_when_it_is_named(shelf, monkeypatch):
    assert "shouting" not in shelf.names()
    with pytest.raises(Invalid, match="shouting_flavour") as raised:
        shelf.get("shouting")
    assert "MODELWRIGHT_PLUGINS=shouting" in raised.value.remedy
    monkeypatch.setenv("MODELWRIGHT_PLUGINS", "other,shouting")
    assert "shouting" in shelf.names()
    assert shelf.get("shouting") == "AAH"


def test_a_third_party_cannot_take_a_built_in_ones_place(shelf, monkeypatch):
    monkeypatch.setenv("MODELWRIGHT_PLUGINS", "sklearn")
    assert shelf.get("sklearn") is FLAVOURS.get("sklearn")


def test_what_is_not_there_is_not_found(shelf):
    with pytest.raises(NotFound, match="no flavour 'pickle'") as raised:
        shelf.get("pickle")
    assert "lookup, sklearn" in raised.value.remedy


def test_the_entry_points_of_a_shelf_of_two_words_have_an_underscore():
    assert Shelf("modelwright.stats.drift", "drift test").group == "modelwright.drift_tests"

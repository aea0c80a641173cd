"""What was written once reads the same for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from modelwright.core import wire
from modelwright.core.events import ActorKind
from modelwright.ledger import tree
from modelwright.ledger.model import Envelope

WRITTEN = msgspec.json.decode((Path(__file__).parent / "envelope_v1.json").read_bytes())
"""An entry as the first release wrote it, and its leaf. This file never changes."""


@pytest.fixture
def text():
    return WRITTEN["envelope"]


def test_an_entry_of_version_1_hashes_to_its_leaf(text):
    assert tree.leaf_hash(text.encode()) == "9b5d7416026682d75cc62871f6d9e16c9df04a821083502c8e361a4f47045e76"
    assert WRITTEN["leaf"] == tree.leaf_hash(text.encode())


def test_an_entry_of_version_1_can_be_read(text):
    envelope = msgspec.json.decode(text, type=Envelope)
    assert (envelope.seq, envelope.v, envelope.kind) == (7, 1, "models.alias_moved")
    assert (envelope.actor_id, envelope.actor_kind) == ("owner", ActorKind.PERSON)
    assert envelope.recorded_at == datetime(2026, 3, 1, 12, 30, 45, 123456, tzinfo=UTC)
    assert envelope.body["reason"] == 'schöner als "2", sagt Zoë 🛫'


def test_an_entry_that_is_read_and_written_again_is_the_same_text(text):
    """So nothing that is added to the envelope may appear in what was written before it."""
    assert wire.canonical(msgspec.json.decode(text, type=Envelope)).decode() == text

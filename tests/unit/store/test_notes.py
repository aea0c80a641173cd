"""A signed note is what the specification's other implementations write and read."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Corrupted
from modelwright.store.keys import Keys
from modelwright.store.notes import key_id, opened_note, signature_line, verifier_key

# The example of Go's golang.org/x/mod/sumdb/note, whose form the specification wrote down.
NAME = "example.com/foo"
VERIFIER = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
PUBLIC = base64.b64decode(VERIFIER.split("+", 2)[2])[1:]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


def test_the_verifier_key_and_the_note_are_those_of_another_implementation():
    assert verifier_key(NAME, PUBLIC) == VERIFIER
    assert key_id(NAME, PUBLIC).hex() == "530d903a"
    assert opened_note(NOTE, NAME, PUBLIC) == "This is an example message.\n"


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(0, 7))
def test_no_bit_of_a_note_can_be_another(place, bit):
    flipped = bytearray(NOTE.encode())
    flipped[place] ^= 1 << bit
    with pytest.raises(Corrupted):
        opened_note(flipped.decode(errors="replace"), NAME, PUBLIC)


@given(st.lists(st.text(st.characters(blacklist_categories=["C"]), min_size=1), min_size=1))
def test_what_was_signed_is_what_is_opened(keys, lines):
    text = "\n".join(lines) + "\n"
    assert opened_note(keys.sign_note(text, "home"), "home", keys.public) == text


def test_signatures_of_unknown_keys_are_ignored_and_a_wrong_one_of_a_known_key_is_not():
    text, line = NOTE.split("\n\n")
    stranger = signature_line("witness.example/w", bytes(32), bytes(64))
    assert opened_note(f"{text}\n\n{stranger}{line}", NAME, PUBLIC) == text + "\n"
    forged = signature_line(NAME, PUBLIC, bytes(64))
    for lines in (forged + line, line + forged, forged):
        with pytest.raises(Corrupted, match="does not match"):
            opened_note(f"{text}\n\n{lines}", NAME, PUBLIC)
    with pytest.raises(Corrupted, match="not signed by the trusted key"):
        opened_note(f"{text}\n\n{stranger}", NAME, PUBLIC)


@pytest.mark.parametrize(
    "note", ["", "\n\n", NOTE.strip(), NOTE.replace("—", "-"), NOTE + NOTE.splitlines()[2] * 17, "a\n\n"]
)
def test_what_is_no_note_is_not_opened(note):
    with pytest.raises(Corrupted):
        opened_note(note, NAME, PUBLIC)


def test_an_envelope_is_never_a_note(keys):
    """One key signs both: what is signed of an envelope begins with its scheme's name, and no checkpoint does."""
    signed = base64.b64decode(keys.sign(b"payload", "text/plain").signatures[0].sig)
    note = "payload\n\n" + signature_line("home", keys.public, signed)
    with pytest.raises(Corrupted, match="does not match"):
        opened_note(note, "home", keys.public)

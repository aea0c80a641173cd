"""Tokens and passwords."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.access.credentials import hash_password, hashed, is_password, is_token, new_token
from modelwright.core.errors import Invalid


def test_tokens_are_told_from_other_texts_without_asking_anybody():
    token = new_token()
    assert is_token(token)
    assert token != new_token()
    assert hashed(token) == hashlib.sha256(token.encode()).hexdigest()


@given(st.integers(0, 36), st.characters())
def test_a_token_with_one_character_altered_is_none(place, character):
    token = new_token()
    altered = token[:place] + character + token[place + 1 :]
    assert is_token(altered) == (altered == token)


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_token_by_chance(text):
    assert not is_token(text)


def test_a_password_is_kept_as_argon2id_says_and_no_other_opens():
    kept = hash_password("correct horse battery")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert is_password("correct horse battery", kept)
    assert not is_password("correct horse batterz", kept)
    assert kept != hash_password("correct horse battery")


def test_what_another_implementation_kept_is_read():
    """Made with argon2-cffi 25.1.0, salt ``0123456789abcdef``."""
    kept = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$9MXu+ytMX3R20GcQQz2WyBVZCc5500I9R1MHHdXwHBA"
    assert is_password("a sentence of mine", kept)
    assert not is_password("a sentence of yours", kept)


def test_nobody_has_no_password():
    assert not is_password("anything at all", None)


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 257])
def test_a_password_has_12_to_256_characters(password):
    with pytest.raises(Invalid, match="12 to 256"):
        hash_password(password)

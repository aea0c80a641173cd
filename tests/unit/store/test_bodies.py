"""Facts as rows: what was altered is not read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from modelwright.core.errors import Corrupted
from modelwright.core.ids import Pinned
from modelwright.store.tables import Body

BODY = Body(Pinned)
FACT = Pinned(ref="flights@3", digest="a" * 64)
STORED = BODY.process_bind_param(FACT, sqlite.dialect())


def test_a_fact_is_read_as_it_was_written():
    assert BODY.read(STORED) == FACT


@given(st.integers(0, len(STORED) - 1), st.integers(1, 127))
def test_a_fact_of_which_one_character_was_altered_is_refused(place, flip):
    altered = STORED[:place] + chr(ord(STORED[place]) ^ flip) + STORED[place + 1 :]
    with pytest.raises(Corrupted, match="A stored Pinned has been altered"):
        BODY.read(altered)


@pytest.mark.parametrize("stored", ["", " ", "{}", b"", 5])
def test_what_never_was_a_fact_is_refused(stored):
    with pytest.raises(Corrupted):
        BODY.read(stored)

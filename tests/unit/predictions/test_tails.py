"""LAW: reading on from where one stopped gives what reading from the beginning gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Corrupted
from modelwright.predictions.columns import rows_of
from modelwright.predictions.model import Kind, LabelBatch, encode
from modelwright.predictions.segments import MAGIC, framed, frames
from modelwright.predictions.tails import Tails


def record(number: int) -> bytes:
    batch = LabelBatch(endpoint="e", ids=[f"{number:032x}"], values=[1.0], known_at=[number], recorded_at=number)
    return framed(encode(batch))


WHOLE = MAGIC + b"".join(map(record, range(60)))


@settings(deadline=None)  # the first call imports pyarrow
@given(st.lists(st.integers(0, len(WHOLE)), max_size=50).map(sorted))
def test_a_segment_that_grows_is_read_on_and_not_again(tmp_path_factory, ends):
    path = tmp_path_factory.mktemp("log") / "one.seg"
    tails = Tails()
    for end in [*ends, len(WHOLE)]:
        path.write_bytes(WHOLE[:end])
        found = tails.rows(path.parent, Kind.LABELS, [path])
        assert found.equals(rows_of(Kind.LABELS, (payload for _, payload in frames(path))))


def test_a_write_that_was_taken_back_is_forgotten(tmp_path: Path):
    path, tails = tmp_path / "one.seg", Tails()
    for numbers in ((1, 2, 3), (1,), (1, 4)):
        path.write_bytes(MAGIC + b"".join(map(record, numbers)))
        ids = tails.rows(tmp_path, Kind.LABELS, [path])["prediction_id"].to_pylist()
        assert ids == [f"{number:032x}" for number in numbers]


def test_a_segment_that_is_gone_is_said_and_forgotten(tmp_path: Path):
    path, tails = tmp_path / "one.seg", Tails()
    path.write_bytes(WHOLE)
    assert tails.rows(tmp_path, Kind.LABELS, [path]).num_rows == 60
    path.unlink()
    with pytest.raises(FileNotFoundError):
        tails.rows(tmp_path, Kind.LABELS, [path])
    assert tails.rows(tmp_path, Kind.LABELS, []).num_rows == 0


def test_damage_behind_what_is_known_is_named_by_its_place(tmp_path: Path):
    path, tails = tmp_path / "one.seg", Tails()
    path.write_bytes(WHOLE)
    tails.rows(tmp_path, Kind.LABELS, [path])
    more = bytearray(record(60))
    more[-1] ^= 1
    path.write_bytes(WHOLE + more)
    with pytest.raises(Corrupted, match=f"at byte {len(WHOLE)}"):
        tails.rows(tmp_path, Kind.LABELS, [path])

"""Logs are bounded, and say what they left out."""

from hypothesis import given
from hypothesis import strategies as st

from modelwright.execution.log import HALF_BYTES, TAIL_BYTES, Log


@given(st.lists(st.binary(max_size=3000), max_size=8))
def test_a_short_log_is_kept_as_it_is(pieces):
    log = Log()
    for piece in pieces:
        log.add(piece)
    whole = b"".join(pieces)
    assert log.whole == whole
    assert log.size == len(whole)
    assert log.tail == whole[-TAIL_BYTES:].decode(errors="replace")


def test_of_a_long_log_beginning_and_end_are_kept():
    log = Log()
    lines = b"".join(b"line %08d\n" % number for number in range(100_000))
    for begin in range(0, len(lines), 7001):
        log.add(lines[begin : begin + 7001])
    assert len(log.whole) < 2 * HALF_BYTES + 100
    assert log.whole.startswith(lines[:HALF_BYTES])
    assert log.whole.endswith(lines[-HALF_BYTES:])
    assert f"[{len(lines) - 2 * HALF_BYTES:,} bytes are left out here]".encode() in log.whole
    assert log.tail == lines[-TAIL_BYTES:].decode()
    assert log.longer

"""Values that steps hand on come back as they were, and the same value has the same bytes."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Corrupted, Invalid, NotFound
from modelwright.core.wire import sha256
from modelwright.pipelines.model import INLINE_BYTES
from modelwright.pipelines.values import Taken, checked, decode, encode, kept, results


class Colour(StrEnum):
    RED = "red"


class Pair(msgspec.Struct, frozen=True):
    left: int
    right: "tuple[Pair, ...]" = ()


@dataclass(frozen=True)
class Point:
    x: float
    when: datetime


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.timedeltas()
    | st.datetimes(timezones=st.none() | st.just(UTC) | st.just(timezone(timedelta(hours=-5)))),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(st.integers(), inner)
        | st.frozensets(st.integers() | st.text(), max_size=3).filter(
            lambda s: all(not isinstance(i, int) or -(2**63) <= i < 2**64 for i in s)
        )
    ),
    max_leaves=12,
).filter(lambda value: "-0" not in repr(value))


@given(PLAIN)
def test_plain_values_come_back_with_their_types(value):
    try:
        data = encode(value)
    except Invalid:
        assert any(abs(number) >= 2**63 for number in _numbers(value))
        return
    found = decode(data)
    assert found == value
    assert repr(type(found)) == repr(type(value))
    assert encode(found) == data


def _numbers(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(key)
            yield from _numbers(item)
    elif isinstance(value, list | tuple | frozenset):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int):
        yield value


@pytest.mark.parametrize(
    "value", [Pair(1, (Pair(2),)), Point(0.5, datetime(2013, 1, 1, tzinfo=UTC)), Colour.RED, {"a": (1, [Pair(3)])}]
)
def test_classes_of_loaded_modules_come_back(value):
    assert decode(encode(value)) == value
    assert type(decode(encode(value))) is type(value)


def test_tables_and_arrays_may_stand_inside_of_plain_values():
    value = {"table": pa.table({"x": [1, 2]}), "scores": [np.float64(0.5), np.arange(3)], "on": date(2013, 1, 1)}
    found = decode(encode(value))
    assert found["table"].equals(value["table"])
    assert type(found["scores"][0]) is np.float64
    assert found["scores"][1].tolist() == [0, 1, 2]


def test_a_class_that_is_not_loaded_is_not_imported():
    data = encode(Point(1.0, datetime(2013, 1, 1, tzinfo=UTC))).replace(b"Point", b"Paint")
    with pytest.raises(NotFound, match="no such class is loaded"):
        decode(data)


@pytest.mark.parametrize("place", [("os", "system"), ("subprocess", "Popen"), ("builtins", "eval")])
def test_bytes_make_no_object_of_any_other_class(place):
    forged = msgspec.msgpack.encode([*place, {"args": "true"}])
    with pytest.raises(NotFound):
        decode(msgspec.msgpack.encode(msgspec.msgpack.Ext(8, forged)))


@given(st.binary(max_size=40))
def test_other_bytes_never_raise_anything_but_an_error_of_ours(data):
    with contextlib.suppress(Corrupted, NotFound, Invalid):
        decode(data)


@pytest.mark.parametrize(("value", "remedy"), [(object(), "Arrow"), (lambda: 1, "Arrow"), ([1, {2: open}], "Arrow")])
def test_what_only_pickle_could_keep_is_refused_with_a_remedy(value, remedy):
    with pytest.raises(Invalid, match="without pickle") as raised:
        encode(value, what="The result of train")
    assert raised.value.message.startswith("The result of train")
    assert remedy in raised.value.remedy


def test_a_value_that_holds_itself_is_refused():
    value: list = []
    value.append(value)
    with pytest.raises(Invalid, match="holds itself"):
        encode(value)


def test_marks_are_filled_with_results_and_their_parts():
    data, value = checked({"train": [1, 2], "test": (3,)}, what="x")
    fetch = results({value.digest: value}, lambda _: b"")
    call = encode([Taken(value.digest), {"y": Taken(value.digest, ("train", 1))}])
    assert decode(call, fetch) == [{"train": [1, 2], "test": (3,)}, {"y": 2}]
    with pytest.raises(Invalid, match="no 'other'"):
        decode(encode(Taken(value.digest, ("other",))), fetch)
    assert data == value.data


def test_every_taker_gets_a_value_of_its_own():
    _, value = checked([1], what="x")
    fetch = results({value.digest: value}, lambda _: b"")
    fetch(value.digest).append(2)
    assert fetch(value.digest) == [1]


def test_altered_bytes_are_not_used():
    large = encode(b"x" * (INLINE_BYTES + 1))
    value = kept(large)
    assert value.data is None
    with pytest.raises(Corrupted):
        results({value.digest: value}, lambda _: large + b"!")(sha256(large))

"""The one JSON of a value, and what is checked on the way in."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.models.model import PackageFile
from modelwright.tracking.model import Metric

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | words
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=20
)


def reordered(value):
    """The same value with every dictionary filled the other way round."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_canonical_json_is_json_of_the_same_value(value):
    assert json.loads(wire.canonical(value)) == value


@given(values)
def test_canonical_json_does_not_depend_on_the_order_of_keys(value):
    assert wire.canonical(reordered(value)) == wire.canonical(value)


@given(values)
def test_canonical_json_of_what_was_read_from_it_is_the_same_bytes(value):
    text = wire.canonical(value)
    assert wire.canonical(wire.decode(text, object)) == text


@given(values, values)
def test_values_of_one_canonical_json_are_equal(one, other):
    if wire.canonical(one) == wire.canonical(other):
        assert one == other


@given(st.dictionaries(words, st.none(), min_size=2))
def test_keys_are_sorted_and_nothing_is_between_tokens(value):
    assert (
        wire.canonical(value).decode()
        == "{" + ",".join(f"{wire.encode(key).decode()}:null" for key in sorted(value)) + "}"
    )


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("around", [lambda n: n, lambda n: [1, n], lambda n: {"a": {"b": (n,)}}])
def test_a_number_that_json_lacks_has_no_canonical_json(number, around):
    with pytest.raises(Invalid, match="has no canonical JSON"):
        wire.canonical(around(number))


@given(st.floats())
def test_a_real_travels_whatever_it_is(number):
    back = wire.decode(wire.encode(wire.real(number)), wire.Real)
    assert float(back) == number or (math.isnan(float(back)) and math.isnan(number))


class Box(Struct, frozen=True, kw_only=True):
    """Something that holds checked things."""

    files: tuple[PackageFile, ...] = ()
    metrics: tuple[Metric, ...] = ()


NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"files": [PackageFile(path="../x", digest="0" * 64, size=1)]}, "files[0].path"),
        ({"files": [PackageFile(path="x", digest="0" * 63, size=1)]}, "files[0].digest"),
        ({"metrics": [Metric(key="", value=1.0, at=NOW, seq=0)]}, "metrics[0].key"),
        ({"metrics": [Metric(key="loss", value=1.0, step="one", at=NOW, seq=0)]}, "metrics[0].step"),
    ],
)
def test_a_struct_is_checked_field_by_field_as_its_json_would_be(given_, field):
    """A Struct's constructor checks nothing: what a script made must not pass where the same JSON would not."""
    with pytest.raises(Invalid) as caught:
        wire.convert(given_, Box)
    assert list(caught.value.fields) == [field]


def test_what_is_no_data_is_refused_also_inside_a_struct():
    with pytest.raises(Invalid, match="no data"):
        wire.convert({"metrics": [Metric(key="loss", value=object(), at=NOW, seq=0)]}, Box)
    with pytest.raises(Invalid, match="files"):
        wire.convert({"files": object()}, Box)


def test_a_number_without_a_fraction_is_a_real_all_the_same():
    (metric,) = wire.convert({"metrics": [Metric(key="loss", value=1, at=NOW, seq=0)]}, Box).metrics
    assert type(metric.value) is float
    assert metric.at == NOW

"""LAW: what is taken has nothing in common, comes from its list, and is as many as every choice together could be."""

from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.disjoint import MOST_SHARED, disjoint

_SETS = st.lists(st.frozensets(st.sampled_from("abcdef"), min_size=1, max_size=2), max_size=4)


def most(wanted, offered):
    """How many there can be, by trying every choice."""
    choices = [
        [chosen for size in range(count + 1) for chosen in combinations(sets, size)]
        for count, sets in zip(wanted, offered, strict=True)
    ]
    counts = []
    for each in product(*choices):
        taken = [one for chosen in each for one in chosen]
        if sum(map(len, taken)) == len(frozenset().union(*taken)):
            counts.append(len(taken))
    return max(counts)


@given(st.lists(st.tuples(st.integers(0, 3), _SETS), min_size=1, max_size=2))
def test_as_many_are_taken_as_there_can_be(asked):
    wanted, offered = [count for count, _ in asked], [sets for _, sets in asked]
    found = disjoint(wanted, offered)
    taken = [one for chosen in found for one in chosen]
    assert all(one in sets for chosen, sets in zip(found, offered, strict=True) for one in chosen)
    assert all(len(chosen) <= count for chosen, count in zip(found, wanted, strict=True))
    assert sum(map(len, taken)) == len(frozenset().union(*taken))
    assert len(taken) == most(wanted, offered)


def test_more_sets_of_several_than_are_tried_take_no_longer():
    pairs = [frozenset({f"a{n}", f"b{n}"}) for n in range(200)]
    assert disjoint([9, 9], [pairs, pairs]) == [pairs[:MOST_SHARED], []]

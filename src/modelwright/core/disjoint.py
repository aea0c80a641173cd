"""Sets that have nothing in common: who stands behind something counts once, whatever they did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MOST_SHARED = 8
"""So many sets of several members are tried in every combination, the first that came; later ones are left out."""

Chosen = list[list[frozenset[str]]]


def disjoint(wanted: Sequence[int], offered: Sequence[Sequence[frozenset[str]]]) -> Chosen:
    """Take from each list as many sets as are wanted from it, no two of all with a member in common.

    As many as can be: sets of one member are matched, and eight of several members tried in every combination.

    Args:
        wanted: How many from each list.
        offered: The lists.

    Returns:
        What was taken from each list; where not all can be had, the earlier lists come first.

    Example:
        >>> ada, bob, for_bob = frozenset({"ada"}), frozenset({"bob"}), frozenset({"ada", "bob"})
        >>> disjoint([1, 1], [[for_bob, ada], [bob, ada]]) == [[ada], [bob]]
        True
        >>> disjoint([2], [[bob, for_bob]]) == [[bob]]
        True
    """
    useful = [_least(sets) for sets in offered]
    alone = [[one for one in sets if len(one) == 1] for sets in useful]
    shared = [(place, one) for place, sets in enumerate(useful) for one in sets if len(one) > 1][:MOST_SHARED]
    best: Chosen = [[] for _ in wanted]
    for taken in _combined(shared, list(wanted)):
        used = frozenset().union(*(one for _, one in taken))
        left = [count - sum(place == at for at, _ in taken) for place, count in enumerate(wanted)]
        found = _matched(left, [[one for one in sets if not one & used] for sets in alone])
        for place, one in taken:
            found[place].append(one)
        if _worth(found) > _worth(best):
            best = found
        if [len(sets) for sets in best] == list(wanted):
            break
    return best


def _worth(found: Chosen) -> tuple[int, list[int]]:
    return sum(map(len, found)), list(map(len, found))


def _least(sets: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Each set once, without those that another is part of: what they allow, it allows."""
    once = list(dict.fromkeys(sets))
    return [one for one in once if not any(other < one for other in once)]


def _combined(
    shared: Sequence[tuple[int, frozenset[str]]], left: list[int]
) -> Iterator[tuple[tuple[int, frozenset[str]], ...]]:
    """Every choice of some of them that have nothing in common, none first."""
    if not shared:
        yield ()
        return
    (place, one), *rest = shared
    yield from _combined(rest, left)
    if left[place]:
        less = [count - (at == place) for at, count in enumerate(left)]
        for others in _combined([(at, other) for at, other in rest if not other & one], less):
            yield ((place, one), *others)


def _matched(wanted: Sequence[int], offered: Sequence[Sequence[frozenset[str]]]) -> Chosen:
    """Sets of one member: a matching of places with members, by augmenting paths (Kuhn 1955)."""
    holds: dict[frozenset[str], int] = {}

    def placed(place: int, tried: set[frozenset[str]]) -> bool:
        for one in offered[place]:
            if one not in tried:
                tried.add(one)
                if one not in holds or placed(holds[one], tried):
                    holds[one] = place
                    return True
        return False

    for place, count in enumerate(wanted):
        for _ in range(count):
            if not placed(place, set()):
                break
    return [[one for one, at in holds.items() if at == place] for place in range(len(wanted))]

"""Proofs of RFC 6962, section 2.1: that an entry is in a tree, and that a tree is the beginning of a larger one.

Leaves and proofs are hashes of 32 bytes. Making a proof reads every leaf once; checking one takes the logarithm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

Hashes = Sequence[bytes]

EMPTY = hashlib.sha256(b"").digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Hashes) -> bytes:
    """The root over leaf hashes, level by level: a node without a partner rises as it is."""
    level = list(leaves) or [EMPTY]
    while len(level) > 1:
        paired = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def _split(size: int) -> int:
    """The largest power of two below the size: how many leaves the left subtree has."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion(leaves: Hashes, index: int) -> list[bytes]:
    """The audit path of the leaf at ``index``, from its sibling up (section 2.1.1).

    Args:
        leaves: The leaf hashes of the whole tree.
        index: Which leaf, from 0.
    """
    path: list[bytes] = []
    first, size = 0, len(leaves)
    while size > 1:
        left = _split(size)
        if index - first < left:
            path.append(root(leaves[first + left : first + size]))
            size = left
        else:
            path.append(root(leaves[first : first + left]))
            first, size = first + left, size - left
    return path[::-1]


def consistency(leaves: Hashes, old: int) -> list[bytes]:
    """The proof that the tree over the first ``old`` leaves is the beginning of this one (section 2.1.2).

    Args:
        leaves: The leaf hashes of the whole tree.
        old: Size of the older tree, 0 to the whole; nothing need be proven of 0 and of the whole.
    """
    if old in (0, len(leaves)):
        return []
    path: list[bytes] = []
    first, size, whole = 0, len(leaves), True
    while old != size:
        left = _split(size)
        if old <= left:
            path.append(root(leaves[first + left : first + size]))
            size = left
        else:
            path.append(root(leaves[first : first + left]))
            first, size, old, whole = first + left, size - left, old - left, False
    if not whole:
        path.append(root(leaves[first : first + size]))
    return path[::-1]


def included(leaf: bytes, index: int, size: int, proof: Hashes, expected: bytes) -> bool:
    """Whether a proof shows that a leaf is in a tree (the algorithm of RFC 9162, section 2.1.3.2).

    Args:
        leaf: Hash of the leaf.
        index: Its place, from 0.
        size: Leaves of the tree.
        proof: From the leaf's sibling up.
        expected: Root of the tree.
    """
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = _node(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = _node(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == expected


def extends(old: int, old_root: bytes, size: int, new_root: bytes, proof: Hashes) -> bool:
    """Whether a proof shows that a tree begins with an older one (the algorithm of RFC 9162, section 2.1.4.2).

    Args:
        old: Leaves of the older tree.
        old_root: Its root.
        size: Leaves of the newer tree.
        new_root: Its root.
        proof: The hashes.
    """
    if old == 0:
        return not proof and old_root == EMPTY
    if old == size:
        return not proof and old_root == new_root
    if not 0 < old < size or not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = _node(sibling, before), _node(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = _node(after, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and (before, after) == (old_root, new_root)

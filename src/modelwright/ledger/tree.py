"""The Merkle tree of RFC 6962, section 2.1, kept as its right edge so that an append costs O(log n)."""

from __future__ import annotations

import hashlib

EMPTY_ROOT = hashlib.sha256(b"").hexdigest()

Frontier = list[str]
"""Roots of the perfect subtrees that the tree consists of, largest first, in hex."""


def leaf_hash(data: bytes) -> str:
    """The hash of one leaf: ``SHA-256(0x00 || data)``."""
    return hashlib.sha256(b"\x00" + data).hexdigest()


def _node_hash(left: str, right: str) -> str:
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def grown(frontier: Frontier, size: int, leaf: str) -> Frontier:
    """The right edge after one more leaf.

    Args:
        frontier: The right edge of the tree of ``size`` leaves.
        size: Number of leaves before.
        leaf: The new leaf's hash.
    """
    edge = [*frontier, leaf]
    while size & 1:
        right = edge.pop()
        edge[-1] = _node_hash(edge[-1], right)
        size >>= 1
    return edge


def root(frontier: Frontier) -> str:
    r"""The tree's root.

    Example:
        >>> edge = grown(grown([], 0, leaf_hash(b"")), 1, leaf_hash(b"\x00"))
        >>> root(edge)[:16]
        'fac54203e7cc696c'
    """
    if not frontier:
        return EMPTY_ROOT
    top = frontier[-1]
    for left in reversed(frontier[:-1]):
        top = _node_hash(left, top)
    return top

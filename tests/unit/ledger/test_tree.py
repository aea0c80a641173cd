"""The ledger's tree is RFC 6962's, whoever computes it."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from modelwright.ledger import tree

# The reference vectors of Certificate Transparency: inputs and roots for 1 to 8 leaves, from
# https://github.com/google/certificate-transparency/blob/master/python/ct/crypto/merkle_test.py (and cpp/merkletree/).
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def root_of(leaves):
    """The root as the ledger grows it, one leaf at a time."""
    edge: tree.Frontier = []
    for size, leaf in enumerate(leaves):
        edge = tree.grown(edge, size, tree.leaf_hash(leaf))
    return tree.root(edge)


def root_by_the_book(leaves) -> str:
    """MTH of RFC 6962, section 2.1, word by word, with nothing of the house."""
    if not leaves:
        return hashlib.sha256(b"").hexdigest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).hexdigest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = root_by_the_book(leaves[:k]), root_by_the_book(leaves[k:])
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def test_the_empty_tree_has_the_hash_of_nothing():
    assert root_of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_roots_are_those_of_certificate_transparency():
    assert [root_of(INPUTS[:size]) for size in range(1, 9)] == ROOTS


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_right_edge_gives_the_root_that_the_whole_tree_has(leaves):
    assert root_of(leaves) == root_by_the_book(leaves)


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_the_right_edge_has_one_hash_per_bit_of_the_size(leaves):
    """So an append costs the logarithm of the ledger, however long it grows."""
    edge: tree.Frontier = []
    for size, leaf in enumerate(leaves):
        edge = tree.grown(edge, size, tree.leaf_hash(leaf))
    assert len(edge) == len(leaves).bit_count()


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.data())
def test_growing_leaves_the_edge_before_as_it_was(leaves, data):
    edge = [tree.leaf_hash(b"")]
    tree.grown(edge, 1, tree.leaf_hash(leaves[0]))
    assert edge == [tree.leaf_hash(b"")]


@given(st.binary(max_size=40))
def test_a_leaf_is_never_taken_for_a_node(data):
    """The prefixes 0 and 1 keep a leaf whose text is two hashes apart from the node over these two."""
    assert tree.leaf_hash(data) == hashlib.sha256(b"\x00" + data).hexdigest()
    assert tree.leaf_hash(b"\x01" + data) != hashlib.sha256(b"\x01" + data).hexdigest()

"""Proofs are RFC 6962's: every one that is made verifies, and none that was altered."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.ledger import proofs
from unit.ledger.test_tree import INPUTS, ROOTS, root_by_the_book

# The proofs of https://github.com/transparency-dev/merkle/blob/main/proof/verify_test.go (leaves there count from 1),
# which took them over from Certificate Transparency; inputs and roots are those of test_tree.py.
INCLUDED = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENT = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        7,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]
LEAVES = [hashlib.sha256(b"\x00" + data).digest() for data in INPUTS]
SIZES = st.integers(1, 130)
SOMETHING = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")


def leaves_of(size: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + str(number).encode()).digest() for number in range(size)]


def hexed(proof) -> list[str]:
    return [each.hex() for each in proof]


def altered(proof: list[bytes], data) -> list[bytes]:
    """The proof with one bit flipped, one hash more, one fewer, or two exchanged."""
    ways = ["more", *(["flip", "fewer"] if proof else []), *(["exchange"] if len(set(proof)) > 1 else [])]
    place = data.draw(st.integers(0, max(len(proof) - 1, 0)))
    match data.draw(st.sampled_from(ways)):
        case "more":
            return [*proof[:place], SOMETHING, *proof[place:]]
        case "fewer":
            return proof[:place] + proof[place + 1 :]
        case "exchange":
            return proof[1:] + proof[:1]
    bit = data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(proof[place], "big") ^ (1 << bit)).to_bytes(32, "big")
    return [*proof[:place], flipped, *proof[place + 1 :]]


def test_the_roots_are_those_of_certificate_transparency():
    assert [proofs.root(LEAVES[:size]).hex() for size in range(1, 9)] == ROOTS


@given(st.integers(0, 130))
def test_the_root_level_by_level_is_the_one_by_the_book(size):
    texts = [str(number).encode() for number in range(size)]
    assert proofs.root(leaves_of(size)).hex() == root_by_the_book(texts)


@pytest.mark.parametrize(("index", "size", "proof"), INCLUDED)
def test_inclusion_is_proven_as_certificate_transparency_proves_it(index, size, proof):
    assert hexed(proofs.inclusion(LEAVES[:size], index)) == proof
    path = [bytes.fromhex(each) for each in proof]
    assert proofs.included(LEAVES[index], index, size, path, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "size", "proof"), CONSISTENT)
def test_consistency_is_proven_as_certificate_transparency_proves_it(old, size, proof):
    assert hexed(proofs.consistency(LEAVES[:size], old)) == proof
    path = [bytes.fromhex(each) for each in proof]
    assert proofs.extends(old, bytes.fromhex(ROOTS[old - 1]), size, bytes.fromhex(ROOTS[size - 1]), path)


@given(SIZES, st.data())
def test_every_entry_of_a_tree_is_proven_to_be_in_it(size, data):
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    proof, root = proofs.inclusion(leaves, index), proofs.root(leaves)
    assert proofs.included(leaves[index], index, size, proof, root)
    assert len(proof) <= (size - 1).bit_length()


@given(SIZES, st.data())
def test_no_altered_proof_of_inclusion_verifies(size, data):
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    proof, root = proofs.inclusion(leaves, index), proofs.root(leaves)
    assert not proofs.included(leaves[index], index, size, altered(proof, data), root)
    assert not proofs.included(SOMETHING, index, size, proof, root)
    assert not proofs.included(leaves[index], index, size, proof, SOMETHING)
    other = data.draw(st.integers(-2, size + 2).filter(lambda place: place != index))
    assert not proofs.included(leaves[index], other, size, proof, root)


@given(SIZES, st.data())
def test_every_older_tree_is_proven_to_be_the_beginning(size, data):
    old = data.draw(st.integers(0, size))
    leaves = leaves_of(size)
    proof = proofs.consistency(leaves, old)
    assert proofs.extends(old, proofs.root(leaves[:old]), size, proofs.root(leaves), proof)


@given(SIZES, st.data())
def test_no_altered_proof_of_consistency_verifies(size, data):
    old = data.draw(st.integers(0, size))
    leaves = leaves_of(size)
    proof, before, after = proofs.consistency(leaves, old), proofs.root(leaves[:old]), proofs.root(leaves)
    assert not proofs.extends(old, before, size, after, altered(proof, data))
    assert not proofs.extends(old, SOMETHING, size, after, proof)
    if old:  # every tree begins with the empty one
        assert not proofs.extends(old, before, size, SOMETHING, proof)
    assert not proofs.extends(size + 1, before, size, after, proof)
    assert not proofs.extends(-1, before, size, after, proof)


@given(SIZES, st.data())
def test_no_proof_leads_from_a_tree_to_one_with_another_past(size, data):
    """What a log would need that had rewritten an entry: there is no proof, whichever honest one is tried."""
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    leaves = leaves_of(size)
    forged = [*leaves[:changed], SOMETHING, *leaves[changed + 1 :]]
    for each in (leaves, forged):
        assert not proofs.extends(
            old, proofs.root(leaves[:old]), size, proofs.root(forged), proofs.consistency(each, old)
        )

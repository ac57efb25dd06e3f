"""The tree of RFC 6962 and its proofs, against its own definition, published values, and corruption."""

import hashlib
import random

import pytest

from engine.journal import tree
from engine.journal.hashing import Unavailable, digest

INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
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
"""Roots of the first 1 to 8 INPUTS, as the public test data of certificate transparency have them."""
SIZES = range(1, 131)


def leaves(count: int, algorithm: str = "sha256") -> list[bytes]:
    return [tree.leaf_hash(str(number).encode(), algorithm) for number in range(count)]


def defined(hashes: list[bytes], algorithm: str) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not hashes:
        return digest(algorithm, b"")
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = defined(hashes[:split], algorithm), defined(hashes[split:], algorithm)
    return digest(algorithm, b"\x01" + left + right)


def test_published_roots():
    for size, expected in enumerate(ROOTS, 1):
        assert tree.root([tree.leaf_hash(data) for data in INPUTS[:size]]).hex() == expected
    assert tree.root([]).hex() == hashlib.sha256(b"").hexdigest()


def test_sm3_gives_the_value_of_its_standard():
    assert digest("sm3", b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert digest("sm3", b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    with pytest.raises(ValueError, match="md5"):
        digest("md5", b"")


def test_a_machine_without_sm3_says_so(monkeypatch):
    def none(name: str, data: bytes) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", none)

    with pytest.raises(Unavailable, match="sm3"):
        digest("sm3", b"")
    assert digest("sha256", b"") == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
def test_every_root_is_that_of_the_definition(algorithm):
    for size in range(140):
        assert tree.root(leaves(size, algorithm), algorithm) == defined(leaves(size, algorithm), algorithm)


def test_every_leaf_of_every_size_is_proved_and_nothing_else_is():
    for size in SIZES:
        hashes = leaves(size)
        root = tree.root(hashes)
        for index in range(size):
            proof = tree.inclusion_proof(hashes, index)
            assert tree.verify_inclusion(hashes[index], index, size, proof, root)
            assert not tree.verify_inclusion(tree.leaf_hash(b"other"), index, size, proof, root)
            assert not tree.verify_inclusion(hashes[index], index, size, [*proof, root], root)
            assert size == 1 or not tree.verify_inclusion(hashes[index], (index + 1) % size, size, proof, root)


def test_every_older_tree_is_proved_to_be_the_beginning_of_the_newer_and_no_other():
    everything, other = leaves(SIZES[-1]), tree.leaf_hash(b"other")
    roots = [tree.root(everything[:size]) for size in range(SIZES[-1] + 1)]
    forged = [tree.root([*everything[: size - 1], other]) for size in range(SIZES[-1] + 1)]
    for new in SIZES:
        for old in range(1, new + 1):
            proof = tree.consistency_proof(everything[:new], old)
            assert tree.verify_consistency(old, new, roots[old], roots[new], proof)
            assert not tree.verify_consistency(old, new, forged[old], roots[new], proof)
            assert not tree.verify_consistency(old, new, roots[old], forged[new], proof)
            assert old == new or not tree.verify_consistency(old, new, roots[old], roots[new], proof[:-1])


def test_a_proof_with_any_bit_changed_proves_nothing():
    seed = 20261125
    chance = random.Random(seed)
    for _ in range(500):
        size = chance.randrange(2, 300)
        hashes = leaves(size)
        root, index, old = tree.root(hashes), chance.randrange(size), chance.randrange(1, size)
        inclusion, consistency = tree.inclusion_proof(hashes, index), tree.consistency_proof(hashes, old)
        before = tree.root(hashes[:old])
        assert tree.verify_inclusion(hashes[index], index, size, inclusion, root), f"seed {seed}"
        assert tree.verify_consistency(old, size, before, root, consistency), f"seed {seed}"
        assert not tree.verify_inclusion(hashes[index], index, size, flipped(inclusion, chance), root), f"seed {seed}"
        changed = flipped(consistency, chance)
        assert not tree.verify_consistency(old, size, before, root, changed), f"seed {seed}"


def flipped(proof: list[bytes], chance: random.Random) -> list[bytes]:
    place = chance.randrange(len(proof))
    changed = bytearray(proof[place])
    changed[chance.randrange(32)] ^= 1 << chance.randrange(8)
    return [*proof[:place], bytes(changed), *proof[place + 1 :]]


def test_the_edge_goes_on_from_where_it_was_put_down():
    hashes = leaves(600)
    edge = tree.Edge()
    for size, leaf in enumerate(hashes, 1):
        edge = tree.Edge(edge.size, edge.hashes)
        edge.add(leaf)
        assert edge.root() == tree.root(hashes[:size])
    with pytest.raises(ValueError, match="expected 3 hashes"):
        tree.Edge(7, edge.hashes[:1])


def test_finished_subtrees_of_eight_levels_are_told():
    edge = tree.Edge()
    for leaf in leaves(513):
        edge.add(leaf)

    assert [(height, place) for height, place, _ in edge.finished] == [(8, 0), (8, 1)]
    assert edge.finished[1][2] == tree.root(leaves(513)[256:512])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_a_leaf_that_is_not_there_has_no_proof(index, size):
    with pytest.raises(ValueError, match="expected 0 <= index"):
        tree.inclusion_proof(leaves(size), index)
    assert not tree.verify_inclusion(tree.leaf_hash(b""), index, size, [], b"")


@pytest.mark.parametrize("old", [0, 6])
def test_a_tree_that_was_never_there_has_no_proof(old):
    with pytest.raises(ValueError, match="expected 0 < old"):
        tree.consistency_proof(leaves(5), old)
    assert not tree.verify_consistency(old, 5, b"", b"", [b""])

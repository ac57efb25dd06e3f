"""The Merkle tree of RFC 6962 section 2.1 over the entries of a journal: roots, proofs, and their verification.

A leaf's data is the stored body of an entry. Pure: where hashes of finished subtrees come from is the caller's affair.
`node(height, position)` gives the hash of the complete subtree over leaves position * 2**height up to the next one's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .hashing import digest

Node = Callable[[int, int], bytes]


def leaf_hash(body: bytes, algorithm: str = "sha256") -> bytes:
    return digest(algorithm, b"\x00" + body)


def node_hash(left: bytes, right: bytes, algorithm: str = "sha256") -> bytes:
    return digest(algorithm, b"\x01" + left + right)


def empty_root(algorithm: str = "sha256") -> bytes:
    return digest(algorithm, b"")


class Edge:
    """The right edge of a growing tree: the roots of its complete subtrees, largest first, one for each bit of `size`.

    All that is needed to add leaves and to know the root; `finished` tells each subtree of eight levels' height, and
    of sixteen and so on, when it is complete: (height, position, hash).
    """

    STEP = 8

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = (), algorithm: str = "sha256") -> None:
        self.size = size
        self.hashes = list(hashes)
        self.algorithm = algorithm
        self.finished: list[tuple[int, int, bytes]] = []
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"expected {size.bit_count()} hashes for {size} leaves, got {len(self.hashes)}")

    def add(self, leaf: bytes) -> None:
        """Adds one leaf hash."""
        self.hashes.append(leaf)
        self.size += 1
        height = 0
        while not self.size >> height & 1:
            height += 1
            right = self.hashes.pop()
            self.hashes.append(node_hash(self.hashes.pop(), right, self.algorithm))
            if height % self.STEP == 0:
                self.finished.append((height, (self.size >> height) - 1, self.hashes[-1]))

    def root(self) -> bytes:
        if not self.hashes:
            return empty_root(self.algorithm)
        found = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            found = node_hash(left, found, self.algorithm)
        return found


def root(leaves: Sequence[bytes], algorithm: str = "sha256") -> bytes:
    """The root over leaf hashes; of no leaves, the hash of nothing."""
    edge = Edge(algorithm=algorithm)
    for leaf in leaves:
        edge.add(leaf)
    return edge.root()


def subtree(start: int, end: int, node: Node, algorithm: str) -> bytes:
    """Hash of the leaves start..end-1, which must be a subtree of some tree (RFC 6962: split at powers of two)."""
    count = end - start
    if count & (count - 1) == 0:
        return node(count.bit_length() - 1, start // count)
    split = start + (1 << (count - 1).bit_length() - 1)
    return node_hash(subtree(start, split, node, algorithm), subtree(split, end, node, algorithm), algorithm)


def inclusion(index: int, size: int, node: Node, algorithm: str = "sha256") -> list[bytes]:
    """The path of leaf `index` to the root of the first `size` leaves, from the leaf up. Requires index < size."""
    if not 0 <= index < size:
        raise ValueError(f"expected 0 <= index < {size}, got {index}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + (1 << (end - start - 1).bit_length() - 1)
        if index < split:
            path.append(subtree(split, end, node, algorithm))
            end = split
        else:
            path.append(subtree(start, split, node, algorithm))
            start = split
    return path[::-1]


def consistency(old: int, new: int, node: Node, algorithm: str = "sha256") -> list[bytes]:
    """The proof that the first `old` of `new` leaves are the tree that had `old`. Requires 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError(f"expected 0 < old <= {new}, got {old}")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        split = start + (1 << (end - start - 1).bit_length() - 1)
        if old <= split:
            path.append(subtree(split, end, node, algorithm))
            end = split
        else:
            path.append(subtree(start, split, node, algorithm))
            start, whole = split, False
    if not whole:
        path.append(subtree(start, end, node, algorithm))
    return path[::-1]


def _memory(leaves: Sequence[bytes], algorithm: str) -> Node:
    return lambda height, position: root(leaves[position << height : (position + 1) << height], algorithm)


def inclusion_proof(leaves: Sequence[bytes], index: int, algorithm: str = "sha256") -> list[bytes]:
    """`inclusion` in the tree over these leaf hashes."""
    return inclusion(index, len(leaves), _memory(leaves, algorithm), algorithm)


def consistency_proof(leaves: Sequence[bytes], old: int, algorithm: str = "sha256") -> list[bytes]:
    """`consistency` of the first `old` with all of these leaf hashes."""
    return consistency(old, len(leaves), _memory(leaves, algorithm), algorithm)


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes, algorithm: str = "sha256"
) -> bool:
    """Whether `proof` leads from the leaf hash at `index` to the root of `size` leaves (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, found = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = node_hash(step, found, algorithm)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, step, algorithm)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes], algorithm: str = "sha256"
) -> bool:
    """Whether `proof` shows that the tree of `new` leaves begins with that of `old` (RFC 9162 section 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or not proof:
        return False
    steps = list(proof)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            first, second = node_hash(step, first, algorithm), node_hash(step, second, algorithm)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, step, algorithm)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and first == old_root and second == new_root

"""How alike two texts are: the same text passed on (shingles), or the same things in other words (weighted grams)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .normal import bare, grams

SHINGLE: Final = 5
"""Characters of a shingle: five in a row are seldom shared by chance in Chinese."""
HASHES: Final = 64
"""Places of a signature: the likeness of two sets is told to within about 0.12."""
_MERSENNE: Final = (1 << 61) - 1


def shingles(text: str) -> frozenset[int]:
    """The shingles of a `plain` text as numbers, the same on every machine."""
    return frozenset(_number(one) for one in grams(bare(text), SHINGLE))


def signature(found: frozenset[int]) -> tuple[int, ...]:
    """The minhash signature of a set of shingles, () of an empty one: equal places estimate the sets' likeness."""
    if not found:
        return ()
    return tuple(min((a * one + b) % _MERSENNE for one in found) for a, b in _COEFFICIENTS)


def likeness(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Estimated share of common shingles (Jaccard), 0..1."""
    if not one or not other:
        return 0.0
    return sum(a == b for a, b in zip(one, other, strict=True)) / HASHES


def contained(one: frozenset[int], other: frozenset[int]) -> float:
    """Share of the smaller set that is in the larger one, 0..1: a repost with a remark keeps nearly all of it."""
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller >= 6 else 0.0


@dataclass(frozen=True, slots=True)
class Vector:
    """Grams of a text with how often each is there."""

    counts: dict[str, int]


def vector(text: str) -> Vector:
    """The runs of two and three characters of a `plain` text."""
    letters = bare(text)
    counts: dict[str, int] = {}
    for gram in (*grams(letters, 2), *grams(letters, 3)):
        counts[gram] = counts.get(gram, 0) + 1
    return Vector(counts)


class Weights:
    """How telling a gram is: rarer in what has been seen is more. Starts as if a hundred texts had been seen."""

    def __init__(self, common: Iterable[str]) -> None:
        self.seen = 100
        self._with: dict[str, int] = {}
        for text in common:
            for gram in {*grams(text, 2), *grams(text, 3)}:
                self._with[gram] = max(self._with.get(gram, 0), 25)

    def add(self, one: Vector) -> None:
        self.seen += 1
        for gram in one.counts:
            self._with[gram] = self._with.get(gram, 0) + 1

    def of(self, gram: str) -> float:
        return math.log((self.seen + 1) / (self._with.get(gram, 0) + 1))

    def common(self, gram: str) -> bool:
        """Whether so many texts have it that it finds nothing."""
        return self._with.get(gram, 0) > self.seen // 5

    def seldom(self, gram: str, share: float) -> bool:
        """Whether at most this share of the texts have it, three always allowed."""
        return self._with.get(gram, 0) <= max(3, self.seen * share)

    def norm(self, one: Vector) -> float:
        return math.sqrt(sum((self.of(gram) * (1 + math.log(count))) ** 2 for gram, count in one.counts.items())) or 1.0


def cosine(one: Vector, other: Vector, weights: Weights) -> float:
    """Likeness in weighted grams, 0..1."""
    small, large = sorted((one.counts, other.counts), key=len)
    common = small.keys() & large.keys()
    dot = sum(weights.of(g) ** 2 * (1 + math.log(small[g])) * (1 + math.log(large[g])) for g in common)
    return dot / (weights.norm(one) * weights.norm(other)) if dot else 0.0


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")


_COEFFICIENTS: Final = tuple(
    (_number(f"a{place}") * 2 + 1, _number(f"b{place}")) for place in range(HASHES)
)

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
HASHES: Final = 24
BAND: Final = 3
"""8 bands of 3: texts that share 4 of 5 shingles meet in one with 99 %, those that share a tenth with 1 %."""
MOST_RARE: Final = 0.03
"""Share of what has been seen up to which a pair of characters counts as seldom."""
_MERSENNE: Final = (1 << 61) - 1


def shingles(text: str) -> frozenset[int]:
    """The shingles of a `plain` text as numbers, the same on every machine."""
    return frozenset(shingle(one) for one in grams(bare(text), SHINGLE))


def shingle(gram: str) -> int:
    """The number of one run of SHINGLE characters."""
    return _number(gram)


def signature(found: frozenset[int]) -> tuple[int, ...]:
    """The minhash signature of a set of shingles, () of an empty one: equal places estimate the sets' likeness."""
    if not found:
        return ()
    return tuple(min((a * one + b) % _MERSENNE for one in found) for a, b in _COEFFICIENTS)


def bands(signed: tuple[int, ...]) -> tuple[str, ...]:
    """Names of the bands of a signature: two texts that are alike share one (locality-sensitive hashing)."""
    return tuple(
        f"{place}:" + ".".join(format(one, "x") for one in signed[place : place + BAND])
        for place in range(0, len(signed) - BAND + 1, BAND)
    )


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

    def seldom(self, gram: str, share: float) -> bool:
        """Whether at most this share of the texts have it, three always allowed."""
        return self._with.get(gram, 0) <= max(3, self.seen * share)


class Query:
    """A text that others are compared with: its grams weighed once, as the weights are now."""

    def __init__(self, text: Vector, weights: Weights) -> None:
        squares = {gram: weights.of(gram) ** 2 * (1 + math.log(count)) for gram, count in text.counts.items()}
        self._squares = squares
        self.norm = math.sqrt(sum(one * (1 + math.log(text.counts[gram])) for gram, one in squares.items())) or 1.0
        self.seldom = frozenset(gram for gram in text.counts if len(gram) == 2 and weights.seldom(gram, MOST_RARE))

    def cosine(self, other: Vector, norm: float) -> float:
        """Likeness in weighted grams, 0..1. `norm`: of the other text when it was weighed."""
        counts = other.counts
        dot = 0.0
        for gram in self._squares.keys() & counts.keys():
            count = counts[gram]
            dot += self._squares[gram] * (1 + math.log(count) if count > 1 else 1)
        return min(1.0, dot / (self.norm * norm))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")


_COEFFICIENTS: Final = tuple((_number(f"a{place}") * 2 + 1, _number(f"b{place}")) for place in range(HASHES))

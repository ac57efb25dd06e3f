"""Chance as an argument: numbers that follow from a seed and a name alone, the same on every machine and release.

The n-th number of a stream is a keyed hash of n, so nothing has a state that somebody else could move on: a stream
made with `child` gives the same numbers however many others were drawn. For models and benches, never for secrets.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

_BITS: Final = 53
"""What a float in [0, 1) can tell apart."""


class Chance:
    """One stream of numbers, named by a seed and a path. Each method takes the next number or numbers of it."""

    __slots__ = ("_drawn", "_key", "_path")

    def __init__(self, *path: str | int) -> None:
        self._path = path
        self._key = hashlib.blake2b(repr(path).encode(), digest_size=32).digest()
        self._drawn = 0

    def child(self, *names: str | int) -> Chance:
        """A stream of its own, the same whatever was drawn from this one."""
        return Chance(*self._path, *names)

    def share(self) -> float:
        """In [0, 1), every value as likely as any other."""
        self._drawn += 1
        digest = hashlib.blake2b(self._drawn.to_bytes(8, "big"), key=self._key, digest_size=8).digest()
        return float(int.from_bytes(digest, "big") >> (64 - _BITS)) / float(1 << _BITS)

    def happens(self, probability: float) -> bool:
        return self.share() < probability

    def below(self, bound: int) -> int:
        """A whole number in [0, bound). Requires bound >= 1."""
        return int(self.share() * bound)

    def one_of(self, values: Sequence[T]) -> T:
        return values[self.below(len(values))]

    def weighted(self, values: Sequence[tuple[T, float]]) -> T:
        """One of the values, each as often as its weight says. Requires a weight above zero."""
        left = self.share() * math.fsum(weight for _, weight in values)
        for value, weight in values:
            if weight > 0 and left < weight:
                return value
            left -= weight
        return next(value for value, weight in reversed(values) if weight > 0)  # rounding, at the very end

    def exponential(self, mean: float) -> float:
        """Time to the next of events that come by chance, `mean` apart."""
        return -mean * math.log1p(-self.share())

    def normal(self) -> float:
        """Mean 0, deviation 1 (Box and Muller, one of the pair)."""
        radius = math.sqrt(-2.0 * math.log1p(-self.share()))
        return radius * math.cos(2.0 * math.pi * self.share())

    def lognormal(self, median: float, sigma: float) -> float:
        """Half of the values lie below `median`; `sigma` is the deviation of their logarithm: 1.0 means that one of
        six is more than 2.7 times the median."""
        return median * math.exp(sigma * self.normal())

    def poisson(self, mean: float) -> int:
        """How many events that come by chance fall into a time in which `mean` are expected. Takes mean + 1 numbers
        on average; requires mean >= 0."""
        count, passed = 0, self.exponential(1.0)
        while passed <= mean:
            count += 1
            passed += self.exponential(1.0)
        return count

"""Which things of two lists are the same thing, and which of them moved. Every answer is the same seen from either
side, so that a diff read backwards is the diff of the two versions exchanged."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import Final, TypeVar

Thing = TypeVar("Thing")
Pair = tuple[int, int]
MAX_COMPARED: Final = 40_000
"""Pairs whose likeness is reckoned, 200 things on either side; beyond that only what is named alike is matched."""


def pairs(
    old: Sequence[Thing],
    new: Sequence[Thing],
    *keys: Callable[[Thing], Hashable],
    likeness: Callable[[Thing, Thing], float] | None = None,
    least: float = 0.5,
) -> list[Pair]:
    """Places (in old, in new) of things that are the same, in the order of `old`.

    1. By each of `keys` in turn: things with an equal key, first with first; a key of None matches nothing.
    2. What is left: the most alike first, as far as `likeness` (0 to 1, symmetric) is at least `least`.
    """
    left_old, left_new = set(range(len(old))), set(range(len(new)))
    found: list[Pair] = []

    def take(pair: Pair) -> None:
        left_old.discard(pair[0])
        left_new.discard(pair[1])
        found.append(pair)

    for key in keys:
        there: dict[Hashable, list[int]] = defaultdict(list)
        for place in sorted(left_new):
            if (name := key(new[place])) is not None:
                there[name].append(place)
        for place in sorted(left_old):
            if (name := key(old[place])) is not None and there.get(name):
                take((place, there[name].pop(0)))
    if likeness is not None and len(left_old) * len(left_new) <= MAX_COMPARED:
        scored = [(likeness(old[i], new[j]), i, j) for i in left_old for j in left_new]
        # No rule may prefer one side: of equally like pairs the nearest, then the one further up.
        scored.sort(key=lambda one: (-one[0], abs(one[1] - one[2]), one[1] + one[2], min(one[1], one[2])))
        for score, i, j in scored:
            if score >= least and i in left_old and j in left_new:
                take((i, j))
    return sorted(found)


def moved(found: Sequence[Pair], label: Callable[[Pair], str]) -> set[Pair]:
    """The fewest pairs that must move for the rest to stand in the same order on both sides.

    `label`: a text that names the pair, the same from either side; it decides where several answers are as short.
    """
    one_way = sorted(found)
    other_way = sorted(found, key=lambda pair: (pair[1], pair[0]))
    if one_way == other_way:
        return set()
    if [label(pair) for pair in one_way] <= [label(pair) for pair in other_way]:
        kept = _longest_rising([pair[1] for pair in one_way])
        return set(one_way) - {one_way[place] for place in kept}
    kept = _longest_rising([pair[0] for pair in other_way])
    return set(other_way) - {other_way[place] for place in kept}


def _longest_rising(numbers: Sequence[int]) -> list[int]:
    """Places of a longest strictly rising subsequence."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        at = bisect_left(tails, number)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [number]
        ends[at : at + 1] = [place]
    kept = []
    place = ends[-1] if ends else -1
    while place >= 0:
        kept.append(place)
        place = before[place]
    return kept


def alike(old: str, new: str) -> float:
    """How alike two texts are, 0 to 1, the same from either side."""
    if old == new:
        return 1.0
    first, second = sorted((old[:2_000], new[:2_000]))
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def overlap(old: set[Hashable], new: set[Hashable]) -> float:
    """Share of what both have in all that either has; 0 where neither has anything."""
    return len(old & new) / len(old | new) if old or new else 0.0


def merged(count_old: int, count_new: int, found: Sequence[Pair]) -> list[tuple[int | None, int | None]]:
    """Both lists as one: in the order of the new one, what is gone behind what it stood behind."""
    twin = dict(found)
    gone: dict[int | None, list[int]] = defaultdict(list)
    anchor: int | None = None
    for i in range(count_old):
        if i in twin:
            anchor = twin[i]
        else:
            gone[anchor].append(i)
    back = {j: i for i, j in found}
    rows: list[tuple[int | None, int | None]] = [(i, None) for i in gone[None]]
    for j in range(count_new):
        rows.append((back.get(j), j))
        rows += [(i, None) for i in gone[j]]
    return rows

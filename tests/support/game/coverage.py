"""Random diagrams played on both sides, counted by construct."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.support.random_models import random_model, random_walk

from .diagram import Diagram
from .leaves import ALL
from .match import Difference, Endless, Match, Refused
from .shrink import shrunk, told
from .writing import xml


@dataclass
class Tally:
    """`diagrams`, `turns`: by construct, how many hold it and how many turns entered it."""

    played: int = 0
    closed: int = 0
    endless: int = 0
    turns_played: int = 0
    incidents: int = 0
    diagrams: Counter[str] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def table(self) -> str:
        lines = [
            f"{self.played} diagrams, {self.turns_played} turns, {self.closed} closed, {self.incidents} incidents, "
            f"{self.endless} endless",
            f"{'construct':<50} {'diagrams':>8} {'turns':>8}",
        ]
        lines += [f"{name:<50} {count:>8} {self.turns[name]:>8}" for name, count in sorted(self.diagrams.items())]
        return "\n".join(lines)


def play(seeds: range, features: frozenset[str] = ALL, most_differences: int = 3) -> Tally:
    """Plays the diagrams of the seeds; stops after some differences."""
    tally = Tally()
    for seed in seeds:
        diagram = random_model(seed, features)
        match = Match(diagram)
        try:
            random_walk(match, seed)
            match.replay()
        except Endless:
            tally.endless += 1
        except Difference as difference:
            tally.differences.append(report(seed, features, str(difference)))
            if len(tally.differences) >= most_differences:
                return tally
        tally.played += 1
        tally.closed += match.case.status == "closed"
        tally.incidents += match.incidents
        tally.turns_played += len(match.history)
        tally.diagrams.update({c for found in match.constructs.values() for c in found})
        tally.turns.update(match.executed)
    return tally


def difference(diagram: Diagram, seed: int) -> str:
    """What differs on the walk of `seed` or some other through the diagram; "" for nothing."""
    for walk in (seed, *range(3)):
        try:
            match = Match(diagram)
            random_walk(match, walk)
            match.replay()
        except Difference as found:
            return str(found)
        except (Refused, Endless):
            return ""
    return ""


def report(seed: int, features: frozenset[str], first: str) -> str:
    """The difference of a seed, with the smallest diagram found that shows one of the same kind."""
    kind = first.split(":")[0]
    small = shrunk(random_model(seed, features), lambda d: difference(d, seed).split(":")[0] == kind, 120)
    found = difference(small, seed) or first
    return f"seed {seed}: {found}\n{told(small)}\n{xml(small).decode()}"


def seeds_until_caught(seeds: range, features: frozenset[str] = ALL) -> int | None:
    """How many diagrams it takes until a difference shows; None if none does."""
    for number, seed in enumerate(seeds, 1):
        try:
            match = Match(random_model(seed, features))
            random_walk(match, seed)
        except (Difference, Endless) as found:
            if isinstance(found, Difference):
                return number
    return None

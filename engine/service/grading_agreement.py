"""How often people agree with the suggestions, counted over the pairs of grading_pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from engine.domain.codec import JSON
from engine.intake.criteria import NAMES

from . import grading_pairs
from .grading_pairs import NOT_OURS, UNSURE, Pair

GRADES: Final = ("major_negative", "ordinary_negative", "positive", NOT_OURS)
SUGGESTED: Final = (*GRADES, UNSURE)
FACTS: Final = ("county_matter", "other_city", "city_policy", "multi_department")


@dataclass(slots=True)
class Counts:
    """Of one criterion or fact: in how many items it was suggested, ticked by the person, both, neither."""

    both: int = 0
    only_suggested: int = 0
    only_person: int = 0
    neither: int = 0

    def add(self, suggested: bool, decided: bool) -> None:
        if suggested and decided:
            self.both += 1
        elif suggested:
            self.only_suggested += 1
        elif decided:
            self.only_person += 1
        else:
            self.neither += 1

    @property
    def agreed(self) -> float | None:
        """Share of items in which both say the same, None without items."""
        every = self.both + self.only_suggested + self.only_person + self.neither
        return (self.both + self.neither) / every if every else None


@dataclass(slots=True)
class Agreement:
    """`grades`: (suggested, decided) -> items. `units`: unit that brought the items in -> outcome -> items.
    `criteria`, `facts`: by field of the form `screen`. `places`: items in which the districts were the same."""

    total: int = 0
    unsure: int = 0
    right: int = 0
    grades: dict[tuple[str, str], int] = field(default_factory=dict)
    units: dict[str, dict[str, int]] = field(default_factory=dict)
    criteria: dict[str, Counts] = field(default_factory=lambda: {name: Counts() for name in NAMES})
    facts: dict[str, Counts] = field(default_factory=lambda: {name: Counts() for name in FACTS})
    places: int = 0
    screened: int = 0

    @property
    def wrong(self) -> int:
        return self.total - self.right - self.unsure


def statistics(pairs: Iterable[Pair]) -> Agreement:
    """The pairs counted."""
    found = Agreement()
    for pair in pairs:
        found.total += 1
        key = (pair.suggested_grade, pair.decided_grade)
        found.grades[key] = found.grades.get(key, 0) + 1
        of_unit = found.units.setdefault(pair.unit, {"right": 0, "wrong": 0, UNSURE: 0})
        of_unit[pair.outcome] += 1
        found.unsure += pair.outcome == UNSURE
        found.right += pair.outcome == "right"
        if pair.decided_grade == NOT_OURS:
            continue
        found.screened += 1
        for names in (found.criteria, found.facts):
            for name, counts in names.items():
                counts.add(pair.suggested.get(name) is True, pair.decided.get(name) is True)
        if sorted(_texts(pair.suggested.get("places"))) == sorted(_texts(pair.decided.get("places"))):
            found.places += 1
    return found


def agreement(services: Any, since: datetime | None = None, until: datetime | None = None) -> Agreement:
    """People's decisions beside the suggestions, of the items that `grading_pairs.pairs` gives."""
    return statistics(grading_pairs.pairs(services, since, until))


def _texts(value: JSON) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []

"""How often people agree with the suggestions: nothing is noted down twice, both sides are kept already.

The suggestion is kept with the item it was made for (`items.assessment`), the person's first decision in the journal of
the case that was opened of the item: what the forms `screen` and `grade` were filled in with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from engine.domain.codec import JSON, instant_text
from engine.intake.criteria import NAMES
from engine.journal.entry import StoredEntry

from .items_tables import items as table

FORMS: Final = ("screen", "grade")
UNSURE: Final = "unsure"
NOT_OURS: Final = "not_ours"
"""Stands for a grade where an item is none of the bureau's business."""
FACTS: Final = ("county_matter", "other_city", "city_policy", "multi_department")
MOST: Final = 2000
"""Items of one look, the newest: each costs the first entries of a case."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One item: what was suggested and what a person decided first. `fields`: of the form `screen`."""

    item_id: int
    suggested_grade: str
    suggested: Mapping[str, JSON]
    decided_grade: str
    decided: Mapping[str, JSON]


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
    """`grades`: (suggested, decided) -> items. `criteria`, `facts`: by field of the form `screen`. `places`: items in
    which the districts were the same."""

    total: int = 0
    unsure: int = 0
    right: int = 0
    grades: dict[tuple[str, str], int] = field(default_factory=dict)
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
        if pair.suggested_grade == UNSURE:
            found.unsure += 1
        elif pair.suggested_grade == pair.decided_grade:
            found.right += 1
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
    """People's decisions beside the suggestions, of items that were decided in a span (`until` excluded); of the newest
    MOST ones. Items that were only linked to a case, and cases not graded yet, are left out."""
    with services.journal.reading() as tx:
        rows = _decided(tx.connection, since, until)
        return statistics(list(_pairs(tx, rows)))


def decision_of(entries: Iterable[StoredEntry]) -> dict[str, JSON] | None:
    """What a person first filled in to screen and grade a case, without a grade where it was found not to be ours;
    None before that is done."""
    found: dict[str, JSON] = {}
    left = set(FORMS)
    for entry in entries:
        done = {event["task"]: event["form"] for event in entry.events if event["kind"] == "TaskCompleted"}
        for event in entry.events:
            form = done.get(event.get("by", "")) if event["kind"] == "DataWritten" else None
            if form in left:
                left.discard(form)
                found.update(event["values"])
        ours = found.get("relevant") is True and found.get("directly_related") is True
        if not left or ("screen" not in left and not ours):
            return found
    return None


def _decided(conn: Connection, since: datetime | None, until: datetime | None) -> list[Any]:
    wanted = (
        select(table.c.item_id, table.c.state, table.c.case_id, table.c.grade_hint, table.c.relevance_hint)
        .add_columns(table.c.assessment)
        .where(table.c.state.in_(("opened", "irrelevant")), table.c.assessment != "")
        .order_by(table.c.item_id.desc())
        .limit(MOST)
    )
    if since is not None:
        wanted = wanted.where(table.c.decided_at >= instant_text(since))
    if until is not None:
        wanted = wanted.where(table.c.decided_at < instant_text(until))
    return list(conn.execute(wanted))


def _pairs(tx: Any, rows: Iterable[Any]) -> Iterator[Pair]:
    for row in rows:
        suggested = json.loads(row.assessment).get("fields", {})
        grade = NOT_OURS if row.relevance_hint == "irrelevant" else row.grade_hint or UNSURE
        if row.state == "irrelevant":
            yield Pair(row.item_id, grade, suggested, NOT_OURS, {})
            continue
        decided = decision_of(tx.read(row.case_id))
        if decided is not None:
            yield Pair(row.item_id, grade, suggested, str(decided.get("grade") or NOT_OURS), decided)


def _texts(value: JSON) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []

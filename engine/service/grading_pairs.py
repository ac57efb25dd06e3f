"""Suggestion and decision side by side, item by item: nothing is noted down twice, both are kept already.

The suggestion is kept with the item it was made for (`items.assessment`), the person's first decision in the journal of
the case that was opened of the item: what the forms `screen` and `grade` were filled in with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from engine.domain.codec import JSON, instant_text
from engine.journal.entry import StoredEntry, read_entry
from engine.journal.schema import entries
from engine.journal.store import LAST

from .items_tables import items as table

FORMS: Final = ("screen", "grade")
UNSURE: Final = "unsure"
NOT_OURS: Final = "not_ours"
"""Stands for a grade where an item is none of the bureau's business."""
MOST: Final = 2000
"""Items of one look, the newest: each costs the first entries of a case."""
AT_ONCE: Final = 100
"""Cases read in one statement."""
LOOKS: Final = ((0, 8), (8, 60), (60, LAST))
"""Entries (after, up to) read of a case one after another until it is decided: most are graded within the first few."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One item: what was suggested and what a person decided first. `suggested`, `decided`: fields of the form
    `screen`; `words`: criterion -> words that matched, doubtful ones too; `unit`: of who brought the item in, "" for
    machines; `by`: login of who graded, `reason`: in his words; `at`: instant of the decision on the item, UTC."""

    item_id: int
    suggested_grade: str
    suggested: Mapping[str, JSON]
    decided_grade: str
    decided: Mapping[str, JSON]
    title: str = ""
    case_id: str = ""
    unit: str = ""
    at: str = ""
    by: str = ""
    reason: str = ""
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """`right`, `wrong`, or `unsure` where no grade was suggested."""
        if self.suggested_grade == UNSURE:
            return UNSURE
        return "right" if self.suggested_grade == self.decided_grade else "wrong"


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person filled in to screen and grade a case; `by`: login of who did the last of it."""

    values: Mapping[str, JSON]
    by: str

    @property
    def grade(self) -> str:
        return str(self.values.get("grade") or NOT_OURS)

    @property
    def reason(self) -> str:
        return str(self.values.get("grade_reason") or self.values.get("screen_note") or "")


def pairs(services: Any, since: datetime | None = None, until: datetime | None = None) -> Iterator[Pair]:
    """Pairs of the items that were decided in a span (`until` excluded), the newest MOST of them, newest first. Items
    that were only linked to a case, and cases not graded yet, are left out."""
    with services.journal.reading() as tx:
        rows = _rows(tx.connection, since, until)
        for start in range(0, len(rows), AT_ONCE):
            batch = rows[start : start + AT_ONCE]
            found = _decisions(tx.connection, [row.case_id for row in batch if row.state == "opened"])
            yield from _paired(batch, found)


def decision_of(read: Iterable[StoredEntry]) -> Decided | None:
    """What a person first filled in to screen and grade a case, without a grade where it was found not to be ours;
    None before that is done."""
    found: dict[str, JSON] = {}
    left = set(FORMS)
    for entry in read:
        done = {event["task"]: event["form"] for event in entry.events if event["kind"] == "TaskCompleted"}
        for event in entry.events:
            form = done.get(event.get("by", "")) if event["kind"] == "DataWritten" else None
            if form in left:
                left.discard(form)
                found.update(event["values"])
        ours = found.get("relevant") is True and found.get("directly_related") is True
        if not left or ("screen" not in left and not ours):
            return Decided(found, entry.actor)
    return None


def _rows(conn: Connection, since: datetime | None, until: datetime | None) -> list[Any]:
    columns = table.c
    wanted = (
        select(columns.item_id, columns.state, columns.case_id, columns.grade_hint, columns.relevance_hint)
        .add_columns(columns.assessment, columns.title, columns.unit)
        .add_columns(columns.decided_at, columns.decided_by, columns.reason)
        .where(columns.state.in_(("opened", "irrelevant")), columns.assessment != "")
        .order_by(columns.item_id.desc())
        .limit(MOST)
    )
    if since is not None:
        wanted = wanted.where(columns.decided_at >= instant_text(since))
    if until is not None:
        wanted = wanted.where(columns.decided_at < instant_text(until))
    return list(conn.execute(wanted))


def _decisions(conn: Connection, case_ids: Iterable[str]) -> dict[str, Decided]:
    """case -> decision, of those that are decided. At most one statement for each of LOOKS."""
    read: dict[str, list[StoredEntry]] = {case_id: [] for case_id in case_ids}
    found: dict[str, Decided] = {}
    for after, upto in LOOKS:
        left = sorted(set(read) - set(found))
        if not left:
            break
        query = (
            select(entries.c.case_id, entries.c.body, entries.c.hash)
            .where(entries.c.case_id.in_(left), entries.c.seq > after, entries.c.seq <= upto)
            .order_by(entries.c.case_id, entries.c.seq)
        )
        for row in conn.execute(query):
            read[row.case_id].append(read_entry(bytes(row.body), row.hash))
        for case_id in left:
            decided = decision_of(read[case_id])
            if decided is not None:
                found[case_id] = decided
    return found


def _paired(rows: Iterable[Any], found: Mapping[str, Decided]) -> Iterator[Pair]:
    for row in rows:
        told = json.loads(row.assessment)
        grade = NOT_OURS if row.relevance_hint == "irrelevant" else row.grade_hint or UNSURE
        words = {**told.get("criteria", {}), **told.get("doubtful", {})}
        if row.state == "irrelevant":
            decided = Decided({}, row.decided_by)
            reason = row.reason
        elif row.case_id in found:
            decided = found[row.case_id]
            reason = decided.reason
        else:
            continue
        yield Pair(
            row.item_id, grade, told.get("fields", {}), decided.grade, decided.values, row.title, row.case_id,
            row.unit, row.decided_at, decided.by, reason, words,
        )  # fmt: skip

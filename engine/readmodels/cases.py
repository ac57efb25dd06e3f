"""Cases: the list, one case's facts, and who may read it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, select
from sqlalchemy.sql.elements import KeyedColumnElement

from engine.domain.codec import instant_text

from .page import TOTAL, Page, instant, matches, paged, with_total
from .schema import case_access, cases

Order = Literal["updated", "due", "opened"]
MOST_LISTED: Final = 10_000
"""Cases that a list counts and turns pages through: counting all of many years would be the page's main work."""
STAGE_LABEL: Final = cases.c.stage_label
"""Labels of one stage may differ between elements and bundles: any one of them names it."""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case. `next_due`: earliest deadline of its unfinished limits. `breaches`: limits ever broken.

    `last_seq`: what a form sends back as `expected_seq`. `body` is "" in lists.
    """

    case_id: str
    title: str
    process: str
    bundle: str
    stage: str
    stage_label: str
    status: str
    outcome: str
    grade: str
    district: str
    source_type: str
    source_name: str
    url: str
    business_line: str
    root_cause: str
    opened_by: str
    last_seq: int
    open_incidents: int
    breaches: int
    opened_at: datetime | None
    updated_at: datetime | None
    published_at: datetime | None
    discovered_at: datetime | None
    closed_at: datetime | None
    next_due: datetime | None
    body: str = ""


@dataclass(frozen=True, slots=True)
class Facets:
    """Values that occur, for the filters of the list. `stages`: (id, label), by label."""

    grades: tuple[str, ...]
    districts: tuple[str, ...]
    stages: tuple[tuple[str, str], ...]


_LISTED = tuple(column for column in cases.c if column.name != "body")


def list_cases(
    conn: Connection,
    *,
    groups: frozenset[str],
    all_cases: bool = False,
    q: str = "",
    status: str = "",
    grade: str = "",
    district: str = "",
    stage: str = "",
    overdue_only: bool = False,
    now: datetime | None = None,
    order: Order = "updated",
    page: int = 1,
    per_page: int = 20,
) -> Page[CaseRow]:
    """One page of the cases that one of `groups` may read, or of all with `all_cases`; MOST_LISTED at most (`cut`).

    `q`: words looked for in title, case number and body. `status`: open or closed; the other filters are exact; ""
    filters nothing. `overdue_only` requires `now` (aware). `order`: last changed, next due or last opened first.
    """
    where: list[ColumnElement[bool]] = [] if all_cases else [readable(groups)]
    words = matches(conn, q, (cases.c.title, cases.c.case_id, cases.c.body))
    if words is not None:
        where.append(words)
    chosen = ((cases.c.status, status), (cases.c.grade, grade), (cases.c.district, district), (cases.c.stage, stage))
    where += [column == wanted for column, wanted in chosen if wanted]
    if overdue_only:
        if now is None:
            raise ValueError("Expected now with overdue_only, but it is missing")
        where.append(cases.c.next_due <= instant_text(now))
    first: ColumnElement[str] = {
        "updated": cases.c.updated_at.desc(),
        "due": cases.c.next_due.asc(),
        "opened": cases.c.opened_at.desc(),
    }[order]
    keys = select(cases.c.case_id).where(*where)
    by = (first, cases.c.case_id.desc())
    found = with_total(keys, by, page, per_page, MOST_LISTED)
    listed: Select[Any] = select(*_LISTED, found.c[TOTAL]).join(found, found.c.case_id == cases.c.case_id).order_by(*by)
    rows = conn.execute(listed).all()
    return paged(conn, rows, (_row(row) for row in rows), keys, page, per_page, MOST_LISTED)


def facets(conn: Connection, *, groups: frozenset[str], all_cases: bool = False) -> Facets:
    """What the readable cases can be filtered by, in three statements.

    Who sees every case is offered what the indexes say occurs, value by value, whatever the number of cases.
    """

    def values(column: KeyedColumnElement[str], *more: ColumnElement[str]) -> list[tuple[str, ...]]:
        asked = _occurring(column, *more) if all_cases else _occurring_in(groups, column, *more)
        return sorted(tuple(row) for row in conn.execute(asked))

    grades, districts, stages = values(cases.c.grade), values(cases.c.district), values(cases.c.stage, STAGE_LABEL)
    named = sorted(((stage, label) for stage, label in stages), key=lambda one: one[1])
    return Facets(tuple(one for (one,) in grades), tuple(one for (one,) in districts), tuple(named))


def _occurring_in(groups: frozenset[str], column: KeyedColumnElement[str], *more: ColumnElement[str]) -> Select[Any]:
    found: Select[Any] = select(column).add_columns(*map(func.max, more))
    return found.where(readable(groups), column != "").group_by(column)


def _occurring(column: KeyedColumnElement[str], *more: ColumnElement[str]) -> Select[Any]:
    """The values of an indexed column but "", each found by one step through its index; `more` from any such case."""
    found = select(func.min(column).label("value")).where(column > "").cte("found", recursive=True)
    following = select(func.min(column)).where(column > found.c.value).scalar_subquery()
    found = found.union_all(select(following).where(found.c.value.is_not(None)))
    one = [select(other).where(column == found.c.value).limit(1).scalar_subquery() for other in more]
    return select(found.c.value, *one).where(found.c.value.is_not(None))


def get(conn: Connection, case_id: str) -> CaseRow | None:
    """The case with its body; None if there is no such case. Does not ask who may read it: see `visible`."""
    row = conn.execute(select(cases).where(cases.c.case_id == case_id)).one_or_none()
    return None if row is None else _row(row)


def several(conn: Connection, case_ids: Collection[str]) -> dict[str, CaseRow]:
    """Those of a page's cases that there are, by number, without body, in one statement. Does not ask who may read
    them."""
    asked = select(*_LISTED).where(cases.c.case_id.in_(sorted(case_ids)))
    return {row.case_id: _row(row) for row in conn.execute(asked)}


def visible_of(conn: Connection, case_ids: Collection[str], groups: frozenset[str]) -> set[str]:
    """Those of a page's cases in which one of `groups` was ever involved, in one statement."""
    access = case_access.c
    mine = select(access.case_id).where(access.case_id.in_(sorted(case_ids)), access.grp.in_(sorted(groups)))
    return set(conn.scalars(mine.distinct()))


def visible(conn: Connection, case_id: str, groups: frozenset[str]) -> bool:
    """Whether one of `groups` was ever involved in the case; False also when there is no such case."""
    mine = select(case_access.c.grp).where(case_access.c.case_id == case_id, case_access.c.grp.in_(sorted(groups)))
    return bool(conn.execute(select(exists(mine))).scalar_one())


def readable(groups: frozenset[str]) -> ColumnElement[bool]:
    """Whether one of `groups` may read the case of a row."""
    return cases.c.case_id.in_(select(case_access.c.case_id).where(case_access.c.grp.in_(sorted(groups))))


def rows_readable(case_id: ColumnElement[str], groups: frozenset[str], all_cases: bool) -> list[ColumnElement[bool]]:
    """The same as conditions on rows of another table, none for who sees all cases.

    Asked of each row found, not of all cases that he may read: those are many, what runs or is new is not.
    """
    if all_cases:
        return []
    return [exists().where(case_access.c.case_id == case_id, case_access.c.grp.in_(sorted(groups)))]


def _row(row: Row[Any]) -> CaseRow:
    found = dict(row._mapping)
    found.pop(TOTAL, None)
    for name in ("opened_at", "updated_at", "published_at", "discovered_at", "closed_at", "next_due"):
        found[name] = instant(found[name])
    return CaseRow(**found)

"""Cases: the list, one case's facts, and who may read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, select

from engine.domain.codec import instant_text

from .page import TOTAL, Page, instant, matches, paged, with_total
from .schema import case_access, cases

Order = Literal["updated", "due", "opened"]


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
    """Values that occur, for the filters of the list, most frequent first: (value, cases) or (value, label, cases)."""

    grades: tuple[tuple[str, int], ...]
    districts: tuple[tuple[str, int], ...]
    stages: tuple[tuple[str, str, int], ...]


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
    """One page of the cases that one of `groups` may read, or of all with `all_cases`.

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
    found = with_total(keys, by, page, per_page)
    listed: Select[Any] = select(*_LISTED, found.c[TOTAL]).join(found, found.c.case_id == cases.c.case_id).order_by(*by)
    rows = conn.execute(listed).all()
    return paged(conn, rows, (_row(row) for row in rows), keys, page, per_page)


def facets(conn: Connection, *, groups: frozenset[str], all_cases: bool = False) -> Facets:
    """What the readable cases can be filtered by, in three statements."""
    where = [] if all_cases else [readable(groups)]

    def values(column: ColumnElement[str], *more: ColumnElement[str]) -> tuple[Any, ...]:
        counted = func.count().label("cases")
        asked = select(column, *more, counted).where(*where, column != "").group_by(column)
        return tuple(tuple(row) for row in conn.execute(asked.order_by(counted.desc(), column)))

    # Labels of one stage may differ between elements and bundles: any one of them names it.
    stages = values(cases.c.stage, func.max(cases.c.stage_label))
    return Facets(values(cases.c.grade), values(cases.c.district), stages)


def get(conn: Connection, case_id: str) -> CaseRow | None:
    """The case with its body; None if there is no such case. Does not ask who may read it: see `visible`."""
    row = conn.execute(select(cases).where(cases.c.case_id == case_id)).one_or_none()
    return None if row is None else _row(row)


def visible(conn: Connection, case_id: str, groups: frozenset[str]) -> bool:
    """Whether one of `groups` was ever involved in the case; False also when there is no such case."""
    mine = select(case_access.c.grp).where(case_access.c.case_id == case_id, case_access.c.grp.in_(sorted(groups)))
    return bool(conn.execute(select(exists(mine))).scalar_one())


def readable(groups: frozenset[str]) -> ColumnElement[bool]:
    """Whether one of `groups` may read the case of a row."""
    return cases.c.case_id.in_(select(case_access.c.case_id).where(case_access.c.grp.in_(sorted(groups))))


def _row(row: Row[Any]) -> CaseRow:
    found = dict(row._mapping)
    found.pop(TOTAL, None)
    for name in ("opened_at", "updated_at", "published_at", "discovered_at", "closed_at", "next_due"):
        found[name] = instant(found[name])
    return CaseRow(**found)

"""Who looked at what: the log of looks, newest first, narrowed by person, case and period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, or_, select, tuple_

from engine.domain.codec import instant_text
from engine.readmodels.schema import cases

from .log_tables import access_log
from .people_tables import persons

PAGE_SIZE: Final = 50
MOST_PEOPLE: Final = 100
"""People that one name may stand for; more is no question about a person any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`people`: logins, None for everybody. `since`, `until`: aware, [since, until). '' and None: not narrowed."""

    people: tuple[str, ...] | None = None
    case_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One row as shown. `name`: the person's name today. `title`: of the case, '' when it is not known here."""

    number: int
    at: str
    user_id: str
    name: str
    case_id: str
    title: str
    page: str
    target: str
    address: str
    by_right: str
    on_behalf_of: str


@dataclass(frozen=True, slots=True)
class LookPage:
    """`older`, `newer`: number of the row to go on from, None at the end."""

    looks: tuple[Look, ...]
    older: int | None
    newer: int | None


def looks(conn: Connection, asked: Asked, *, before: int | None = None, after: int | None = None) -> LookPage:
    """The newest looks; those older than row `before`, or the next newer than row `after`.

    Pages go from row to row and not by counting, so that the log may grow to millions and while one reads: every
    query walks one index (person, case or time; newest first) and stops after a page.
    """
    if after is not None:
        rows = _rows(conn, asked, after, newer=True)
        more, shown = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE][::-1]
        return LookPage(shown, shown[-1].number if shown else None, shown[0].number if more else None)
    rows = _rows(conn, asked, before, newer=False)
    more, shown = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    newer = shown[0].number if before is not None and shown else None
    return LookPage(shown, shown[-1].number if more else None, newer)


def _rows(conn: Connection, asked: Asked, start: int | None, *, newer: bool) -> tuple[Look, ...]:
    place = (access_log.c.at, access_log.c.number)
    query = (
        select(access_log, persons.c.name, cases.c.title)
        .outerjoin(persons, persons.c.user_id == access_log.c.user_id)
        .outerjoin(cases, cases.c.case_id == access_log.c.case_id)
        .where(*_matching(asked))
        .order_by(*(column if newer else column.desc() for column in place))
        .limit(PAGE_SIZE + 1)
    )
    if start is not None:
        at = conn.scalar(select(access_log.c.at).where(access_log.c.number == start))
        if at is None:
            return ()
        here, there = tuple_(*place), tuple_(at, start)
        query = query.where(here > there if newer else here < there)
    return tuple(
        Look(
            row.number, row.at, row.user_id, row.name or row.user_id, row.case_id, row.title or "", row.page,
            row.target, row.address, row.by_right, row.on_behalf_of,
        )
        for row in conn.execute(query)
    )  # fmt: skip


def _matching(asked: Asked) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.people is not None:
        found.append(access_log.c.user_id.in_(asked.people))
    if asked.case_id:
        found.append(access_log.c.case_id == asked.case_id)
    if asked.since is not None:
        found.append(access_log.c.at >= instant_text(asked.since))
    if asked.until is not None:
        found.append(access_log.c.at < instant_text(asked.until))
    return found


def people_called(conn: Connection, text: str) -> tuple[str, ...]:
    """Logins of everybody, also of those who left, whose login is `text` or whose name holds it."""
    query = select(persons.c.user_id).where(
        or_(persons.c.user_id == text.lower(), persons.c.name.contains(text, autoescape=True))
    )
    return tuple(conn.execute(query.order_by(persons.c.user_id).limit(MOST_PEOPLE)).scalars())


def counted(conn: Connection, since: datetime) -> tuple[int, int, int]:
    """(looks, people who looked, cases looked at) from `since` on."""
    count: Sequence[int] = conn.execute(
        select(
            func.count(),
            func.count(access_log.c.user_id.distinct()),
            func.count(access_log.c.case_id.distinct()),
        ).where(access_log.c.at >= instant_text(since))
    ).one()
    return count[0], count[1], count[2]

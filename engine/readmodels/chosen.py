"""Which cases an export or a figure is about: by period of opening, grade, unit, open or closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from engine.domain.codec import instant_text

from .cases import CaseRow, get
from .schema import cases, tasks

AT_A_TIME: Final = 200
"""Case numbers held at once: what is exported may be more than fits into memory."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Cases opened in [`since`, `until`) (aware, None for no bound), of a `grade`, in which `unit` ever had a task,
    `status` open or closed; "" asks for nothing."""

    since: datetime | None = None
    until: datetime | None = None
    grade: str = ""
    unit: str = ""
    status: str = ""

    def where(self) -> list[ColumnElement[bool]]:
        """Conditions on `cases`, none for every case."""
        found: list[ColumnElement[bool]] = []
        if self.since is not None:
            found.append(cases.c.opened_at >= instant_text(self.since))
        if self.until is not None:
            found.append(cases.c.opened_at < instant_text(self.until))
        if self.grade:
            found.append(cases.c.grade == self.grade)
        if self.status:
            found.append(cases.c.status == self.status)
        if self.unit:
            found.append(cases.c.case_id.in_(select(tasks.c.case_id).where(tasks.c.unit == self.unit)))
        return found


def count(conn: Connection, choice: Choice) -> int:
    """How many cases are chosen."""
    return conn.execute(select(func.count()).select_from(cases).where(*choice.where())).scalar_one()


def chosen(conn: Connection, choice: Choice, at_a_time: int = AT_A_TIME) -> Iterator[CaseRow]:
    """The chosen cases by number, as they stand when each is reached; at most `at_a_time` numbers in memory."""
    last = ""
    while True:
        more = select(cases.c.case_id).where(*choice.where(), cases.c.case_id > last)
        found = list(conn.scalars(more.order_by(cases.c.case_id).limit(at_a_time)))
        for case_id in found:
            row = get(conn, case_id)
            if row is not None:
                yield row
        if len(found) < at_a_time:
            return
        last = found[-1]

"""R53: promises of the register, which of them are overdue, and the one that a case's reply made in public."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection

from engine.domain.calendar import ZONE
from engine.domain.codec import JSON
from engine.kernel.case import Case
from engine.readmodels import dossier

from . import case_snapshot, register_records
from .register_records import Record

REGISTER: Final = "promise"
OPEN: Final = "open"
FIELDS: Final = ("has_promise", "promise_text", "promise_due")
"""What the form FORM asks about a promise."""
FORM: Final = "reply_publish"


def today(now: datetime) -> date:
    """The office's day; a promise is overdue from the midnight after its date."""
    return now.astimezone(ZONE).date()


def overdue(record: Record, day: date) -> bool:
    """Whether a record is a promise that is still open after its date."""
    values = record.values
    return record.register == REGISTER and values["state"] == OPEN and values["due_date"] < day.isoformat()


def conditions(conn: Connection, day: date) -> Sequence[ColumnElement[bool]]:
    """The same in SQL, on records of the register."""
    field = register_records.field
    return field(conn, "state") == OPEN, field(conn, "due_date") < day.isoformat()


def count_overdue(conn: Connection, day: date) -> int:
    """How many promises are overdue, in one statement."""
    return register_records.count(conn, REGISTER, conditions(conn, day))


def is_kept(said: Mapping[str, JSON], records: Iterable[Record]) -> bool:
    """Whether one of a case's records is that of the promise its reply made: the same words, or, where somebody has
    worded it better, the same date."""
    return any(
        one.values["promise"] == str(said["promise"]).replace("\r\n", "\n").strip()
        or (said["due_date"] and one.values["due_date"] == said["due_date"])
        for one in records
    )


def published(services: Any, case_id: str) -> Mapping[str, JSON]:
    """Fields of a record for the promise that the published reply of a case made; {} when it made none. Requires that
    the caller asked who may see the case."""

    def read(conn: Connection, case: Case) -> dict[str, JSON]:
        return {name: case.data.get(name) for name in FIELDS}

    with services.engine.connect() as conn:
        if not dossier.has_done(conn, case_id, FORM):
            return {}  # the case itself need not be asked, which costs its whole past where it is not at hand
    said = case_snapshot.of_case(services, case_id, read) or {}
    if said.get("has_promise") is not True or not said.get("promise_text"):
        return {}
    return {"promise": said["promise_text"], "due_date": said.get("promise_due") or "", "state": OPEN}

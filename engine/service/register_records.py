"""Records of the registers: checked, written, read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON as JSON_TYPE
from sqlalchemy import ColumnElement, Connection, Row, Select, Text, cast, func, insert, select

from engine.domain.access import may
from engine.domain.codec import JSON, canonical, instant_text, parse_instant
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection

from . import case_snapshot, package_import
from .item_journal import Writing, decide
from .register_checks import checked
from .register_tables import register_records as table
from .registers import ACCESS_TASK, REGISTERS

STREAM: Final = "_registers"
PER_PAGE: Final = 30


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `subject`: number of the first record of the same thing; `values`: its fields as stored."""

    number: int
    register: str
    subject: int
    case_id: str
    unit_id: str
    by_user: str
    at: datetime
    values: Mapping[str, Any]

    @property
    def amended(self) -> bool:
        return self.number != self.subject


def add(
    services: Any,
    actor: Actor,
    name: str,
    typed: Mapping[str, JSON],
    *,
    case_id: str = "",
    subject: int = 0,
    after: int | None = None,
) -> Record | Rejection:
    """Writes a record, of a new subject or (`subject`) amending one. `typed`: field -> text, list of texts, instants
    aware and in ISO form. `after`: number of the register's last record that the writer saw, 0 for none.

    Rejections: not_found (register, case not visible, subject), forbidden, invalid with the fields' faults, conflict
    when another record came after `after`, or a case was imported and can't be handed to anybody.

    Whom a record of a register that `gives_access` names gets his copy of the case by a job: see task_forces.
    """
    register = REGISTERS.get(name)
    if register is None or bool(case_id) != register.of_case:
        return Rejection("not_found", "register.unknown")
    allowed = may(actor, register.add)
    if not allowed:
        return Rejection("forbidden", allowed.reason_key, dict(allowed.params))

    def change(work: Writing) -> Record | Rejection:
        if case_id and not case_snapshot.sees(work.conn, case_id, actor):
            return Rejection("not_found", "register.unknown")
        if subject:
            before = current(work.conn, name, subject)
            if before is None or before.case_id != case_id or not register.amends:
                return Rejection("not_found", "register.unknown")
        if after is not None and after != number_of(latest(work.conn, name)):
            return Rejection("conflict", "register.newer")
        if register.gives_access and package_import.origin_of(work.conn, case_id) is not None:
            return Rejection("conflict", "case.imported", {"case": case_id})
        values, faults = checked(work.conn, register, typed, work.now)
        if faults:
            return Rejection("invalid", "form.refused", {"count": len(faults)}, tuple(faults))
        facts = {"register": name, "case_id": case_id, "subject": subject, "values": values}
        number = work.note("KeepRecord", "RecordKept", **{key: value for key, value in facts.items() if value})
        made = Record(number, name, subject or number, case_id, actor.unit, actor.user_id, work.now, values)
        work.conn.execute(
            insert(table).values(
                number=number,
                register=name,
                subject=made.subject,
                case_id=case_id,
                unit_id=actor.unit,
                by_user=actor.user_id,
                at=instant_text(work.now),
                body=canonical(values).decode(),
            )
        )
        if register.gives_access:
            services.jobs.defer(work.conn, ACCESS_TASK, {"register": name, "subject": made.subject})
        return made

    return decide(services, actor.user_id, change, STREAM)


# -- reading ------------------------------------------------------------------------------------------------------
def newest(name: str = "", case_id: str = "") -> Select[Any]:
    """Selects the record that stands for each subject, of a register, of a case (a subject's records are of one)."""
    last = select(func.max(table.c.number)).group_by(table.c.register, table.c.subject)
    asked = [column == value for column, value in ((table.c.register, name), (table.c.case_id, case_id)) if value]
    # Outside too: conditions on fields are then tried on these records only, whatever the database begins with.
    return select(table).where(*asked, table.c.number.in_(last.where(*asked)))


def field(conn: Connection, name: str) -> ColumnElement[str]:
    """A field's text in SQL, NULL where a record has none. Both databases find it in the JSON of the body."""
    found: ColumnElement[str] = cast(table.c.body, JSON_TYPE)[name].as_string()
    if conn.dialect.name == "sqlite":
        found = func.json_extract(table.c.body, f"$.{name}", type_=Text)
    return found


def listed(
    conn: Connection,
    name: str,
    page: int = 1,
    *,
    unit: str = "",
    since: datetime | None = None,
    where: Sequence[ColumnElement[bool]] = (),
) -> tuple[list[Record], int]:
    """(records that stand, newest first, one page; how many pages). `unit`: of who wrote them. `where`: conditions on
    the record that stands, see `field`."""
    query = newest(name).where(*where)
    if unit:
        query = query.where(table.c.unit_id == unit)
    if since is not None:
        query = query.where(table.c.at >= instant_text(since))
    total = conn.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = conn.execute(query.order_by(table.c.number.desc()).limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return [_read(row) for row in rows], max(1, -(-total // PER_PAGE))


def every(conn: Connection, name: str, most: int, *, unit: str = "") -> list[Record]:
    """The records that stand, newest first, no more than `most`. `unit`: of who wrote them."""
    query = newest(name).where(table.c.unit_id == unit) if unit else newest(name)
    return [_read(row) for row in conn.execute(query.order_by(table.c.number.desc()).limit(most))]


def count(conn: Connection, name: str, where: Sequence[ColumnElement[bool]]) -> int:
    """How many of the records that stand meet conditions, see `field`."""
    return conn.scalar(select(func.count()).select_from(newest(name).where(*where).subquery())) or 0


def of_case(conn: Connection, case_id: str, name: str = "") -> dict[str, list[Record]]:
    """register -> the records that stand about a case, newest first, of one register or all. The caller asked who may
    see the case."""
    found: dict[str, list[Record]] = {}
    for row in conn.execute(newest(name, case_id).order_by(table.c.number.desc())):
        found.setdefault(row.register, []).append(_read(row))
    return found


def current(conn: Connection, name: str, subject: int) -> Record | None:
    row = conn.execute(newest(name).where(table.c.subject == subject)).one_or_none()
    return None if row is None else _read(row)


def history(conn: Connection, name: str, subject: int) -> list[Record]:
    """Every record of a subject, oldest first; [] for none."""
    query = select(table).where(table.c.register == name, table.c.subject == subject).order_by(table.c.number)
    return [_read(row) for row in conn.execute(query)]


def newest_by(conn: Connection, name: str, field: str) -> dict[str, Record]:
    """The last record of a register for each value of one of its fields. For registers of few records."""
    query = select(table).where(table.c.register == name).order_by(table.c.number)
    return {str(one.values.get(field, "")): one for one in map(_read, conn.execute(query))}


def latest(conn: Connection, name: str) -> Record | None:
    """The last record of a register whose records are not amended. One row, found by the index."""
    query = select(table).where(table.c.register == name).order_by(table.c.subject.desc(), table.c.number.desc())
    row = conn.execute(query.limit(1)).one_or_none()
    return None if row is None else _read(row)


def number_of(record: Record | None) -> int:
    return 0 if record is None else record.number


def between(conn: Connection, name: str, first: datetime, last: datetime) -> list[Record]:
    """The records that stand and were written in [first, last), oldest first."""
    query = newest(name).where(table.c.at >= instant_text(first), table.c.at < instant_text(last))
    return [_read(row) for row in conn.execute(query.order_by(table.c.number))]


def _read(row: Row[Any]) -> Record:
    return Record(
        row.number, row.register, row.subject, row.case_id, row.unit_id, row.by_user, parse_instant(row.at),
        json.loads(row.body),
    )  # fmt: skip

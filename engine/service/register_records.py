"""Records of the registers: checked, written, read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, insert, select

from engine.domain.access import may
from engine.domain.codec import JSON, canonical, instant_text, parse_instant
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection

from . import case_snapshot
from .item_journal import Writing, decide
from .people_tables import persons, units
from .register_tables import register_records as table
from .registers import MOST_LINES, REGISTERS, Field, Register

STREAM: Final = "_registers"
PER_PAGE: Final = 30
AHEAD: Final = timedelta(minutes=10)
"""An instant may lie so far in the future: clocks differ, and who writes while he patrols rounds up."""
MAY_LIE_AHEAD: Final = frozenset({"deadline_at"})


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
    when another record came after `after`.
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
        values, faults = _checked(work.conn, register, typed, work.now)
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
        return made

    return decide(services, actor.user_id, change, STREAM)


# -- reading ------------------------------------------------------------------------------------------------------
def newest(name: str = "") -> Select[Any]:
    """Selects the record that stands for each subject."""
    last = select(func.max(table.c.number)).group_by(table.c.register, table.c.subject)
    return select(table).where(table.c.number.in_(last.where(table.c.register == name) if name else last))


def listed(
    conn: Connection, name: str, page: int = 1, *, unit: str = "", since: datetime | None = None
) -> tuple[list[Record], int]:
    """(records that stand, newest first, one page; how many pages). `unit`: of who wrote them."""
    query = newest(name)
    if unit:
        query = query.where(table.c.unit_id == unit)
    if since is not None:
        query = query.where(table.c.at >= instant_text(since))
    count = conn.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = conn.execute(query.order_by(table.c.number.desc()).limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return [_read(row) for row in rows], max(1, -(-count // PER_PAGE))


def every(conn: Connection, name: str, most: int, *, unit: str = "") -> list[Record]:
    """The records that stand, newest first, no more than `most`. `unit`: of who wrote them."""
    query = newest(name).where(table.c.unit_id == unit) if unit else newest(name)
    return [_read(row) for row in conn.execute(query.order_by(table.c.number.desc()).limit(most))]


def of_case(conn: Connection, case_id: str) -> dict[str, list[Record]]:
    """register -> the records that stand about a case, newest first. The caller asked who may see the case."""
    found: dict[str, list[Record]] = {}
    for row in conn.execute(newest().where(table.c.case_id == case_id).order_by(table.c.number.desc())):
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


# -- checking -----------------------------------------------------------------------------------------------------
def _checked(
    conn: Connection, register: Register, typed: Mapping[str, JSON], now: datetime
) -> tuple[dict[str, JSON], list[FieldFault]]:
    values: dict[str, JSON] = {}
    faults: list[FieldFault] = []
    known = _known(conn, register)
    for one in register.fields:
        value, key, facts = _value(one, typed.get(one.name), now, known)
        if key:
            faults.append(FieldFault(one.name, key, facts))
        elif value not in (None, "", []):
            values[one.name] = value
        elif one.required:
            faults.append(FieldFault(one.name, "form.required"))
    for one in register.fields:
        first, second = values.get(one.after), values.get(one.name)
        if one.after and isinstance(first, str) and isinstance(second, str) and second < first:
            faults.append(FieldFault(one.name, "register.before", {"other": one.after}))
    return values, faults


def _known(conn: Connection, register: Register) -> dict[str, frozenset[str]]:
    """Logins and units that may be named, read only where a field names some."""
    kinds = {one.kind for one in register.fields}
    found = {}
    if kinds & {"person", "people"}:
        found["person"] = frozenset(conn.scalars(select(persons.c.user_id).where(persons.c.active)))
    if "units" in kinds:
        found["units"] = frozenset(conn.scalars(select(units.c.unit_id).where(units.c.active)))
    return found


Checked = tuple[JSON, str, Mapping[str, object]]


def _value(one: Field, typed: JSON, now: datetime, known: Mapping[str, frozenset[str]]) -> Checked:
    """(value, key of what is wrong or "", its facts)."""
    if one.kind in ("choices", "people", "units"):
        chosen = sorted({str(each) for each in typed}) if isinstance(typed, list) else []
        allowed: Iterable[str] = one.options or known["units" if one.kind == "units" else "person"]
        return (chosen, "", {}) if set(chosen) <= set(allowed) else (None, "register.not_offered", {})
    if one.kind == "lines":
        return _lines(one, typed)
    text = typed.strip() if isinstance(typed, str) else ""
    if not text:
        return None, "", {}
    if one.kind in ("choice", "person"):
        return (text, "", {}) if text in (one.options or known["person"]) else (None, "register.not_offered", {})
    if one.kind in ("instant", "date"):
        return _moment(one, text, now)
    if one.kind == "number":
        good = text.isascii() and text.isdigit() and len(text) <= 9
        return (int(text), "", {}) if good else (None, "register.number", {})
    if len(text) > one.most:
        return None, "register.long", {"most": one.most}
    if one.kind == "phone" and not all(char in "0123456789+-() 转" for char in text):
        return None, "form.phone", {}
    return text, "", {}


def _lines(one: Field, typed: JSON) -> Checked:
    """Lines of a text, or a list of them: blanks at the ends and what can't be seen are taken away, empty ones left
    out."""
    given = typed if isinstance(typed, list) else str(typed or "").splitlines()
    found = [" ".join("".join(filter(str.isprintable, str(line))).split()) for line in given]
    lines = [line for line in found if line]
    if len(lines) > MOST_LINES:
        return None, "register.many_lines", {"most": MOST_LINES, "count": len(lines)}
    for place, line in enumerate(lines, 1):
        if len(line) > one.most:
            return None, "register.long_line", {"line": place, "most": one.most}
        if line in lines[: place - 1]:
            return None, "register.same_line", {"line": place, "other": lines.index(line) + 1, "text": line}
    return list(lines), "", {}


def _moment(one: Field, text: str, now: datetime) -> Checked:
    try:
        if one.kind == "date":
            return date.fromisoformat(text).isoformat(), "", {}
        at = parse_instant(text)
    except ValueError:
        return None, "form.datetime_format" if one.kind == "instant" else "form.date_format", {}
    if at > now + AHEAD and one.name not in MAY_LIE_AHEAD:
        return None, "register.ahead", {}
    return instant_text(at), "", {}

"""Takes event logs out for process mining: XES, OCEL 2.0 (JSON, XML) or CSV, logged and marked (R71)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from engine.domain.access import may
from engine.domain.calendar import ZONE, midnight
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.journal.store import SqlTransaction
from engine.readmodels.chosen import Choice, chosen

from . import exports, mining_csv, mining_ocel, mining_xes
from .mining_case import told
from .mining_model import MinedCase, MinedObject, Sink
from .mining_people import People
from .people import all_units
from .people_tables import persons

FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    "xes": (".xes", "application/xml"),
    "ocel": (".ocel.json", "application/json"),
    "ocel-xml": (".ocel.xml", "application/xml"),
    "csv": (".csv", "text/csv; charset=utf-8"),
}
"""Format -> ending of its files, media type."""
_PERIOD: Final = re.compile(r"(\d{4})(?:-(?:(\d{2})(?:-(\d{2}))?|[Qq]([1-4])))?")


class Unreadable(ValueError):
    """A period that is none; the message is the text."""


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: `number` of the export, `cases`, `events`, `size` in bytes, `sha256` hex."""

    number: int
    cases: int
    events: int
    size: int
    sha256: str


def period(text: str) -> tuple[datetime | None, datetime | None]:
    """The first instant of a period and the first after it, in Asia/Shanghai; None where it is open.

    `2026`, `2026-Q1`, `2026-03`, `2026-03-02`, or two of them with `..` between (both included, either may be left
    out); "" is all time. Raises Unreadable.
    """
    first, found, last = text.strip().partition("..")
    if not first and not last:
        return None, None
    since = _span(first)[0] if first else None
    until = _span(last if found else first)[1] if last or not found else None
    if since is not None and until is not None and since >= until:
        raise Unreadable(text)
    return since, until


def _span(text: str) -> tuple[datetime, datetime]:
    match = _PERIOD.fullmatch(text.strip())
    if match is None:
        raise Unreadable(text)
    year, month, day, quarter = (int(part) if part else 0 for part in match.groups())
    try:
        if day:
            start = date(year, month, day)
            return midnight(start), midnight(start + timedelta(days=1))
        first, months = (month, 1) if month else (3 * quarter - 2, 3) if quarter else (1, 12)
        start = date(year, first, 1)
        years, after = divmod(first - 1 + months, 12)
        return midnight(start), midnight(date(year + years, after + 1, 1))
    except (ValueError, OverflowError) as error:
        raise Unreadable(text) from error


def file_name(form: str, number: int) -> str:
    """`opinion-log-12.xes`."""
    return f"opinion-log-{number}{FORMATS[form][0]}"


def export(
    services: Any,
    actor: Actor,
    form: str,
    choice: Choice,
    out: Sink,
    *,
    with_names: bool = False,
    address: str = "",
) -> Made | Rejection:
    """Writes the chosen cases into `out` and logs the export before and after. Rejection(forbidden) for who is no
    auditor (and not the command line).

    One case is in memory at a time. Cases that change meanwhile are told as far as they had come when reached.
    """
    if actor != exports.COMMAND_LINE and not may(actor, "audit"):
        return Rejection("forbidden", "access.no_role", {"action": "audit"})
    about = _about(form, choice, with_names)
    mark = exports.begin(services, actor, form.partition("-")[0], about, address)
    counted = _Counted(out)
    with services.journal.reading() as tx:
        people = People(_names(tx.connection) if with_names else {}, with_names=with_names)
        cases = counted.watch(_cases(tx, choice, people))
        if form == "xes":
            mining_xes.write(cases, counted, mark.text, about)
        elif form == "csv":
            mining_csv.write(cases, counted, mark.text)
        else:
            layout: mining_ocel.Format = mining_ocel.Json() if form == "ocel" else mining_ocel.Xml()
            mining_ocel.write(cases, counted, mark.text, layout, _described(tx.connection, people))
    made = Made(mark.number, counted.cases, counted.events, counted.size, counted.hash.hexdigest())
    exports.made(services, made.number, made.sha256, made.size)
    return made


def _cases(tx: SqlTransaction, choice: Choice, people: People) -> Iterator[MinedCase]:
    for row in chosen(tx.connection, choice):
        yield told(row, tx.read(row.case_id, 0, row.last_seq), people)


def _names(conn: Connection) -> dict[str, str]:
    return {row.user_id: row.name for row in conn.execute(select(persons.c.user_id, persons.c.name))}


def _described(conn: Connection, people: People) -> mining_ocel.Described:
    units = {unit.unit_id: unit for unit in all_units(conn)}
    begin = datetime(1970, 1, 1, tzinfo=ZONE)

    def describe(one: MinedObject) -> MinedObject:
        ident = one.id.partition(":")[2]
        if one.type == "unit" and ident in units:
            unit = units[ident]
            for name, value in (("name", unit.name), ("kind", unit.kind), ("district", unit.district)):
                one.set(name, value, begin)
        elif one.type == "person":
            one.set("name", dict(people.met()).get(ident, ""), begin)
        return one

    return describe


def _about(form: str, choice: Choice, with_names: bool) -> str:
    """What was asked for, in one line for the log and the file."""

    def day(at: datetime | None) -> str:
        return f"{at.astimezone(ZONE):%Y-%m-%d}" if at is not None else ""

    last = choice.until - timedelta(seconds=1) if choice.until is not None else None
    parts = (f"{day(choice.since)}..{day(last)}", choice.grade, choice.unit, choice.status)
    return " ".join([form, *(part for part in parts if part), "names" if with_names else "pseudonyms"])


class _Counted:
    """A file that hashes and counts what is written into it, and the cases that go by."""

    def __init__(self, out: Sink) -> None:
        self._out = out
        self.hash = hashlib.sha256()
        self.size = self.cases = self.events = 0

    def write(self, data: bytes, /) -> int:
        self._out.write(data)
        self.hash.update(data)
        self.size += len(data)
        return len(data)

    def watch(self, cases: Iterator[MinedCase]) -> Iterator[MinedCase]:
        for case in cases:
            self.cases += 1
            self.events += len(case.events)
            yield case

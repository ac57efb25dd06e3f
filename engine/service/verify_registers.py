"""Verification of the registers (台账): each row says what its entry of stream `_registers` says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import func, select

from engine.domain.codec import instant_text
from engine.journal.entry import StoredEntry
from engine.journal.store import SqlTransaction

from .register_records import STREAM
from .register_tables import register_records as table
from .verification import Part, Tick

AT_ONCE: Final = 500
"""Entries, and the rows of the same numbers, held in memory at a time."""


def check_registers(tx: SqlTransaction, part: Part, tick: Tick) -> None:
    """Rows against entries, both ways: a row's number is its entry's. The writer's unit stands in the row alone."""
    head = tx.head(STREAM)
    last = max(head.seq if head is not None else 0, tx.connection.scalar(select(func.max(table.c.number))) or 0)
    before = ""
    for after in range(0, last, AT_ONCE):
        entries = tx.read(STREAM, after, after + AT_ONCE)
        found = tx.connection.execute(
            select(table).where(table.c.number > after, table.c.number <= after + AT_ONCE).order_by(table.c.number)
        )
        rows = {row.number: row for row in found}
        told = dict(_told(entries, before))
        for number in sorted({*told, *rows}):
            part.checked += 1
            tick(1)
            if number not in told or number not in rows:
                part.fault(STREAM, number, "register_unmatched", "entry and row", "entry" if number in told else "row")
                continue
            wanted, row = told[number], _row(rows[number])
            if wanted.pop("set_back") and row["at"] <= wanted["at"]:
                wanted["at"] = row["at"]
            wrong = sorted(name for name in row if row[name] != wanted.get(name))
            if wrong:
                expected, got = (", ".join(f"{name}={one.get(name)}" for name in wrong) for one in (wanted, row))
                part.fault(f"{table.name} {number}", number, "register_differs", expected, got)
        before = instant_text(entries[-1].at) if entries else before


def _told(entries: list[StoredEntry], before: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number -> what its row must say. `set_back`: it may be earlier than `at`."""
    for entry in entries:
        event, at = entry.events[0], instant_text(entry.at)
        yield (
            entry.seq,
            {
                "register": event["register"],
                "subject": event.get("subject", entry.seq),
                "case_id": event.get("case_id", ""),
                "by_user": entry.actor,
                "values": event.get("values", {}),
                "at": at,
                # An entry is never earlier than the one before: a clock that was put back shows in the row alone.
                "set_back": at == before,
            },
        )
        before = at


def _row(row: Any) -> dict[str, Any]:
    names = ("register", "subject", "case_id", "by_user", "at")
    return {**{name: getattr(row, name) for name in names}, "values": json.loads(row.body)}

"""Logs outside the journal are sealed too: an entry of stream `_logs` holds the digest of the rows added since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from engine.domain.codec import canonical
from engine.journal.hashing import digest
from engine.journal.store import SqlTransaction

from .keys import SEALER
from .log_tables import LOGS
from .system_stream import add_entry

STREAM = "_logs"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a log: numbers above `after` up to `upto`, how many, and the hash over them (hex)."""

    table: str
    after: int
    upto: int
    rows: int
    digest: str


def sealed_upto(tx: SqlTransaction) -> dict[str, int]:
    """table -> number of the last row that an entry of `_logs` covers."""
    head = tx.head(STREAM)
    if head is None:
        return {}
    found: dict[str, int] = tx.read(STREAM, head.seq - 1)[-1].events[0]["upto"]
    return found


def pending(tx: SqlTransaction) -> bool:
    """Whether any log has rows that are not covered yet."""
    upto = sealed_upto(tx)
    return any(_last(tx.connection, table, number) > upto.get(table.name, 0) for table, number in LOGS)


def seal_logs(tx: SqlTransaction, at: datetime, algorithm: str) -> tuple[Stretch, ...]:
    """Covers what the logs have gained, in one entry; () when they have gained nothing. Requires a writing
    transaction."""
    if tx.connection.dialect.name == "postgresql":
        # Numbered by sequences: a row with a smaller number may still be under way. This waits for it.
        tx.connection.execute(text("SELECT hold_log_writers()"))
    upto = sealed_upto(tx)
    found = []
    for table, number in LOGS:
        after, last = upto.get(table.name, 0), _last(tx.connection, table, number)
        if last > after:
            found.append(stretch(tx.connection, table, number, after, last, algorithm))
    if not found:
        return ()
    event = {
        "kind": "LogsSealed",
        "logs": [
            {"table": one.table, "after": one.after, "upto": one.upto, "rows": one.rows, "digest": one.digest}
            for one in found
        ],
        "upto": {**upto, **{one.table: one.upto for one in found}},
    }
    add_entry(tx, STREAM, at, SEALER, {"kind": "SealLogs"}, event, algorithm)
    return tuple(found)


def stretch(conn: Connection, table: Table, number: str, after: int, upto: int, algorithm: str) -> Stretch:
    """The hash over the rows after < number <= upto: each row as canonical JSON of its columns and a newline, in order
    of their numbers; every row's own hash is hashed in turn, so that a log of any length needs little memory."""
    found, rows = b"", 0
    for row in _rows(conn, table, number, after, upto):
        found = digest(algorithm, found + canonical(row) + b"\n")
        rows += 1
    return Stretch(table.name, after, upto, rows, found.hex())


def _rows(conn: Connection, table: Table, number: str, after: int, upto: int) -> Iterator[Mapping[str, Any]]:
    column = table.c[number]
    found = conn.execute(select(table).where(column > after, column <= upto).order_by(column))
    for row in found.yield_per(500):
        yield dict(row._mapping)


def _last(conn: Connection, table: Table, number: str) -> int:
    found: int | None = conn.scalar(select(func.max(table.c[number])))
    return found or 0

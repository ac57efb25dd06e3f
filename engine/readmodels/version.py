"""Read models of another release are dropped and projected again, so that changing them needs no migration."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from sqlalchemy import Column, Connection, Engine, Table, Text, delete, insert, inspect, select
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from engine.journal.connections import patient
from engine.journal.entry import StoredEntry
from engine.journal.schema import metadata

from .rebuild import rebuild
from .schema import READ_MODELS

PROJECTION = 1
"""Raise it when rows change their meaning while the tables stay as they are."""

readmodel_version = Table(
    "readmodel_version",
    metadata,
    Column("digest", Text, primary_key=True, comment="sha256 of the tables' definitions and PROJECTION; one row"),
    comment="Which release's read models this database holds",
)


def digest(conn: Connection) -> str:
    """Names the shape of the read models on this database."""
    made = [str(CreateTable(table).compile(conn)) for table in READ_MODELS]
    made += sorted(str(CreateIndex(index).compile(conn)) for table in READ_MODELS for index in table.indexes)
    return hashlib.sha256("\n".join([str(PROJECTION), *made]).encode()).hexdigest()


def bring_up(engine: Engine, entries: Callable[[Connection], Iterable[StoredEntry]] = lambda conn: ()) -> int:
    """Makes the read models fit this release; returns how many entries were projected for it, 0 if they fitted.

    Requires the journal's tables; `entries` gives every case's entries in order.
    """
    with engine.connect().execution_options(writing=True) as conn, conn.begin():
        patient(conn)
        wanted = digest(conn)
        if inspect(conn).has_table(readmodel_version.name):
            if conn.scalar(select(readmodel_version.c.digest)) == wanted:
                return 0
        else:
            readmodel_version.create(conn)
        present = set(inspect(conn).get_table_names())
        for table in reversed(READ_MODELS):
            if table.name in present:
                conn.execute(DropTable(table))
        for table in READ_MODELS:
            table.create(conn)
        conn.execute(delete(readmodel_version))
        conn.execute(insert(readmodel_version).values(digest=wanted))
        return rebuild(conn, entries(conn))

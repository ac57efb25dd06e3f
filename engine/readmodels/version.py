"""Read models of another release are projected again from the journal, so that changing them needs no migration."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Table,
    Text,
    bindparam,
    delete,
    event,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from engine.journal.schema import metadata

from . import sets
from .rebuild import rebuild
from .schema import READ_MODELS, notifications

PROJECTION = 1
"""Raise it when rows change their meaning while the tables stay as they are."""

readmodel_version = Table(
    "readmodel_version",
    metadata,
    Column("digest", Text, primary_key=True, comment="sha256 of the tables' definitions and PROJECTION; one row"),
    comment="SQLite only: which release's read models this database holds",
)


class Replaced(Exception):
    """A program of another release has made the read models of this SQLite file its own: this one must end, or start
    again as that release."""


_digests: dict[tuple[str, int], str] = {}
"""By kind of database: it costs a tenth of a second and never changes while the process lives."""


def digest(conn: Connection) -> str:
    """Names the shape of the read models on this kind of database."""
    key = conn.dialect.name, PROJECTION
    if key not in _digests:
        made = [str(CreateTable(table).compile(conn)) for table in READ_MODELS]
        made += sorted(str(CreateIndex(index).compile(conn)) for table in READ_MODELS for index in table.indexes)
        _digests[key] = hashlib.sha256("\n".join([str(PROJECTION), *made]).encode()).hexdigest()
    return _digests[key]


def bring_up(engine: Engine, entries: sets.Entries = lambda conn: ()) -> int:
    """Makes the read models fit this release; returns how many entries were projected for it, 0 if they fitted.

    On PostgreSQL the programs of other shapes keep theirs (engine.readmodels.sets). A SQLite file has one shape at a
    time: a program at work whose read models are replaced gets Replaced from its next transaction.

    Requires the journal's tables; `entries` gives every case's entries in order.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect() as conn:
            name = sets.name_of(digest(conn))
        return sets.bring_up(engine, name, entries)
    _unwatch(engine)
    with engine.connect().execution_options(writing=True) as conn, conn.begin():
        wanted = digest(conn)
        count = 0 if _found(conn) == wanted else _replace(conn, wanted, entries)
    _watch(engine, wanted)
    return count


def fits(conn: Connection) -> bool:
    """Whether this program can work on the read models that it finds."""
    if conn.dialect.name == "postgresql":
        return sets.fits(conn, sets.name_of(digest(conn)))
    return _found(conn) == digest(conn)


def _found(conn: Connection) -> str:
    if not inspect(conn).has_table(readmodel_version.name):
        return ""
    return conn.scalar(select(readmodel_version.c.digest)) or ""


def _replace(conn: Connection, wanted: str, entries: sets.Entries) -> int:
    present = set(inspect(conn).get_table_names())
    sent: Sequence[Any] = ()
    if notifications.name in present:
        sent = conn.exec_driver_sql(f"SELECT id, sent_at FROM {notifications.name} WHERE sent_at <> ''").all()
    if readmodel_version.name not in present:
        readmodel_version.create(conn)
    for table in reversed(READ_MODELS):
        if table.name in present:
            conn.execute(DropTable(table))
    for table in READ_MODELS:
        table.create(conn)
    conn.execute(delete(readmodel_version))
    conn.execute(insert(readmodel_version).values(digest=wanted))
    count = rebuild(conn, entries(conn))
    if sent:
        mark = update(notifications).where(notifications.c.id == bindparam("which"))
        rows = [{"which": row[0], "moment": row[1]} for row in sent]
        conn.execute(mark.values(sent_at=bindparam("moment")), rows)
    return count


def _watch(engine: Engine, wanted: str) -> None:
    """Lets every transaction look first whether the tables are still this program's: a row, three microseconds."""

    def on_begin(conn: Connection) -> None:
        driver: Any = conn.connection.dbapi_connection
        found = driver.execute(f"SELECT digest FROM {readmodel_version.name}").fetchone()
        if found is None or found[0] != wanted:
            raise Replaced("the database was taken over by a program with other read models")

    _watching[engine] = on_begin
    event.listen(engine, "begin", on_begin)


def _unwatch(engine: Engine) -> None:
    if engine in _watching:
        event.remove(engine, "begin", _watching.pop(engine))


_watching: WeakKeyDictionary[Engine, Any] = WeakKeyDictionary()

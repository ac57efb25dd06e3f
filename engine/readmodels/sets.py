"""Sets of read models on PostgreSQL: each shape of the tables stands in a schema of its own, so that programs of an old
and a new release work side by side on one journal while an upgrade rolls.

1. A program looks into the schema that its own shape names, by the search path of its connections.
2. It projects what it writes into its own set. A trigger on `entries` notes the entry as missing in every other set.
3. Before a program carries out a command on a case, and every second while there are other sets, it projects what its
   own set misses (`catch_up`). So each set is caught up by programs that know its shape, and by nobody else.
4. A set that no program has used for a day goes at the next start of a program that may drop it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, bindparam, event, func, insert, inspect, select, text, update

from engine.journal import connections
from engine.journal.entry import StoredEntry
from engine.journal.schema import entries, readmodel_behind, readmodel_sets

from .projector import project
from .rebuild import rebuild
from .schema import READ_MODELS, cases, notifications

log = logging.getLogger("opinion.readmodels")

PREFIX: Final = "readmodels_"
UNUSED_SECONDS: Final = 24 * 3600
"""A set whose programs have given no sign of life for so long is dropped."""
_LOCK: Final = 0x6F70_696E_0002
_NOW: Final = "extract(epoch from now())::bigint"
_used: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()

Entries = Callable[[Connection], Iterable[StoredEntry]]


class NotUnderstood(Exception):
    """A case holds entries of a later release that this program can't read; a newer one must go on with it."""


def name_of(digest: str) -> str:
    return PREFIX + digest[:12]


def use(engine: Engine, name: str) -> None:
    """Lets every connection of an engine look into set `name` first."""
    if engine in _used:
        return
    _used[engine] = name

    @event.listens_for(engine, "connect")
    def _on_connect(connection: object, _record: object) -> None:
        before = connection.autocommit  # type: ignore[attr-defined]
        connection.autocommit = True  # type: ignore[attr-defined]
        connection.execute(  # type: ignore[attr-defined]
            "SELECT set_config('search_path', %s || ', ' || current_setting('search_path'), false)", (name,)
        )
        connection.autocommit = before  # type: ignore[attr-defined]

    engine.dispose()


def bring_up(engine: Engine, name: str, entries_of: Entries) -> int:
    """Makes and fills set `name` if there is none, and catches it up; returns how many entries were projected.

    Programs of other shapes go on meanwhile. One program at a time does it; the others wait for it.
    """
    use(engine, name)
    with engine.connect() as keeper:
        if _ready(keeper, name):
            keeper.rollback()
            _sign_of_life(engine, name)
            return 0
        connections.patient(keeper)
        keeper.execute(text("SELECT pg_advisory_lock(:number)"), {"number": _LOCK})
        keeper.commit()
        try:
            count = 0 if _ready(keeper, name) else _make(engine, name, entries_of)
        finally:
            keeper.rollback()
            keeper.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": _LOCK})
            keeper.commit()
    return count


def fits(conn: Connection, name: str) -> bool:
    """Whether set `name` is there and filled, and this connection looks into it."""
    return conn.scalar(select(func.current_schema())) == name and _ready(conn, name)


def others(conn: Connection) -> int:
    """How many sets there are beside the one that this connection looks into."""
    return (
        conn.scalar(
            select(func.count()).select_from(readmodel_sets).where(readmodel_sets.c.name != func.current_schema())
        )
        or 0
    )


def behind(conn: Connection, limit: int) -> list[str]:
    """Cases of which this connection's set misses entries, at most so many."""
    b = readmodel_behind
    query = select(b.c.case_id).where(b.c.set_name == func.current_schema()).distinct().limit(limit)
    return list(conn.scalars(query))


def catch_up(engine: Engine, case_id: str, read: Callable[[Connection, int], list[StoredEntry]]) -> int:
    """Projects what the engine's set misses of a case, in a transaction of its own; returns how many entries.

    `read` gives a case's entries after a number. Two programs that do this at once follow each other: the rows that
    note the missing entries are locked. Raises NotUnderstood for entries of a later release.
    """
    b = readmodel_behind
    own = (b.c.set_name == func.current_schema()) & (b.c.case_id == case_id)
    with engine.connect() as conn, conn.begin():
        noted = conn.scalars(select(b.c.seq).where(own).order_by(b.c.seq).with_for_update()).all()
        if not noted:
            return 0
        last = conn.scalar(select(cases.c.last_seq).where(cases.c.case_id == case_id)) or 0
        missing = read(conn, last)
        conn.execute(b.delete().where(own, b.c.seq <= (missing[-1].seq if missing else last)))
        try:
            project(conn, *missing)
        except (KeyError, TypeError, ValueError) as error:
            raise NotUnderstood(case_id) from error
    return len(missing)


def sign_of_life(engine: Engine) -> bool:
    """Says that a program still uses its set; False where the set is gone, and the program must start again."""
    return engine not in _used or _sign_of_life(engine, _used[engine])


def retire(conn: Connection, name: str, unused_seconds: int = UNUSED_SECONDS) -> tuple[str, ...]:
    """Drops the sets that no program has used for so long, but for `name`; returns their names. Requires a writing
    transaction of their owner."""
    gone = conn.scalars(
        text(f"DELETE FROM readmodel_sets WHERE name <> :name AND seen <= {_NOW} - :seconds RETURNING name"),
        {"name": name, "seconds": unused_seconds},
    ).all()
    for one in gone:
        conn.execute(readmodel_behind.delete().where(readmodel_behind.c.set_name == one))
        conn.exec_driver_sql(f"DROP SCHEMA IF EXISTS {_quoted(conn, one)} CASCADE")
    return tuple(gone)


def _ready(conn: Connection, name: str) -> bool:
    return conn.scalar(select(readmodel_sets.c.ready).where(readmodel_sets.c.name == name)) == 1


def _sign_of_life(engine: Engine, name: str) -> bool:
    with engine.connect() as conn, conn.begin():
        renewed = update(readmodel_sets).where(readmodel_sets.c.name == name).values(seen=text(_NOW))
        return conn.execute(renewed).rowcount == 1


def _make(engine: Engine, name: str, entries_of: Entries) -> int:
    with engine.connect() as conn, conn.begin():
        connections.patient(conn)
        schema = _quoted(conn, name)
        conn.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")  # of a program that was killed at this
        conn.exec_driver_sql(f"CREATE SCHEMA {schema}")
        conn.execute(readmodel_sets.delete().where(readmodel_sets.c.name == name))
        conn.execute(insert(readmodel_sets).values(name=name, ready=0, seen=text(_NOW)))
    with engine.connect() as conn, conn.begin():
        # From here on every entry is noted: this waits for the transactions that could not see the set's name yet.
        connections.patient(conn)
        conn.exec_driver_sql(f"LOCK TABLE {entries.name} IN SHARE MODE")
    with engine.connect() as conn, conn.begin():
        connections.patient(conn)
        for table in READ_MODELS:
            table.create(conn, checkfirst=False)
        count = rebuild(conn, entries_of(conn))
        _carry_over_sent(conn, name)
        conn.execute(update(readmodel_sets).where(readmodel_sets.c.name == name).values(ready=1))
        _drop_unsorted(conn)
        retire(conn, name)
    return count


def _carry_over_sent(conn: Connection, name: str) -> None:
    """What was sent stays sent: the one column that the journal does not hold."""
    home = conn.dialect.default_schema_name or "public"
    known = select(readmodel_sets.c.name).where(readmodel_sets.c.name != name, readmodel_sets.c.ready == 1)
    for schema in [*conn.scalars(known.order_by(readmodel_sets.c.seen)), home]:
        if inspect(conn).has_table(notifications.name, schema=schema):
            told = conn.exec_driver_sql(
                f"SELECT id, sent_at FROM {_quoted(conn, schema)}.{notifications.name} WHERE sent_at <> ''"
            )
            mark = update(notifications).where(notifications.c.id == bindparam("which"))
            rows = [{"which": row[0], "moment": row[1]} for row in told]
            if rows:
                conn.execute(mark.values(sent_at=bindparam("moment")), rows)


def _drop_unsorted(conn: Connection) -> None:
    """Read models beside the journal, where the releases before this one had them."""
    home = conn.dialect.default_schema_name or "public"
    for table in (*(table.name for table in reversed(READ_MODELS)), "readmodel_version"):
        conn.exec_driver_sql(f"DROP TABLE IF EXISTS {_quoted(conn, home)}.{table}")


def _quoted(conn: Connection, name: str) -> str:
    return conn.dialect.identifier_preparer.quote_identifier(name)

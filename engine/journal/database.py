"""Opens the database: SQLite (WAL, synchronous=FULL) or PostgreSQL, with the append-only triggers of the journal."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    UniqueConstraint,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from . import connections
from . import imports as imports  # its table is made with the others
from .append_only import postgresql_guards, sqlite_guards, sqlite_no_replacing
from .hashing import digest
from .schema import FORMAT_VERSION, entries, journal_format, leaves, metadata, unsealed

APPEND_ONLY = (
    "entries", "bundle_files", "bundles", "deployments", "leaves", "subtrees", "checkpoints", "checkpoint_keys",
    "imported_streams",
)  # fmt: skip
REFUSAL = "the journal is append-only"
BUSY_SECONDS = 15
"""How long a writer waits for another one on SQLite before it gives up."""


class FormatTooNew(Exception):
    """The database was written by a later release: upgrade the program, don't open it with this one."""


class OtherAlgorithm(Exception):
    """The journal is kept with another hash than the settings ask for; it stays with the one it began with."""


def open_database(url: str) -> Engine:
    """The engine for `url` (`sqlite:///path` or `postgresql+psycopg://...`). Makes the folder of a SQLite file.

    On SQLite a transaction of a connection with execution option `writing=True` begins IMMEDIATE, so that two writers
    wait for each other instead of failing half-way.
    """
    if url.startswith("postgresql:"):
        url = "postgresql+psycopg:" + url.removeprefix("postgresql:")
    if not url.startswith("sqlite"):
        postgresql = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
        connections.install(postgresql)
        return postgresql
    path = url.split("///", 1)[1].split("?")[0]
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=10,
        max_overflow=20,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-32000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        driver: Any = connection.connection.dbapi_connection
        try:
            # Straight to the driver: through SQLAlchemy this one word costs as much as a row (measured: 0.08 ms).
            driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
        except sqlite3.Error as error:
            raise DBAPIError.instance("BEGIN", None, error, sqlite3.Error, dialect=connection.dialect) from error

    return engine


def create_tables(engine: Engine, algorithm: str = "") -> str:
    """Makes what is missing: tables, columns, indexes, triggers, the format row. Returns the journal's hash.

    `algorithm`: the hash that a new journal is to be kept with (sha256 if left out). Raises FormatTooNew;
    OtherAlgorithm where the journal was begun with another one; hashing.Unavailable where this machine lacks the one
    it is kept with; ValueError for a name that is none.
    """
    digest(algorithm or "sha256", b"")
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connections.patient(connection)
        queued = inspect(connection).has_table(unsealed.name)
        metadata.create_all(connection)
        _columns(connection)
        found = connection.execute(select(journal_format.c.version, journal_format.c.algorithm)).first()
        if found is None:
            chosen = algorithm or "sha256"
            connection.execute(insert(journal_format).values(version=FORMAT_VERSION, algorithm=chosen))
            found = connection.execute(select(journal_format.c.version, journal_format.c.algorithm)).one()
        elif found.version > FORMAT_VERSION:
            raise FormatTooNew(f"journal format {found.version}, this program knows {FORMAT_VERSION}")
        if algorithm and found.algorithm != algorithm:
            raise OtherAlgorithm(f"the journal is kept with {found.algorithm}, the settings ask for {algorithm}")
        _triggers(connection)
        if not queued:
            _queue_all(connection)
    kept: str = found.algorithm
    digest(kept, b"")
    return kept


def _columns(connection: Connection) -> None:
    """Columns of a table that stood before they were thought of."""
    there = {column["name"] for column in inspect(connection).get_columns(journal_format.name)}
    for column in journal_format.columns:
        if column.name not in there:
            connection.exec_driver_sql(f"ALTER TABLE {journal_format.name} ADD COLUMN {_definition(column)}")


def _definition(column: Column[Any]) -> str:
    default = getattr(column.server_default, "arg", "")
    return f"{column.name} TEXT NOT NULL DEFAULT '{default}'"


def _queue_all(connection: Connection) -> None:
    """Entries of a journal from before there was a tree: in the order of their instants, each stream in its own."""
    connection.execute(
        text(
            f"INSERT INTO {unsealed.name} (case_id, seq, at) SELECT case_id, seq, at FROM {entries.name} e WHERE NOT "
            f"EXISTS (SELECT 1 FROM {leaves.name} l WHERE l.case_id = e.case_id AND l.seq = e.seq) "
            "ORDER BY at, case_id, seq"
        )
    )


def _triggers(connection: Connection) -> None:
    """Refuse update and delete on the journal's tables, also to who has the database password."""
    if connection.dialect.name == "postgresql":
        statements = [*postgresql_guards(APPEND_ONLY, REFUSAL)]
    else:
        statements = [*sqlite_guards(APPEND_ONLY, REFUSAL)]
        for table in APPEND_ONLY:
            for number, key in enumerate(_unique(table)):
                said = f"UNIQUE constraint failed: {table} {' '.join(key)}"
                statements.append(sqlite_no_replacing(table, key, f"no_replace_{number}", said))
    for statement in statements:
        connection.exec_driver_sql(statement)
    _queue(connection)


def _unique(table: str) -> list[list[str]]:
    """The columns of each key of a table, the primary one first."""
    rules = metadata.tables[table].constraints
    keys = sorted((rule for rule in rules if isinstance(rule, UniqueConstraint)), key=lambda rule: str(rule.name))
    return [[column.name for column in rule.columns] for rule in (metadata.tables[table].primary_key, *keys)]


def _queue(connection: Connection) -> None:
    """Every entry waits to be sealed, whoever writes it."""
    insertion = f"INSERT INTO {unsealed.name} (case_id, seq, at) VALUES (NEW.case_id, NEW.seq, NEW.at);"
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION entry_waits_for_its_seal() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {insertion} RETURN NULL; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE OR REPLACE TRIGGER {entries.name}_to_be_sealed AFTER INSERT ON {entries.name} "
            "FOR EACH ROW EXECUTE FUNCTION entry_waits_for_its_seal()"
        )
        return
    connection.exec_driver_sql(
        f"CREATE TRIGGER IF NOT EXISTS {entries.name}_to_be_sealed AFTER INSERT ON {entries.name} BEGIN {insertion} END"
    )

"""Opens the database: SQLite (WAL, synchronous=FULL) or PostgreSQL, and brings its tables up to this release."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.pool import QueuePool

from . import connections, migrations
from . import guards as guards  # its triggers are made with the tables
from .hashing import digest
from .schema import FORMAT_VERSION, journal_format

INSUFFICIENT_PRIVILEGE = "42501"
"""PostgreSQL's code (appendix A)."""
BUSY_SECONDS = 15
"""How long a writer waits for another one on SQLite before it gives up."""


class FormatTooNew(Exception):
    """The database was written by a later release: upgrade the program, don't open it with this one."""


class NeedsUpgrade(Exception):
    """The database is of an earlier release, and its user may not change tables: the owner must upgrade it first."""


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
    """Makes what is missing of all tables that are no read models: revisions not run yet, triggers, the format row.
    Returns the journal's hash.

    `algorithm`: the hash that a new journal is to be kept with (sha256 if left out). Raises FormatTooNew; NeedsUpgrade
    where something is missing and the database's user may not make it; OtherAlgorithm where the journal was begun
    with another hash; hashing.Unavailable where this machine lacks the one it is kept with; ValueError for a name that
    is none.
    """
    digest(algorithm or "sha256", b"")
    with engine.connect() as connection, connection.begin():
        complete = not migrations.waiting(connection) and not migrations.unguarded(connection)
    if not complete:
        _upgrade(engine, algorithm or "sha256")
    with engine.connect() as connection, connection.begin():
        found = connection.execute(select(journal_format.c.version, journal_format.c.algorithm)).one()
    if found.version > FORMAT_VERSION:
        raise FormatTooNew(f"journal format {found.version}, this program knows {FORMAT_VERSION}")
    if algorithm and found.algorithm != algorithm:
        raise OtherAlgorithm(f"the journal is kept with {found.algorithm}, the settings ask for {algorithm}")
    kept: str = found.algorithm
    digest(kept, b"")
    return kept


def _upgrade(engine: Engine, algorithm: str) -> None:
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connections.patient(connection)
        try:
            migrations.upgrade(connection)
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", "") == INSUFFICIENT_PRIVILEGE:
                raise NeedsUpgrade(str(error.orig).strip()) from error
            raise
        if connection.execute(select(journal_format.c.version)).first() is None:
            connection.execute(insert(journal_format).values(version=FORMAT_VERSION, algorithm=algorithm))

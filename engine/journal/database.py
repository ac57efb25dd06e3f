"""Opens the database: SQLite (WAL, synchronous=FULL) or PostgreSQL, with the append-only triggers of the journal."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from . import imports as imports  # its table is made with the others
from .schema import FORMAT_VERSION, journal_format, metadata

APPEND_ONLY = ("entries", "bundle_files", "bundles", "deployments", "imported_streams")
BUSY_SECONDS = 15
"""How long a writer waits for another one on SQLite before it gives up."""


class FormatTooNew(Exception):
    """The database was written by a later release: upgrade the program, don't open it with this one."""


def open_database(url: str) -> Engine:
    """The engine for `url` (`sqlite:///path` or `postgresql+psycopg://...`). Makes the folder of a SQLite file.

    On SQLite a transaction of a connection with execution option `writing=True` begins IMMEDIATE, so that two writers
    wait for each other instead of failing half-way.
    """
    if url.startswith("postgresql:"):
        url = "postgresql+psycopg:" + url.removeprefix("postgresql:")
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
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


def create_tables(engine: Engine) -> None:
    """Makes what is missing: tables, indexes, triggers, the format row. Raises FormatTooNew."""
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        metadata.create_all(connection)
        found = connection.scalar(select(journal_format.c.version))
        if found is None:
            connection.execute(insert(journal_format).values(version=FORMAT_VERSION))
        elif found > FORMAT_VERSION:
            raise FormatTooNew(f"journal format {found}, this program knows {FORMAT_VERSION}")
        _triggers(connection)


def _triggers(connection: Connection) -> None:
    """Refuse update and delete on the journal's tables, also to who has the database password."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$"
        )
    for table in APPEND_ONLY:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()"
            )
            continue
        for action in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{action.lower()} BEFORE {action} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
            )

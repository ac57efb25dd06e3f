"""Statements of every command, straight to the database's driver.

SQLAlchemy's work around a statement is several times that of SQLite, and on PostgreSQL a third of what a submission
costs the program (measured: 3 of 9 ms); decision 8. Nothing here knows a table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Values = Sequence[Any]


class Driver:
    """Runs statements with `?` blanks in the transaction of a connection, which begins if none is under way.

    A text must hold no other question mark, and no percent sign. Errors are those of SQLAlchemy.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        if not conn.in_transaction():
            conn.begin()
        self._driver: Any = conn.connection.dbapi_connection
        self._sqlite = conn.dialect.name == "sqlite"
        self._faults: type[Exception] = sqlite3.Error if self._sqlite else psycopg.Error

    def run(self, sql: str, rows: Sequence[Values]) -> None:
        """Once for each row of values."""
        self._send(sql, rows)

    def fetch(self, sql: str, values: Values) -> list[tuple[Any, ...]]:
        """The rows that a query gives."""
        cursor = self._send(sql, [values])
        try:
            found: list[tuple[Any, ...]] = cursor.fetchall()
        except self._faults as error:
            raise self._translated(sql, error) from error
        return found

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Lets what is run inside go to PostgreSQL without waiting for each answer: only a fetch waits, and the end.
        A fault may show later than at its own statement, at the latest at the end."""
        if self._sqlite:
            yield
            return
        try:
            with self._driver.pipeline():
                yield
        except psycopg.Error as error:
            raise self._translated("", error) from error

    def _send(self, sql: str, rows: Sequence[Values]) -> Any:
        try:
            if self._sqlite:
                cursor = self._driver
            else:
                # A cursor for each statement: within a batch the answers to earlier ones are still to come.
                cursor, sql = self._driver.cursor(), _numbered(sql)
            return cursor.execute(sql, rows[0]) if len(rows) == 1 else cursor.executemany(sql, rows)
        except self._faults as error:
            raise self._translated(sql, error) from error

    def _translated(self, sql: str, error: Exception) -> Exception:
        """What callers expect of a connection of SQLAlchemy. A lost connection does not go back to the pool."""
        dialect: Any = self._conn.dialect
        lost = dialect.is_disconnect(error, self._driver, None)
        if lost and not self._conn.invalidated:
            self._conn.invalidate(error)
        return DBAPIError.instance(sql, None, error, self._faults, connection_invalidated=lost, dialect=dialect)


@cache
def _numbered(sql: str) -> str:
    return sql.replace("?", "%s")

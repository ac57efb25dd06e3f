"""Statements that project rows: written once, prepared once per database, run with lists of rows.

The SQL is the part that SQLite and PostgreSQL share (`ON CONFLICT ... DO UPDATE` reads the same on both). It goes
to the driver as text: building it anew for each entry would cost more than running it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table

from engine.journal.driver import Driver

Values = Mapping[str, Any]
_BLANK = re.compile(r":(\w+)")


class Statement:
    """SQL with `:name` blanks. The text must hold no other colon, no question mark and no percent sign."""

    def __init__(self, sql: str) -> None:
        names = _BLANK.findall(sql)
        self.sql = _BLANK.sub("?", sql)
        self.order: Callable[[Values], tuple[Any, ...]] = (
            itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
        )


class Patch:
    """Sets some columns of rows found by key; one statement for each set of columns that occurs."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._keys = tuple(column.name for column in table.primary_key)
        self._known: dict[tuple[str, ...], Statement] = {}

    def shapes(self, rows: Iterable[Values]) -> Iterator[tuple[Statement, list[Values]]]:
        """The statements for rows of key and columns to set, each with its rows."""
        by_shape: dict[tuple[str, ...], list[Values]] = {}
        for row in rows:
            by_shape.setdefault(tuple(sorted(row)), []).append(row)
        for shape, same in by_shape.items():
            statement = self._known.get(shape)
            if statement is None:
                settings = ", ".join(f"{name} = :{name}" for name in shape if name not in self._keys)
                statement = Statement(f"UPDATE {self._table.name} SET {settings} WHERE {_all_equal(self._keys)}")
                self._known[shape] = statement
            yield statement, same


class Writer:
    """Runs statements in the transaction of a connection."""

    def __init__(self, conn: Connection) -> None:
        self._driver = Driver(conn)
        self.batch = self._driver.batch

    def run(self, statement: Statement | Patch, rows: Sequence[Values]) -> None:
        """Once for each row, which holds at least the named values. Nothing for no rows."""
        if not rows:
            return
        if isinstance(statement, Patch):
            for one, same in statement.shapes(rows):
                self.run(one, same)
        else:
            order = statement.order
            self._driver.run(statement.sql, [order(row) for row in rows])

    def fetch(self, statement: Statement, row: Values) -> list[tuple[Any, ...]]:
        """The rows that a query gives."""
        return self._driver.fetch(statement.sql, statement.order(row))


def blank_row(table: Table) -> dict[str, Any]:
    """A row of the columns' defaults; key columns without one are missing."""
    return {column.name: column.default.arg for column in table.c if column.default is not None}  # type: ignore[attr-defined]


def upsert(table: Table, **special: str) -> Statement:
    """Insert, or replace the row of the same key; `special`: SQL for columns that are not simply replaced."""
    settings = ", ".join(f"{name} = {special.get(name, f'excluded.{name}')}" for name in _plain(table))
    return Statement(f"{_insert(table)} ON CONFLICT ({_key(table)}) DO UPDATE SET {settings}")


def insert(table: Table) -> Statement:
    """Insert a row that cannot be there yet."""
    return Statement(_insert(table))


def insert_unless(table: Table, found: str) -> Statement:
    """Insert unless there is a row of the table for which `found` holds."""
    names = [column.name for column in table.c]
    blanks = ", ".join(f":{name}" for name in names)
    return Statement(
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {blanks} "
        f"WHERE NOT EXISTS (SELECT 1 FROM {table.name} WHERE {found})"
    )


def insert_missing(table: Table) -> Statement:
    """Insert unless there is a row of the same key."""
    return Statement(f"{_insert(table)} ON CONFLICT ({_key(table)}) DO NOTHING")


def remove(table: Table, *by: str) -> Statement:
    """Delete the rows with these columns' values."""
    return Statement(f"DELETE FROM {table.name} WHERE {_all_equal(by)}")


def _plain(table: Table) -> list[str]:
    return [column.name for column in table.c if not column.primary_key]


def _key(table: Table) -> str:
    return ", ".join(column.name for column in table.primary_key)


def _insert(table: Table) -> str:
    names = [column.name for column in table.c]
    blanks = ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({blanks})"


def _all_equal(columns: Sequence[str]) -> str:
    return " AND ".join(f"{name} = :{name}" for name in columns)

"""Transactions outside the journal: people, sessions, logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: committed at the end, rolled back by an exception.

    On SQLite it takes the write lock at once (see `engine.journal.database`), so it waits instead of failing half-way.
    """
    with engine.connect().execution_options(writing=True) as conn, conn.begin():
        yield conn

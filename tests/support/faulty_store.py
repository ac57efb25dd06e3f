"""A database that fails at commits: before them, so that nothing was written, or after them, so that all was."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections import Counter
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event


class FaultyCommits:
    """Lets a share `rate` of an engine's writing commits fail, half of them before and half after the commit. What the
    caller sees is the same: the error of a connection that went away, or of a disk. `seen`: how often each came."""

    def __init__(self, engine: Engine, rate: float, seed: int) -> None:
        self.seen: Counter[str] = Counter()
        self.rate = rate
        self._random = random.Random(seed)
        self._commit = engine.dialect.do_commit
        self._engine = engine
        self._local = threading.local()
        event.listen(engine, "commit", self._about_to_commit)
        engine.dialect.do_commit = self._faulty  # type: ignore[assignment,method-assign]

    def _about_to_commit(self, connection: Connection) -> None:
        self._local.writing = connection.get_execution_options().get("writing", False)

    def _faulty(self, connection: Any) -> None:
        if not self._local.writing:
            self._commit(connection)
            return
        drawn = self._random.random()
        if drawn < self.rate / 2:
            self._fail(connection, "before")
        self._commit(connection)
        if drawn > 1 - self.rate / 2:
            self._fail(connection, "after")
        self.seen["well"] += 1

    def _fail(self, connection: Any, when: str) -> None:
        self.seen[when] += 1
        if self._engine.dialect.name == "postgresql":
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    def stop(self) -> None:
        self._engine.dialect.do_commit = self._commit  # type: ignore[method-assign]
        event.remove(self._engine, "commit", self._about_to_commit)

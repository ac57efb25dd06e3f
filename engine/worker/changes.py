"""Whether another connection has written to the database since one last looked; on SQLite without reading a row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine


class Changes:
    """SQLite's `data_version` on a connection of its own, opened at the first question. On PostgreSQL never: there the
    listener calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._conn: Connection | None = None
        self._version: int | None = None

    def seen(self) -> None:
        """Takes note of the state: what was written until now is about to be read."""
        if self._conn is not None:
            self._version = self._read()

    def new(self) -> bool:
        """Whether something was written since `seen`, by whatever process. True the first time."""
        return self._engine.dialect.name == "sqlite" and self._read() != self._version

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _read(self) -> int:
        if self._conn is None:
            self._conn = self._engine.connect()
        driver: Any = self._conn.connection.dbapi_connection
        version: int = driver.execute("PRAGMA data_version").fetchone()[0]
        return version

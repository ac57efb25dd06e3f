"""How a process holds its connections to PostgreSQL: a machine that is cut off lets go of its locks, and hears of it.

TCP alone waits a quarter of an hour for a peer that has gone silent. Here both sides give up within seconds: the server
ends the session of a machine that is gone, so the rows it had locked are free again; the program ends a statement that
gets no answer, so its user gets a page that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.errors import OperationalError
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_SECONDS = 4
PING_SECONDS = 5.0
"""For an answer on a connection that has just been made or was idle: a server that is well answers in a millisecond."""
SILENCE_SECONDS = 20.0
"""For an answer to a statement. The server ends it at the same time (`statement_timeout`)."""

SESSION: Mapping[str, int] = {
    # The server's side. Seconds of silence after which it asks a machine for a sign of life; three times, then it is
    # gone: at most 11 s for which the locks of a machine that was cut off can be in the way of others.
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    # Longer than those 11 s: who waits for such a lock gets it.
    "lock_timeout": 15_000,
    # A process that stands still while its machine is well. A turn may take two seconds (case_work.TURN_SECONDS).
    "idle_in_transaction_session_timeout": 30_000,
    "statement_timeout": 20_000,
}
"""Settings of each session, milliseconds unless the name begins with tcp_keepalives (seconds, a number)."""

CLIENT: Mapping[str, int] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 6_000,
}
"""This side's: of libpq, seconds and (the last) milliseconds. They mean nothing on a Unix socket."""

LIFTED = ("lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout")


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server has been silent for `silence` seconds; 0: waits for ever."""

    silence = PING_SECONDS

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Raises OperationalError when the silence lasts too long; a `timeout` of the caller's is left to it."""
        if timeout is not None or not self.silence:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.silence)
        except OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()  # nobody knows any more what an answer would belong to
            raise OperationalError(f"the server has not answered for {self.silence:g} s") from error


def install(engine: Engine) -> None:
    """Makes the connections of a PostgreSQL engine impatient. What the URL itself says comes after, and wins."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: tuple[Any, ...], given: dict[str, Any]) -> Any:
        options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
        own = {**CLIENT, **given, "options": f"{options} {given.get('options', '')}".strip()}
        return ImpatientConnection.connect(*arguments, **own)

    @event.listens_for(engine, "checkout")
    def _taken(connection: ImpatientConnection, _record: ConnectionPoolEntry, _proxy: Any) -> None:
        connection.silence = SILENCE_SECONDS

    @event.listens_for(engine, "checkin")
    def _given_back(connection: ImpatientConnection | None, _record: ConnectionPoolEntry) -> None:
        if connection is not None:
            connection.silence = PING_SECONDS


def patient(connection: Connection) -> None:
    """Lifts the limits for the transaction under way, which may compute and wait for long: a rebuild, an upgrade, a
    verification. A machine that is cut off is still noticed. Does nothing on SQLite."""
    if connection.dialect.name != "postgresql":
        return
    driver: Any = connection.connection.dbapi_connection
    driver.silence = 0.0
    for name in LIFTED:
        connection.exec_driver_sql(f"SET LOCAL {name} = 0")

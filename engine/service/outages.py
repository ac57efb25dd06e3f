"""Whether an error means that the database is away or can't take anything now, and not that the program is wrong."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from engine.readmodels.version import Replaced

SQLITE: Final = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
})  # fmt: skip
"""What SQLite says of its file and its disk. Its other operational errors are mistakes in a statement."""
POSTGRESQL: Final = frozenset({"25P02", "25P03", "25006"})
"""A transaction that was ended from outside, and a server that only reads (appendix A); psycopg does not count these
among its operational errors."""


def is_outage(error: BaseException) -> bool:
    """True for a lost or refused connection, a server that shuts down or is silent, a full disk, a lock that nobody
    gives back. The same request may succeed later; whether it was carried out, only its command id tells."""
    if isinstance(error, PoolExhausted | Replaced):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        if isinstance(error.orig, sqlite3.Error):
            return is_outage(error.orig)
        state = getattr(error.orig, "sqlstate", None)
        return isinstance(error, OperationalError | InterfaceError) or state in POSTGRESQL
    if isinstance(error, sqlite3.Error):
        # The low byte is the primary code.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in SQLITE
    return False


def connection_lost(error: BaseException) -> bool:
    """True for an outage of one connection: a new one may do at once."""
    return isinstance(error, DBAPIError) and error.connection_invalidated

"""Where entries are kept: one protocol, a SQL store for SQLite and PostgreSQL, and an in-memory twin (memory.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, Engine, bindparam, func, select
from sqlalchemy.exc import IntegrityError

from engine.domain.codec import instant_text

from .driver import Driver
from .entry import StoredEntry, read_entry
from .schema import entries


class SequenceTaken(Exception):
    """Another writer appended this (case, seq) first; load the case again and decide anew."""


class CommandSeen(Exception):
    """This command_id is in the journal already; its recorded outcome is the answer."""


LAST = 2**31 - 1
"""Beyond every sequence number."""


@dataclass(frozen=True, slots=True)
class Head:
    """Last entry of a stream; seq 0 and the genesis hash for an empty one is None instead."""

    seq: int
    hash: str


class Transaction(Protocol):
    """One atomic piece of work on the journal."""

    def append(self, entry: StoredEntry) -> None:
        """Adds the next entry of its stream. Raises SequenceTaken, CommandSeen; the transaction is then dead."""
        ...

    def head(self, case_id: str) -> Head | None: ...

    def read(self, case_id: str, after: int = 0, upto: int = LAST) -> list[StoredEntry]:
        """Entries of a stream with after < seq <= upto, in order. On PostgreSQL a second look may find entries that
        others have committed since the first: give `upto` where the two must agree."""
        ...

    def find_command(self, command_id: str) -> StoredEntry | None: ...

    def streams(self) -> list[str]:
        """Names of all streams, sorted."""
        ...


class Journal(Protocol):
    def writing(self) -> AbstractContextManager[Transaction]:
        """A transaction that may append; committed at the end of the block, undone by an exception."""
        ...

    def reading(self) -> AbstractContextManager[Transaction]: ...


_COLUMNS = ("case_id", "seq", "at", "actor", "command_id", "hash", "body")
_INSERT = f"INSERT INTO entries ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_HEAD = "SELECT seq, hash FROM entries WHERE case_id = ? ORDER BY seq DESC LIMIT 1"
_READ = (
    select(entries.c.body, entries.c.hash)
    .where(
        entries.c.case_id == bindparam("case"), entries.c.seq > bindparam("after"), entries.c.seq <= bindparam("upto")
    )
    .order_by(entries.c.seq)
)
_COMMAND = select(entries.c.body, entries.c.hash).where(entries.c.command_id == bindparam("command"))


class SqlTransaction:
    """`connection` is open for the read models and other tables of the same transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._driver: Driver | None = None

    def driver(self) -> Driver:
        """The statements of every command go this way."""
        if self._driver is None:
            self._driver = Driver(self.connection)
        return self._driver

    def append(self, entry: StoredEntry) -> None:
        row = (
            entry.case_id, entry.seq, instant_text(entry.at), entry.actor, entry.command_id, entry.hash, entry.body,
        )  # fmt: skip
        try:
            self.driver().run(_INSERT, [row])
        except IntegrityError as error:
            if "command" in str(error.orig):
                raise CommandSeen(entry.command_id) from error
            raise SequenceTaken(f"{entry.case_id} {entry.seq}") from error

    def head(self, case_id: str) -> Head | None:
        found = self.driver().fetch(_HEAD, (case_id,))
        return Head(*found[0]) if found else None

    def read(self, case_id: str, after: int = 0, upto: int = LAST) -> list[StoredEntry]:
        found = self.connection.execute(_READ, {"case": case_id, "after": after, "upto": upto})
        return [read_entry(bytes(row[0]), row[1]) for row in found]

    def find_command(self, command_id: str) -> StoredEntry | None:
        row = self.connection.execute(_COMMAND, {"command": command_id}).first()
        return None if row is None else read_entry(bytes(row[0]), row[1])

    def streams(self) -> list[str]:
        return list(
            self.connection.scalars(select(entries.c.case_id).group_by(entries.c.case_id).order_by(entries.c.case_id))
        )

    def count(self) -> int:
        return self.connection.scalar(select(func.count()).select_from(entries)) or 0


class SqlJournal:
    """The journal in a database made by `database.open_database`; `algorithm`: what `create_tables` returned."""

    def __init__(self, engine: Engine, algorithm: str = "sha256") -> None:
        self.engine = engine
        self.algorithm = algorithm
        self._writer = engine.execution_options(writing=True)

    @contextmanager
    def writing(self) -> Iterator[SqlTransaction]:
        with self._writer.connect() as connection, connection.begin():
            yield SqlTransaction(connection)

    @contextmanager
    def reading(self) -> Iterator[SqlTransaction]:
        with self.engine.connect() as connection, connection.begin():
            yield SqlTransaction(connection)

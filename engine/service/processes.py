"""Which processes of the program are alive, on whatever machines: one row each, renewed every few seconds."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, insert, select, update

from engine import VERSION
from engine.domain.codec import instant_text, parse_instant
from engine.journal.schema import metadata

from .system import new_id

Kind = Literal["run", "serve", "worker"]

EVERY_SECONDS: Final = 15.0
"""Between two signs of life of one process."""
LATELY: Final = timedelta(seconds=60)
"""A process that gave no sign for so long is not counted on: four of them were lost."""
FORGET: Final = timedelta(days=1)
"""A process that was killed keeps its row for so long, for whoever asks what became of it."""
FIRES: Final = frozenset({"run", "worker"})
"""Kinds that fire timers, seal and deliver."""

processes = Table(
    "processes",
    metadata,
    Column("process", Text, primary_key=True, comment="random id, made when the process starts"),
    Column("kind", Text, nullable=False, comment="run, serve or worker"),
    Column("host", Text, nullable=False, comment="name of the machine"),
    Column("pid", Integer, nullable=False, comment="process id on that machine"),
    Column("version", Text, nullable=False, comment="release of the program it runs"),
    Column("started_at", Text, nullable=False, comment="instant, UTC, by its own clock"),
    Column("seen_at", Text, nullable=False, comment="instant of its last sign of life, UTC, by its own clock"),
    comment="Processes of the program that are alive; a row goes when its process stops, or a day after it died",
)


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the program. Instants are aware, by the clock of its machine."""

    process: str
    kind: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime

    @property
    def fires(self) -> bool:
        return self.kind in FIRES


class Presence:
    """The row of this process."""

    def __init__(self, kind: Kind) -> None:
        self.process = new_id()
        self.kind = kind

    def beat(self, conn: Connection, now: datetime) -> None:
        """Gives a sign of life, and forgets who gave none for a day. Requires a writing transaction."""
        mine = processes.c.process == self.process
        if conn.execute(update(processes).where(mine).values(seen_at=instant_text(now))).rowcount:
            return
        conn.execute(delete(processes).where(processes.c.seen_at < instant_text(now - FORGET)))
        conn.execute(
            insert(processes).values(
                process=self.process,
                kind=self.kind,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=VERSION,
                started_at=instant_text(now),
                seen_at=instant_text(now),
            )
        )

    def leave(self, conn: Connection) -> None:
        """Takes the row away: this process has stopped by itself. Requires a writing transaction."""
        conn.execute(delete(processes).where(processes.c.process == self.process))


def all_of(conn: Connection) -> tuple[Process, ...]:
    """Every process that has a row, the last seen first."""
    found = conn.execute(select(processes).order_by(processes.c.seen_at.desc(), processes.c.process))
    return tuple(
        Process(r.process, r.kind, r.host, r.pid, r.version, parse_instant(r.started_at), parse_instant(r.seen_at))
        for r in found
    )


def alive(conn: Connection, now: datetime) -> tuple[Process, ...]:
    """Those that gave a sign of life lately."""
    return tuple(one for one in all_of(conn) if one.seen_at >= now - LATELY)

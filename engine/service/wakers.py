"""Who waited for due timers, and when: what tells a late firing's cause, downtime, overload or a clock that jumped.

A waker is the thread of a process that fires timers. It says every half minute that it is there, every two seconds
while it has work; a gap, a start and a jump of its clock each begin a stretch of their own. A due instant that lies in
nobody's stretch was met by nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Column, Connection, Table, Text, delete, insert, update

from engine.domain.codec import instant_text
from engine.journal.schema import metadata
from engine.readmodels.statements import Statement, Writer

IDLE_BEAT_SECONDS: Final = 30.0
BUSY_BEAT_SECONDS: Final = 2.0
GAP_SECONDS: Final = 10.0
"""A waker that did not come round for so long after it meant to was stopped, or its machine slept."""
JUMP_SECONDS: Final = 2.0
"""How far the clock of the wall and the steady one may part between two looks."""
KEPT: Final = timedelta(days=30)
"""How long stretches and jumps are remembered."""

wakers = Table(
    "wakers",
    metadata,
    Column("name", Text, primary_key=True, comment="machine and process"),
    Column("since", Text, primary_key=True, comment="instant at which the stretch began, UTC, by its own clock"),
    Column("seen", Text, nullable=False, comment="instant at which it was last there"),
    comment="Stretches of time in which some process waited for due timers",
)
clock_jumps = Table(
    "clock_jumps",
    metadata,
    Column("name", Text, primary_key=True, comment="machine and process that noticed"),
    Column("expected", Text, primary_key=True, comment="instant that the clock should have shown, UTC"),
    Column("shown", Text, nullable=False, comment="instant that it showed"),
    comment="Jumps of a machine's clock, forward or back",
)

_CAUSE = Statement(
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM clock_jumps WHERE expected < :due AND shown >= :due) THEN 'clock_jump' "
    "WHEN EXISTS (SELECT 1 FROM wakers WHERE since <= :due AND seen >= :due) THEN 'overload' ELSE 'downtime' END"
)


def cause(conn: Connection, due: datetime) -> str:
    """Why a timer that was due then is only fired now: clock_jump, overload (somebody was there) or downtime."""
    return str(Writer(conn).fetch(_CAUSE, {"due": instant_text(due)})[0][0])


@dataclass(frozen=True, slots=True)
class Jump:
    """The clock went from `expected` to `shown` in no time."""

    expected: datetime
    shown: datetime


class Presence:
    """One waker's stretch. `steady`: seconds that never jump (system.steady); None where the clock is a test's own."""

    def __init__(self, name: str, steady: Callable[[], float] | None) -> None:
        self.name = name
        self._steady = steady
        self._since: datetime | None = None
        self._seen: datetime | None = None
        self._looked: tuple[datetime, float] | None = None
        self._jump: Jump | None = None

    def look(self, now: datetime, planned_seconds: float = 0.0) -> Jump | None:
        """Compares the clocks; to be called at every look, `planned_seconds` after the one before. Returns the jump
        that it found. No SQL."""
        steady = self._steady() if self._steady else None
        before, self._looked = self._looked, (now, steady) if steady is not None else None
        if before is None or steady is None:
            return None
        passed = steady - before[1]
        expected = before[0] + timedelta(seconds=passed)
        if abs((now - expected).total_seconds()) > JUMP_SECONDS:
            self._jump, self._since = Jump(expected, now), None
        elif passed > planned_seconds + GAP_SECONDS:
            self._since = None
        else:
            return None
        return self._jump

    def due(self, now: datetime, busy: bool) -> bool:
        """Whether it is time to say again that this waker is there."""
        if self._since is None or self._seen is None or self._jump is not None:
            return True
        return abs((now - self._seen).total_seconds()) >= (BUSY_BEAT_SECONDS if busy else IDLE_BEAT_SECONDS)

    def beat(self, conn: Connection, now: datetime) -> None:
        """Writes the sign of life, and a jump that was found. Requires a writing transaction."""
        at = instant_text(now)
        if self._jump is not None:
            jump = {"expected": instant_text(self._jump.expected), "shown": instant_text(self._jump.shown)}
            conn.execute(insert(clock_jumps).values(name=self.name, **jump))
            self._jump = None
        if self._since is not None:
            mine = (wakers.c.name == self.name) & (wakers.c.since == instant_text(self._since))
            conn.execute(update(wakers).where(mine).values(seen=at))
        else:
            old = instant_text(now - KEPT)
            conn.execute(delete(wakers).where(wakers.c.seen < old))
            conn.execute(delete(clock_jumps).where(clock_jumps.c.shown < old))
            conn.execute(delete(wakers).where(wakers.c.name == self.name, wakers.c.since == at))
            conn.execute(insert(wakers).values(name=self.name, since=at, seen=at))
            self._since = now
        self._seen = now

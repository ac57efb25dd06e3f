"""The watchdog: are timers fired in time? A spell of delay is a row for the system administrator, a figure for the
monitoring system, and a line on everybody's page. Costs one look into an index while all is well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Column, Connection, Float, Integer, Table, Text, func, insert, select, update

from engine.domain.codec import instant_text, parse_instant
from engine.journal.schema import metadata
from engine.readmodels import timers

from . import wakers

RAISED_AFTER: Final = timedelta(minutes=1)
"""A spell begins when something is overdue by more than this; it ends when nothing is by more than two seconds."""
SHOWN: Final = 50

delays = Table(
    "delays",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ..."),
    Column("since", Text, nullable=False, comment="due instant of the first timer that was not fired in time, UTC"),
    Column("noticed_at", Text, nullable=False, comment="instant at which the watchdog saw it"),
    Column("until", Text, nullable=False, comment="instant at which nothing was overdue any more, '' while it lasts"),
    Column("most", Integer, nullable=False, comment="most timers that were overdue at one look"),
    Column("longest_seconds", Float, nullable=False, comment="longest delay seen at a look"),
    Column("cause", Text, nullable=False, comment="downtime, overload or clock_jump: of the first overdue timer"),
    comment="Spells in which due timers were not fired in time (watchdog)",
)


@dataclass(frozen=True, slots=True)
class Delay:
    """A spell. `until` is None while it lasts."""

    number: int
    since: datetime
    noticed_at: datetime
    until: datetime | None
    most: int
    longest_seconds: float
    cause: str


def behind(conn: Connection, now: datetime) -> timedelta:
    """How long the first timer that has not been fired is overdue; zero when none is. One look into the index."""
    due = timers.next_due(conn)
    return max(timedelta(0), now - due) if due is not None else timedelta(0)


def overdue(conn: Connection, now: datetime) -> Mapping[str, int]:
    """Overdue timers by bucket, each with those of the longer ones: `2s`, `1m`, `10m`, `1h`."""
    return timers.overdue(conn, now)


def note(conn: Connection, now: datetime) -> Delay | None:
    """Begins, continues or ends the spell. Requires a writing transaction; returns the spell that lasts, if any."""
    lasting = _lasting(conn)
    late = behind(conn, now)
    if lasting is None:
        if late <= RAISED_AFTER:
            return None
        due = now - late
        last = conn.scalar(select(func.max(delays.c.number))) or 0
        found = {
            "number": last + 1,
            "since": instant_text(due),
            "noticed_at": instant_text(now),
            "until": "",
            "most": overdue(conn, now)["2s"],
            "longest_seconds": late.total_seconds(),
            "cause": wakers.cause(conn, due),
        }
        conn.execute(insert(delays).values(found))
    elif late <= timers.OVERDUE["2s"]:
        conn.execute(update(delays).where(delays.c.number == lasting.number).values(until=instant_text(now)))
    else:
        values = {
            "most": max(lasting.most, overdue(conn, now)["2s"]),
            "longest_seconds": max(lasting.longest_seconds, late.total_seconds()),
        }
        conn.execute(update(delays).where(delays.c.number == lasting.number).values(values))
    return _lasting(conn)


def needs_note(conn: Connection, now: datetime) -> bool:
    """Whether `note` would write: one or two looks into an index, so that nobody takes the write lock for nothing."""
    return behind(conn, now) > RAISED_AFTER or _lasting(conn) is not None


def latest(conn: Connection) -> tuple[Delay, ...]:
    """The last spells, newest first."""
    return tuple(_delay(row) for row in conn.execute(select(delays).order_by(delays.c.number.desc()).limit(SHOWN)))


def _lasting(conn: Connection) -> Delay | None:
    # By the key: the last one is the only one that can still last.
    row = conn.execute(select(delays).order_by(delays.c.number.desc()).limit(1)).first()
    return _delay(row) if row is not None and not row.until else None


def _delay(row: object) -> Delay:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return Delay(
        number=values["number"],
        since=parse_instant(values["since"]),
        noticed_at=parse_instant(values["noticed_at"]),
        until=parse_instant(values["until"]) if values["until"] else None,
        most=values["most"],
        longest_seconds=values["longest_seconds"],
        cause=values["cause"],
    )

"""What the worker waits for: armed timers by due instant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, literal_column, select

from engine.domain.codec import instant_text, parse_instant
from engine.journal.entry import StoredEntry
from engine.journal.imports import imported_streams

from .page import instant
from .schema import timers
from .statements import Statement, Writer

OVERDUE: Final[Mapping[str, timedelta]] = {
    "2s": timedelta(seconds=2),
    "1m": timedelta(minutes=1),
    "10m": timedelta(minutes=10),
    "1h": timedelta(hours=1),
}
"""Buckets of the watchdog: overdue by more than this."""
COUNTED: Final = 20_000
"""Overdue rows that are counted at most: a count must not become work of its own on a bad day."""
WAKE_CHANNEL: Final = "opinion_wake"
"""PostgreSQL: where a commit that armed an earlier timer says so to the wakers of all machines."""

LOCK_WAIT: Final = "250ms"
HELD: Final = "10s"


@dataclass(frozen=True, slots=True)
class DueTimer:
    """An armed timer. The journal decides whether it still waits: this row is only the wake-up."""

    case_id: str
    timer: str
    due: datetime


# Written into the statement, not bound: only then does SQLite see that the partial index fits.
_CAN_FIRE = and_(
    timers.c.stuck == literal_column("0"),
    # A case that came in an archive package stands still.
    ~exists().where(imported_streams.c.case_id == timers.c.case_id),
)
_BETWEEN = (
    "SELECT 1 FROM timers WHERE stuck = 0 AND due > :now AND due < :due AND NOT EXISTS "
    "(SELECT 1 FROM imported_streams WHERE imported_streams.case_id = timers.case_id)"
)
_EARLIER = Statement(f"SELECT 1 WHERE NOT EXISTS ({_BETWEEN})")
_EARLIER_TOLD = Statement(f"SELECT pg_notify('{WAKE_CHANNEL}', :due) WHERE NOT EXISTS ({_BETWEEN})")


def due_before(conn: Connection, now: datetime, limit: int) -> tuple[DueTimer, ...]:
    """Up to `limit` timers whose due instant is not after `now` (aware), earliest first; none that an open incident
    keeps from firing."""
    statement = select(timers.c.case_id, timers.c.timer, timers.c.due)
    statement = statement.where(_CAN_FIRE, timers.c.due <= instant_text(now))
    found = conn.execute(statement.order_by(timers.c.due, timers.c.case_id, timers.c.timer).limit(limit))
    return tuple(DueTimer(row.case_id, row.timer, parse_instant(row.due)) for row in found)


def claim(
    conn: Connection, now: datetime, limit: int, without: Collection[str] = (), only: str = ""
) -> tuple[str, ...]:
    """Cases with a timer that is due, earliest first, at most `limit`, for one worker alone until its transaction
    ends; just `only`, if given. On PostgreSQL who waits for more than LOCK_WAIT gives up, so that a batch never stands
    in a person's way for long; and the session of a worker that stands still for HELD is ended by the server."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(
            f"SET LOCAL lock_timeout = '{LOCK_WAIT}'; SET LOCAL idle_in_transaction_session_timeout = '{HELD}'"
        )
    due = _waiting(without) if not only else [_CAN_FIRE, timers.c.case_id == only]
    statement = select(timers.c.case_id).where(*due, timers.c.due <= instant_text(now))
    statement = statement.order_by(timers.c.due, timers.c.case_id, timers.c.timer).limit(limit)
    found = conn.scalars(statement.with_for_update(of=timers, skip_locked=True))
    return tuple(dict.fromkeys(found))


def next_due(conn: Connection, without: Collection[str] = ()) -> datetime | None:
    """The earliest due instant of what can fire, past or to come: until then the worker may sleep. None for none."""
    return instant(conn.execute(select(func.min(timers.c.due)).where(*_waiting(without))).scalar_one() or "")


def earlier(conn: Connection, entries: Iterable[StoredEntry], now: datetime) -> bool:
    """Whether wakers must look earlier than they plan to, for what `entries` armed: nothing that waits is due before.

    One statement, only where something was armed; requires that the rows of `entries` are written. On PostgreSQL the
    same statement tells the wakers of all processes (NOTIFY), which hear of it when the transaction commits.
    """
    armed = [due for entry in entries if (due := _armed(entry))]
    if not armed:
        return False
    statement = _EARLIER_TOLD if conn.dialect.name == "postgresql" else _EARLIER
    return bool(Writer(conn).fetch(statement, {"now": instant_text(now), "due": min(armed)}))


def overdue(conn: Connection, now: datetime) -> Mapping[str, int]:
    """How many timers have been due for longer than each of OVERDUE. Reads overdue rows only, at most COUNTED."""
    late = select(timers.c.due).where(_CAN_FIRE, timers.c.due < instant_text(now - OVERDUE["2s"]))
    rows = late.order_by(timers.c.due).limit(COUNTED).subquery("late")
    sums = [_count(rows.c.due < instant_text(now - by)).label(f"over_{name}") for name, by in OVERDUE.items()]
    found = conn.execute(select(*sums)).one()
    return {name: int(number or 0) for name, number in zip(OVERDUE, found, strict=True)}


def _waiting(without: Collection[str]) -> list[ColumnElement[bool]]:
    return [_CAN_FIRE, timers.c.case_id.not_in(sorted(without))] if without else [_CAN_FIRE]


def _count(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((which, 1), else_=0))


def _armed(entry: StoredEntry) -> str:
    """Earliest due instant that an entry armed or set free again, as text; "" for none."""
    due = [str(event["due"]) for event in entry.events if event["kind"] == "TimerArmed"]
    if any(event["kind"] == "IncidentResolved" for event in entry.events):
        due.append(instant_text(entry.at))
    return min(due, default="")

"""What the worker waits for: armed timers by due instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, exists, func, literal_column, select

from engine.domain.codec import instant_text, parse_instant
from engine.journal.imports import imported_streams

from .page import instant
from .schema import timers


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


def due_before(conn: Connection, now: datetime, limit: int) -> tuple[DueTimer, ...]:
    """Up to `limit` timers whose due instant is not after `now` (aware), earliest first; none that an open incident
    keeps from firing."""
    statement = select(timers.c.case_id, timers.c.timer, timers.c.due)
    statement = statement.where(_CAN_FIRE, timers.c.due <= instant_text(now))
    found = conn.execute(statement.order_by(timers.c.due, timers.c.case_id, timers.c.timer).limit(limit))
    return tuple(DueTimer(row.case_id, row.timer, parse_instant(row.due)) for row in found)


def next_due(conn: Connection) -> datetime | None:
    """The earliest due instant of what can fire, past or to come: until then the worker may sleep. None for none."""
    return instant(conn.execute(select(func.min(timers.c.due)).where(_CAN_FIRE)).scalar_one() or "")

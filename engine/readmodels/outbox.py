"""Notifications to be sent: queued in the transaction of their entry, marked sent by the worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, literal_column, select, update

from engine.domain.codec import JSON, instant_text

from .page import instant, value
from .schema import notifications


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """`grp`: the group to tell. `message`: catalogue key, `params` its blanks. `sent_at`: None before."""

    id: str
    case_id: str
    grp: str
    message: str
    task: str
    params: Mapping[str, JSON]
    created_at: datetime | None
    sent_at: datetime | None


_UNSENT = notifications.c.sent_at == literal_column("''")


def unsent(conn: Connection, limit: int) -> tuple[NotificationRow, ...]:
    """Up to `limit` notifications not sent yet, oldest first."""
    statement = select(notifications).where(_UNSENT).order_by(notifications.c.created_at, notifications.c.id)
    return tuple(_row(row) for row in conn.execute(statement.limit(limit)))


def mark_sent(conn: Connection, ids: Iterable[str], now: datetime) -> int:
    """Records that these were sent at `now` (aware); returns how many had not been before."""
    wanted = notifications.c.id.in_(sorted(ids))
    return conn.execute(update(notifications).where(wanted, _UNSENT).values(sent_at=instant_text(now))).rowcount


def latest(conn: Connection, groups: frozenset[str], limit: int) -> tuple[NotificationRow, ...]:
    """The newest notifications to these groups, newest first: the bell in the page's head."""
    mine = select(notifications).where(notifications.c.grp.in_(sorted(groups)))
    found = conn.execute(mine.order_by(notifications.c.created_at.desc(), notifications.c.id.desc()).limit(limit))
    return tuple(_row(row) for row in found)


def _row(row: Row[Any]) -> NotificationRow:
    return NotificationRow(
        id=row.id,
        case_id=row.case_id,
        grp=row.grp,
        message=row.message,
        task=row.task,
        params=value(row.params),
        created_at=instant(row.created_at),
        sent_at=instant(row.sent_at),
    )

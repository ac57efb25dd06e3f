"""Notifications to be sent: queued in the transaction of their entry, handed out by the worker.

What becomes of them then is no read model (engine.service.outbox_tables). `sent_at` here says that a notification was
handed out; the case's mark there is the truth about it, so that a rebuild hands nothing out again.
"""

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
    """`grp`: the group to tell. `message`: catalogue key, `params` its blanks. `sent_at`: of handing out, or None."""

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
    """At least the oldest `limit` notifications not handed out yet, oldest first; with all others of the last one's
    instant, so that no entry is cut in two."""
    order = notifications.c.created_at, notifications.c.id
    first = (
        conn.execute(select(notifications.c.created_at).where(_UNSENT).order_by(*order).limit(limit)).scalars().all()
    )
    if not first:
        return ()
    found = conn.execute(select(notifications).where(_UNSENT, notifications.c.created_at <= first[-1]).order_by(*order))
    return tuple(_row(row) for row in found)


def any_unsent(conn: Connection) -> bool:
    """Whether any notification waits to be handed out: one look into a small index."""
    return conn.execute(select(notifications.c.id).where(_UNSENT).limit(1)).first() is not None


def mark_sent(conn: Connection, ids: Iterable[str], now: datetime) -> int:
    """Records that these were handed out at `now` (aware); returns how many had not been before."""
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

"""Throws the read models away and projects them again from the journal."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, select, update

from engine.journal.entry import StoredEntry

from .projector import project
from .schema import READ_MODELS, notifications


def rebuild(conn: Connection, entries: Iterable[StoredEntry]) -> int:
    """Makes every read model anew, in the caller's transaction; returns how many entries were projected.

    Requires each case's entries in order; cases may be mixed. The rows come out as they were. What was sent stays
    sent: `notifications.sent_at`, the one column that the journal does not hold, is carried over.
    """
    n = notifications
    sent = [(row.id, row.sent_at) for row in conn.execute(select(n.c.id, n.c.sent_at).where(n.c.sent_at != ""))]
    for table in READ_MODELS:
        conn.execute(delete(table))
    count = 0
    for entry in entries:
        project(conn, entry)
        count += 1
    if sent:
        mark = update(n).where(n.c.id == bindparam("which")).values(sent_at=bindparam("moment"))
        conn.execute(mark, [{"which": which, "moment": moment} for which, moment in sent])
    return count

"""Who has a draft open right now. A row is a sign of life that runs out by itself; nothing is locked by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from engine.domain.codec import instant_text, parse_instant

from .bundle_draft_tables import bundle_draft_seats
from .transactions import writing

EVERY: Final = 20
"""Seconds between two signs of life of an open page."""
LASTS: Final = timedelta(seconds=50)
"""After this without one, a page counts as closed: two may be missed on a slow line."""

_SEATS = bundle_draft_seats.c


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody with the draft open; `path`: the file in the editor, "" for the overview."""

    user_id: str
    path: str
    seen_at: datetime


def here(services: Any, draft_id: str, user_id: str, path: str) -> list[Seat]:
    """Notes that `user_id` has the draft open at `path`; returns who else has, by login."""
    now = services.clock.now()
    mine = (_SEATS.draft_id == draft_id) & (_SEATS.user_id == user_id)
    over = (_SEATS.draft_id == draft_id) & (_SEATS.seen_at < instant_text(now - LASTS))
    with writing(services.engine) as conn:
        conn.execute(delete(bundle_draft_seats).where(mine | over))
        conn.execute(
            insert(bundle_draft_seats).values(draft_id=draft_id, user_id=user_id, path=path, seen_at=instant_text(now))
        )
        return others(conn, draft_id, user_id, now)


def others(conn: Connection, draft_id: str, user_id: str, now: datetime) -> list[Seat]:
    """Who but `user_id` gave a sign of life lately."""
    query = select(bundle_draft_seats).where(
        _SEATS.draft_id == draft_id, _SEATS.user_id != user_id, _SEATS.seen_at >= instant_text(now - LASTS)
    )
    rows = conn.execute(query.order_by(_SEATS.user_id))
    return [Seat(row.user_id, row.path, parse_instant(row.seen_at)) for row in rows]

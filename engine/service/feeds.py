"""Feeds (订阅源): which RSS and Atom are looked at, how often, and what came of it. The looks are in feed_looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.domain.codec import instant_text
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection
from engine.readmodels.page import instant

from . import web_fetch
from .item_journal import Writing, decide
from .items_tables import SOURCE_TYPES
from .items_tables import feeds as table
from .people_admin import clean
from .web_fetch import Limits, NotFetched

MINUTES: Final = (5, 1440)
LONGEST: Final = timedelta(days=1)
"""Between two looks at a feed that fails."""


@dataclass(frozen=True, slots=True)
class Feed:
    """`error`: catalogue key of why the last look failed, "" when it did not."""

    feed_id: int
    name: str
    url: str
    source_type: str
    every_minutes: int
    active: bool
    etag: str
    modified: str
    looked_at: datetime | None
    next_at: datetime | None
    failures: int
    error: str
    detail: str
    taken: int
    created_by: str
    created_at: datetime | None


def add(services: Any, actor: Actor, form: Mapping[str, str]) -> int | Rejection:
    """Adds a feed; it is looked at with the next minute. `form`: name, url, source_type, every_minutes."""
    values, faults = _read_form(form)
    url = form.get("url", "").strip()[:1000]
    try:
        web_fetch.checked(url, Limits(services.settings.fetch_networks), _not_yet)
    except NotFetched as fault:
        faults.append(FieldFault("url", fault.key))
    if faults:
        return Rejection("invalid", "form.refused", {"count": len(faults)}, tuple(faults))

    def added(note: Writing) -> int:
        now = instant_text(note.now)
        row = {
            **values, "url": url, "active": 1,
            "looked_at": "", "next_at": now, "failures": 0, "taken": 0, "created_by": actor.user_id, "created_at": now,
            **dict.fromkeys(("etag", "modified", "error", "detail"), ""),
        }  # fmt: skip
        feed: int = note.conn.execute(insert(table).values(**row).returning(table.c.feed_id)).scalar_one()
        note.note("AddFeed", "FeedAdded", feed=feed, url=url, **values)
        return feed

    try:
        return decide(services, actor.user_id, added)
    except IntegrityError:
        return Rejection("invalid", "form.refused", {"count": 1}, (FieldFault("url", "feed.known"),))


def change(services: Any, actor: Actor, feed_id: int, form: Mapping[str, str]) -> Feed | Rejection:
    """Corrects what a feed is called, of which type its items are and how often it is looked at (`form`: name,
    source_type, every_minutes); returns the feed as it is now. Its address stays, and so do the items taken from it.

    Rejections: not_found; invalid by field. Where nothing differs, nothing is written.
    """
    values, faults = _read_form(form)
    if faults:
        return Rejection("invalid", "form.refused", {"count": len(faults)}, tuple(faults))

    def changed(note: Writing) -> Feed | Rejection:
        mine = table.c.feed_id == feed_id
        row = note.conn.execute(select(table).where(mine).with_for_update()).one_or_none()
        if row is None:
            return Rejection("not_found", "feed.unknown")
        before = {name: getattr(row, name) for name in values}
        differing = {name: value for name, value in values.items() if value != before[name]}
        if differing:
            feed, more = read(row), {}
            if "every_minutes" in differing and feed.looked_at is not None:  # a new one is looked at at once
                later = feed.looked_at + rest(values["every_minutes"], feed.failures)
                more = {"next_at": instant_text(max(note.now, later))}
            note.conn.execute(update(table).where(mine).values(**differing, **more))
            was = {f"{name}_was": before[name] for name in differing}
            note.note("ChangeFeed", "FeedChanged", feed=feed_id, **differing, **was)
        return read(note.conn.execute(select(table).where(mine)).one())

    return decide(services, actor.user_id, changed)


def set_active(services: Any, actor: Actor, feed_id: int, active: bool) -> Feed | Rejection:
    """Stops looking at a feed, or looks at it again from now on."""

    def switched(note: Writing) -> Feed | Rejection:
        values: dict[str, Any] = {"active": int(active), "next_at": instant_text(note.now), "failures": 0}
        done = note.conn.execute(update(table).where(table.c.feed_id == feed_id).values(**values))
        if not done.rowcount:
            return Rejection("not_found", "feed.unknown")
        note.note("SwitchFeed", "FeedResumed" if active else "FeedStopped", feed=feed_id)
        return read(note.conn.execute(select(table).where(table.c.feed_id == feed_id)).one())

    return decide(services, actor.user_id, switched)


def get(conn: Connection, feed_id: int) -> Feed | None:
    row = conn.execute(select(table).where(table.c.feed_id == feed_id)).one_or_none()
    return None if row is None else read(row)


def listed(conn: Connection) -> tuple[Feed, ...]:
    return tuple(read(row) for row in conn.execute(select(table).order_by(table.c.name, table.c.feed_id)))


def _not_yet(name: str, port: int) -> list[str]:
    """Names are looked up when they are fetched; the form only refuses addresses that are private as they stand."""
    return ["1.1.1.1"]


def rest(minutes: int, failures: int) -> timedelta:
    """From one look to the next: as was asked, twice as long after every failure but the first, LONGEST at most."""
    return min(LONGEST, timedelta(minutes=minutes) * (1 << min(max(0, failures - 1), 10)))


def _read_form(form: Mapping[str, str]) -> tuple[dict[str, Any], list[FieldFault]]:
    """What a person may say of a feed at any time, as columns, and what is wrong with it."""
    name, minutes = clean(form.get("name", ""))[:100], _minutes(form.get("every_minutes", ""))
    faults = [] if name else [FieldFault("name", "form.required")]
    if form.get("source_type", "") not in SOURCE_TYPES:
        faults.append(FieldFault("source_type", "form.required"))
    if not minutes:
        faults.append(FieldFault("every_minutes", "api.token.range", {"least": MINUTES[0], "most": MINUTES[1]}))
    return {"name": name, "source_type": form.get("source_type", ""), "every_minutes": minutes}, faults


def _minutes(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return number if MINUTES[0] <= number <= MINUTES[1] else 0


def read(row: Row[Any]) -> Feed:
    return Feed(
        row.feed_id, row.name, row.url, row.source_type, row.every_minutes, bool(row.active), row.etag, row.modified,
        instant(row.looked_at), instant(row.next_at), row.failures, row.error, row.detail, row.taken, row.created_by,
        instant(row.created_at),
    )  # fmt: skip

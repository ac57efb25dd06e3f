"""Feeds (订阅源): RSS and Atom that are looked at every so often; what is new in them becomes items. Nothing else of a
site is read: there is no crawler."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.domain.codec import JSON, instant_text
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection
from engine.readmodels.page import instant

from . import feed_reader, item_fields, items, web_fetch
from .feed_reader import Entry, NoFeed
from .item_fields import NewItem
from .item_journal import Writing, decide
from .items_tables import SOURCE_TYPES
from .items_tables import feeds as table
from .people_admin import clean
from .transactions import writing
from .web_fetch import Fetched, Limits, NotFetched

log = logging.getLogger("opinion.items")

TASK: Final = "feed"
"""Name of the task that looks at one feed."""
EVERY_SECONDS: Final = 60
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
    name, url = clean(form.get("name", ""))[:100], form.get("url", "").strip()[:1000]
    minutes = _minutes(form.get("every_minutes", ""))
    faults = [] if name else [FieldFault("name", "form.required")]
    if form.get("source_type", "") not in SOURCE_TYPES:
        faults.append(FieldFault("source_type", "form.required"))
    if not minutes:
        faults.append(FieldFault("every_minutes", "api.token.range", {"least": MINUTES[0], "most": MINUTES[1]}))
    try:
        web_fetch.checked(url, Limits(services.settings.fetch_networks), _not_yet)
    except NotFetched as fault:
        faults.append(FieldFault("url", fault.key))
    if faults:
        return Rejection("invalid", "form.refused", {"count": len(faults)}, tuple(faults))

    def change(note: Writing) -> int:
        now = instant_text(note.now)
        row = {
            "name": name, "url": url, "source_type": form["source_type"], "every_minutes": minutes, "active": 1,
            "looked_at": "", "next_at": now, "failures": 0, "taken": 0, "created_by": actor.user_id, "created_at": now,
            **dict.fromkeys(("etag", "modified", "error", "detail"), ""),
        }  # fmt: skip
        feed: int = note.conn.execute(insert(table).values(**row).returning(table.c.feed_id)).scalar_one()
        note.note("AddFeed", "FeedAdded", feed=feed, name=name, url=url)
        return feed

    try:
        return decide(services, actor.user_id, change)
    except IntegrityError:
        return Rejection("invalid", "form.refused", {"count": 1}, (FieldFault("url", "feed.known"),))


def set_active(services: Any, actor: Actor, feed_id: int, active: bool) -> Feed | Rejection:
    """Stops looking at a feed, or looks at it again from now on."""

    def change(note: Writing) -> Feed | Rejection:
        values: dict[str, Any] = {"active": int(active), "next_at": instant_text(note.now), "failures": 0}
        done = note.conn.execute(update(table).where(table.c.feed_id == feed_id).values(**values))
        if not done.rowcount:
            return Rejection("not_found", "feed.unknown")
        note.note("SwitchFeed", "FeedResumed" if active else "FeedStopped", feed=feed_id)
        return _read(note.conn.execute(select(table).where(table.c.feed_id == feed_id)).one())

    return decide(services, actor.user_id, change)


def listed(conn: Connection) -> tuple[Feed, ...]:
    return tuple(_read(row) for row in conn.execute(select(table).order_by(table.c.name, table.c.feed_id)))


def look_soon(services: Any, args: Mapping[str, JSON]) -> None:
    """The periodic task: queues a look at every feed that is due."""
    now = services.clock.now()
    due = select(table).where(table.c.active == 1, table.c.next_at <= instant_text(now))
    with services.engine.connect() as conn:
        waiting = [_read(row) for row in conn.execute(due)]
    for feed in waiting:
        with writing(services.engine) as conn:
            services.jobs.defer(conn, TASK, {"feed": feed.feed_id}, once=f"{TASK}:{feed.feed_id}")


def look(services: Any, args: Mapping[str, JSON], resolve: web_fetch.Resolve = web_fetch.resolved) -> None:
    """The task: looks at one feed and keeps what is new. What fails is told on the page, and tried later and later."""
    now = services.clock.now()
    with writing(services.engine) as conn:
        row = conn.execute(select(table).where(table.c.feed_id == int(args["feed"])).with_for_update()).first()
        feed = _read(row) if row is not None else None
        if feed is None or not feed.active or feed.next_at is None or feed.next_at > now:
            return
        # Before it is fetched: a look that kills its worker must not be the next one's first.
        later = now + timedelta(minutes=feed.every_minutes)
        conn.execute(update(table).where(table.c.feed_id == feed.feed_id).values(next_at=instant_text(later)))
    try:
        found = web_fetch.fetch(feed.url, feed.etag, feed.modified, Limits(services.settings.fetch_networks), resolve)
        told = [] if found.body is None else feed_reader.entries(found.body, found.content_type, found.url)
    except NotFetched as fault:
        return _failed(services, feed, fault.key, fault.detail)
    except NoFeed:
        return _failed(services, feed, "feed.no_feed", "")
    _keep(services, feed, found, told)


def _keep(services: Any, feed: Feed, found: Fetched, told: list[Entry]) -> None:
    now = services.clock.now()
    made = [new for one in told if isinstance(new := _item(feed, one, now), NewItem)]
    with writing(services.engine) as conn:
        added = items.add_all(conn, now, list(reversed(made)))  # a feed begins with the newest
        fresh = sum(not one.repeated for one in added)
        if fresh:
            items.ask_for_triage(services, conn)
        values = {
            "etag": found.etag or (feed.etag if found.body is None else ""),
            "modified": found.modified or (feed.modified if found.body is None else ""),
            "looked_at": instant_text(now),
            "failures": 0,
            "error": "",
            "detail": "",
            "taken": table.c.taken + fresh,
        }
        conn.execute(update(table).where(table.c.feed_id == feed.feed_id).values(**values))


def _item(feed: Feed, entry: Entry, now: datetime) -> NewItem | Rejection:
    published = entry.published_at
    values = {
        "title": entry.title, "body": entry.body, "url": entry.url, "author": entry.author,
        "source_type": feed.source_type, "source_name": feed.name, "captured_at": now, "discovered_at": now,
        # A site's clock may be wrong; an instant in the future says nothing.
        "published_at": published if published is not None and published <= now else "",
    }  # fmt: skip
    return item_fields.checked(values, now, route="feed", entered_by=f"feed:{feed.feed_id}")


def _failed(services: Any, feed: Feed, key: str, detail: str) -> None:
    now = services.clock.now()
    failures = feed.failures + 1
    rest = min(LONGEST, timedelta(minutes=feed.every_minutes) * 2 ** min(failures - 1, 10))
    values = {"looked_at": instant_text(now), "next_at": instant_text(now + rest), "failures": failures,
              "error": key, "detail": detail}  # fmt: skip
    with writing(services.engine) as conn:
        conn.execute(update(table).where(table.c.feed_id == feed.feed_id).values(**values))
    log.warning("feed not read", extra={"feed": feed.feed_id, "error": key})


def _not_yet(name: str, port: int) -> list[str]:
    """Names are looked up when they are fetched; the form only refuses addresses that are private as they stand."""
    return ["1.1.1.1"]


def _minutes(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return number if MINUTES[0] <= number <= MINUTES[1] else 0


def _read(row: Row[Any]) -> Feed:
    return Feed(
        row.feed_id, row.name, row.url, row.source_type, row.every_minutes, bool(row.active), row.etag, row.modified,
        instant(row.looked_at), instant(row.next_at), row.failures, row.error, row.detail, row.taken, row.created_by,
        instant(row.created_at),
    )  # fmt: skip

"""Looks at feeds: what is new in them becomes items. Nothing else of a site is read: there is no crawler."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select, update

from engine.domain.codec import JSON, instant_text
from engine.domain.rejection import Rejection

from . import feed_reader, feeds, item_fields, items, web_fetch
from .feed_reader import Entry, NoFeed
from .feeds import Feed
from .item_fields import NewItem
from .items_tables import feeds as table
from .items_tables import items as items_table
from .transactions import writing
from .web_fetch import Fetched, Limits, NotFetched

log = logging.getLogger("opinion.items")

TASK: Final = "feed"
"""Name of the task that looks at one feed."""
EVERY_SECONDS: Final = 60


def look_soon(services: Any, args: Mapping[str, JSON]) -> None:
    """The periodic task: queues a look at every feed that is due."""
    now = services.clock.now()
    due = select(table).where(table.c.active == 1, table.c.next_at <= instant_text(now))
    with services.engine.connect() as conn:
        waiting = [feeds.read(row) for row in conn.execute(due)]
    for feed in waiting:
        with writing(services.engine) as conn:
            services.jobs.defer(conn, TASK, {"feed": feed.feed_id}, once=f"{TASK}:{feed.feed_id}")


def look(services: Any, args: Mapping[str, JSON], resolve: web_fetch.Resolve = web_fetch.resolved) -> None:
    """The task: looks at one feed and keeps what is new. What fails is told on the page, and tried later and later."""
    now = services.clock.now()
    with writing(services.engine) as conn:
        row = conn.execute(select(table).where(table.c.feed_id == int(args["feed"])).with_for_update()).first()
        feed = feeds.read(row) if row is not None else None
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
        added = items.add_all(conn, now, list(reversed(_not_taken(conn, made))))  # a feed begins with the newest
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


def _not_taken(conn: Connection, made: Sequence[NewItem]) -> list[NewItem]:
    """Those that this feed has not brought under another name: a feed that is given a new one is not taken anew. (An
    entry whose words changed at the same time comes in once more.)"""
    if not made:
        return []
    hashes = {one.content_hash for one in made}
    told = select(items_table.c.content_hash, items_table.c.url, items_table.c.author, items_table.c.published_at)
    here = told.where(items_table.c.content_hash.in_(hashes), items_table.c.entered_by == made[0].entered_by)
    taken = {_same(*row) for row in conn.execute(here)}
    return [one for one in made if _same(one.content_hash, one.url, one.author, one.published_at) not in taken]


def _same(content_hash: str, url: str, author: str, published_at: str) -> tuple[str, ...]:
    """What NewItem.identity is made of, but the name of the source."""
    return (content_hash, url) if url else (content_hash, "", author, published_at)


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
    rest = feeds.rest(feed.every_minutes, failures)
    values = {"looked_at": instant_text(now), "next_at": instant_text(now + rest), "failures": failures,
              "error": key, "detail": detail}  # fmt: skip
    with writing(services.engine) as conn:
        conn.execute(update(table).where(table.c.feed_id == feed.feed_id).values(**values))
    log.warning("feed not read", extra={"feed": feed.feed_id, "error": key})

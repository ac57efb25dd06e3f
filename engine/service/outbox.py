"""The outbox: hands notifications out to people's channels and sends what is due. Called by the worker, over and over.

Each delivery is taken by one worker in a transaction of its own, sent outside of any, and marked in another. So:

* two workers never hold one delivery at a time (SKIP LOCKED, or SQLite's write lock);
* a worker that dies between sending and marking leaves it taken; after LEASE another one sends it again, under the
  same key. That is the one way to a doubled message, besides an answer that gets lost on the network.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update

from engine.domain.codec import instant_text, parse_instant
from engine.readmodels import outbox as notifications

from .bootstrap import Services
from .channel_mail import Mail
from .channel_robots import Dingtalk, Wecom
from .channel_webhook import Webhook
from .channels import PATIENCE, Channel, Outcome, Patience
from .delivery_text import Notice, key_of
from .handing_out import STALE, hand_out, not_before
from .notice_settings import NoticeSettings
from .outbox_tables import contacts, deliveries
from .people_tables import persons
from .quiet_hours import QuietHours
from .transactions import writing

log = logging.getLogger("opinion.outbox")

LEASE: Final = timedelta(minutes=5)
"""How long a delivery stays with the worker that took it; more than ten times the longest conversation."""
FIRST_REST: Final = timedelta(seconds=30)
LONGEST_REST: Final = timedelta(hours=1)
ATTEMPTS: Final = 10
"""Rests of 0.5, 1, 2, 4 ... 60 minutes: a server may be away for three hours before people must repeat by hand."""
KEPT: Final = timedelta(days=180)
"""Rows of what was sent or given up: as long as the other logs must be kept (网络安全法)."""
_UNDER_WAY: Final = deliveries.c.state.in_(("waiting", "sending"))


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one run: `handed` rows of notifications at once, `sends` attempts in each channel."""

    handed: int = 500
    sends: int = 100


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one run: notifications handed out, messages sent, attempts to be made again, deliveries given up."""

    handed: int = 0
    sent: int = 0
    later: int = 0
    dead: int = 0

    @property
    def fired(self) -> int:
        return self.handed + self.sent + self.dead

    @property
    def failed(self) -> int:
        return self.later


def channels(settings: NoticeSettings, patience: Patience = PATIENCE) -> tuple[Channel, ...]:
    """The channels that are set up, mail first."""
    found: list[Channel] = []
    if settings.mail is not None:
        found.append(Mail(settings.mail, patience))
    if settings.wecom is not None:
        found.append(Wecom(settings.wecom, patience))
    if settings.dingtalk is not None:
        found.append(Dingtalk(settings.dingtalk, patience))
    if settings.webhook is not None:
        found.append(Webhook(settings.webhook, patience))
    return tuple(found)


def deliver(services: Services, limits: Limits = Limits(), ways: tuple[Channel, ...] | None = None) -> Counts:
    """Hands out, then sends what is due in each channel. Safe in many threads and processes at once.

    `ways`: the channels to use; those of the settings if left out. A channel that does not work now ends its part of
    the run and does not hold up the others longer than one conversation.
    """
    handed = 0
    with services.engine.connect() as conn:
        waits = notifications.any_unsent(conn)
    if waits:
        with writing(services.engine) as conn:
            handed = hand_out(conn, services.clock.now(), services.settings.notices.quiet, limits.handed)
            _forget(conn, services.clock.now())
    counts = Counts(handed)
    for channel in channels(services.settings.notices) if ways is None else ways:
        try:
            counts = _send_due(services, channel, limits, counts)
        finally:
            channel.close()
    return counts


def seconds_to_next(services: Services, longest: float) -> float:
    """Seconds until something is due in a channel that is set up, at most `longest`."""
    names = [channel.name for channel in channels(services.settings.notices)]
    wanted = select(func.min(deliveries.c.next_at)).where(_UNDER_WAY, deliveries.c.channel.in_(names))
    with services.engine.connect() as conn:
        first = conn.scalar(wanted) if names else None
    if not first:
        return longest
    return min(longest, max(0.0, (parse_instant(first) - services.clock.now()).total_seconds()))


def rest(delivery_id: str, attempts: int) -> timedelta:
    """How long to wait after the `attempts`-th attempt (1, 2 ...): doubled each time, up to an hour, and moved by up to
    a quarter either way, so that what failed together does not come back together. The same for the same delivery."""
    doubled = min(LONGEST_REST, FIRST_REST * (1 << min(attempts - 1, 20)))
    chance = int.from_bytes(sha256(f"{delivery_id}#{attempts}".encode()).digest()[:4], "big") / 2**32
    return doubled * (0.75 + chance / 2)


def _send_due(services: Services, channel: Channel, limits: Limits, counts: Counts) -> Counts:
    sent, later, dead = counts.sent, counts.later, counts.dead
    for _ in range(limits.sends):
        if services.stopping.is_set():
            break
        with services.engine.connect() as conn:
            # A look before the write lock is asked for: most runs find nothing.
            if not _due(conn, channel, services.clock.now()):
                break
        with writing(services.engine) as conn:
            taken = _take(conn, services, channel)
        if taken is None:
            break
        if isinstance(taken, Outcome):
            dead += 1
            continue
        row, notice = taken
        outcome = channel.send(notice)
        with writing(services.engine) as conn:
            state = _mark(conn, row, outcome, services.clock.now(), services.settings.notices.quiet)
        sent, later, dead = sent + (state == "sent"), later + (state == "waiting"), dead + (state == "dead")
        if outcome.state != "sent":
            log.warning(
                "delivery failed",
                extra={"delivery": notice.key, "channel": channel.name, "state": state, "detail": outcome.detail},
            )
        if outcome.halt:
            break
    return Counts(counts.handed, sent, later, dead)


def _due(conn: Connection, channel: Channel, now: datetime) -> bool:
    where = _UNDER_WAY, deliveries.c.channel == channel.name, deliveries.c.next_at <= instant_text(now)
    return conn.execute(select(deliveries.c.delivery_id).where(*where).limit(1)).first() is not None


def _take(conn: Connection, services: Services, channel: Channel) -> tuple[Row[Any], Notice] | Outcome | None:
    """The most pressing delivery that is due, now this worker's; an Outcome for one given up at once, None for none."""
    now = services.clock.now()
    if _sent_this_minute(conn, channel, now):
        return None
    due = select(deliveries).where(
        _UNDER_WAY, deliveries.c.channel == channel.name, deliveries.c.next_at <= instant_text(now)
    )
    order = deliveries.c.urgent.desc(), deliveries.c.next_at, deliveries.c.delivery_id
    row = conn.execute(due.order_by(*order).limit(1).with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    address = _address(conn, row)
    given_up = _given_up(row, address, now)
    mine = deliveries.c.delivery_id == row.delivery_id
    if given_up:
        conn.execute(update(deliveries).where(mine).values(state="dead", error=given_up))
        return Outcome("never", given_up)
    taken = {"state": "sending", "attempts": row.attempts + 1, "next_at": instant_text(now + LEASE)}
    row = conn.execute(update(deliveries).where(mine).values(**taken).returning(*deliveries.c)).one()
    return row, _notice(row, address, services.settings.url, now)


def _sent_this_minute(conn: Connection, channel: Channel, now: datetime) -> bool:
    """Whether the other side has had its fill. Deliveries under way count: their answers are not here yet."""
    if not channel.per_minute:
        return False
    minute_ago = instant_text(now - timedelta(minutes=1))
    mine = deliveries.c.channel == channel.name
    done = select(func.count()).select_from(deliveries).where(mine, deliveries.c.sent_at > minute_ago)
    under_way = (
        select(func.count())
        .select_from(deliveries)
        .where(mine, deliveries.c.state == "sending", deliveries.c.next_at > instant_text(now))
    )
    return conn.execute(done).scalar_one() + conn.execute(under_way).scalar_one() >= channel.per_minute


def _given_up(row: Row[Any], address: str, now: datetime) -> str:
    """Why a delivery is not tried (again); '' where it is."""
    if row.attempts >= ATTEMPTS:
        return "delivery.error.lost"  # taken so often and never marked: whoever sends it dies of it
    if parse_instant(row.since) <= now - STALE:
        return "delivery.error.stale"
    return "" if address else "delivery.error.no_address"


def _address(conn: Connection, row: Row[Any]) -> str:
    """Where the person wants to be told now; '' when he does not any more, or is not active."""
    found = (
        select(contacts.c.address)
        .join(persons, persons.c.user_id == contacts.c.user_id)
        .where(contacts.c.user_id == row.user_id, contacts.c.channel == row.channel, persons.c.active)
    )
    return conn.scalar(found) or ""


def _notice(row: Row[Any], address: str, url: str, now: datetime) -> Notice:
    deadline = parse_instant(row.deadline) if row.deadline else None
    link = f"{url}/cases/{row.case_id}" if row.case_id else url
    return Notice(key_of(row.delivery_id), row.kind, row.case_id, link, address, deadline, now)


def _mark(conn: Connection, row: Row[Any], outcome: Outcome, now: datetime, quiet: QuietHours | None) -> str:
    """Records what became of the attempt; returns the new state. Nothing where the delivery is no longer this
    worker's: it took longer than LEASE, and another one has it."""
    values: dict[str, Any] = {"error": outcome.error, "detail": outcome.detail}
    if outcome.state == "sent":
        values |= {"state": "sent", "sent_at": instant_text(now)}
    elif outcome.state == "never" or row.attempts >= ATTEMPTS:
        values["state"] = "dead"
    else:
        again = not_before(now + rest(row.delivery_id, row.attempts), quiet, bool(row.urgent))
        values |= {"state": "waiting", "next_at": instant_text(again)}
    mine = deliveries.c.delivery_id == row.delivery_id, deliveries.c.attempts == row.attempts
    marked = conn.execute(update(deliveries).where(*mine, deliveries.c.state == "sending").values(**values)).rowcount
    return str(values["state"]) if marked else ""


def _forget(conn: Connection, now: datetime) -> None:
    """Removes what was sent or given up long ago. The marks of the cases stay: nothing of it is sent again."""
    old = select(deliveries.c.delivery_id).where(deliveries.c.since < instant_text(now - KEPT), ~_UNDER_WAY).limit(500)
    conn.execute(delete(deliveries).where(deliveries.c.delivery_id.in_(old)))

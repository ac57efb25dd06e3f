"""The outbox as the system admin sees it: what waits, what is dead, what went out; repeating and trying by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from engine.domain.codec import instant_text
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection

from . import contacts, people_admin, people_log
from .handing_out import not_before
from .notice_settings import NoticeSettings
from .outbox_tables import CHANNELS, STATES, deliveries
from .people_tables import persons
from .quiet_hours import QuietHours

PER_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row as shown. `error`: catalogue key, '' for none. Instants are texts, '' for none."""

    delivery_id: str
    case_id: str
    user_id: str
    name: str
    channel: str
    kind: str
    state: str
    urgent: bool
    attempts: int
    next_at: str
    since: str
    error: str
    detail: str
    sent_at: str


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    rows: tuple[Delivery, ...]
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Way:
    """A channel as the page shows it. `where`: host and kind of connection, never a secret; '' when not set up."""

    channel: str
    where: str
    waiting: int
    dead: int
    sent: int


def ways(conn: Connection, settings: NoticeSettings, now: datetime) -> tuple[Way, ...]:
    """Every channel with how much waits, is dead, and went out in the last 24 hours."""
    still = _counted(conn, deliveries.c.state.in_(("waiting", "sending")))
    dead = _counted(conn, deliveries.c.state == "dead")
    day_ago = instant_text(now - timedelta(days=1))
    sent = _counted(conn, deliveries.c.channel.in_(CHANNELS), deliveries.c.sent_at > day_ago)
    places = described(settings)
    return tuple(Way(name, places[name], still.get(name, 0), dead.get(name, 0), sent.get(name, 0)) for name in CHANNELS)


def described(settings: NoticeSettings) -> dict[str, str]:
    """channel -> where its messages go, in words without secrets."""
    mail = settings.mail
    hooks = {"wecom": settings.wecom, "dingtalk": settings.dingtalk, "webhook": settings.webhook}
    found = {name: "" if hook is None else hook.place for name, hook in hooks.items()}
    words = {"none": "SMTP", "starttls": "STARTTLS", "tls": "TLS"}
    return {"mail": "" if mail is None else f"{mail.host}:{mail.port} {words[mail.security]}", **found}


def listed(conn: Connection, state: str, channel: str, query: str, page: int) -> DeliveryPage:
    """Newest first. `state`, `channel`: '' for all; `query`: beginning of a case's number or of a login."""
    where: list[Any] = []
    if state in STATES:
        where.append(deliveries.c.state == state)
    if channel in CHANNELS:
        where.append(deliveries.c.channel == channel)
    if query:
        where.append(
            or_(
                deliveries.c.case_id.startswith(query, autoescape=True),
                deliveries.c.user_id.startswith(query, autoescape=True),
            )
        )
    total = conn.execute(select(func.count()).select_from(deliveries).where(*where)).scalar_one()
    pages = max(1, -(-total // PER_PAGE))
    number = min(max(1, page), pages)
    found = (
        select(deliveries, persons.c.name)
        .outerjoin(persons, persons.c.user_id == deliveries.c.user_id)
        .where(*where)
        .order_by(deliveries.c.since.desc(), deliveries.c.delivery_id.desc())
        .limit(PER_PAGE)
        .offset((number - 1) * PER_PAGE)
    )
    return DeliveryPage(tuple(_delivery(row) for row in conn.execute(found)), number, pages)


def repeat(
    conn: Connection,
    by: Actor,
    now: datetime,
    quiet: QuietHours | None,
    ip: str,
    delivery_id: str = "",
    channel: str = "",
) -> int | Rejection:
    """Lets dead deliveries be tried again: the one of this id, else all of the channel ('' for all channels). Returns
    how many. Ordinary ones still wait for the end of quiet hours."""
    refused = people_admin.refusal(by, "admin_outbox")
    if refused is not None:
        return refused
    where: list[Any] = [deliveries.c.state == "dead"]
    if delivery_id:
        where.append(deliveries.c.delivery_id == delivery_id)
    elif channel:
        where.append(deliveries.c.channel == channel)
    again = {"state": "waiting", "attempts": 0, "since": instant_text(now), "error": "", "detail": ""}
    count = 0
    for urgent in (0, 1):
        at = instant_text(not_before(now, quiet, bool(urgent)))
        chosen = update(deliveries).where(*where, deliveries.c.urgent == urgent)
        count += conn.execute(chosen.values(**again, next_at=at)).rowcount
    if not count:
        return Rejection("conflict", "delivery.none_dead")
    people_log.security(conn, now, "deliveries_repeated", by.user_id, ip, {"count": count, "delivery": delivery_id})
    return count


def try_out(
    conn: Connection, by: Actor, now: datetime, settings: NoticeSettings, channel: str, ip: str, new_id: str
) -> Rejection | None:
    """Queues a message to the admin himself, to be sent by the worker like any other."""
    refused = people_admin.refusal(by, "admin_outbox")
    if refused is not None:
        return refused
    if not described(settings).get(channel):
        return Rejection("conflict", "delivery.not_set_up")
    if not contacts.addresses(conn, by.user_id).get(channel):
        return Rejection("conflict", "delivery.own_address")
    at = instant_text(now)
    conn.execute(
        insert(deliveries).values(
            delivery_id=f"test/{new_id}", case_id="", user_id=by.user_id, channel=channel, kind="test", deadline="",
            urgent=1, state="waiting", attempts=0, next_at=at, since=at, error="", detail="", sent_at="",
        )
    )  # fmt: skip
    people_log.security(conn, now, "delivery_tried", by.user_id, ip, {"channel": channel})
    return None


def _counted(conn: Connection, *where: Any) -> Mapping[str, int]:
    rows = select(deliveries.c.channel, func.count()).where(*where).group_by(deliveries.c.channel)
    return dict(conn.execute(rows).tuples().all())


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.delivery_id, row.case_id, row.user_id, row.name or row.user_id, row.channel, row.kind, row.state,
        bool(row.urgent), row.attempts, row.next_at, row.since, row.error, row.detail, row.sent_at,
    )  # fmt: skip

"""Items (信息): what came in, one row each, as it came. Added once, listed, looked at; decisions on them are in
item_decisions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from engine.domain.access import ACTIONS
from engine.domain.codec import JSON, instant_text
from engine.domain.organisation import Actor
from engine.readmodels.page import Page, instant, matches, offset

from .item_fields import NewItem
from .items_tables import items

TRIAGE: Final = "triage_items"
"""Name of the task that looks at what has come in; see item_triage."""
_SEES_ALL: Final = ACTIONS["view_all_cases"]


@dataclass(frozen=True, slots=True)
class Item:
    """A row as pages show it; instants are aware, None where unknown."""

    item_id: int
    source_type: str
    source_name: str
    url: str
    title: str
    body: str
    author: str
    contact: str
    callback: bool
    item_kind: str
    district: str
    parent_id: int | None
    published_at: datetime | None
    captured_at: datetime | None
    discovered_at: datetime | None
    delivered_at: datetime | None
    signed_at: datetime | None
    received_at: datetime
    route: str
    entered_by: str
    unit: str
    attachments: tuple[Mapping[str, JSON], ...]
    state: str
    reason: str
    decided_by: str
    decided_at: datetime | None
    own_reply: bool
    topic_id: int | None
    case_id: str
    content_hash: str
    assessed_at: datetime | None
    assessment: Mapping[str, Any]
    grade_hint: str
    relevance_hint: str


@dataclass(frozen=True, slots=True)
class Added:
    """`repeated`: it was here already, and nothing was written."""

    item_id: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list of items is narrowed by; blanks narrow nothing."""

    q: str = ""
    state: str = ""
    source_type: str = ""
    grade: str = ""
    route: str = ""
    district: str = ""
    page: int = 1


def add(conn: Connection, now: datetime, new: NewItem) -> Added:
    """Keeps the item, if it is not here already. Requires a writing transaction; the caller asks for triage."""
    (added,) = add_all(conn, now, (new,))
    return added


def add_all(conn: Connection, now: datetime, new: Sequence[NewItem]) -> list[Added]:
    """The same for many; the answers are in their order. Comments follow what they comment on, wherever it stands."""
    order = sorted(range(len(new)), key=lambda place: bool(new[place].parent_url))
    first = [place for place in order if not new[place].parent_url]
    then = order[len(first) :]
    answers: dict[int, Added] = {}
    for places in (first, then):
        answers |= zip(places, _add(conn, now, [new[place] for place in places]), strict=True)
    return [answers[place] for place in range(len(new))]


def _add(conn: Connection, now: datetime, new: Sequence[NewItem]) -> list[Added]:
    parents = _parents(conn, {one.parent_url for one in new if one.parent_url and not one.parent_id})
    rows: dict[str, dict[str, Any]] = {}
    for one in new:
        rows.setdefault(one.identity, _row(one, now, parents))
    known = _known(conn, rows)
    fresh = [row for identity, row in rows.items() if identity not in known]
    if fresh:
        dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
        conn.execute(dialect.insert(items).on_conflict_do_nothing(index_elements=["identity"]), fresh)
    ids = known | _known(conn, [row["identity"] for row in fresh])
    seen, added = set(known), []
    for one in new:
        added.append(Added(ids[one.identity], one.identity in seen))
        seen.add(one.identity)
    return added


def ask_for_triage(services: Any, conn: Connection) -> None:
    """Queues the look at what is new, in the transaction that brought it."""
    services.jobs.defer(conn, TRIAGE, {}, lock=TRIAGE, once=TRIAGE)


def get(conn: Connection, item_id: int) -> Item | None:
    row = conn.execute(select(items).where(items.c.item_id == item_id)).first()
    return None if row is None else read(row)


def visible(item: Item, actor: Actor) -> bool:
    """Who commands sees every item; others what they or their unit brought in (R17, R71)."""
    return bool(actor.acting_roles & _SEES_ALL) or item.entered_by == actor.user_id or _of_unit(item.unit, actor)


def listed(conn: Connection, actor: Actor, asked: Asked, per_page: int) -> Page[Item]:
    """The items that the actor may see, newest first."""
    clauses = wanted(conn, actor, asked)
    total = conn.execute(select(func.count()).select_from(items).where(*clauses)).scalar_one()
    found = select(items).where(*clauses).order_by(items.c.item_id.desc())
    rows = conn.execute(found.limit(per_page).offset(offset(asked.page, per_page)))
    return Page(tuple(read(row) for row in rows), total, max(1, asked.page), per_page)


def comments(conn: Connection, item_id: int, limit: int) -> tuple[Item, ...]:
    """The newest comments under an item."""
    found = select(items).where(items.c.parent_id == item_id).order_by(items.c.item_id.desc()).limit(limit)
    return tuple(read(row) for row in conn.execute(found))


def by_ids(conn: Connection, ids: Iterable[int]) -> dict[int, Item]:
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {row.item_id: read(row) for row in conn.execute(select(items).where(items.c.item_id.in_(wanted)))}


def repeats(conn: Connection, item: Item, limit: int = 20) -> tuple[Item, ...]:
    """Other items with exactly its words: reposts."""
    same = select(items).where(items.c.content_hash == item.content_hash, items.c.item_id != item.item_id)
    return tuple(read(row) for row in conn.execute(same.order_by(items.c.item_id).limit(limit)))


def of_case(conn: Connection, case_id: str, limit: int) -> tuple[Item, ...]:
    found = select(items).where(items.c.case_id == case_id).order_by(items.c.item_id.desc()).limit(limit)
    return tuple(read(row) for row in conn.execute(found))


def counts(conn: Connection, actor: Actor) -> dict[str, int]:
    """state -> number of items that the actor may see."""
    own = mine(actor)
    found = select(items.c.state, func.count()).group_by(items.c.state)
    return {row[0]: row[1] for row in conn.execute(found if own is None else found.where(own))}


def echo(item: Item) -> Mapping[str, Any]:
    """What triage found of our own published words in it: case, kind, at, place, share, rest, words, mere; {} for
    none. A person who has decided on the item knows better: see `own_reply`."""
    found = item.assessment.get("echo")
    return found if isinstance(found, Mapping) else {}


def masked(text: str) -> str:
    """A name or number as lists show it: the first character, or the first three and last two digits of a number."""
    text = text.strip()
    if sum(c.isdigit() for c in text) >= 7:
        return f"{text[:3]}****{text[-2:]}"
    return f"{text[:1]}**" if text else ""


def read(row: Row[Any]) -> Item:
    """The Item of a row of the table."""
    received = instant(row.received_at)
    assert received is not None
    return Item(
        row.item_id, row.source_type, row.source_name, row.url, row.title, row.body, row.author, row.contact,
        bool(row.callback), row.item_kind, row.district, row.parent_id, instant(row.published_at),
        instant(row.captured_at), instant(row.discovered_at), instant(row.delivered_at), instant(row.signed_at),
        received, row.route, row.entered_by, row.unit, tuple(json.loads(row.attachments)), row.state, row.reason,
        row.decided_by, instant(row.decided_at), bool(row.own_reply), row.topic_id, row.case_id, row.content_hash,
        instant(row.assessed_at), json.loads(row.assessment) if row.assessment else {}, row.grade_hint,
        row.relevance_hint,
    )  # fmt: skip


def wanted(conn: Connection, actor: Actor, asked: Asked) -> list[ColumnElement[bool]]:
    """Conditions on rows of the list that the actor may see and asked for."""
    by_name = {
        name: getattr(items.c, column) == value
        for name, column in (
            ("state", "state"),
            ("source_type", "source_type"),
            ("grade", "grade_hint"),
            ("route", "route"),
            ("district", "district"),
        )
        if (value := getattr(asked, name))
    }
    words = matches(conn, asked.q, (items.c.title, items.c.body, items.c.source_name, items.c.url))
    return [clause for clause in (mine(actor), *by_name.values(), words) if clause is not None]


def mine(actor: Actor) -> ColumnElement[bool] | None:
    """The rule of `visible` as SQL; None for who sees every item."""
    if actor.acting_roles & _SEES_ALL:
        return None
    of_unit = and_(items.c.unit == actor.unit, items.c.unit != "")
    return or_(items.c.entered_by == actor.user_id, of_unit)


def _of_unit(unit: str, actor: Actor) -> bool:
    return unit != "" and unit == actor.unit


def _known(conn: Connection, identities: Iterable[str]) -> dict[str, int]:
    wanted = list(identities)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 500):  # SQLite takes a bounded number of values
        some = select(items.c.identity, items.c.item_id).where(items.c.identity.in_(wanted[start : start + 500]))
        found |= {row[0]: row[1] for row in conn.execute(some)}
    return found


def _parents(conn: Connection, urls: Iterable[str]) -> dict[str, int]:
    """Address -> the first item of that address that is no comment itself."""
    wanted = sorted(urls)
    if not wanted:
        return {}
    first = select(items.c.url, func.min(items.c.item_id)).where(items.c.url.in_(wanted), items.c.parent_id.is_(None))
    return {row[0]: row[1] for row in conn.execute(first.group_by(items.c.url))}


def _row(new: NewItem, now: datetime, parents: Mapping[str, int]) -> dict[str, Any]:
    received = instant_text(now)
    return {
        "identity": new.identity,
        "content_hash": new.content_hash,
        "source_type": new.source_type,
        "source_name": new.source_name,
        "url": new.url,
        "title": new.title,
        "body": new.body,
        "author": new.author,
        "contact": new.contact,
        "callback": int(new.callback),
        "item_kind": new.item_kind,
        "district": new.district,
        "parent_id": new.parent_id or parents.get(new.parent_url),
        "published_at": new.published_at,
        "captured_at": new.captured_at,
        "discovered_at": new.discovered_at,
        "delivered_at": received,
        "signed_at": "",
        "received_at": received,
        "route": new.route,
        "entered_by": new.entered_by,
        "unit": new.unit,
        "attachments": json.dumps([dict(fact) for fact in new.attachments], ensure_ascii=False),
        "state": "new",
        **dict.fromkeys(("reason", "decided_by", "decided_at", "case_id", "opening", "opening_at"), ""),
        **dict.fromkeys(("assessed_at", "assessment", "grade_hint", "relevance_hint"), ""),
        "own_reply": 0,
        "topic_id": None,
    }

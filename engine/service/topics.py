"""Topics (事件): items of one event. Offered by triage, never merged by it: a person confirms, rejects (which is
remembered), or takes an item out again with a reason. One case a topic."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, case, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.domain.codec import instant_text
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection
from engine.readmodels.page import Page, instant, matches, offset
from engine.readmodels.schema import cases

from . import items
from .item_decisions import TELL_CASE, link_others
from .item_journal import Writing, decide
from .items import Item
from .items_tables import item_offers, topics
from .items_tables import items as table

OFFERED: Final = 5
"""Candidates an item is shown with; a longer list is no help."""


@dataclass(frozen=True, slots=True)
class Topic:
    topic_id: int
    title: str
    case_id: str
    created_at: datetime | None
    created_by: str
    told_criterion: str
    told_at: datetime | None
    size: int = 0
    outlets: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A topic, or a single item without one, that may be of the same event. `key`: what a page sends back to decide.

    `topic`: None for a single item; `item`: the one item, or the topic's first.
    """

    key: str
    topic: Topic | None
    item: Item | None
    score: float
    reasons: tuple[str, ...]
    state: str
    decided_by: str
    decided_at: datetime | None
    reason: str


def offer(conn: Connection, now: datetime, item_id: int, found: Iterable[tuple[str, float, Sequence[str]]]) -> int:
    """Keeps candidates (target, score 0 to 1, reasons) of an item; what was decided on before stays as it was.

    `target`: `t:<topic>` or `i:<item>`. Requires a writing transaction. Returns how many were handed in.
    """
    undecided = {"state": "offered", "offered_at": instant_text(now), "decided_by": "", "decided_at": "", "reason": ""}
    rows = [
        {"item_id": item_id, "target": target, "score": score, "reasons": _json(reasons), **undecided}
        for target, score, reasons in list(found)[:OFFERED]
    ]
    if rows:
        dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(item_offers).on_conflict_do_nothing(index_elements=["item_id", "target"])
        conn.execute(statement, rows)
    return len(rows)


def offers(conn: Connection, item: Item) -> tuple[Offer, ...]:
    """What was offered for an item, best first: those to be decided on, then the rest. An offered item that has joined
    a topic since stands for that topic; the item's own topic is left out."""
    rows = conn.execute(select(item_offers).where(item_offers.c.item_id == item.item_id)).all()
    single = items.by_ids(conn, (int(row.target[2:]) for row in rows if row.target.startswith("i:")))
    targets = {row.target: _topic_of(row.target, single) for row in rows}
    by_id = {one.topic_id: one for one in by_ids(conn, {one for one in targets.values() if one is not None})}
    first = _first_items(conn, by_id)
    found: dict[str, Offer] = {}
    for row in sorted(rows, key=lambda row: (row.state != "offered", -row.score, row.target)):
        topic_id = targets[row.target]
        if topic_id is not None and topic_id == item.topic_id:
            continue
        topic = by_id.get(topic_id) if topic_id is not None else None
        shown = first.get(topic_id) if topic_id is not None else single.get(int(row.target[2:]))
        key = row.target if topic_id is None else f"t:{topic_id}"
        if key not in found and shown is not None:
            found[key] = Offer(
                key, topic, shown, row.score, tuple(json.loads(row.reasons)), row.state, row.decided_by,
                instant(row.decided_at), row.reason,
            )  # fmt: skip
    return tuple(found.values())


def confirm(services: Any, actor: Actor, item_id: int, target: str) -> Topic | Rejection:
    """The item is of that event. Two single items make a topic; where the topic has a case, the item is linked to it,
    becomes its material, and its handlers are told. Two topics with a case each are not put together."""

    def change(writing: Writing) -> Topic | Rejection:
        item, topic_id = items.get(writing.conn, item_id), _target(writing, target)
        if item is None or topic_id is None and not target.startswith("i:"):
            return Rejection("not_found", "item.unknown", {"item": item_id})
        if item.topic_id is not None:
            return Rejection("conflict", "topic.has_one", {"item": item_id, "topic": item.topic_id})
        if topic_id is None:
            other = items.get(writing.conn, int(target[2:]))
            if other is None or other.item_id == item_id:
                return Rejection("not_found", "item.unknown", {"item": target[2:]})
            topic_id = _begin(writing, other)
        row = writing.conn.execute(select(topics).where(topics.c.topic_id == topic_id).with_for_update()).first()
        if row is None:
            return Rejection("not_found", "topic.unknown", {"topic": topic_id})
        if item.case_id and row.case_id and item.case_id != row.case_id:
            return Rejection("conflict", "topic.two_cases", {"case": item.case_id, "other": row.case_id})
        join(writing, services, item, topic_id, row.case_id)
        _decided(writing, item_id, (target, f"t:{topic_id}"), "confirmed", "")
        writing.note("ConfirmTopic", "TopicConfirmed", item=item_id, topic=topic_id, content=item.content_hash,
                     case=row.case_id or item.case_id)  # fmt: skip
        return by_ids(writing.conn, [topic_id])[0]

    return decide(services, actor.user_id, change)


def reject(services: Any, actor: Actor, item_id: int, target: str, reason: str = "") -> Offer | Rejection | None:
    """The item is of another event. Remembered, and not offered again."""

    def change(writing: Writing) -> Rejection | None:
        item = items.get(writing.conn, item_id)
        keys = _keys_of(writing, item_id, target)
        if item is None or not keys:
            return Rejection("not_found", "topic.not_offered", {"item": item_id})
        _decided(writing, item_id, keys, "rejected", reason.strip()[:1000])
        writing.note("RejectTopic", "TopicRejected", item=item_id, target=target, content=item.content_hash,
                     reason=reason.strip()[:1000])  # fmt: skip
        return None

    return decide(services, actor.user_id, change)


def split(services: Any, actor: Actor, item_id: int, reason: str) -> Item | Rejection:
    """Takes an item out of its topic again. What the case got of it stays there: it was known at that time. An item
    whose case was opened of it stays: the topic's case is its own."""

    def change(writing: Writing) -> Item | Rejection:
        item = items.get(writing.conn, item_id)
        if item is None:
            return Rejection("not_found", "item.unknown", {"item": item_id})
        if item.topic_id is None:
            return Rejection("conflict", "topic.has_none", {"item": item_id})
        if not reason.strip():
            return Rejection("invalid", "form.refused", {"count": 1}, (FieldFault("reason", "form.required"),))
        if item.state == "opened":
            return Rejection("conflict", "topic.opened_its_case", {"item": item_id, "case": item.case_id})
        values: dict[str, Any] = {"topic_id": None}
        if item.state == "linked":
            values |= {"state": "new", "case_id": "", "own_reply": 0, "decided_by": actor.user_id,
                       "reason": reason.strip()[:1000], "decided_at": instant_text(writing.now)}  # fmt: skip
        writing.conn.execute(update(table).where(table.c.item_id == item_id).values(**values))
        target = f"t:{item.topic_id}"
        offer(writing.conn, writing.now, item_id, [(target, 0.0, ())])
        _decided(writing, item_id, _keys_of(writing, item_id, target), "split", reason.strip()[:1000])
        writing.note("SplitTopic", "TopicSplit", item=item_id, topic=item.topic_id, content=item.content_hash,
                     case=item.case_id, reason=reason.strip()[:1000])  # fmt: skip
        found = items.get(writing.conn, item_id)
        assert found is not None
        return found

    return decide(services, actor.user_id, change)


def by_ids(conn: Connection, ids: Iterable[int]) -> tuple[Topic, ...]:
    """Topics with how many items and outlets they have, by number."""
    wanted = sorted(set(ids))
    if not wanted:
        return ()
    rows = conn.execute(_counted().where(topics.c.topic_id.in_(wanted)).order_by(topics.c.topic_id))
    return tuple(_topic(row) for row in rows)


def of_case(conn: Connection, case_id: str) -> Topic | None:
    row = conn.execute(_counted().where(topics.c.case_id == case_id)).first()
    return None if row is None else _topic(row)


def listed(conn: Connection, q: str, only: str, page: int, per_page: int) -> Page[Topic]:
    """Topics with items, the newest first. `only`: `open` without a case, `case` with one, '' for all."""
    member = table.alias()
    wanted = [
        exists(select(member.c.item_id).where(member.c.topic_id == topics.c.topic_id)),
        matches(conn, q, (topics.c.title,)),
        {"open": topics.c.case_id == "", "case": topics.c.case_id != ""}.get(only),
    ]
    where = [clause for clause in wanted if clause is not None]
    total = conn.execute(select(func.count()).select_from(topics).where(*where)).scalar_one()
    newest = func.max(table.c.item_id)
    found = _counted().where(*where).order_by(newest.desc(), topics.c.topic_id.desc())
    rows = conn.execute(found.limit(per_page).offset(offset(page, per_page)))
    return Page(tuple(_topic(row) for row in rows), total, max(1, page), per_page)


def grades(conn: Connection, case_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """case -> (grade, status) of the cases of topics."""
    mine = cases.c.case_id.in_(sorted(set(case_ids)))
    found = conn.execute(select(cases.c.case_id, cases.c.grade, cases.c.status).where(mine))
    return {case_id: (grade, status) for case_id, grade, status in found}


def undecided(conn: Connection, ids: Iterable[int]) -> dict[int, int]:
    """item -> candidates that wait for somebody to decide, for those that have any."""
    mine = item_offers.c.item_id.in_(sorted(ids)), item_offers.c.state == "offered"
    found = select(item_offers.c.item_id, func.count()).where(*mine).group_by(item_offers.c.item_id)
    return {row[0]: row[1] for row in conn.execute(found)}


def members(conn: Connection, topic_id: int, limit: int = 200) -> tuple[Item, ...]:
    """The items of a topic, newest first."""
    found = select(table).where(table.c.topic_id == topic_id).order_by(table.c.item_id.desc()).limit(limit)
    return tuple(items.read(row) for row in conn.execute(found))


def waiting(conn: Connection, topic_id: int, limit: int = 20) -> tuple[Item, ...]:
    """Items without a topic to which this one, or one of its items, is offered and nobody has decided yet, nor put the
    item aside; the likest first."""
    mine = select(table.c.item_id).where(table.c.topic_id == topic_id).order_by(table.c.item_id).limit(500)
    targets = [f"t:{topic_id}", *(f"i:{item_id}" for item_id in conn.scalars(mine))]
    best = func.max(item_offers.c.score).label("best")
    offered = select(item_offers.c.item_id, best).where(item_offers.c.target.in_(targets))
    some = offered.where(item_offers.c.state == "offered").group_by(item_offers.c.item_id).subquery()
    found = select(table).join(some, some.c.item_id == table.c.item_id).where(table.c.topic_id.is_(None))
    found = found.where(table.c.state != "irrelevant")
    rows = conn.execute(found.order_by(some.c.best.desc(), table.c.item_id).limit(limit))
    return tuple(items.read(row) for row in rows)


def _json(texts: Sequence[str]) -> str:
    return json.dumps(list(texts), ensure_ascii=False)


def _begin(writing: Writing, first: Item) -> int:
    """The topic of a single item, made now where it has none."""
    if first.topic_id is not None:
        return first.topic_id
    row = {"title": first.title, "case_id": "", "created_at": instant_text(writing.now), "created_by": writing.actor,
           "told_criterion": "", "told_at": ""}  # fmt: skip
    if first.case_id:
        held = writing.conn.scalar(select(topics.c.topic_id).where(topics.c.case_id == first.case_id))
        if held is not None:  # another item of the same case has begun its topic
            writing.conn.execute(update(table).where(table.c.item_id == first.item_id).values(topic_id=held))
            return int(held)
        row["case_id"] = first.case_id
    topic_id: int = writing.conn.execute(insert(topics).values(**row).returning(topics.c.topic_id)).scalar_one()
    writing.conn.execute(update(table).where(table.c.item_id == first.item_id).values(topic_id=topic_id))
    return topic_id


def join(writing: Writing, services: Any, item: Item, topic_id: int, case_id: str) -> None:
    """The item is of the topic from now on, and linked to its case, "" for none; whose handlers are told. Requires
    that a person decided it."""
    values: dict[str, Any] = {"topic_id": topic_id}
    now = instant_text(writing.now)
    if case_id and not item.case_id:
        values |= {"state": "linked", "case_id": case_id, "decided_by": writing.actor, "decided_at": now, "reason": ""}
        if item.signed_at is None:
            values["signed_at"] = now
        services.jobs.defer(writing.conn, TELL_CASE, {"item": item.item_id, "case": case_id, "actor": writing.actor})
    elif item.case_id and not case_id:
        writing.conn.execute(update(topics).where(topics.c.topic_id == topic_id).values(case_id=item.case_id))
        link_others(writing, services, topic_id, item.case_id)
    writing.conn.execute(update(table).where(table.c.item_id == item.item_id).values(**values))


def _decided(writing: Writing, item_id: int, targets: Iterable[str], state: str, reason: str) -> None:
    mine = item_offers.c.item_id == item_id, item_offers.c.target.in_(sorted(set(targets)))
    writing.conn.execute(update(item_offers).where(*mine).values(**decision(writing, state, reason)))


def decision(writing: Writing, state: str, reason: str) -> dict[str, str]:
    """Columns of an offer that was decided on."""
    return {"state": state, "decided_by": writing.actor, "decided_at": instant_text(writing.now), "reason": reason}


def _target(writing: Writing, target: str) -> int | None:
    """The topic that a target stands for now; None for an item without one, and for what is no target."""
    kind, _, number = target.partition(":")
    if not (number.isascii() and number.isdigit()) or len(number) > 9:
        return None
    if kind == "t":
        return int(number)
    found: int | None = writing.conn.scalar(select(table.c.topic_id).where(table.c.item_id == int(number)))
    return found


def _keys_of(writing: Writing, item_id: int, target: str) -> list[str]:
    """Every offer of the item that stands for this target now: the topic, and single items that joined it."""
    mine = list(writing.conn.scalars(select(item_offers.c.target).where(item_offers.c.item_id == item_id)))
    wanted = _target(writing, target)
    return [one for one in mine if one == target or wanted is not None and _target(writing, one) == wanted]


def _topic_of(target: str, single: Mapping[int, Item]) -> int | None:
    number = int(target[2:])
    if target.startswith("t:"):
        return number
    item = single.get(number)
    return item.topic_id if item is not None else None


def _first_items(conn: Connection, ids: Iterable[int]) -> dict[int, Item]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    first = select(func.min(table.c.item_id)).where(table.c.topic_id.in_(wanted)).group_by(table.c.topic_id)
    found = items.by_ids(conn, conn.scalars(first))
    return {one.topic_id: one for one in found.values() if one.topic_id is not None}


def _counted() -> Any:
    # Echoes of our own reply are items of the topic and no spread of it (as in `spread`).
    outlets = func.count(func.distinct(case((table.c.own_reply == 0, table.c.source_name)))).label("outlets")
    last = func.max(table.c.received_at).label("last_at")
    counted = select(topics, func.count(table.c.item_id).label("size"), outlets, last)
    return counted.outerjoin(table, table.c.topic_id == topics.c.topic_id).group_by(topics.c.topic_id)


def _topic(row: Row[Any]) -> Topic:
    return Topic(
        row.topic_id, row.title, row.case_id, instant(row.created_at), row.created_by, row.told_criterion,
        instant(row.told_at), row.size, row.outlets, instant(row.last_at or ""),
    )  # fmt: skip

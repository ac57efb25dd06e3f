"""Two topics that turn out to be one event: a person puts them together. Nothing is offered that triage did not offer,
and nothing is joined by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, select, update

from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection

from . import topics
from .item_journal import Writing, decide
from .items import Item
from .items_tables import item_offers
from .items_tables import items as table
from .items_tables import topics as topic_table
from .topics import Topic

LIKELY: Final = 5
"""Other topics that a topic's page shows."""
LOOKED_AT: Final = 500
"""Items of a topic whose offers are looked at."""


def likely(conn: Connection, topic_id: int) -> tuple[Topic, ...]:
    """Other topics that were offered for items of this one, or this one for items of theirs, undecided; the likest
    first."""
    mine = list(conn.scalars(select(table.c.item_id).where(table.c.topic_id == topic_id).limit(LOOKED_AT)))
    if not mine:
        return ()
    offered = select(item_offers.c.item_id, item_offers.c.target, item_offers.c.score)
    offered = offered.where(item_offers.c.state == "offered")
    best: dict[int, float] = {}

    def found(number: int | None, score: float) -> None:
        if number is not None and number != topic_id:
            best[number] = max(score, best.get(number, 0.0))

    from_mine = conn.execute(offered.where(item_offers.c.item_id.in_(mine))).all()
    single = {int(row.target[2:]) for row in from_mine if row.target.startswith("i:")}
    to_mine = offered.where(item_offers.c.target.in_([f"t:{topic_id}", *(f"i:{one}" for one in mine)]))
    others = conn.execute(to_mine).all()
    of_item = _topics_of(conn, single | {row.item_id for row in others})
    for row in from_mine:
        number = int(row.target[2:])
        found(number if row.target.startswith("t:") else of_item.get(number), row.score)
    for row in others:
        found(of_item.get(row.item_id), row.score)
    order = sorted(best, key=lambda number: (-best[number], number))[:LIKELY]
    by_id = {one.topic_id: one for one in topics.by_ids(conn, order)}
    return tuple(by_id[number] for number in order if number in by_id and by_id[number].size)


def merge(services: Any, actor: Actor, topic_id: int, into: int) -> Topic | Rejection:
    """Every item of a topic becomes one of `into`, and what is offered for the one is offered for the other. A case
    that either of them has becomes the case of both; two topics with a case each are not put together."""

    def change(writing: Writing) -> Topic | Rejection:
        wanted = select(topic_table).where(topic_table.c.topic_id.in_((topic_id, into)))
        rows = {
            row.topic_id: row for row in writing.conn.execute(wanted.order_by(topic_table.c.topic_id).with_for_update())
        }
        if topic_id == into or len(rows) < 2:
            return Rejection("not_found", "topic.unknown", {"topic": topic_id if topic_id not in rows else into})
        gone, kept = rows[topic_id], rows[into]
        if gone.case_id and kept.case_id:
            return Rejection("conflict", "topic.two_cases", {"case": gone.case_id, "other": kept.case_id})
        case_id = gone.case_id or kept.case_id
        if gone.case_id:
            for number, value in ((topic_id, ""), (into, gone.case_id)):  # in this order: a case has one topic
                one = update(topic_table).where(topic_table.c.topic_id == number)
                writing.conn.execute(one.values(case_id=value))
        moved = _members(writing.conn, topic_id)
        for item in (*moved, *(_members(writing.conn, into) if gone.case_id else ())):
            topics.join(writing, services, item, into, case_id)
        _offer_instead(writing.conn, topic_id, into)
        _settled(writing, into)
        writing.note("MergeTopics", "TopicsMerged", topic=into, merged=topic_id, case=case_id,
                     items=[item.item_id for item in moved])  # fmt: skip
        return topics.by_ids(writing.conn, [into])[0]

    return decide(services, actor.user_id, change)


def _members(conn: Connection, topic_id: int) -> tuple[Item, ...]:
    return topics.members(conn, topic_id, 100_000)


def _topics_of(conn: Connection, ids: Iterable[int]) -> dict[int, int]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    known = select(table.c.item_id, table.c.topic_id).where(table.c.item_id.in_(wanted), table.c.topic_id.is_not(None))
    return {row.item_id: row.topic_id for row in conn.execute(known)}


def _offer_instead(conn: Connection, topic_id: int, into: int) -> None:
    """What was offered as this topic is offered as the other, unless that one was offered too."""
    both = select(item_offers.c.item_id).where(item_offers.c.target == f"t:{into}")
    stale = item_offers.c.target == f"t:{topic_id}", item_offers.c.item_id.not_in(both)
    conn.execute(update(item_offers).where(*stale).values(target=f"t:{into}"))


def _settled(writing: Writing, topic_id: int) -> None:
    """Offers between items of the one topic now have been decided on."""
    mine = select(table.c.item_id).where(table.c.topic_id == topic_id)
    names = [f"t:{topic_id}", *(f"i:{one}" for one in writing.conn.scalars(mine))]
    between = item_offers.c.item_id.in_(mine), item_offers.c.target.in_(names), item_offers.c.state == "offered"
    writing.conn.execute(update(item_offers).where(*between).values(**topics.decision(writing, "confirmed", "")))

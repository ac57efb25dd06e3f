"""Items of a case on its page: what the case was opened of, what came later, and whether it should be graded higher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from engine.domain.access import may
from engine.domain.codec import JSON
from engine.service import items, spread, topics
from engine.service.items import Item
from engine.service.spread import Proposal, Spread
from engine.service.topics import Topic

from .guards import current_actor, reading, services

SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Card:
    """`items`: the newest; `visible`: numbers of those whose own page the person may open."""

    items: tuple[Item, ...]
    total: int
    visible: frozenset[int]
    topic: Topic | None
    spread: Spread | None
    proposal: Proposal | None


def card(conn: Connection, case_id: str) -> Card:
    """Requires that the person may see the case."""
    found = items.of_case(conn, case_id, 1000)
    topic = topics.of_case(conn, case_id) if found else None
    actor = current_actor()
    reads = bool(may(actor, "view_items"))
    return Card(
        found[:SHOWN],
        len(found),
        frozenset(one.item_id for one in found[:SHOWN] if reads and items.visible(one, actor)),
        topic,
        spread.of_topic(services(), conn, topic.topic_id) if topic else None,
        spread.proposal(services(), conn, topic) if topic else None,
    )


def proposed(case_id: str, message: str, topic_id: int) -> dict[str, JSON]:
    """What the form of the request for a higher grade starts from, when it was reached from a topic of this case."""
    if not topic_id:
        return {}
    with reading() as conn:
        topic = next(iter(topics.by_ids(conn, [topic_id])), None)
        found = spread.proposal(services(), conn, topic) if topic is not None and topic.case_id == case_id else None
    return spread.request(found) if found is not None and found.message == message else {}

"""Triage of what came in: a job reads each new item beside those before it, and keeps what it suggests. It offers
topics and puts nothing together; a person decides (R24)."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, select, update

from engine.domain.codec import JSON, instant_text
from engine.intake.item import Item as Words
from engine.intake.known import Known
from engine.intake.reading import Reading, read

from . import items, topics
from .grading_help import Suggestion, suggest
from .items import Item
from .items_tables import items as table
from .jobs import Interrupted
from .transactions import writing

log = logging.getLogger("opinion.items")

KEPT: Final = 10_000
"""Items before a new one that it is compared with: some months of a city's posts; about 10 kB of memory each."""
WHOLESALE: Final = ("csv", "xlsx", "api", "feed")
BATCH: Final = 50
"""Items assessed in one transaction."""
UNSURE: Final = "unsure"


@dataclass(slots=True)
class Memory:
    """What this process has read so far, so that each run reads only what is new. `upto`: the last item read."""

    known: Known = field(default_factory=Known)
    upto: int = 0
    places: dict[int, int | None] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)


def run(services: Any, args: Mapping[str, JSON]) -> None:
    """The task: assesses every item that waits. Begun again it goes on where it ended; while nothing is
    deployed, items wait."""
    try:
        bundle = services.deployments.bundle()
    except KeyError:
        return
    memory: Memory = services.triage
    with memory.guard:
        while True:
            with services.engine.connect() as conn:
                waiting = _waiting(conn)
                if not waiting:
                    return
                _read_up_to(memory, conn, min(item.item_id for item in waiting))
            found = [(item, _assessed(bundle, memory, item)) for item in waiting]
            with writing(services.engine) as conn:
                for item, suggestion in found:
                    _keep(services, conn, item, suggestion)
            if services.stopping.is_set():
                raise Interrupted


def anything_waits(conn: Connection) -> bool:
    return conn.execute(select(table.c.item_id).where(table.c.assessed_at == "").limit(1)).first() is not None


def words_of(item: Item) -> Words:
    """An item as the analysis sees it."""
    return Words(
        id=str(item.item_id),
        title=item.title,
        body=item.body,
        source_type=item.source_type,
        source_name=item.source_name,
        url=item.url,
        published_at=item.published_at,
        discovered_at=item.discovered_at,
        district=item.district,
        parent_id=str(item.parent_id or ""),
    )


def _waiting(conn: Connection) -> list[Item]:
    """The oldest that wait; those that people brought in one by one go before whole tables of a vendor's."""
    found = select(table).where(table.c.assessed_at == "").order_by(table.c.item_id).limit(BATCH)
    for some in (found.where(table.c.route.not_in(WHOLESALE)), found):
        if waiting := [items.read(row) for row in conn.execute(some)]:
            return waiting
    return []


def _read_up_to(memory: Memory, conn: Connection, item_id: int) -> None:
    """Reads the items before this one that were not read yet, and what people have decided about topics since."""
    if len(memory.places) > KEPT * 3 // 2:  # begin anew with the newest: what is older is offered no more
        memory.known, memory.upto, memory.places = Known(), 0, {}
    first = max(memory.upto, item_id - 1 - KEPT)
    before = select(table).where(table.c.item_id > first, table.c.item_id < item_id).order_by(table.c.item_id)
    for row in conn.execute(before):
        _add(memory, items.read(row))
    memory.upto = max(memory.upto, item_id - 1)
    confirmed = select(table.c.item_id, table.c.topic_id).where(table.c.topic_id.is_not(None))
    now = {row.item_id: row.topic_id for row in conn.execute(confirmed.where(table.c.item_id > memory.upto - KEPT * 2))}
    for ident, topic_id in memory.places.items():
        if now.get(ident) != topic_id:
            memory.known.confirm(str(ident), _name(ident, now.get(ident)))
            memory.places[ident] = now.get(ident)


def _add(memory: Memory, item: Item, reading: Reading | None = None) -> None:
    memory.known.add(words_of(item), _name(item.item_id, item.topic_id), reading)
    memory.places[item.item_id] = item.topic_id
    memory.upto = max(memory.upto, item.item_id)


def _name(item_id: int, topic_id: int | None) -> str:
    """A topic's name in the memory: its number with `t:`; an item without one is its own topic."""
    return str(item_id) if topic_id is None else f"t:{topic_id}"


def _assessed(bundle: Any, memory: Memory, item: Item) -> Suggestion | None:
    """What is suggested; None where the item can't be read, which is for a person then."""
    reading = read(words_of(item))
    topic = _name(item.item_id, item.topic_id) if item.topic_id is not None else ""
    try:
        return suggest(bundle, reading, memory.known, None, topic)
    except Exception:
        log.exception("item not assessed", extra={"item": item.item_id})
        return None
    finally:
        if item.item_id not in memory.places:
            _add(memory, item, reading)


def _keep(services: Any, conn: Connection, item: Item, suggestion: Suggestion | None) -> None:
    now = services.clock.now()
    values: dict[str, Any] = {"assessed_at": instant_text(now), "grade_hint": UNSURE, "relevance_hint": UNSURE}
    if suggestion is not None:
        relevance = {True: "relevant", False: "irrelevant", None: UNSURE}[suggestion.relevant]
        told = json.dumps(as_json(suggestion), ensure_ascii=False)
        values |= {"grade_hint": suggestion.grade or "", "relevance_hint": relevance, "assessment": told}
        found = ((_target(one.topic), one.score, one.reasons) for one in suggestion.candidates)
        topics.offer(conn, now, item.item_id, found)
    conn.execute(update(table).where(table.c.item_id == item.item_id).values(**values))


def _target(topic: str) -> str:
    return topic if topic.startswith("t:") else f"i:{topic}"


def as_json(suggestion: Suggestion) -> dict[str, JSON]:
    """What the item keeps of a suggestion, for its page."""
    return {
        "relevance_reasons": list(suggestion.relevance_reasons),
        "grade_reasons": list(suggestion.grade_reasons),
        "criteria": _lists(suggestion.criteria),
        "doubtful": _lists(suggestion.doubtful),
        "subject": list(suggestion.subject),
        "subject_reasons": list(suggestion.subject_reasons),
        "leader": suggestion.leader,
        "units": list(suggestion.units),
        "echo": suggestion.assessment.echo,
        "fields": dict(suggestion.fields),
    }


def _lists(words: Mapping[str, Sequence[str]]) -> dict[str, JSON]:
    return {name: list(found) for name, found in words.items()}

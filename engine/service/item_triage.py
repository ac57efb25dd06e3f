"""Triage of what came in: a job reads each new item beside those before it, and keeps what it suggests. It offers
topics and puts nothing together; a person decides (R24)."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from engine.domain.codec import JSON, instant_text
from engine.intake.item import Item as Words
from engine.intake.known import Known
from engine.intake.reading import Reading, read

from . import items, own_replies, topics
from .grading_help import Suggestion, suggest
from .items import Item
from .items_tables import items as table
from .jobs import Interrupted
from .own_replies import REMEMBERED, OwnReply
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
    """What this process has read so far, so that each run reads only what is new. `upto`: the last item read;
    `places`: item -> (its topic, whether a person said that it echoes us); `replies`: what we have published, by its
    id; `replies_at`: when that was looked at last."""

    known: Known = field(default_factory=Known)
    upto: int = 0
    places: dict[int, tuple[int | None, bool]] = field(default_factory=dict)
    replies: dict[str, OwnReply] = field(default_factory=dict)
    replies_at: datetime | None = None
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
                _read_replies(memory, conn, services.clock.now())
            found = [(item, _assessed(bundle, memory, item)) for item in waiting]
            with writing(services.engine) as conn:
                for item, suggestion in found:
                    _keep(services, conn, item, suggestion, memory.replies)
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
        memory.replies, memory.replies_at = {}, None
    first = max(memory.upto, item_id - 1 - KEPT)
    before = select(table).where(table.c.item_id > first, table.c.item_id < item_id).order_by(table.c.item_id)
    for row in conn.execute(before):
        _add(memory, items.read(row))
    memory.upto = max(memory.upto, item_id - 1)
    said = select(table.c.item_id, table.c.topic_id, table.c.own_reply).where(
        (table.c.topic_id.is_not(None)) | (table.c.own_reply == 1), table.c.item_id > memory.upto - KEPT * 2
    )
    now = {row.item_id: (row.topic_id, bool(row.own_reply)) for row in conn.execute(said)}
    for ident, known in memory.places.items():
        topic_id, own = now.get(ident, (None, False))
        if (topic_id, own) != known:
            memory.known.confirm(str(ident), _name(ident, topic_id))
            memory.known.echoes(str(ident), own)
            memory.places[ident] = topic_id, own


def _read_replies(memory: Memory, conn: Connection, now: datetime) -> None:
    """What we have published since the last look; once a batch of items, and only of cases that changed since."""
    changed, found = own_replies.changed(conn, now, memory.replies_at)
    stand = {one.ident for one in found}
    for ident, one in list(memory.replies.items()):
        if (one.case_id in changed and ident not in stand) or one.at < now - REMEMBERED:
            memory.known.forget_reply(ident)
            del memory.replies[ident]
    for one in found:
        if memory.replies.get(one.ident) != one:
            memory.known.reply(one.ident, one.text, one.at)
            memory.replies[one.ident] = one
    memory.replies_at = now


def _add(memory: Memory, item: Item, reading: Reading | None = None, *, mere: bool = False) -> None:
    echo = item.own_reply or (item.topic_id is None and (mere or bool(items.echo(item).get("mere"))))
    memory.known.add(words_of(item), _name(item.item_id, item.topic_id), reading, echo=echo)
    memory.places[item.item_id] = item.topic_id, item.own_reply
    memory.upto = max(memory.upto, item.item_id)


def _name(item_id: int, topic_id: int | None) -> str:
    """A topic's name in the memory: its number with `t:`; an item without one is its own topic."""
    return str(item_id) if topic_id is None else f"t:{topic_id}"


def _assessed(bundle: Any, memory: Memory, item: Item) -> Suggestion | None:
    """What is suggested; None where the item can't be read, which is for a person then."""
    reading = read(words_of(item))
    topic = _name(item.item_id, item.topic_id) if item.topic_id is not None else ""
    found: Suggestion | None = None
    try:
        found = suggest(bundle, reading, memory.known, None, topic)
    except Exception:
        log.exception("item not assessed", extra={"item": item.item_id})
    if item.item_id not in memory.places:
        echo = found.assessment.echo if found is not None else None
        _add(memory, item, reading, mere=echo is not None and echo.mere)
    return found


def _keep(
    services: Any, conn: Connection, item: Item, suggestion: Suggestion | None, replies: Mapping[str, OwnReply]
) -> None:
    now = services.clock.now()
    values: dict[str, Any] = {"assessed_at": instant_text(now), "grade_hint": UNSURE, "relevance_hint": UNSURE}
    if suggestion is not None:
        relevance = {True: "relevant", False: "irrelevant", None: UNSURE}[suggestion.relevant]
        told = json.dumps(as_json(suggestion, replies), ensure_ascii=False)
        values |= {"grade_hint": suggestion.grade or "", "relevance_hint": relevance, "assessment": told}
        found = ((_target(one.topic), one.score, one.reasons) for one in suggestion.candidates)
        topics.offer(conn, now, item.item_id, found)
    conn.execute(update(table).where(table.c.item_id == item.item_id).values(**values))


def _target(topic: str) -> str:
    return topic if topic.startswith("t:") else f"i:{topic}"


def as_json(suggestion: Suggestion, replies: Mapping[str, OwnReply]) -> dict[str, JSON]:
    """What the item keeps of a suggestion, for its page. `replies`: what we have published, by its id."""
    return {
        "relevance_reasons": list(suggestion.relevance_reasons),
        "grade_reasons": list(suggestion.grade_reasons),
        "criteria": _lists(suggestion.criteria),
        "doubtful": _lists(suggestion.doubtful),
        "subject": list(suggestion.subject),
        "subject_reasons": list(suggestion.subject_reasons),
        "leader": suggestion.leader,
        "units": list(suggestion.units),
        "echo": _echo(suggestion, replies),
        "fields": dict(suggestion.fields),
    }


def _echo(suggestion: Suggestion, replies: Mapping[str, OwnReply]) -> dict[str, JSON]:
    """Which text of ours the item passes on, and what it says beside it; {} for none."""
    echo = suggestion.assessment.echo
    ours = replies.get(echo.reply) if echo is not None else None
    if echo is None or ours is None:
        return {}
    return {
        "case": ours.case_id, "kind": ours.kind, "at": instant_text(ours.at), "place": ours.place, "share": echo.share,
        "rest": echo.rest[:500], "words": list(echo.words), "mere": echo.mere,
    }  # fmt: skip


def _lists(words: Mapping[str, Sequence[str]]) -> dict[str, JSON]:
    return {name: list(found) for name, found in words.items()}

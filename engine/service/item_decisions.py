"""What a person decides about one item: a case is opened of it, it is linked to one, it is none of our business. Each
decision is an entry of the journal; none removes anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select, update

from engine.domain.codec import JSON, instant_text, parse_instant
from engine.domain.commands import OpenCase
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection
from engine.readmodels.schema import cases

from . import items
from .application import Done
from .item_journal import Writing, decide
from .items import Item
from .items_tables import items as table
from .items_tables import topics

TELL_CASE: Final = "item_to_case"
"""Name of the task that adds a linked item to its case's material; see item_cases."""
REASON: Final = 1000
OPENING: Final = timedelta(seconds=60)
"""How long somebody who is about to open a case of an item keeps others from doing the same."""


def irrelevant(services: Any, actor: Actor, item_id: int, reason: str) -> Item | Rejection:
    """None of our business; the item stays, and may be taken up again."""
    return _decide(services, actor, item_id, reason, "MarkIrrelevant", "ItemIrrelevant", state="irrelevant")


def take_up(services: Any, actor: Actor, item_id: int, reason: str) -> Item | Rejection:
    """An item that was none of our business is new again."""
    return _decide(services, actor, item_id, reason, "TakeUpItem", "ItemTakenUp", state="new")


def link(
    services: Any, actor: Actor, item_id: int, case_id: str, reason: str, *, own_reply: bool = False
) -> Item | Rejection:
    """Puts the item to a case that is there, and to the case's topic, unless it is of another one. `own_reply`: it only
    echoes our own answer; it opens nothing and spreads nothing."""
    case_id = case_id.strip().upper()

    def change(writing: Writing) -> Item | Rejection:
        found = _open_to_decision(writing, item_id, reason)
        if isinstance(found, Rejection):
            return found
        if writing.conn.scalar(select(cases.c.case_id).where(cases.c.case_id == case_id)) is None:
            return _fault("case_id", "item.fault.no_case", {"case": case_id[:40]})
        topic = found.topic_id
        if topic is None:
            topic = writing.conn.scalar(select(topics.c.topic_id).where(topics.c.case_id == case_id))
        _set(writing, found, "linked", reason, case_id=case_id, own_reply=int(own_reply), topic_id=topic)
        writing.note("LinkItem", "ItemLinked", **_facts(found), case=case_id, own_reply=own_reply, reason=reason,
                     topic=topic)  # fmt: skip
        services.jobs.defer(writing.conn, TELL_CASE, {"item": item_id, "case": case_id, "actor": actor.user_id})
        return _again(writing, item_id)

    return decide(services, actor.user_id, change)


def open_case(services: Any, actor: Actor, item_id: int, command: OpenCase, command_id: str) -> Done | Rejection:
    """Opens a case of an item by the usual command, and links both. Nobody else opens one of it meanwhile.

    1. The item remembers the command that is about to open its case.
    2. The command is carried out.
    3. The item, and its topic, get the case. Where this program ends before it, `settle` does it later.
    """
    claimed = decide(services, actor.user_id, lambda writing: _claim(writing, services, item_id, command_id))
    if isinstance(claimed, Rejection):
        return claimed
    outcome: Done | Rejection = services.application.handle(command, actor, command_id=command_id)
    if isinstance(outcome, Rejection):
        decide(services, actor.user_id, lambda writing: _unclaim(writing, item_id, command_id))
        return outcome
    linked = decide(services, actor.user_id, lambda w: _opened(w, services, item_id, command_id, outcome.case_id))
    return linked if isinstance(linked, Rejection) else outcome


def settle(services: Any) -> int:
    """Links items whose case was opened by a program that ended before it could say so; returns how many."""
    horizon = instant_text(services.clock.now() - OPENING)
    with services.engine.connect() as conn:
        waiting = select(table.c.item_id, table.c.opening, table.c.opening_at).where(table.c.opening != "")
        left = [(row.item_id, row.opening) for row in conn.execute(waiting) if row.opening_at <= horizon]
    done = 0
    for item_id, command_id in left:
        recorded = services.application.recorded(command_id)
        by = command_id.partition(":")[0]
        if recorded is not None:
            decide(services, by, lambda w, i=item_id, c=command_id, r=recorded: _opened(w, services, i, c, r.case_id))  # type: ignore[misc]
            done += 1
        else:
            decide(services, by, lambda w, i=item_id, c=command_id: _unclaim(w, i, c))  # type: ignore[misc]
    return done


def _claim(writing: Writing, services: Any, item_id: int, command_id: str) -> Item | Rejection:
    row = writing.conn.execute(select(table).where(table.c.item_id == item_id).with_for_update()).first()
    if row is None:
        return Rejection("not_found", "item.unknown", {"item": item_id})
    if row.opening == command_id:
        return items.read(row)
    if row.state in ("opened", "linked"):
        return Rejection("conflict", "item.has_case", {"item": item_id, "case": row.case_id})
    if row.opening and parse_instant(row.opening_at) > writing.now - OPENING:
        return Rejection("conflict", "item.being_opened", {"item": item_id})
    topic = None
    if row.topic_id is not None:  # the topic's row is held, so that of two items of it one opens the case
        topic = writing.conn.execute(select(topics).where(topics.c.topic_id == row.topic_id).with_for_update()).one()
    if topic is not None and topic.case_id:
        return Rejection("conflict", "item.topic_has_case", {"topic": row.topic_id, "case": topic.case_id})
    if topic is not None and _other_opening(writing, row.topic_id, item_id):
        return Rejection("conflict", "item.being_opened", {"item": item_id})
    mine = update(table).where(table.c.item_id == item_id)
    writing.conn.execute(mine.values(opening=command_id, opening_at=instant_text(writing.now)))
    return items.read(row)


def _other_opening(writing: Writing, topic_id: int, item_id: int) -> bool:
    recent = table.c.opening_at > instant_text(writing.now - OPENING)
    others = select(table.c.item_id).where(table.c.topic_id == topic_id, table.c.item_id != item_id)
    return writing.conn.scalar(others.where(table.c.opening != "", recent).limit(1)) is not None


def _unclaim(writing: Writing, item_id: int, command_id: str) -> bool:
    mine = update(table).where(table.c.item_id == item_id, table.c.opening == command_id)
    return bool(writing.conn.execute(mine.values(opening="", opening_at="")).rowcount)


def _opened(writing: Writing, services: Any, item_id: int, command_id: str, case_id: str) -> Item | Rejection:
    item = items.get(writing.conn, item_id)
    assert item is not None
    if item.state == "opened" and item.case_id == case_id:
        return item
    _set(writing, item, "opened", "", case_id=case_id, opening="", opening_at="")
    others: list[int] = []
    if item.topic_id is not None:
        one = update(topics).where(topics.c.topic_id == item.topic_id, topics.c.case_id == "")
        writing.conn.execute(one.values(case_id=case_id))
        others = link_others(writing, services, item.topic_id, case_id)
    writing.note("OpenCaseOfItem", "ItemOpened", **_facts(item), case=case_id, topic=item.topic_id, by=command_id,
                 **({"linked": others} if others else {}))  # fmt: skip
    return _again(writing, item_id)


def link_others(writing: Writing, services: Any, topic_id: int, case_id: str) -> list[int]:
    """The other items of a topic that has just got its case become the case's material: a person has said of each that
    it is the same event. Returns their numbers."""
    of_topic = select(table).where(table.c.topic_id == topic_id, table.c.state == "new", table.c.case_id == "")
    others = [items.read(row) for row in writing.conn.execute(of_topic.order_by(table.c.item_id))]
    for other in others:
        _set(writing, other, "linked", "", case_id=case_id)
        job = {"item": other.item_id, "case": case_id, "actor": writing.actor}
        services.jobs.defer(writing.conn, TELL_CASE, job)
    return [other.item_id for other in others]


def _decide(
    services: Any, actor: Actor, item_id: int, reason: str, command: str, event: str, *, state: str
) -> Item | Rejection:
    def change(writing: Writing) -> Item | Rejection:
        found = _open_to_decision(writing, item_id, reason)
        if isinstance(found, Rejection):
            return found
        if (state == "new") != (found.state == "irrelevant"):
            return Rejection("conflict", "item.decided", {"item": item_id})
        _set(writing, found, state, reason)
        writing.note(command, event, **_facts(found), reason=reason)
        return _again(writing, item_id)

    return decide(services, actor.user_id, change)


def _open_to_decision(writing: Writing, item_id: int, reason: str) -> Item | Rejection:
    """The item, which has no case yet; its row is held. A decision needs a reason."""
    row = writing.conn.execute(select(table).where(table.c.item_id == item_id).with_for_update()).first()
    if row is None:
        return Rejection("not_found", "item.unknown", {"item": item_id})
    if not reason.strip():
        return _fault("reason", "form.required")
    if row.state in ("opened", "linked"):
        return Rejection("conflict", "item.has_case", {"item": item_id, "case": row.case_id})
    return items.read(row)


def _set(writing: Writing, item: Item, state: str, reason: str, **more: Any) -> None:
    now = instant_text(writing.now)
    values = {"state": state, "reason": reason.strip()[:REASON], "decided_by": writing.actor, "decided_at": now, **more}
    if item.signed_at is None:
        values["signed_at"] = now
    writing.conn.execute(update(table).where(table.c.item_id == item.item_id).values(**values))


def _facts(item: Item) -> Mapping[str, JSON]:
    """What an entry keeps of the item it is about: enough to prove what was decided on, and when it was known."""
    known = {name: getattr(item, name) for name in ("published_at", "captured_at", "discovered_at", "delivered_at")}
    told = {name: instant_text(at) for name, at in known.items() if at is not None}
    return {"item": item.item_id, "content": item.content_hash, "source": item.source_name, "url": item.url, **told}


def _again(writing: Writing, item_id: int) -> Item:
    found = items.get(writing.conn, item_id)
    assert found is not None
    return found


def _fault(path: str, key: str, params: Mapping[str, object] = {}) -> Rejection:
    return Rejection("invalid", "form.refused", {"count": 1}, (FieldFault(path, key, params),))

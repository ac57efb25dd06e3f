"""Corrections of an item's five instants: one person says what was wrong and why, a second one agrees. Statutory limits
count from these instants, so nobody moves one alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from engine.domain.codec import instant_text
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection
from engine.readmodels.page import instant

from . import item_fields, items
from .item_journal import Writing, decide
from .items_tables import INSTANTS, item_instant_edits
from .items_tables import items as table


@dataclass(frozen=True, slots=True)
class Edit:
    """A correction; `state`: proposed, accepted, refused."""

    edit_id: int
    item_id: int
    instant: str
    old: datetime | None
    new: datetime | None
    reason: str
    proposed_by: str
    proposed_at: datetime | None
    state: str
    decided_by: str
    decided_at: datetime | None


def of_item(conn: Connection, item_id: int) -> tuple[Edit, ...]:
    """All corrections of an item, newest first."""
    of = select(item_instant_edits).where(item_instant_edits.c.item_id == item_id)
    rows = conn.execute(of.order_by(item_instant_edits.c.edit_id.desc()))
    return tuple(
        Edit(
            row.edit_id, row.item_id, row.instant, instant(row.old), instant(row.new), row.reason, row.proposed_by,
            instant(row.proposed_at), row.state, row.decided_by, instant(row.decided_at),
        )
        for row in rows
    )  # fmt: skip


def propose(services: Any, actor: Actor, item_id: int, name: str, new: str, reason: str) -> int | Rejection:
    """Asks for another instant; returns the number of the correction. One at a time and instant."""

    def change(writing: Writing) -> int | Rejection:
        item = items.get(writing.conn, item_id)
        if item is None:
            return Rejection("not_found", "item.unknown", {"item": item_id})
        wanted, fault = _read(name, new, reason, writing.now)
        if fault is not None:
            return Rejection("invalid", "form.refused", {"count": 1}, (fault,))
        same = item_instant_edits.c.item_id == item_id, item_instant_edits.c.instant == name
        waits = select(item_instant_edits.c.edit_id).where(*same, item_instant_edits.c.state == "proposed")
        if writing.conn.scalar(waits) is not None:
            return Rejection("conflict", "item.edit.waits", {"item": item_id})
        old = getattr(item, name)
        row = {
            "item_id": item_id, "instant": name, "old": "" if old is None else instant_text(old), "new": wanted,
            "reason": reason.strip()[:1000], "proposed_by": actor.user_id, "proposed_at": instant_text(writing.now),
            "state": "proposed", "decided_by": "", "decided_at": "",
        }  # fmt: skip
        edit: int = writing.conn.execute(
            insert(item_instant_edits).values(**row).returning(item_instant_edits.c.edit_id)
        ).scalar_one()
        writing.note("ProposeInstant", "InstantProposed", item=item_id, instant=name, old=row["old"], new=wanted,
                     reason=row["reason"], edit=edit)  # fmt: skip
        return edit

    return decide(services, actor.user_id, change)


def answer(services: Any, actor: Actor, edit_id: int, accept: bool) -> Edit | Rejection:
    """A second person agrees, and the item has the new instant; or does not, and it stays as it was."""

    def change(writing: Writing) -> Edit | Rejection:
        wanted = select(item_instant_edits).where(item_instant_edits.c.edit_id == edit_id)
        row = writing.conn.execute(wanted.with_for_update()).first()
        if row is None:
            return Rejection("not_found", "item.edit.unknown")
        if row.state != "proposed":
            return Rejection("conflict", "item.edit.answered", {"item": row.item_id})
        if row.proposed_by == actor.user_id:
            return Rejection("forbidden", "item.edit.own")
        state = "accepted" if accept else "refused"
        done = {"state": state, "decided_by": actor.user_id, "decided_at": instant_text(writing.now)}
        mine = item_instant_edits.c.edit_id == edit_id
        writing.conn.execute(update(item_instant_edits).where(mine).values(**done))
        if accept:
            writing.conn.execute(update(table).where(table.c.item_id == row.item_id).values(**{row.instant: row.new}))
        writing.note("AnswerInstant", "InstantChanged" if accept else "InstantKept", item=row.item_id, edit=edit_id,
                     instant=row.instant, old=row.old, new=row.new, proposed_by=row.proposed_by)  # fmt: skip
        return next(one for one in of_item(writing.conn, row.item_id) if one.edit_id == edit_id)

    return decide(services, actor.user_id, change)


def _read(name: str, new: str, reason: str, now: datetime) -> tuple[str, FieldFault | None]:
    if name not in INSTANTS:
        return "", FieldFault("instant", "form.required")
    if not reason.strip():
        return "", FieldFault("reason", "form.required")
    try:
        at = item_fields.instant(new)
    except (ValueError, OverflowError):
        return "", FieldFault("new", "item.fault.instant")
    if at is None and name != "published_at" and name != "captured_at":
        return "", FieldFault("new", "form.required")
    if at is not None and at > now:
        return "", FieldFault("new", "item.fault.future")
    return ("" if at is None else instant_text(at)), None

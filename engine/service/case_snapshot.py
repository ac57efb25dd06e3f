"""Reading the live state of a case between commands: what a form or a diagram needs and no read model holds."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from sqlalchemy import Connection

from engine.domain.access import ACTIONS
from engine.domain.organisation import Actor
from engine.journal.entry import StoredEntry
from engine.kernel.case import Case
from engine.readmodels import cases

T = TypeVar("T")


def sees_all(actor: Actor) -> bool:
    """Whether the person may read every case by role."""
    return bool(actor.acting_roles & ACTIONS["view_all_cases"])


def sees(conn: Connection, case_id: str, actor: Actor) -> bool:
    """Whether the person may read this case (R71: need to know). False also when there is no such case."""
    if not actor.acting_roles & ACTIONS["view_case"]:
        return False
    if sees_all(actor):
        return cases.get(conn, case_id) is not None
    return cases.visible(conn, case_id, actor.groups)


def seen_of(conn: Connection, case_ids: Collection[str], actor: Actor) -> set[str]:
    """Those of a page's cases that the person may read, as `sees`, in one statement."""
    if not actor.acting_roles & ACTIONS["view_case"]:
        return set()
    if sees_all(actor):
        return set(cases.several(conn, case_ids))
    return cases.visible_of(conn, case_ids, actor.groups)


def of_case(services: Any, case_id: str, read: Callable[[Connection, Case], T]) -> T | None:
    """What `read` takes from the case as it stands after its last entry; None when there is no such case.

    `read` must copy: the case moves on with the next command. Nothing is written and no timer fired here.
    """
    live = services.application.live
    with live.lock(case_id), services.journal.reading() as tx:
        head = tx.head(case_id)
        if head is None or case_id.startswith("_"):
            return None
        case: Case = live.get(tx, case_id, head.seq)
        try:
            return read(tx.connection, case)
        finally:
            live.put(case_id, case)


def entries(services: Any, case_id: str) -> tuple[StoredEntry, ...]:
    """The case's journal in order, () for an unknown case. Requires that the caller asked who may read it."""
    with services.journal.reading() as tx:
        return () if case_id.startswith("_") else tuple(tx.read(case_id))

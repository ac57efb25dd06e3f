"""The start page (首页): what needs me, what is major, which limits run, what was broken today."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, render_template
from sqlalchemy import Connection

from engine.domain.access import may
from engine.domain.calendar import start_of_day
from engine.domain.codec import JSON
from engine.readmodels import cases, clocks, inbox, today
from engine.service import case_snapshot, promises
from engine.service.bundle_draft_tables import APPROVED, PROPOSED
from engine.service.bundle_drafts import Draft

from .clocks import named
from .guards import current_actor, reading, requires, services
from .names import Names
from .wall import new_today

blueprint = Blueprint("dashboard", __name__)

MOST: Final = 6
"""Lines of each list; the rest is one click away."""
MAJOR: Final = "major_negative"
VIEWS: Final[tuple[inbox.View, ...]] = ("mine", "unit", "role")


@blueprint.get("/start")
@requires("view_case")
def index() -> str:
    actor, now = current_actor(), services().clock.now()
    since = start_of_day(now)
    seen: dict[str, Any] = {"groups": actor.groups, "all_cases": case_snapshot.sees_all(actor)}
    drafts = _drafts()
    board = bool(may(actor, "view_clocks_board"))
    with reading() as conn:
        majors = cases.list_cases(conn, status="open", grade=MAJOR, order="opened", per_page=MOST, **seen)
        pressing = clocks.running(conn, now=now, per_page=MOST, **seen).rows if board else ()
        broken = today.breaches(conn, since=since, most=MOST, **seen)
        shown: dict[str, Any] = {
            "mine": _mine(conn) if may(actor, "view_inbox") else None,
            "numbers": today.numbers(conn, since=since, **seen),
            "limits": clocks.counts(conn, now=now, **seen),
            "pressing": pressing if board else None,
            "majors": majors,
            "new": new_today(majors.rows, now),
            "broken": broken,
            "drafts": drafts,
            "promises": _promises(conn),
            "stuck": today.stuck(conn, most=MOST, **seen) if may(actor, "resolve_incident") else (),
        }
        units = {f"unit:{one.unit}" for one in broken if one.unit}
        names = named(Names(conn), pressing).load({one.proposed_by for one in drafts}, units)
    return render_template("dashboard/index.html", at=now, names=names, major=MAJOR, **shown)


def _promises(conn: Connection) -> int:
    """Overdue promises (R53), for who sees the register of all cases."""
    actor = current_actor()
    if not (may(actor, "view_registers") and may(actor, "view_all_cases")):
        return 0
    return promises.count_overdue(conn, promises.today(services().clock.now()))


def _drafts() -> list[Draft]:
    """Changes of the process that wait for this person: to be approved, or approved and to be deployed."""
    actor = current_actor()
    approves, deploys = bool(may(actor, "approve_bundle")), bool(may(actor, "deploy_bundle"))
    if not (approves or deploys):
        return []
    return [
        one
        for one in services().bundle_drafts.all()
        if (one.state == PROPOSED and approves and one.proposed_by != actor.user_id)
        or (one.state == APPROVED and deploys)
    ]


def _mine(conn: Connection) -> dict[str, JSON]:
    """Badges, and the most pressing tasks: mine first, then those that my unit and my roles may take."""
    actor, now = current_actor(), services().clock.now()
    asked: dict[str, Any] = {"groups": actor.groups, "user_id": actor.user_id, "now": now}
    found: dict[tuple[str, str], inbox.InboxRow] = {}
    for view in VIEWS:
        if len(found) < MOST:
            rows = inbox.list_tasks(conn, view=view, per_page=MOST, **asked).rows
            found |= {(row.case_id, row.task): row for row in rows if (row.case_id, row.task) not in found}
    return {"counts": inbox.counts(conn, **asked), "tasks": list(found.values())[:MOST]}

"""What the pages of one case share: who may look, its head, what may be done with it, its diagram."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import abort, url_for
from sqlalchemy import Connection

from engine.domain.access import CaseScope, may
from engine.domain.codec import instant_text
from engine.readmodels import cases, clocks, dossier
from engine.service import package_import, task_forces
from engine.service.case_view import Diagram
from engine.service.register_records import Record

from .catalogue import t
from .guards import current_actor, require, services
from .names import Names

TABS: Final = ("show", "timeline", "papers", "people")
MARKS: Final = frozenset({"running", "waiting", "completed", "overdue", "soon", "incident"})
"""Marks that assets/diagram.js draws; a cancelled visit is only told in words."""
PRESSING: Final = ("incident", "overdue", "soon", "waiting")


@dataclass(frozen=True, slots=True)
class Head:
    """On top of every page of a case. `buttons`: messages that this person may send. `unread`: a copy to him is.

    `imported`: where a case came from that was not opened here; nothing can be done with it. `task_forces`: those at
    work on it (R64)."""

    case: cases.CaseRow
    limits: tuple[clocks.LimitRow, ...]
    buttons: tuple[dossier.MessageRow, ...]
    incidents: tuple[dossier.IncidentRow, ...]
    unread: bool
    may_resolve: bool
    may_comment: bool
    may_copy: bool
    may_attach: bool
    imported: package_import.Origin | None = None
    task_forces: tuple[Record, ...] = ()

    @property
    def open_limits(self) -> tuple[clocks.LimitRow, ...]:
        return tuple(limit for limit in self.limits if limit.running)


def visible(conn: Connection, case_id: str) -> cases.CaseRow:
    """The case, or the end of the request: 404 for one that the person may not see, and the refusal is recorded."""
    require("view_case", CaseScope(dossier.groups_of(conn, case_id)))
    row = cases.get(conn, case_id)
    if row is None:
        abort(404)
    return row


def head(conn: Connection, case_id: str) -> Head:
    """The head of a case that the signed-in person may see; else the request ends."""
    row, actor = visible(conn, case_id), current_actor()
    works = bool(may(actor, "work_task"))
    holds = any(
        task.assignee == actor.user_id or not actor.groups.isdisjoint(task.candidates)
        for task in dossier.tasks_of(conn, case_id, open_only=True)
    )
    oversees = bool(may(actor, "view_all_cases")) or row.opened_by == actor.user_id
    buttons = dossier.messages_awaited_of(conn, case_id, actor.groups) if may(actor, "send_message") else ()
    return Head(
        row,
        clocks.for_case(conn, case_id),
        tuple({button.message: button for button in buttons}.values()),
        dossier.incidents_of(conn, case_id),
        works and _unread(conn, case_id),
        bool(may(actor, "resolve_incident")),
        bool(may(actor, "comment")),
        bool(may(actor, "copy_case")) and (holds or oversees),
        bool(may(actor, "attach_file")),
        package_import.origin_of(conn, case_id),
        task_forces.active_of(conn, case_id, services().clock.now()),
    )


def _unread(conn: Connection, case_id: str) -> bool:
    actor = current_actor()
    mine = [copy for copy in dossier.copies_of(conn, case_id) if copy.grp in actor.groups]
    last = max((copy.at for copy in mine if copy.at), default=None)
    read = next((read.read_at for read in dossier.reads_of(conn, case_id) if read.user_id == actor.user_id), None)
    return last is not None and (read is None or read < last)


def names_for(conn: Connection, limits: Iterable[clocks.LimitRow], tasks: Iterable[dossier.TaskRow]) -> Names:
    """Names of everybody who has or may take one of `tasks`, and of the units of both."""
    groups = {group for task in tasks for group in task.candidates} | {g for limit in limits for g in limit.responsible}
    units = {limit.unit for limit in limits} | {task.unit for task in tasks}
    groups |= {f"unit:{unit}" for unit in units if unit}
    return Names(conn).load({login for task in tasks for login in (task.assignee, task.owner)}, groups)


def chosen(diagrams: Sequence[Diagram], scope: str | None) -> Diagram | None:
    """The diagram asked for; else the one with the most pressing work in it; else the first."""
    if scope is not None:
        return next((one for one in diagrams if one.scope == scope), None)

    def pressing(one: Diagram) -> int:
        states = {mark.state for mark in one.elements.values()}
        return next((place for place, state in enumerate(PRESSING) if state in states), len(PRESSING))

    return min(diagrams, key=pressing, default=None)


def crumbs(diagrams: Sequence[Diagram], shown: Diagram) -> list[Diagram]:
    """From the case's own process down to the one shown."""
    by_scope = {one.scope: one for one in diagrams}
    path = [shown]
    while path[0].scope:
        path.insert(0, by_scope[path[0].parent])
    return path


def drawing(
    case_id: str, shown: Diagram, limits: Iterable[clocks.LimitRow], names: Names, now: datetime
) -> Mapping[str, Any]:
    """What assets/diagram.js reads: the XML, marks, notes, lines about elements, links to called processes.

    A running limit counts down above the activity that has to end in time.
    """
    marks: dict[str, list[str]] = {flow: ["completed"] for flow in shown.flows}
    due = {element: mark.due for element, mark in shown.elements.items() if mark.due is not None and mark.active}
    about: dict[str, str] = {}
    for limit in limits:
        if limit.running and limit.scope == shown.scope:
            element = limit.host.rpartition("/")[2].partition("#")[0]
            due[element] = min(limit.deadline, due.get(element, limit.deadline))
    for element, mark in shown.elements.items():
        if mark.state in MARKS:
            late = mark.active and element in due and due[element] <= now
            marks[element] = ["overdue" if late and mark.state != "incident" else mark.state]
        said = _about(mark.who, mark.visits, mark.state, names)
        if said:
            about[element] = said
    links = {
        element: url_for("cases.show", case_id=case_id, scope=scopes[-1], _anchor="diagram")
        for element, scopes in shown.calls.items()
    }
    notes = [{"element": element, "due": instant_text(at)} for element, at in due.items()]
    return {"xml": shown.xml, "name": shown.name, "marks": marks, "notes": notes, "about": about, "links": links}


def _about(who: Sequence[str], visits: int, state: str, names: Names) -> str:
    said = []
    if who:
        said.append(t("case.diagram.with", who="、".join(names.group(group) for group in who)))
    if visits > 1:
        said.append(t("case.diagram.visits", count=visits))
    if state == "cancelled":
        said.append(t("case.diagram.cancelled"))
    return " · ".join(said)

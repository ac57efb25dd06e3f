"""What a page needs to show a form of a case: the form as deployed, and only the data that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from engine.definitions.bundle import Bundle
from engine.definitions.forms import Form
from engine.domain.access import ACTIONS
from engine.domain.codec import JSON
from engine.domain.organisation import AUDITOR, Actor
from engine.domain.rejection import Rejection
from engine.kernel.case import Case
from engine.readmodels import dossier

from . import case_facts, case_snapshot
from .authorise import OVERSEERS, keeps_off
from .case_diagram import Diagram, Mark, diagram
from .case_facts import CaseData, Fact, case_data
from .case_snapshot import sees
from .options import options

__all__ = [
    "CaseData",
    "Diagram",
    "Fact",
    "FormView",
    "Mark",
    "TaskView",
    "case_data",
    "diagram",
    "message_view",
    "sees",
    "start_view",
    "task_view",
]


SEES_EVERY_TASK: Final = OVERSEERS | {AUDITOR}


@dataclass(frozen=True, slots=True)
class TaskView:
    """An open task with its form. `schema`: the `.form` file as it says, None for a task without one.

    `data`: what the viewer starts from: case fields that the form reads, a delegate's proposal over them, options.
    `process`: its name for people. `bundle`: version the case runs on. `may_work`: else it is shown, not asked.
    `kept_off`: why somebody who would work on it may not, as a catalogue key (R38).
    `written`: everything written in the case so far, where it was asked for.
    """

    task: dossier.TaskRow
    schema: Mapping[str, JSON] | None
    data: Mapping[str, JSON]
    process: str
    bundle: str
    may_work: bool
    written: CaseData | None = None
    kept_off: str = ""


@dataclass(frozen=True, slots=True)
class FormView:
    """A form that belongs to no task: it opens a case or goes with a message. `label`: words on its button."""

    form: str
    schema: Mapping[str, JSON] | None
    data: Mapping[str, JSON]
    label: str
    process: str
    bundle: str


def task_view(
    services: Any, case_id: str, task_name: str, actor: Actor, *, written: bool = False
) -> TaskView | Rejection:
    """The open task with its form. `written`: with what is written in the case, in the same look at it.

    Rejections: not_found for a case the actor may not see; conflict when the task is no longer open; forbidden when
    the task is not his: he is none of candidate, holder, owner, asked co-signer, head of its unit or overseer.
    The auditor sees every task and works on none, whatever a diagram says of its candidates.
    """

    def read(conn: Connection, case: Case) -> TaskView | Rejection:
        if not sees(conn, case_id, actor):
            return _unknown(case_id)
        row, open_task = dossier.task(conn, case_id, task_name), case.tasks.get(task_name)
        if row is None or open_task is None:
            return Rejection("conflict", "task.gone", {"task": task_name})
        signers = {sign.user_id for sign in dossier.cosigns_of(conn, case_id, task_name) if sign.state != "cancelled"}
        works = _works_on(row, actor)
        if not works and not _oversees(row, actor) and signers.isdisjoint({actor.user_id, *actor.substitutes_for}):
            return Rejection("forbidden", "access.not_your_task")
        kept_off = keeps_off(case, open_task, actor.groups) if works else ""
        form = case.bundle.forms.get(row.form)
        known = {**case.variables(open_task.token.scope), **(row.proposed or {})}
        return TaskView(
            row,
            None if form is None else form.schema,
            {} if form is None else form_data(conn, case.bundle, form, known),
            _process_name(case.bundle, row.process),
            case.bundle.version,
            works and not kept_off,
            case_facts.written(conn, case, case_id) if written else None,
            kept_off,
        )

    return case_snapshot.of_case(services, case_id, read) or _unknown(case_id)


def message_view(services: Any, case_id: str, message: str, actor: Actor) -> FormView | Rejection:
    """The form of a message that the case waits for and this person may send.

    Rejections: not_found, conflict when nothing waits for it any more, forbidden.
    """

    def read(conn: Connection, case: Case) -> FormView | Rejection:
        if not sees(conn, case_id, actor):
            return _unknown(case_id)
        waiting = [row for row in dossier.messages_awaited_of(conn, case_id) if row.message == message]
        live = [case.messages[row.task] for row in waiting if row.task in case.messages]
        if not live:
            return Rejection("conflict", "message.not_awaited", {"message": message})
        mine = [row for row in waiting if not actor.groups.isdisjoint(row.candidates)]
        if not mine:
            return Rejection("forbidden", "access.not_your_message")
        form = case.bundle.forms.get(mine[0].form)
        known = dict(case.variables(live[0].token.scope))
        return FormView(
            mine[0].form,
            None if form is None else form.schema,
            {} if form is None else form_data(conn, case.bundle, form, known),
            mine[0].label or message,
            _process_name(case.bundle, case.process),
            case.bundle.version,
        )

    return case_snapshot.of_case(services, case_id, read) or _unknown(case_id)


def start_view(services: Any, process: str) -> FormView | Rejection:
    """The form that opens a case of `process` on the live bundle; `schema` None when it needs none.

    Rejections: conflict when nothing is deployed, not_found for an unknown process.
    """
    try:
        bundle: Bundle = services.deployments.bundle()
    except KeyError:
        return Rejection("conflict", "bundle.none_deployed")
    if process not in bundle.processes:
        return Rejection("not_found", "process.unknown", {"process": process})
    form = bundle.forms.get(bundle.start_form(process))
    name = _process_name(bundle, process)
    if form is None:
        return FormView("", None, {}, name, name, bundle.version)
    with services.engine.connect() as conn:
        data = form_data(conn, bundle, form, bundle.parameters)
    return FormView(form.id, form.schema, data, name, name, bundle.version)


def start_processes(services: Any) -> tuple[tuple[str, str], ...]:
    """(id, name) of the processes of the live bundle that a person may open a case of; () when none is deployed."""
    try:
        bundle: Bundle = services.deployments.bundle()
    except KeyError:
        return ()
    return tuple((ident, _process_name(bundle, ident)) for ident in bundle.regulation.get("start_forms", {}))


def form_data(conn: Connection, bundle: Bundle, form: Form, known: Mapping[str, JSON]) -> dict[str, JSON]:
    """What `form` shows at first of case data and the lists to choose from. Nothing else leaves the server."""
    return dict(form.initial({**options(conn, bundle), **known}))


def _works_on(row: dossier.TaskRow, actor: Actor) -> bool:
    if not actor.acting_roles & ACTIONS["work_task"]:
        return False
    if row.assignee:
        return f"user:{row.assignee}" in actor.groups or row.assignee == actor.user_id
    return not actor.groups.isdisjoint(row.candidates)


def _oversees(row: dossier.TaskRow, actor: Actor) -> bool:
    involved = row.owner == actor.user_id or not actor.groups.isdisjoint(row.candidates)
    return (
        involved or bool(actor.acting_roles & SEES_EVERY_TASK) or bool(row.unit and f"head:{row.unit}" in actor.groups)
    )


def _process_name(bundle: Bundle, ident: str) -> str:
    process = bundle.processes.get(ident)
    return ident if process is None else process.name or ident


def _unknown(case_id: str) -> Rejection:
    return Rejection("not_found", "case.unknown", {"case": case_id})

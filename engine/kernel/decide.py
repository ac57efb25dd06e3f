"""decide(case, command): what a command causes, or why it is refused. The only thing that drives a `Case`.

A rejection leaves the case untouched. A fault (`KernelFault`) leaves it half-changed: the caller throws it away,
rebuilds it and records `incident(...)` instead.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine import feel
from engine.definitions.forms import FileFact, Form, merged
from engine.definitions.model import Process
from engine.domain import commands as cmd
from engine.domain import events as ev
from engine.domain.codec import JSON, instant_text, parse_instant
from engine.domain.commands import Command
from engine.domain.events import Event
from engine.domain.rejection import FieldFault, Rejection

from . import human, limits
from .case import Case
from .faults import KernelFault
from .throwing import start_pool, throw_error, throw_escalation, throw_signal
from .timers import passed_rounds

FUTURE_TOLERANCE = timedelta(minutes=5)
"""Clocks of a browser and the server differ; an instant further ahead than this is a typing error."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Who asks, when, and the bound on the turn's wall time. `at`: aware UTC, not before the case's last entry."""

    at: datetime
    actor: str
    on_behalf_of: str = ""
    expired: Callable[[], bool] | None = None


def decide(case: Case, command: Command, turn: Turn) -> tuple[Event, ...] | Rejection:
    """The events that `command` causes at `turn`, with `case` moved on; or a Rejection.

    Raises KernelFault when a guard is crossed or the diagram can't go on.
    """
    case.at = turn.at
    case.actor = turn.actor
    case.events = []
    case.steps = []
    case.guards.begin(turn.expired)
    if case.status == "closed" and not isinstance(
        command, cmd.AddComment | cmd.CopyCase | cmd.AcknowledgeCopy | cmd.AttachFile
    ):
        return Rejection("conflict", "case.closed", {"case": case.case_id})
    refusal = HANDLERS[type(command)](case, command, turn)
    if refusal is not None:
        return refusal
    case.last_at = turn.at
    return tuple(case.events)


def _open(case: Case, command: cmd.OpenCase, turn: Turn) -> Rejection | None:
    bundle = case.bundle
    process = bundle.processes.get(command.process)
    if process is None:
        return Rejection("not_found", "process.unknown", {"process": command.process})
    start = _start(process, command.start)
    if isinstance(start, Rejection):
        return start
    form_id = bundle.start_form(command.process)
    values: Mapping[str, JSON] = command.values
    if form_id and form_id in bundle.forms:
        checked = check_form(case, bundle.forms[form_id], command, {})
        if isinstance(checked, Rejection):
            return checked
        values = checked
    future = [
        FieldFault(name, "instant.future", {"latest": instant_text(turn.at)}, name)
        for name in sorted(anchors(case))
        if _in_future(values.get(name), turn.at)
    ]
    if future:
        return Rejection("invalid", "form.refused", {}, tuple(future))
    title = str(values.get("title") or process.name or process.id)
    case.emit(ev.CaseOpened(command.process, bundle.version, title[:200], turn.actor))
    case.write(
        {
            **bundle.parameters,
            "case_id": case.case_id,
            "opened_at": instant_text(turn.at),
            "opened_by": turn.actor,
            **values,
        },
        "",
        form_id or command.process,
    )
    _files(case, command.files, values, turn, "")
    case.workflow.begin(start)
    case.run()
    return None


def _start(process: Process, wanted: str) -> str | Rejection:
    """The start event that a case begins at, "" for the process's own entries (BPMN 10.5.2: each start event is a way
    of its own to begin). Refused when there is a choice and none was made."""
    starts = [n.id for n in process.nodes.values() if n.kind == "startEvent"]
    if wanted:
        return wanted if wanted in starts else Rejection("invalid", "process.start_unknown", {"start": wanted})
    if process.entries or len(starts) == 1:
        return "" if process.entries else starts[0]
    return Rejection("invalid", "process.start_choice", {"starts": ", ".join(starts)})


def anchors(case: Case) -> set[str]:
    """Fields that some limit of the bundle is anchored to."""
    return {
        node.properties["anchor"]
        for process in case.bundle.processes.values()
        for _, node in process.walk()
        if node.properties.get("anchor")
    }


def _in_future(value: JSON, now: datetime) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return parse_instant(value) > now + FUTURE_TOLERANCE
    except ValueError:
        return False


def check_form(
    case: Case, form: Form, command: cmd.OpenCase | cmd.SubmitTask | cmd.SendMessage, data: Mapping[str, JSON]
) -> Mapping[str, JSON] | Rejection:
    """The clean values of a submission, or the Rejection that names each refused field."""
    env = feel.Environment(now=case.at, calendar=case.bundle.calendar)
    stored = {reference: [FileFact(**fact) for fact in facts] for reference, facts in command.files.items()}
    known = ChainMap(dict(command.options), dict(data)) if command.options else data
    result = form.check(command.values, known, env, files=stored)
    if result.errors:
        faults = tuple(FieldFault(e.path, e.key, e.params, e.label) for e in result.errors)
        return Rejection("invalid", "form.refused", {"form": form.id, "count": len(faults)}, faults)
    before = {name: data[name] for name in result.values if name in data}
    return merged(before, result)


def form_of(case: Case, command: cmd.SubmitTask | cmd.SendMessage) -> str:
    """Id of the form that a command fills in; "" when it needs none or what it is for is gone."""
    if isinstance(command, cmd.SubmitTask):
        task = case.tasks.get(command.task)
        return task.node.form if task is not None else ""
    waiting = next((w for w in case.messages.values() if w.node.event.name == command.name), None)
    return waiting.node.properties.get("form", "") if waiting is not None else ""


def _files(case: Case, files: Mapping[str, Any], values: Mapping[str, JSON], turn: Turn, task: str) -> None:
    """Records the files of a submission with the data path at which each now stands in its values."""
    places = dict(_file_places(values, ""))
    for reference in sorted(files):
        for fact in files[reference]:
            if fact["id"] in places:
                case.emit(ev.FileAttached(dict(fact), turn.actor, "", task, places[fact["id"]]))


def _file_places(value: JSON, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if "sha256" in value and isinstance(value.get("id"), str):
            yield value["id"], path.rpartition(".")[0]
        for name, inner in value.items():
            yield from _file_places(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _file_places(inner, f"{path}.{number}")


def _submit(case: Case, command: cmd.SubmitTask, turn: Turn) -> Rejection | None:
    task = case.tasks.get(command.task)
    if task is None:
        return Rejection("conflict", "task.gone", {"task": command.task})
    refusal = human.may_act(task, turn)
    if refusal is not None:
        return refusal
    values: Mapping[str, JSON] = command.values if case.program.played else {}
    if task.node.form in case.bundle.forms:
        checked = check_form(case, case.bundle.forms[task.node.form], command, case.variables(task.token.scope))
        if isinstance(checked, Rejection):
            return checked
        values = checked
    if task.owner and task.owner != turn.actor and task.owner != turn.on_behalf_of:
        human.resolve(case, task, values, turn)
        return None
    pending = sorted(user for user, answer in task.cosigns.items() if not answer)
    if pending:
        return Rejection("conflict", "task.cosign_pending", {"users": ", ".join(pending)})
    del case.tasks[command.task]
    case.emit(ev.TaskCompleted(task.name, turn.actor, task.node.id, task.node.form))
    _files(case, command.files, values, turn, task.name)
    case.write(values, task.token.scope, task.name)
    task.token.run()
    case.run()
    return None


def _message(case: Case, command: cmd.SendMessage, turn: Turn) -> Rejection | None:
    waiting = [w for w in case.messages.values() if w.accepts(command.name, command.key)]
    begins = case.program.started_by(case.process, "message", command.name)
    if begins and case.program.played and not waiting:
        case.emit(ev.MessageReceived(command.name, turn.actor, 1))
        case.write(command.values, "", begins[0][1])
        start_pool(case, command.name, command.key)
        case.run()
        return None
    if not waiting:
        return Rejection("conflict", "message.not_awaited", {"message": command.name})
    form = waiting[0].node.properties.get("form", "")
    values: Mapping[str, JSON] = command.values if case.program.played else {}
    if form in case.bundle.forms:
        checked = check_form(case, case.bundle.forms[form], command, case.variables(waiting[0].token.scope))
        if isinstance(checked, Rejection):
            return checked
        values = checked
    elif command.values and not case.program.played:
        return Rejection("invalid", "message.no_form", {"message": command.name})
    case.emit(ev.MessageReceived(command.name, turn.actor, len(waiting)))
    _files(case, command.files, values, turn, "")
    for scope in dict.fromkeys(w.token.scope for w in waiting):
        case.write(values, scope, waiting[0].node.shown)
    for target in waiting:
        if target.token.alive:
            case.trigger(target.token)
    case.run()
    return None


def _signal(case: Case, command: cmd.SendSignal, turn: Turn) -> Rejection | None:
    throw_signal(case, command.name, "")
    case.run()
    return None


def _fail(case: Case, command: cmd.FailTask, turn: Turn) -> Rejection | None:
    task = case.tasks.get(command.task)
    if task is None or not case.program.played:
        return Rejection("conflict", "task.gone", {"task": command.task})
    if command.escalation:
        throw_escalation(task.token, command.code, own=True)
    else:
        throw_error(task.token, command.code, own=True)
    case.run()
    return None


def _fire(case: Case, command: cmd.FireTimer, turn: Turn) -> Rejection | None:
    timer = case.timers.get(command.timer)
    if timer is None:
        return Rejection("not_found", "timer.gone", {"timer": command.timer})
    if timer.due > turn.at:
        return Rejection("conflict", "timer.early", {"timer": command.timer, "due": instant_text(timer.due)})
    if not 0 <= command.missed <= passed_rounds(timer, turn.at):
        return Rejection("conflict", "timer.not_missed", {"timer": command.timer, "missed": command.missed})
    limits.fire(case, timer, command.missed, command.cause)
    case.run()
    return None


def next_due(case: Case, now: datetime) -> str | None:
    """The armed timer that is due first at or before `now`; ties by name, so that every machine picks the same."""
    due = [t for t in case.timers.values() if t.due <= now and t.id not in case.stuck]
    return min(due, key=lambda t: (t.due, t.id)).id if due else None


def missed(case: Case, timer: str, now: datetime) -> int:
    """Rounds of a due timer that have passed besides the one that is due; 0 for one that does not repeat."""
    return passed_rounds(case.timers[timer], now)


def incident(case: Case, fault: KernelFault, command: Command, turn: Turn) -> tuple[Event, ...]:
    """Records a fault on a freshly rebuilt case: an incident, nothing else changed. A timer that can't fire is kept
    from firing again until somebody resolves the incident."""
    case.at = turn.at
    case.incident_count += 1
    case.incidents[case.incident_count] = fault.key
    timer = command.timer if isinstance(command, cmd.FireTimer) else ""
    if timer:
        case.stuck[timer] = case.incident_count
    case.last_at = turn.at
    return (ev.IncidentRaised(case.incident_count, fault.element, fault.key, fault.details, timer),)


def _resolve_incident(case: Case, command: cmd.ResolveIncident, turn: Turn) -> Rejection | None:
    if command.incident not in case.incidents:
        return Rejection("not_found", "incident.unknown", {"incident": command.incident})
    if not command.reason.strip():
        return Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))
    del case.incidents[command.incident]
    case.stuck = {timer: number for timer, number in case.stuck.items() if number != command.incident}
    case.emit(ev.IncidentResolved(command.incident, turn.actor, command.reason))
    return None


HANDLERS: dict[type[Any], Callable[[Case, Any, Turn], Rejection | None]] = {
    cmd.OpenCase: _open,
    cmd.SubmitTask: _submit,
    cmd.SendMessage: _message,
    cmd.SendSignal: _signal,
    cmd.FailTask: _fail,
    cmd.FireTimer: _fire,
    cmd.ResolveIncident: _resolve_incident,
    **human.HANDLERS,
}

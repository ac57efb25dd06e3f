"""迁移: a running case goes on on another version of its bundle, as if it had been opened on it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

from engine.domain import events as ev
from engine.domain.codec import instant_text
from engine.domain.commands import MigrateCase
from engine.domain.events import Event
from engine.domain.rejection import FieldFault, Rejection

from .case import Case
from .crossing import awaited, created, crossing
from .limits import LimitRecord, armed_again
from .record import Entry, Loader
from .rerun import Stuck, rerun

if TYPE_CHECKING:
    from .decide import Turn

CAUSE = "migrated"
LATE_BY_MIGRATION = "limit.cause.migrated"
"""Cause of a limit that is shorter on the new version and had run out by then."""


def migrated(
    case: Case, entries: Sequence[Entry], load: Loader, command: MigrateCase, turn: Turn
) -> tuple[Case, tuple[Event, ...]] | Rejection:
    """The case on the other version, and the events that lead there. `entries`: all of its record so far.

    Limits keep their anchors: a running one is armed anew with the new version's deadline, or is broken at once when
    that has passed. Limits that have ended stay on record as they ran.
    Rejections: invalid without a reason; not_found for an unknown version; conflict for a closed case, the version
    that it runs on, a record that the new version can't follow (with the entry), or one that would have ended there.
    """
    if not command.reason.strip():
        return Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))
    if case.status == "closed":
        return Rejection("conflict", "case.closed", {"case": case.case_id})
    if command.bundle == case.bundle.version:
        return Rejection("conflict", "migrate.same_version", {"version": command.bundle[:12]})
    try:
        other = rerun(entries, load, command.bundle, command.mapping)
    except KeyError:
        return Rejection("not_found", "bundle.unknown", {"version": command.bundle[:12]})
    if isinstance(other, Stuck):
        return Rejection("conflict", other.key, {"seq": other.seq, **other.params})
    if other.status == "closed":
        return Rejection("conflict", "migrate.would_end", {"outcome": other.outcome})
    events: list[Event] = [ev.CaseMigrated(command.bundle, case.bundle.version, turn.actor, command.reason)]
    events += [ev.IncidentResolved(n, turn.actor, command.reason) for n in case.incidents if n not in other.incidents]
    events += crossing(case, other, CAUSE, CAUSE)
    events += _local_fields(case, other)
    events += _changed_tasks(case, other)
    events += _changed_timers(case, other)
    events += _changed_messages(case, other)
    other.seq, other.at, other.last_at, other.actor = case.seq, turn.at, turn.at, turn.actor
    other.incident_count = case.incident_count
    other.copies |= case.copies
    return other, tuple(events)


def _local_fields(case: Case, other: Case) -> list[Event]:
    found: list[Event] = []
    for scope, fields in other.locals.items():
        before = case.locals.get(scope, {})
        changed = {name: fields[name] for name in sorted(fields) if before.get(name) != fields[name]}
        if changed:
            found.append(ev.DataWritten(deepcopy(changed), scope, CAUSE))
    return found


def _changed_tasks(case: Case, other: Case) -> list[Event]:
    """Tasks that are asked otherwise now, made anew under their name; and who is told of new ones."""
    found: list[Event] = []
    for task in other.tasks.values():
        before = case.tasks.get(task.name)
        if before is not None and created(before) != created(task):
            found += [ev.TaskCancelled(task.name, CAUSE), created(task)]
        if before is None and (task.groups or task.assignee):
            to = (f"user:{task.assignee}",) if task.assignee else task.groups
            found.append(ev.NotificationQueued(to, "notice.task", task.name, {"label": task.node.label}))
    return found


def _changed_timers(case: Case, other: Case) -> list[Event]:
    """Timers that are due at another instant now, and limits whose timer has fired on one side only."""
    found: list[Event] = []
    for timer in other.timers.values():
        before = case.timers.get(timer.id)
        if before is not None and armed_again(before) != armed_again(timer):
            found += [ev.TimerCancelled(timer.id, timer.element), armed_again(timer)]
    old = {record.timer: record for record in case.limits.values()}
    new = {record.timer: record for record in other.limits.values()}
    for record in old.values():
        # Its timer has fired, so that nothing above has ended it.
        if record.breached and record.timer not in other.timers and not _same(record, new.get(record.timer)):
            found.append(ev.TimerCancelled(record.timer, record.element))
    for record in new.values():
        if record.breached and not _same(record, old.get(record.timer)):
            found += _broken(record)
    return found


def _same(record: LimitRecord, other: LimitRecord | None) -> bool:
    return other is not None and (record.deadline, record.breached) == (other.deadline, other.breached)


def _broken(record: LimitRecord) -> list[Event]:
    """A limit that had run out on the new version before the case came to it."""
    assert record.armed is not None
    deadline = instant_text(record.deadline)
    return [
        record.armed,
        ev.TimerFired(record.timer, record.element, deadline, 0.0),
        ev.LimitBreached(
            record.plan.limit,
            record.timer,
            record.element,
            deadline,
            record.clauses,
            record.unit,
            record.responsible,
            LATE_BY_MIGRATION,
        ),
    ]


def _changed_messages(case: Case, other: Case) -> list[Event]:
    found: list[Event] = []
    for name, waiting in other.messages.items():
        before = case.messages.get(name)
        if before is not None and awaited(name, before) != awaited(name, waiting):
            found += [ev.MessageNoLongerAwaited(name, before.node.event.name), awaited(name, waiting)]
    return found

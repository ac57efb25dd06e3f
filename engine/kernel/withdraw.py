"""撤回: undo one's own submission by going back to the state before it, while nobody has acted on what followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine.domain import events as ev
from engine.domain.codec import instant_text
from engine.domain.commands import WithdrawSubmission
from engine.domain.events import Event
from engine.domain.rejection import FieldFault, Rejection

from .case import Case, OpenTask
from .limits import armed_again

if TYPE_CHECKING:
    from .decide import Turn

WINDOW = timedelta(minutes=30)
"""Later than this, a correction is a step of its own, not an undo."""
HARMLESS = frozenset({"AddComment", "CopyCase", "AcknowledgeCopy", "UrgeTask"})
"""Entries after the submission that don't stand in the way; they stay in the journal and in the read models."""


def withdraw(
    case: Case, prior: Case, entries: Sequence[Any], command: WithdrawSubmission, turn: Turn
) -> tuple[Event, ...] | Rejection:
    """The events that lead from `case` back to `prior`, its state before entry `command.seq`; `prior` then goes on.

    Refused (`conflict`) when something has happened since, the window is over, or it was not one's own submission.
    """
    target = next((e for e in entries if e.seq == command.seq), None)
    if target is None or target.command["kind"] != "SubmitTask":
        return Rejection("not_found", "withdraw.no_submission", {"seq": command.seq})
    if turn.actor not in (target.actor, target.on_behalf_of):
        return Rejection("forbidden", "withdraw.not_yours", {"by": target.actor})
    if not command.reason.strip():
        return Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))
    if turn.at - target.at > WINDOW:
        return Rejection("conflict", "withdraw.too_late", {"minutes": int(WINDOW.total_seconds() // 60)})
    since = next((e for e in entries if e.seq > command.seq and e.command["kind"] not in HARMLESS), None)
    if since is not None:
        return Rejection("conflict", "withdraw.acted_on", {"by": since.actor, "at": instant_text(since.at)})
    if case.status == "closed":
        return Rejection("conflict", "case.closed", {"case": case.case_id})
    if any(t.due <= turn.at for t in prior.timers.values()):
        return Rejection("conflict", "withdraw.limit_passed", {})
    events: list[Event] = [ev.SubmissionWithdrawn(command.seq, turn.actor, command.reason)]
    events.extend(_back(case, prior, command))
    prior.seq, prior.at, prior.last_at = case.seq, turn.at, turn.at
    prior.copies |= case.copies
    return tuple(events)


def _back(case: Case, prior: Case, command: WithdrawSubmission) -> list[Event]:
    changed = {
        k: prior.data.get(k) for k in sorted({*case.data, *prior.data}) if case.hashes.get(k) != prior.hashes.get(k)
    }
    events: list[Event] = [ev.DataWritten(changed, "", f"withdraw:{command.seq}")] if changed else []
    now, then = _tokens(case), _tokens(prior)
    steps = [(*now[name], "cancelled") for name in now if name not in then]
    steps += [(*then[name], "entered") for name in then if name not in now]
    if steps:
        events.append(ev.TokensMoved(tuple(steps)))
    events += [ev.TaskCancelled(name, "withdrawn") for name in case.tasks if name not in prior.tasks]
    events += [ev.TimerCancelled(t.id, t.element) for t in case.timers.values() if t.id not in prior.timers]
    events += [
        ev.MessageNoLongerAwaited(n, w.node.event.name) for n, w in case.messages.items() if n not in prior.messages
    ]
    for task in prior.tasks.values():
        if task.name not in case.tasks:
            events.append(_created(prior, task))
    for timer in prior.timers.values():
        if timer.id not in case.timers:
            events.append(armed_again(timer))
    for name, waiting in prior.messages.items():
        if name not in case.messages:
            node = waiting.node
            events.append(
                ev.MessageAwaited(
                    name,
                    node.event.name,
                    node.shown,
                    node.properties.get("action", ""),
                    node.properties.get("form", ""),
                    waiting.groups,
                    waiting.key,
                )
            )
    if prior.stage != case.stage:
        events.append(ev.CaseStageChanged(prior.stage, prior.stage_label))
    return events


def _tokens(case: Case) -> dict[str, tuple[str, str]]:
    """Live tokens that the diagram shows: name -> (scope, element)."""
    return {
        t.name: (scope.prefix[:-1], t.task_spec.bpmn_id)
        for scope in case.workflow.scopes()
        for t in scope.live()
        if t.task_spec.node.kind != "boundaryEvent"
    }


def _created(prior: Case, task: OpenTask) -> Event:
    assert task.created is not None
    return replace(task.created, assignee=task.assignee)

"""Events that lead whoever follows a case from one state of it to another that did not come of the usual steps."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

from engine.domain import events as ev
from engine.domain.events import Event

from .case import Case, OpenTask, Waiting
from .limits import armed_again


def crossing(case: Case, other: Case, by: str, cause: str) -> list[Event]:
    """What ends and what begins on the way from `case` to `other`: fields, tokens, tasks, timers, messages, stage.

    `by`: who wrote the fields. `cause`: why tasks are cancelled. What stands in both under one name is left alone.
    """
    changed = {
        k: other.data.get(k) for k in sorted({*case.data, *other.data}) if case.hashes.get(k) != other.hashes.get(k)
    }
    # A copy: lists of instances grow on in the case, what was recorded must not.
    events: list[Event] = [ev.DataWritten(deepcopy(changed), "", by)] if changed else []
    now, then = tokens(case), tokens(other)
    steps = [(*now[name], "cancelled") for name in now if name not in then]
    steps += [(*then[name], "entered") for name in then if name not in now]
    if steps:
        events.append(ev.TokensMoved(tuple(steps)))
    events += [ev.TaskCancelled(name, cause) for name in case.tasks if name not in other.tasks]
    events += [ev.TimerCancelled(t.id, t.element) for t in case.timers.values() if t.id not in other.timers]
    events += [
        ev.MessageNoLongerAwaited(n, w.node.event.name) for n, w in case.messages.items() if n not in other.messages
    ]
    events += [created(task) for task in other.tasks.values() if task.name not in case.tasks]
    events += [armed_again(timer) for timer in other.timers.values() if timer.id not in case.timers]
    events += [awaited(n, waiting) for n, waiting in other.messages.items() if n not in case.messages]
    if other.stage != case.stage:
        events.append(ev.CaseStageChanged(other.stage, other.stage_label))
    return events


def created(task: OpenTask) -> ev.TaskCreated:
    """The event that makes an open task as it stands now."""
    assert task.created is not None
    return replace(task.created, assignee=task.assignee)


def awaited(name: str, waiting: Waiting) -> ev.MessageAwaited:
    """The event that makes a waiting message event as it stands now."""
    node = waiting.node
    return ev.MessageAwaited(
        name,
        node.event.name,
        node.shown,
        node.properties.get("action", ""),
        node.properties.get("form", ""),
        waiting.groups,
        waiting.key,
    )


def tokens(case: Case) -> dict[str, tuple[str, str]]:
    """Live tokens that the diagram shows: name -> (scope, element)."""
    return {
        t.name: (scope.prefix[:-1], t.task_spec.bpmn_id)
        for scope in case.workflow.scopes()
        for t in scope.live()
        if t.task_spec.node.kind != "boundaryEvent"
    }

"""Timers and limits (时限) of a case: arming with evidence, warnings, firing, breach, and what it means to be met."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.domain import events as ev
from engine.domain.codec import instant_text, parse_instant

from .faults import KernelFault
from .timers import SHORTEST_PERIOD, SHORTEST_PLAYED, TIMER_PAST, ArmedTimer, explain, first_due, warning_due

if TYPE_CHECKING:
    from .case import Case
    from .tokens import Token


LATE_DISCOVERY_SECONDS = 2 * 3600
"""Less time than this between discovery and the end of the day counts as 发现过晚 (requirements 1.10)."""
OUTAGE_SECONDS = 120
"""A timer recorded this long after its due instant means that nobody was there to fire it."""
CAUSES = {"overload": "limit.cause.overload", "clock_jump": "limit.cause.clock_jump"}
"""What FireTimer gives as its cause -> what is said of a breach; of anything else that nobody was there."""


@dataclass(slots=True)
class LimitRecord:
    """What a running limit knows of itself, kept until its host ends."""

    plan: Any
    timer: str
    element: str
    deadline: datetime
    anchor_at: str
    unit: str
    responsible: tuple[str, ...]
    clauses: tuple[str, ...]
    scope: str
    label: str
    breached: bool = False
    fired_at: str = ""
    armed: ev.TimerArmed | None = None
    fired_late: str = ""
    """Why it was fired late, as FireTimer said."""


def arm(case: Case, token: Token, spec: Any, host: Token) -> None:
    plan, node = spec.plan, spec.node
    value = case.engine.raw(host, plan.expression, node.shown)
    shortest = SHORTEST_PLAYED if case.program.played else SHORTEST_PERIOD
    repeats = spec.catches and not node.interrupting
    try:
        due, interval, remaining = first_due(plan, value, case.at, node.shown, shortest)
    except KernelFault as fault:
        if repeats and fault.key == TIMER_PAST:
            return  # reminders until an instant that has passed: there are none
        raise
    if not repeats:
        # Whoever it reaches goes on at once: there is nobody left to be reached again.
        interval = remaining = None
    unit = case.unit(host, plan.unit)
    responsible = case.groups(host, plan.responsible)
    timer = ArmedTimer(
        token.name,
        node.shown,
        due,
        token,
        plan,
        host.scope,
        interval,
        remaining,
        unit=unit,
        clauses=node.clauses,
        responsible=responsible,
    )
    case.timers[timer.id] = timer
    anchor_at = _anchor(case, host, plan)
    deadline = instant_text(due)
    timer.armed = ev.TimerArmed(
        timer=timer.id,
        element=node.shown,
        due=deadline,
        scope=token.workflow.prefix[:-1],
        label=node.label,
        limit=plan.limit,
        anchor=plan.anchor,
        anchor_at=anchor_at,
        rule=plan.rule,
        explanation=explain(plan, anchor_at, due) if plan.limit else (),
        clauses=node.clauses,
        unit=unit,
        responsible=responsible,
        deadline=deadline if plan.limit else "",
        host=host.name,
    )
    case.emit(timer.armed)
    if plan.limit and interval is None:
        case.limits[token.id] = LimitRecord(
            plan,
            timer.id,
            node.shown,
            due,
            anchor_at,
            unit,
            responsible,
            node.clauses,
            host.scope,
            node.label,
            armed=timer.armed,
        )
        if plan.breach:
            host.deadline = min(d for d in (host.deadline, deadline) if d)
        _arm_warnings(case, timer, parse_instant(anchor_at) if anchor_at else case.at)


def _anchor(case: Case, host: Token, plan: Any) -> str:
    value = case.variables(host.scope).get(plan.anchor) if plan.anchor else None
    if isinstance(value, str):
        try:
            return instant_text(parse_instant(value))
        except ValueError:
            return ""
    return ""


def _arm_warnings(case: Case, limit: ArmedTimer, anchor: datetime) -> None:
    for warning in limit.plan.warnings:
        at = warning_due(warning, anchor, limit.due, case.at)
        if at is None:
            continue
        name = f"{limit.id}!{warning.mark}"
        deadline = instant_text(limit.due)
        timer = case.timers[name] = ArmedTimer(
            name,
            limit.element,
            at,
            None,
            limit.plan,
            limit.scope,
            warns_of=limit.id,
            mark=warning.mark,
            deadline=deadline,
            unit=limit.unit,
            clauses=limit.clauses,
            responsible=limit.responsible,
            extra={"owner": limit.token.id},
        )
        timer.armed = ev.TimerArmed(
            timer=name,
            element=limit.element,
            due=instant_text(at),
            limit=limit.plan.limit,
            warns_of=limit.id,
            mark=warning.mark,
            deadline=deadline,
            unit=limit.unit,
            clauses=limit.clauses,
            responsible=limit.responsible,
        )
        case.emit(timer.armed)


def armed_again(timer: ArmedTimer) -> ev.TimerArmed:
    """The event that arms a timer as it stands now (its due may have moved on, for cycles)."""
    assert timer.armed is not None
    armed: ev.TimerArmed = timer.armed
    return replace(armed, due=instant_text(timer.due))


def fire(case: Case, timer: ArmedTimer, missed: int = 0, cause: str = "") -> None:
    """Lets a due timer take effect; the caller runs the tokens afterwards. Requires timer.due <= case.at.

    `missed`: rounds of a repeating timer that have passed as well: the token goes on once for all of them.
    """
    late = max(0.0, (case.at - timer.due).total_seconds())
    case.emit(ev.TimerFired(timer.id, timer.element, instant_text(timer.due), late, missed, cause))
    if timer.warns_of:
        del case.timers[timer.id]
        case.emit(ev.LimitWarned(timer.plan.limit, timer.warns_of, timer.mark, timer.deadline, timer.responsible))
        if case.at < parse_instant(timer.deadline):
            # After an outage the breach itself is told; a warning of it would come too late.
            case.emit(
                ev.NotificationQueued(
                    timer.responsible,
                    "notice.limit_warning",
                    "",
                    {"limit": timer.plan.limit, "mark": timer.mark, "deadline": timer.deadline},
                )
            )
        return
    token = timer.token
    if missed and timer.interval is not None:
        timer.due += timer.interval * missed
        timer.remaining = None if timer.remaining is None else timer.remaining - missed
    if timer.interval is not None and (timer.remaining is None or timer.remaining > 0):
        timer.due += timer.interval
        timer.remaining = None if timer.remaining is None else timer.remaining - 1
        case.emit(armed_again(timer))
    else:
        del case.timers[timer.id]
    record = case.limits.get(token.id)
    if record is not None and timer.plan.breach:
        record.breached, record.fired_at, record.fired_late = True, instant_text(case.at), cause
        case.breaches.append(record)
        case.emit(
            ev.LimitBreached(
                record.plan.limit,
                timer.id,
                timer.element,
                instant_text(record.deadline),
                record.clauses,
                record.unit,
                record.responsible,
                breach_cause(case, record),
            )
        )
        case.emit(
            ev.NotificationQueued(
                record.responsible,
                "notice.limit_breached",
                "",
                {"limit": record.plan.limit, "deadline": instant_text(record.deadline)},
            )
        )
    case.trigger(token)


def host_ended(case: Case, waiting: Token) -> None:
    """The host of a boundary event ended by itself: its limit is met, late or in time."""
    record = case.limits.get(waiting.id)
    if record is None:
        return
    late = max(0.0, (case.at - record.deadline).total_seconds()) if record.breached else 0.0
    case.emit(
        ev.LimitMet(record.plan.limit, record.timer, record.element, instant_text(record.deadline), late, record.unit)
    )


def breach_cause(case: Case, record: LimitRecord) -> str:
    """The cause that the clock itself knows, as a catalogue key, or ""."""
    if record.anchor_at:
        span = (record.deadline - parse_instant(record.anchor_at)).total_seconds()
        if record.plan.anchor == "discovered_at" and 0 <= span < LATE_DISCOVERY_SECONDS:
            return "limit.cause.discovered_late"
    if (case.at - record.deadline).total_seconds() > OUTAGE_SECONDS:
        return CAUSES.get(record.fired_late, "limit.cause.recorded_late")
    return ""

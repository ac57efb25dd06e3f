"""When a timer event is due, and how a limit (时限) explains itself.

Own definitions instead of SpiffWorkflow's: due is computed once, at entry, from the turn's instant and case data; a
timer is due at its instant, not after it; nothing asks the machine's clock or time zone (requirements 1.10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from engine.domain.calendar import ZONE
from engine.domain.codec import instant_text, parse_instant
from engine.feel import Environment, Expression, FeelEvaluationError, compile_expression
from engine.feel.temporal import parse_duration, shift_months
from engine.feel.values import YearsDuration

from .faults import KernelFault

ISO_DURATION = re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII)
ISO_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
CYCLE = re.compile(r"R(\d*)/(.+?)(?:/(.+))?", re.ASCII)
SHORTEST_PERIOD = timedelta(seconds=60)
"""A shorter cycle is a mistake or an attack; it would flood the journal."""
SHORTEST_PLAYED = timedelta(seconds=1)
"""In trial runs, which end after a number of firings."""
TIMER_PAST = "incident.timer_past"
"""Fault of a cycle whose end has passed."""
LONGEST = timedelta(days=366 * 5)


@dataclass(frozen=True, slots=True)
class Warning:
    """One warning before a limit. `percent` of anchor..due; or `at` minutes after midnight of the due's day; or
    `before` the due; or at once (`start`)."""

    mark: str
    percent: float | None = None
    at: int | None = None
    before: timedelta | None = None


@dataclass(frozen=True, slots=True)
class TimerPlan:
    """A compiled timer event. For cycles `expression` gives the ISO text."""

    kind: Literal["date", "duration", "cycle"]
    text: str
    expression: Expression
    limit: str = ""
    anchor: str = ""
    rule: str = ""
    breach: bool = False
    warnings: tuple[Warning, ...] = ()
    unit: Expression | None = None
    responsible: tuple[Any, ...] = ()


@dataclass(slots=True)
class ArmedTimer:
    """A timer that waits. `token` is None for a warning; `interval`, `remaining` only for cycles (None = for ever)."""

    id: str
    element: str
    due: datetime
    token: Any
    plan: TimerPlan
    scope: str
    interval: timedelta | None = None
    remaining: int | None = None
    warns_of: str = ""
    mark: str = ""
    deadline: str = ""
    unit: str = ""
    clauses: tuple[str, ...] = ()
    responsible: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    armed: Any = None


def passed_rounds(timer: ArmedTimer, now: datetime) -> int:
    """Rounds after the one at `timer.due` whose instants have come by `now` (>= due), as far as there are any left."""
    if timer.interval is None:
        return 0
    passed = (now - timer.due) // timer.interval
    return passed if timer.remaining is None else min(passed, timer.remaining)


def timer_source(kind: str, text: str) -> str:
    """FEEL for a timer's text: bare ISO literals are accepted as every modeler writes them."""
    if kind == "duration" and ISO_DURATION.fullmatch(text):
        return f'duration("{text}")'
    if kind == "date" and ISO_INSTANT.fullmatch(text):
        return f'date and time("{text}")'
    if kind == "cycle" and CYCLE.fullmatch(text):
        return f'"{text}"'
    return text


def compile_timer(
    kind: Literal["date", "duration", "cycle"], text: str, properties: Mapping[str, str], groups: tuple[Any, ...]
) -> TimerPlan:
    """Raises FeelSyntaxError for a bad expression, ValueError for bad warnings."""
    unit = properties.get("unit", "")
    return TimerPlan(
        kind,
        text,
        compile_expression(timer_source(kind, text)),
        properties.get("limit", ""),
        properties.get("anchor", ""),
        properties.get("rule", ""),
        properties.get("breach", "") == "true",
        tuple(read_warning(mark) for mark in properties.get("warnings", "").split(",") if mark.strip()),
        compile_expression(unit.removeprefix("=")) if unit else None,
        groups,
    )


def read_warning(mark: str) -> Warning:
    """`75%`, `18:00`, `-PT30M` or `start`. Raises ValueError for anything else."""
    mark = mark.strip()
    if mark == "start":
        return Warning(mark)
    if match := re.fullmatch(r"(\d{1,2}(?:\.\d+)?)\s*%", mark):
        return Warning(f"{match[1]}%", percent=float(match[1]))
    if match := re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", mark):
        return Warning(mark, at=int(match[1]) * 60 + int(match[2]))
    if mark.startswith("-") and ISO_DURATION.fullmatch(mark[1:]):
        return Warning(mark, before=iso_duration(mark[1:]))
    raise ValueError(mark)


def iso_duration(text: str) -> timedelta:
    """Length of a duration in weeks, days and time; years and months have no fixed length: ValueError."""
    match = ISO_DURATION.fullmatch(text)
    if match is None or match[1] or match[2] or text.startswith("-"):
        raise ValueError(text)
    if any(group and len(group) > 10 for group in match.groups()):
        raise ValueError(text)

    def number(group: str | None) -> float:
        return float(group[:-1]) if group else 0.0

    length = timedelta(
        weeks=number(match[3]),
        days=number(match[4]),
        hours=number(match[6]),
        minutes=number(match[7]),
        seconds=number(match[8]),
    )
    if length > LONGEST:
        raise ValueError(text)
    return length


def as_instant(value: Any, element: str) -> datetime:
    """The aware UTC instant of a FEEL value or ISO text. Faults when there is none."""
    if isinstance(value, str):
        try:
            return parse_instant(value)
        except ValueError as error:
            raise KernelFault(element, "incident.timer_instant", {"got": value[:80]}) from error
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    raise KernelFault(element, "incident.timer_instant", {"got": str(value)[:80]})


def first_due(
    plan: TimerPlan, value: Any, now: datetime, element: str, shortest: timedelta = SHORTEST_PERIOD
) -> tuple[datetime, timedelta | None, int | None]:
    """(due, interval, remaining firings after it) of a timer entered at `now` whose expression gave `value`."""
    if plan.kind == "date":
        return as_instant(value, element), None, None
    if plan.kind == "duration":
        if isinstance(value, str):
            value = parse_duration(value) or value
        if isinstance(value, YearsDuration):
            later = shift_months(now.astimezone(ZONE), value.months)
            value = later - now if isinstance(later, datetime) else value
        if not isinstance(value, timedelta):
            raise KernelFault(element, "incident.timer_duration", {"got": str(value)[:80]})
        if value < timedelta(0) or value > LONGEST:
            raise KernelFault(element, "incident.timer_duration", {"got": str(value)[:80]})
        return now + value, None, None
    return _cycle(str(value), now, element, shortest)


def constant_fault(plan: TimerPlan, shortest: timedelta) -> str:
    """What is wrong with a timer written as a literal, whenever it is entered; "" if nothing or if it is no literal."""
    if timer_source(plan.kind, plan.text) == plan.text or plan.kind == "date" or ":" in plan.text:
        return ""
    anywhen = datetime(2026, 1, 1, tzinfo=UTC)
    try:
        first_due(plan, plan.expression.evaluate({}, Environment(now=anywhen)), anywhen, "", shortest)
    except (KernelFault, FeelEvaluationError):
        return plan.text
    return ""


def _cycle(text: str, now: datetime, element: str, shortest: timedelta) -> tuple[datetime, timedelta, int | None]:
    """`R3/PT10M`, `R/PT1H`, `R3/<start>/PT10M`, `R3/PT10M/<end>`, `R3/<start>/<end>` (ISO 8601-1 section 5.6): with a
    duration and an end, the firings are the ends of the last intervals before it, the last at the end, none past."""
    match = CYCLE.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        count = int(match[1]) if match[1] else None
        first, second = match[2], match[3]
        if second is None:
            interval, start = iso_duration(first), None
        elif first.startswith("P"):
            interval, start = iso_duration(first), None
            end = parse_instant(second)
            left = -((now - end) // interval) if interval else 0
            if interval and left <= 0:
                raise KernelFault(element, TIMER_PAST, {"got": text[:80]})
            count = max(0, left if count is None else min(count, left))
            start = end - interval * (count - 1) if count else None
        elif second.startswith("P"):
            start, interval = parse_instant(first), iso_duration(second)
        else:
            start = parse_instant(first)
            interval = parse_instant(second) - start
        if interval < shortest or count == 0:
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise KernelFault(element, "incident.timer_cycle", {"got": text[:80]}) from error
    return start or now + interval, interval, None if count is None else count - 1


def warning_due(warning: Warning, anchor: datetime, due: datetime, now: datetime) -> datetime | None:
    """When to warn; None when that moment has passed or is not before the limit (`start` is never passed)."""
    if warning.percent is not None:
        at = anchor + (due - anchor) * (warning.percent / 100)
    elif warning.at is not None:
        # The day that ends at `due`, so that 24:00 belongs to the day before midnight.
        day = (due.astimezone(ZONE) - timedelta(microseconds=1)).date()
        at = datetime(day.year, day.month, day.day, warning.at // 60, warning.at % 60, tzinfo=ZONE).astimezone(UTC)
    elif warning.before is not None:
        at = due - warning.before
    else:
        return now if now < due else None
    return at if now < at < due else None


def explain(plan: TimerPlan, anchor_at: str, due: datetime) -> tuple[dict[str, Any], ...]:
    """The due instant line by line, for the case page and the deadline evidence."""
    lines: list[dict[str, Any]] = []
    if plan.anchor:
        lines.append({"key": "limit.explain.anchor", "params": {"field": plan.anchor, "at": anchor_at}})
    if plan.rule:
        lines.append({"key": "limit.explain.rule", "params": {"rule": plan.rule}})
    lines.append({"key": "limit.explain.expression", "params": {"text": plan.text}})
    lines.append({"key": "limit.explain.due", "params": {"at": instant_text(due)}})
    return tuple(lines)

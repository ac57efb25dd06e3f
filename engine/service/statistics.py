"""统计: the tables of a period, each as a page shows it, a chart draws it and a file holds it.

Lead times are those of R69: found early, reported early, handled early; a length of time that cannot be judged is
counted with its reason, never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Connection

from engine.domain.calendar import ZONE
from engine.readmodels import figures
from engine.readmodels.figures import Instants, LimitCount, Opened, Repeated, Step
from engine.readmodels.performance import Spread, spread

Unit = Literal["day", "week", "month"]
UNITS: Final[tuple[Unit, ...]] = ("day", "week", "month")
GRADES: Final = ("major_negative", "ordinary_negative", "positive", "")
"""Columns of the trend; "" not graded yet."""
GROUPS: Final[tuple[figures.Kind, ...]] = ("grade", "source_type", "district", "business_line", "root_cause")
STEPS: Final[Mapping[str, Step]] = {
    "assigned": Step(("Task_assign",)),
    "handled": Step(("Task_confirm",), back_to="Task_opinion"),
    "answered": Step(("Task_publish_statement", "Task_publish_reply")),
}
"""Steps by the elements of the shipped diagrams: the read models hold no instant of their own for them. `assigned`: the
assignment was filed; `handled`: a unit's opinion was confirmed, not sent back; `answered`: the first statement or
unified reply was published. With diagrams whose elements are called otherwise, these lengths count as not reached."""
LEADS: Final = (
    ("discovery", "published", "discovered"),
    ("report", "discovered", "registered"),
    ("assignment", "registered", "assigned"),
    ("handling", "registered", "handled"),
    ("answer", "discovered", "answered"),
)
"""(name, from, to)."""
UNJUDGED: Final = ("unknown", "not_yet", "never", "backwards")
"""Why a length cannot be judged: its beginning was not given; the case is open and has not come to the end; the case
was closed without it; the end lies before the beginning (an instant was given wrongly)."""
REPEAT_DAYS: Final = 90
MOST_REPEATED: Final = 500
MOST_BINS: Final = 400
"""Bins of a trend; a longer period is drawn by the next longer unit, and months without end are cut to those that have
cases."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One length of time over all cases of a period. `spread` in seconds, None when none could be judged; `unjudged`:
    reason -> cases."""

    name: str
    spread: Spread | None
    unjudged: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Trend:
    """Cases opened by `unit`: (first day of the bin, grade -> cases), in order, bins without cases included."""

    unit: Unit
    bins: tuple[tuple[date, Mapping[str, int]], ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """All tables of a period. `groups`: kind (those of GROUPS, and unit) -> (value, cases), most first."""

    cases: int
    groups: Mapping[str, tuple[tuple[str, int], ...]]
    trend: Trend
    leads: tuple[Lead, ...]
    limits: tuple[LimitCount, ...]


def of_period(conn: Connection, since: datetime, until: datetime, unit: Unit | None = None) -> Statistics:
    """Figures of the cases opened in [since, until), in nine statements. `unit`: of the trend, None for what suits."""
    groups: dict[str, tuple[tuple[str, int], ...]] = {kind: figures.by(conn, kind, since, until) for kind in GROUPS}
    groups["unit"] = figures.by_unit(conn, since, until)
    found = figures.instants(conn, since, until, STEPS)
    return Statistics(
        len(found),
        groups,
        trend(figures.by_hour(conn, since, until), since, until, unit),
        leads(found),
        figures.limits_of(conn, since, until),
    )


def repeated(conn: Connection, until: datetime) -> tuple[Repeated, ...]:
    """Cases of one business line and district closed more than once in the REPEAT_DAYS days before `until` (R67)."""
    return figures.repeated(conn, until - timedelta(days=REPEAT_DAYS), until, MOST_REPEATED)


def leads(found: Sequence[Instants]) -> tuple[Lead, ...]:
    """The lengths of LEADS."""
    return tuple(_lead(name, [_length(one, begin, end) for one in found]) for name, begin, end in LEADS)


def _lead(name: str, lengths: Iterable[int | str]) -> Lead:
    seconds: list[int] = []
    reasons: Counter[str] = Counter()
    for length in lengths:
        if isinstance(length, str):
            reasons[length] += 1
        else:
            seconds.append(length)
    return Lead(name, spread(seconds) if seconds else None, {why: reasons[why] for why in UNJUDGED if reasons[why]})


def _length(one: Instants, begin: str, end: str) -> int | str:
    """Seconds, or why there are none."""
    at = {"published": one.published, "discovered": one.discovered, "registered": one.registered, **one.steps}
    start, stop = at[begin], at[end]
    if start is None:
        return "unknown"
    if stop is None:
        # Who closed a case without publishing anything has not been slow: it is another thing, counted apart.
        return "unknown" if end not in one.steps else "never" if one.closed else "not_yet"
    return "backwards" if stop < start else int((stop - start).total_seconds())


def trend(opened: Sequence[Opened], since: datetime, until: datetime, unit: Unit | None = None) -> Trend:
    """The cases by day, week (from Monday) or month of Asia/Shanghai."""
    first, last = since.astimezone(ZONE).date(), (until - timedelta(microseconds=1)).astimezone(ZONE).date()
    days = (last - first).days + 1
    chosen: Unit = unit or ("day" if days <= 31 else "week" if days <= 183 else "month")
    if chosen == "day" and days > MOST_BINS:
        chosen = "week"
    if chosen == "week" and days > 7 * MOST_BINS:
        chosen = "month"
    if chosen == "month" and days > 28 * MOST_BINS:
        seen = [one.at.astimezone(ZONE).date() for one in opened]
        first, last = (seen[0], seen[-1]) if seen else (last, last)
    bins: dict[date, Counter[str]] = {}
    at = _bin(first, chosen)
    while at <= last:
        bins[at] = Counter()
        at = _bin(at + timedelta(days={"day": 1, "week": 7, "month": 31}[chosen]), chosen)
    for one in opened:
        grade = one.grade if one.grade in GRADES else ""
        bins[_bin(one.at.astimezone(ZONE).date(), chosen)][grade] += one.cases
    return Trend(chosen, tuple(bins.items()))


def _bin(day: date, unit: Unit) -> date:
    """First day of the bin that a day is in."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day

"""How the process runs: how often elements and flows were passed, how long tasks took, which limits broke.

Every figure comes from an aggregate query over rows that the projector keeps small; nothing is asked for each case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Text, cast, func, select

from .chosen import Choice
from .project_performance import UNKNOWN, month_of
from .schema import cases, limits, passages, task_times

Place = tuple[str, str, str]
"""Process that was opened, path of calls below it, element or flow."""
BROKEN: Final = frozenset({"breached", "met_late"})


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds of `count` tasks. Nearest rank: half of them took at most `median`, nine tenths at most `p90`."""

    count: int
    median: int
    p90: int
    longest: int


@dataclass(frozen=True, slots=True)
class Took:
    """`done`: finished tasks. `waited`: until one was taken, or submitted if it never was; `worked`: from then to its
    submission, of those that were taken; None of none."""

    done: int
    waited: Spread
    worked: Spread | None


@dataclass(frozen=True, slots=True)
class Passed:
    """`times`: entered, or taken for a flow. `cancelled`: of them cut short."""

    times: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class LimitFigures:
    """Limits of one kind. `running`: neither met nor broken yet; `cancelled`: no longer needed before their time."""

    limit: str
    element: str
    label: str
    total: int
    met: int
    broken: int
    running: int
    cancelled: int

    @property
    def held(self) -> float | None:
        """Share that was met in time of those that came to an end or broke; None of none."""
        ended = self.met + self.broken
        return self.met / ended if ended else None


def passed(conn: Connection, choice: Choice, bundle: str = "") -> Mapping[Place, Passed]:
    """Every element and flow passed by the chosen cases (of one `bundle` if given), by month of opening.

    Requires `since` and `until` at the beginning of months. `choice.unit` and `choice.status` are not looked at: steps
    of gateways and flows belong to no unit.
    """
    p = passages.c
    where: list[ColumnElement[bool]] = []
    if choice.since is not None:
        where.append(p.month >= month_of(choice.since))
    if choice.until is not None:
        where.append(p.month < month_of(choice.until))
    if choice.grade:
        where.append(p.grade == choice.grade)
    if bundle:
        where.append(p.bundle == bundle)
    columns = (p.process, p.path, p.element, p.action)
    found: dict[Place, dict[str, int]] = {}
    for process, path, element, action, times in conn.execute(
        select(*columns, func.sum(p.times)).where(*where).group_by(*columns)
    ):
        found.setdefault((process, path, element), {})[action] = int(times)
    return {
        place: Passed(acts.get("entered", 0) + acts.get("taken", 0), acts.get("cancelled", 0))
        for place, acts in found.items()
    }


def took(
    conn: Connection, choice: Choice, bundle: str = "", here: Callable[[str, str], bool] = lambda process, path: True
) -> Mapping[str, Took]:
    """Element -> times of the finished tasks of the chosen cases where `here(process, path)`; with `choice.unit` of
    that unit's tasks alone.

    The database gives the numbers of an element as one text, which is read several times faster than rows are.
    """
    c = task_times.c
    where = _of_chosen(c.case_id, choice, bundle)
    if choice.unit:
        where.append(c.unit == choice.unit)
    lists = [func.aggregate_strings(cast(column, Text), ",") for column in (c.waited, c.worked)]
    keys = (c.process, c.path, c.element)
    found: dict[str, tuple[list[int], list[int]]] = {}
    for process, path, element, waited, worked in conn.execute(select(*keys, *lists).where(*where).group_by(*keys)):
        if here(process, path):
            waits, works = found.setdefault(element, ([], []))
            waits += _numbers(waited)
            works += [number for number in _numbers(worked) if number != UNKNOWN]
    return {
        element: Took(len(waits), spread(waits), spread(works) if works else None)
        for element, (waits, works) in found.items()
    }


def broken_limits(conn: Connection, choice: Choice, bundle: str = "") -> tuple[LimitFigures, ...]:
    """Limits of the chosen cases by kind and element, the most often broken first."""
    c = limits.c
    where = _of_chosen(c.case_id, choice, bundle)
    if choice.unit:
        where.append(c.unit == choice.unit)
    keys = (c.limit_id, c.element)
    asked = select(*keys, func.max(c.label), c.state, func.count()).where(*where).group_by(*keys, c.state)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for limit, element, label, state, number in conn.execute(asked):
        one = found.setdefault((limit, element), {"label": label, "states": {}})
        one["states"][state] = number
    made = [_limit(*key, one["label"], one["states"]) for key, one in found.items()]
    return tuple(sorted(made, key=lambda one: (-one.broken, one.limit, one.element)))


def _limit(limit: str, element: str, label: str, states: Mapping[str, int]) -> LimitFigures:
    return LimitFigures(
        limit,
        element,
        label,
        sum(states.values()),
        states.get("met", 0),
        sum(number for state, number in states.items() if state in BROKEN),
        states.get("running", 0),
        states.get("cancelled", 0),
    )


def spread(numbers: list[int]) -> Spread:
    """Requires at least one number."""
    ordered = sorted(numbers)
    last = len(ordered)
    return Spread(last, ordered[-(-last // 2) - 1], ordered[-(-last * 9 // 10) - 1], ordered[-1])


def _numbers(joined: str) -> list[int]:
    return list(map(int, joined.split(",")))


def _of_chosen(column: ColumnElement[str], choice: Choice, bundle: str) -> list[ColumnElement[bool]]:
    """That the case is chosen. Its unit is asked of the row itself, not of the case."""
    where = Choice(choice.since, choice.until, choice.grade, "", choice.status).where()
    if bundle:
        where.append(cases.c.bundle == bundle)
    return [column.in_(select(cases.c.case_id).where(*where))] if where else []

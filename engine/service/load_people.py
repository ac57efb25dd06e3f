"""When somebody of the cast gets to a task: office hours, the watch, who is on call, and that one does one thing at a
time. Late answers come out of this; they are not drawn."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from engine.domain.calendar import ZONE, midnight
from engine.domain.organisation import SECTION_HEAD, STAFF

from .cast import PLAYERS
from .chance import Chance
from .load_parameters import Parameters

OFFICE: Final = ("wangfang", "lina")
SUPERVISION: Final = ("zhaogang", "fengxue")
CHIEF: Final = "liuwei"
VICE: Final = "zhangmin"
ROLES: Final = {"office": OFFICE, "supervision": SUPERVISION, "chief": (CHIEF,), "leader": (VICE,)}
LEADERS: Final = frozenset({CHIEF, VICE})
PRESSING: Final = frozenset(
    {
        "Task_screen", "Task_grade", "Task_sign", "Task_verify", "Task_opinion", "Task_reassign",
        "Task_draft_statement", "Task_publish_statement",
    }
)  # fmt: skip
"""Under a limit of hours: done on the office's watch, or on call, before other things."""
SAME_DAY: Final = frozenset(
    {"Task_contact", "Task_confirm_subject", "Task_compose_reply", "Task_publish_reply", "Task_escalation"}
)
"""Not left over a weekend, but not done at night either."""
HEADS_SHARE: Final = 0.25
"""Of a unit's tasks that its head does himself."""


def who(groups: Sequence[str], chance: Chance) -> tuple[str, ...]:
    """Logins of those who may do a task offered to these groups: whoever of them is free first will do it. Of a unit
    it is its clerk, or, for one of four, its head. Raises LookupError where the cast has nobody."""
    for group in groups:
        kind, _, name = group.rpartition(":")
        if kind == "user":
            return (name,)
        if kind in ("unit", "head"):
            return _of_unit(name, chance, head=kind == "head")
        if group in ROLES:
            return ROLES[group]
        if kind == "line":
            return (VICE,)
    raise LookupError(f"nobody of the cast is in {list(groups)}")


def _of_unit(unit: str, chance: Chance, *, head: bool) -> tuple[str, ...]:
    if unit == "bangong":
        return OFFICE
    of_it = [player for player in PLAYERS if player.unit_id == unit and STAFF in player.roles]
    heads = tuple(player.user_id for player in of_it if SECTION_HEAD in player.roles)
    others = tuple(player.user_id for player in of_it if SECTION_HEAD not in player.roles)
    if not of_it:
        raise LookupError(f"nobody of the cast is in unit {unit}")
    return heads if head or not others or (heads and chance.happens(HEADS_SHARE)) else others


Act = Callable[[str], None]
"""Done by somebody, whose login it is told."""
Plan = Callable[[datetime, Callable[[], None]], None]


@dataclass(order=True, slots=True)
class _Job:
    """What lies on a desk: pressing things first, then what came first."""

    later: bool
    ready_at: datetime
    number: int
    work: timedelta = field(compare=False)
    act: Act = field(compare=False)


@dataclass(slots=True)
class _Desk:
    busy: bool = False
    waiting: list[_Job] = field(default_factory=list)


class Desks:
    """Everybody's desk. `plan(at, act)` puts something on the agenda; `now()` is the time there."""

    def __init__(self, parameters: Parameters, plan: Plan, now: Callable[[], datetime]) -> None:
        self._parameters = parameters
        self._plan = plan
        self._now = now
        self._desks: defaultdict[str, _Desk] = defaultdict(_Desk)
        self._numbers = itertools.count()

    def give(
        self, logins: Sequence[str], act: Act, *, element: str, major: bool, slowness: float, chance: Chance
    ) -> None:
        """A task on `element` for one of `logins`, from now on; `act` is called when it is done. `slowness`: times the
        usual."""
        own = self._parameters
        pace = own.pace(element)
        wait = timedelta(minutes=chance.lognormal(pace.wait, own.spread) * slowness)
        work = timedelta(minutes=max(1.0, chance.lognormal(pace.work, own.spread) * slowness))
        pressing = major or element in PRESSING
        ready = self._now() + wait
        if not (pressing and set(logins) <= set(OFFICE)):  # the office keeps watch day and night (R23)
            ready = at_work(ready, self._hours(logins, element, major, chance), own.holidays)
        job = _Job(not pressing, ready, next(self._numbers), work, act)
        self._plan(ready, lambda: self._lay(logins, job))

    def _lay(self, logins: Sequence[str], job: _Job) -> None:
        login = min(logins, key=lambda one: (self._desks[one].busy, len(self._desks[one].waiting)))
        heapq.heappush(self._desks[login].waiting, job)
        if not self._desks[login].busy:
            self._begin(login)

    def _begin(self, login: str) -> None:
        desk = self._desks[login]
        desk.busy = bool(desk.waiting)
        if desk.busy:
            job = heapq.heappop(desk.waiting)
            self._plan(self._now() + job.work, lambda: self._end(login, job))

    def _end(self, login: str, job: _Job) -> None:
        job.act(login)
        self._begin(login)

    def _hours(self, logins: Sequence[str], element: str, major: bool, chance: Chance) -> Hours:
        own = self._parameters
        if element == "Task_assign" and not major:
            return Hours((own.hours_of_assigning,))
        called = (major or element in PRESSING or element in SAME_DAY) and chance.happens(own.on_call)
        if called or LEADERS.issuperset(logins):
            return Hours((own.hours_on_call,))
        return Hours(own.hours_of_work, workdays=True)


@dataclass(frozen=True, slots=True)
class Hours:
    """Parts of a day in minutes, of every day or of workdays only."""

    parts: tuple[tuple[int, int], ...]
    workdays: bool = False

    def of(self, day: date, holidays: frozenset[date]) -> tuple[tuple[int, int], ...]:
        return () if self.workdays and (day.weekday() >= 5 or day in holidays) else self.parts


def at_work(at: datetime, hours: Hours, holidays: frozenset[date] = frozenset()) -> datetime:
    """The first instant from `at` (aware) on that lies in these hours of Asia/Shanghai, as UTC."""
    local = at.astimezone(ZONE)
    for ahead in range(20):  # holidays last at most nine days, with weekends on both sides
        day = local.date() + timedelta(days=ahead)
        for begin, end in hours.of(day, holidays):
            opens, closes = (midnight(day) + timedelta(minutes=minutes) for minutes in (begin, end))
            if local < closes:
                return max(local, opens).astimezone(UTC)
    raise LookupError(f"no office hours within 20 days from {at}")

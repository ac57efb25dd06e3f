"""When somebody of the cast gets to a task: office hours, the watch, who is on call, and that one does one thing at a
time. Late answers come out of this; they are not drawn."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from engine.domain.calendar import ZONE, midnight
from engine.domain.organisation import SECTION_HEAD

from .cast import PLAYERS
from .chance import Chance
from .load_parameters import Parameters

OFFICE: Final = ("wangfang", "lina")
SUPERVISION: Final = ("zhaogang", "fengxue")
CHIEF: Final = "liuwei"
VICE: Final = "zhangmin"
LEADERS: Final = frozenset({CHIEF, VICE})
HEADS_SHARE: Final = 0.25
"""Of a unit's tasks that its head does himself."""


def who(groups: Sequence[str], chance: Chance) -> str:
    """Login of one person who may do a task offered to these groups. Raises LookupError where the cast has nobody."""
    for group in groups:
        kind, _, name = group.rpartition(":")
        if kind == "user":
            return name
        if kind == "unit" or kind == "head":
            return _of_unit(name, chance, head=kind == "head")
        found = {"office": OFFICE, "supervision": SUPERVISION}.get(group)
        if found:
            return chance.one_of(found)
        if group == "chief":
            return CHIEF
        if group == "leader" or kind == "line":
            return VICE
    raise LookupError(f"nobody of the cast is in {list(groups)}")


def _of_unit(unit: str, chance: Chance, *, head: bool) -> str:
    if unit == "bangong":
        return OFFICE[1] if head else chance.one_of(OFFICE)
    of_it = [player for player in PLAYERS if player.unit_id == unit and "staff" in player.roles]
    heads = [player for player in of_it if SECTION_HEAD in player.roles]
    others = [player for player in of_it if SECTION_HEAD not in player.roles]
    if not of_it:
        raise LookupError(f"nobody of the cast is in unit {unit}")
    chosen = heads if head or not others or (heads and chance.happens(HEADS_SHARE)) else others
    return chance.one_of(chosen).user_id


Act = Callable[[], None]
Plan = Callable[[datetime, Act], None]


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

    def give(self, login: str, act: Act, *, element: str, pressing: bool, slowness: float, chance: Chance) -> None:
        """A task on `element` for `login`, from now on; `act` is called when he has done it.

        `pressing`: a limit runs, so that he is called after hours, mostly. `slowness`: times the usual.
        """
        own = self._parameters
        pace = own.pace(element)
        wait = timedelta(minutes=chance.lognormal(pace.wait, own.spread) * slowness)
        work = timedelta(minutes=max(1.0, chance.lognormal(pace.work, own.spread) * slowness))
        called = pressing and chance.happens(own.on_call)
        ready = self._now() + wait
        # The office keeps watch day and night (R23); leaders are called whenever there is something.
        if not (login in OFFICE and pressing):
            ready = at_work(ready, own, called=called or login in LEADERS)
        job = _Job(not pressing, ready, next(self._numbers), work, act)
        self._plan(ready, lambda: self._lay(login, job))

    def _lay(self, login: str, job: _Job) -> None:
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
        job.act()
        self._begin(login)


def at_work(at: datetime, parameters: Parameters, *, called: bool) -> datetime:
    """The first instant from `at` (aware) on in office hours, or in the hours in which who is called answers."""
    local = at.astimezone(ZONE)
    for ahead in range(20):  # holidays last at most nine days, with weekends on both sides
        day = local.date() + timedelta(days=ahead)
        for begin, end in _hours(day, parameters, called=called):
            opens, closes = (midnight(day) + timedelta(minutes=minutes) for minutes in (begin, end))
            if local < closes:
                return max(local, opens).astimezone(UTC)
    raise LookupError(f"no office hours within 20 days from {at}")


def _hours(day: date, parameters: Parameters, *, called: bool) -> Iterable[tuple[int, int]]:
    if called:
        return (parameters.hours_on_call,)
    return () if day.weekday() >= 5 or day in parameters.holidays else parameters.hours_of_work

"""An office at work on the arrivals of the load model: every step is a command through `Application.handle`, at the
instant at which somebody gets to it; limits fire at their own.

Nothing here decides how a case goes on: whoever turns to a task finds it in the live case, as the inbox would show it.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from engine.domain.commands import Command, OpenCase, SendMessage, SubmitTask
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.kernel.case import Case
from engine.readmodels import timers

from . import load_forms
from .chance import Chance
from .demo import Stuck, Walker
from .load_forms import Situation
from .load_model import Arrival
from .load_parameters import USUAL, Parameters
from .load_people import OFFICE, Desks, who

REGISTRAR: Final = OFFICE[0]
Act = Callable[[], None]


@dataclass(slots=True)
class Played:
    """What came of it. `commands`: by kind; `fired`: timers; `tasks`: submissions by element."""

    arrivals: int = 0
    commands: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    fired: int = 0


@dataclass(slots=True)
class _Folder:
    """What the model remembers of a case beside the case itself."""

    case_id: str
    arrival: Arrival
    chance: Chance
    known: set[str] = field(default_factory=set)
    times: Counter[str] = field(default_factory=Counter)
    asked_to_regrade: bool = False


class Office:
    """Works on arrivals at the clock of `walk`, which is that of the application it works with.

    Command ids are `load-<seed>-<n>`: the same seed twice on one database repeats itself, and changes nothing.
    """

    def __init__(self, walk: Walker, seed: int, parameters: Parameters = USUAL) -> None:
        self.walk = walk
        self.played = Played()
        self._seed = seed
        self._parameters = parameters
        self._desks = Desks(parameters, self._plan, walk.clock.now)
        self._agenda: list[tuple[datetime, int, Act]] = []
        self._order = itertools.count()
        self._folders: dict[str, _Folder] = {}
        self._topics: dict[str, str] = {}
        self._outlets: defaultdict[str, set[str]] = defaultdict(set)
        self._actors: dict[str, Actor] = {}
        self._commands = itertools.count(1)

    def run(self, arrivals: Iterable[Arrival], until: datetime | None = None) -> Played:
        """Plays all arrivals and what follows from them, up to `until` (aware); None: until nothing waits any more,
        tracking periods of 30 days included. What would come after `until` is forgotten.

        Raises Stuck where the bundle refuses what the model does: a form or diagram has changed, or the model is wrong.
        """
        coming = iter(arrivals)
        self._expect(coming)
        while self._agenda or self._due(until) is not None:
            at = self._agenda[0][0] if self._agenda else until
            timer = self._due(at)
            at = timer.due if timer else at
            if at is None or (until is not None and at > until):
                break
            self.walk.clock.set(max(self.walk.clock.now(), at))
            if timer is not None:
                self._fire(timer.case_id)
                continue
            act = heapq.heappop(self._agenda)[2]
            act()
            if act is self._arriving:
                self._expect(coming)
        if until is not None:
            self.walk.clock.set(max(self.walk.clock.now(), until))
        return self.played

    # -- what comes from outside -----------------------------------------------------------------------------------
    def _expect(self, coming: Iterator[Arrival]) -> None:
        """Puts the next arrival on the agenda: one at a time, so that a year need not be held in memory."""
        arrival = next(coming, None)
        if arrival is not None:
            self._arriving: Act = lambda: self._register(arrival)
            self._plan(arrival.registered_at, self._arriving)

    def _register(self, arrival: Arrival) -> None:
        values = load_forms.registration(arrival, "王芳")
        case_id = self._do(REGISTRAR, OpenCase("opinion_case", values), "")
        self._folders[case_id] = _Folder(case_id, arrival, Chance("load", self._seed, arrival.number))
        self.played.arrivals += 1
        if arrival.topic:
            self._hotter(arrival, case_id)
        self._look(case_id)

    def _hotter(self, arrival: Arrival, case_id: str) -> None:
        """Another item of a hot topic: with enough outlets the first case is to become a major one (R48)."""
        first = self._folders[self._topics.setdefault(arrival.topic, case_id)]
        outlets = self._outlets[arrival.topic]
        outlets.add(arrival.url)
        if len(outlets) >= self._parameters.outlets_of_a_major and not first.asked_to_regrade:
            first.asked_to_regrade = True
            values = load_forms.regrading("major_negative", "多个帐号集中转发，话题持续升温。", outlets=True)
            self._plan_message(first, "regrade", 5.0, lambda _: values)

    def _fire(self, case_id: str) -> None:
        self.played.fired += self.walk.application.settle(case_id)
        self._look(case_id)

    # -- tasks -----------------------------------------------------------------------------------------------------
    def _look(self, case_id: str) -> None:
        """Plans what nobody has been found for yet: new tasks, and messages that the case waits for."""
        folder = self._folders.get(case_id)
        if folder is None:
            return
        case = self._live(case_id)
        for name, task in case.tasks.items():
            if name not in folder.known:
                folder.known.add(name)
                self._plan_task(folder, case, name, task.node.id, task.groups)
        for waiting in case.messages.values():
            kind = waiting.node.event.name
            if kind not in folder.known and kind in ("county_reply", "regrade", "oral_instruction"):
                folder.known.add(kind)
                self._plan_usual_message(folder, kind)

    def _plan_task(self, folder: _Folder, case: Case, name: str, element: str, groups: tuple[str, ...]) -> None:
        if element == "Task_supervise" and (folder.times[element] or not folder.arrival.course.supervised):
            return  # may be done any number of times while the case is handled, and need not be
        chance = folder.chance.child(name, folder.times[element])
        logins = who(groups, chance)
        if element == "Task_supervise":
            logins = who(("supervision",), chance)
        slow = folder.arrival.course.slowness if element in ("Task_sign", "Task_verify", "Task_opinion") else 1.0
        major = case.data.get("grade") == "major_negative"

        def give() -> None:
            self._desks.give(
                logins,
                lambda login: self._submit(folder, name, element, login),
                element=element,
                major=major,
                slowness=slow,
                chance=chance,
            )

        if element == "Task_promise":
            self._plan(self.walk.clock.now() + timedelta(days=self._parameters.promise_days), give)
        else:
            give()

    def _submit(self, folder: _Folder, name: str, element: str, login: str) -> None:
        case = self._live(folder.case_id)
        folder.known.discard(name)  # a task that comes again has the same name only if it was withdrawn
        if name not in case.tasks:
            return  # taken away meanwhile, as by a downgrade or the reply
        now = self._situation(folder, case, folder.times[element])
        folder.times[element] += 1
        self.played.tasks[element] += 1
        self._do(login, SubmitTask(name, load_forms.answer(element, now)), folder.case_id)
        self._look(folder.case_id)

    # -- messages --------------------------------------------------------------------------------------------------
    def _plan_usual_message(self, folder: _Folder, kind: str) -> None:
        course, own = folder.arrival.course, self._parameters
        chance = folder.chance.child(kind)
        if kind == "county_reply":
            minutes = chance.lognormal(own.county_minutes.wait, own.spread)
            self._plan_message(folder, kind, minutes, load_forms.county_reply)
        elif kind == "oral_instruction" and course.oral_instruction:
            minutes = chance.lognormal(10.0, own.spread)
            self._plan_message(folder, kind, minutes, lambda now: load_forms.oral_instruction(_leader(now), now.at))
        elif kind == "regrade" and course.regrade_to and not folder.asked_to_regrade:
            folder.asked_to_regrade = True
            values = load_forms.regrading(course.regrade_to, "核实后情况与初判不同。", outlets=False)
            self._plan_message(folder, kind, course.regrade_after_minutes, lambda _: values)

    def _plan_message(
        self, folder: _Folder, kind: str, minutes: float, said: Callable[[Situation], dict[str, Any]]
    ) -> None:
        self._plan(self.walk.clock.now() + timedelta(minutes=max(1.0, minutes)), lambda: self._send(folder, kind, said))

    def _send(self, folder: _Folder, kind: str, said: Callable[[Situation], dict[str, Any]]) -> None:
        case = self._live(folder.case_id)
        if any(waiting.accepts(kind) for waiting in case.messages.values()):
            values = said(self._situation(folder, case, 0))
            if values.get("regrade_to") != case.data.get("grade"):
                self._do(REGISTRAR, SendMessage(kind, values), folder.case_id)
                self._look(folder.case_id)

    # -- means -----------------------------------------------------------------------------------------------------
    def _situation(self, folder: _Folder, case: Case, times: int) -> Situation:
        first = self._topics.get(folder.arrival.topic, "")
        return Situation(
            folder.arrival, case.data, folder.case_id, times, self.walk.clock.now(), self._parameters, first
        )

    def _do(self, login: str, command: Command, case_id: str) -> str:
        """Carries a command out and returns the case's number."""
        if login not in self._actors:
            self._actors[login] = self.walk.actor(login)
        answer = self.walk.application.handle(
            command,
            self._actors[login],
            case_id=case_id,
            command_id=f"load-{self._seed}-{next(self._commands)}",
        )
        if isinstance(answer, Rejection):
            raise Stuck(f"{case_id} {login} {command.kind} {getattr(command, 'task', '')}: {answer}")
        self.played.commands[command.kind] += 1
        return answer.case_id

    def _live(self, case_id: str) -> Case:
        live = self.walk.application.live
        with self.walk.services.journal.reading() as tx:
            head = tx.head(case_id)
            case = live.get(tx, case_id, head.seq if head else 0)
        live.put(case_id, case)
        return case

    def _due(self, at: datetime | None) -> timers.DueTimer | None:
        """The earliest timer that is due at `at`; None: whenever."""
        with self.walk.services.journal.reading() as tx:
            found = timers.due_before(tx.connection, at or datetime.max.replace(tzinfo=UTC), 1)
        return found[0] if found else None

    def _plan(self, at: datetime, act: Act) -> None:
        heapq.heappush(self._agenda, (max(at, self.walk.clock.now()), next(self._order), act))


def _leader(now: Situation) -> str:
    return "刘伟" if now.data.get("grade") == "major_negative" else "张敏"

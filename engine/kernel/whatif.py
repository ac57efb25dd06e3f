"""What-if: how a recorded case would have gone on another version of its bundle.

People do what the record says, when it says so; the clock fires what that version has armed, when it is due there.
Compared is the way (which elements were entered and cut short), what decisions gave, and which limits were broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from engine.domain.codec import JSON
from engine.domain.commands import FireTimer, SubmitTask

from .case import Case
from .record import Entry, Loader
from .renaming import NO_MAPPING, element_of, renamed_text
from .rerun import Did, Stuck, rerun
from .unaffected import Changes, last_touched, same

Verdict = Literal["same", "other", "breach", "stuck"]
VERDICTS: Final[tuple[Verdict, ...]] = ("breach", "stuck", "other", "same")
"""A case has one verdict, the first of these that is true of it: what a broken limit led to may be why the record
can't be followed any further, and is what somebody wants to know first."""
NAMED_AT_MOST: Final = 5
"""Elements named in a reason; a longer list says no more."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A limit that was broken on one version and not on the other. `deadline`: on the one where it was, instant."""

    limit: str
    element: str
    unit: str
    deadline: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one case. `step`: number of the first entry after which the way differs, 0 for none; `reason` and
    `params`: why (people, decision, timer_only_there, timer_not_there, elsewhere). `stuck`: where it could not go on.

    `would`: limits that would have been broken and were not; `spared`: the other way round. `carried_out`: False where
    nothing that the case met has changed, so that it need not be carried out again.
    """

    verdict: Verdict
    step: int = 0
    reason: str = ""
    params: Mapping[str, JSON] = field(default_factory=dict)
    stuck: Stuck | None = None
    would: tuple[Broken, ...] = ()
    spared: tuple[Broken, ...] = ()
    carried_out: bool = True


MISSES: Final = 3
"""How often a state is compared with the recorded one in vain: what differs by then seldom comes back."""
SAME: Final = Outcome("same", carried_out=False)


@dataclass(frozen=True, slots=True)
class _Asked:
    """`by`: logins of who submitted and for whom he did; `assignee`, `groups`: of the task as it was created."""

    task: str
    by: tuple[str, ...]
    assignee: str
    groups: tuple[str, ...]


@dataclass(slots=True)
class _Act:
    """What one command of a person led to, with the timers that fired before the next one. `asked`: who submitted a
    task, and to whom it was offered; None for any other command."""

    asked: _Asked | None = None
    ways: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    decided: dict[str, JSON] = field(default_factory=dict)


@dataclass(slots=True)
class _Course:
    """A whole case: its acts by the number of the entry that began each, and the limits broken, by timer."""

    acts: dict[int, _Act] = field(default_factory=dict)
    broken: dict[str, tuple[int, Broken]] = field(default_factory=dict)
    offers: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def begin(self, entry: Entry, task: str) -> None:
        """`task`: the one that the entry submits, "" for another command."""
        act = self.acts.setdefault(entry.seq, _Act())
        if task in self.offers:
            by = tuple(one for one in (entry.actor, entry.on_behalf_of) if one)
            act.asked = _Asked(task, by, *self.offers[task])

    def add(self, events: Sequence[Any], read: Callable[[Any, str], Any], rename: Mapping[str, str]) -> None:
        seq = next(reversed(self.acts))
        act = self.acts[seq]
        for event in events:
            kind = read(event, "kind")
            if kind == "TokensMoved":
                for scope, element, action in read(event, "steps"):
                    if action in ("entered", "cancelled"):
                        act.ways[renamed_text(scope, rename), rename.get(element, element), action] += 1
            elif kind == "TimerFired" and "!" not in read(event, "timer"):
                act.fired[rename.get(read(event, "element"), read(event, "element"))] += 1
            elif kind == "TaskCreated":
                task = renamed_text(read(event, "task"), rename)
                self.offers[task] = read(event, "assignee"), tuple(read(event, "groups"))
            elif kind == "DecisionMade":
                act.decided[rename.get(read(event, "element"), read(event, "element"))] = read(event, "result")
            elif kind == "LimitBreached":
                facts = (str(read(event, name)) for name in ("limit", "element", "unit", "deadline"))
                self.broken.setdefault(renamed_text(read(event, "timer"), rename), (seq, Broken(*facts)))

    def record(self, entries: Sequence[Entry], rename: Mapping[str, str]) -> None:
        """Adds what the entries say happened."""
        for entry in entries:
            if len(entry.events) == 1 and entry.events[0]["kind"] == "IncidentRaised":
                continue
            if entry.command["kind"] != "FireTimer":
                submitted = entry.command["kind"] == SubmitTask.kind
                self.begin(entry, renamed_text(str(entry.command["task"]), rename) if submitted else "")
            self.add(entry.events, lambda event, name: event.get(name, ""), rename)


def what_if(
    entries: Sequence[Entry],
    load: Loader,
    version: str,
    until: datetime | None = None,
    made: Changes | None = None,
    mapping: Mapping[str, str] = NO_MAPPING,
) -> Outcome:
    """The outcome of a recorded case on `version`. Requires the entries from the first on.

    `until`: the present, for a case that is still running: time goes on to there. `made`: what differs between the
    version it ran on and this one (unaffected.changes); without it every case is carried out again. Raises KeyError
    for an unknown version.
    """
    if made is not None and same(entries, made, until):
        return SAME
    moved = any(entry.command["kind"] == "MigrateCase" for entry in entries)
    then = _recorded(entries, load, until, mapping, moved)
    now = _Course()
    joined = _Joined(len(entries) if made is None or made.everything or moved else last_touched(entries, made))
    end = rerun(
        entries, load, version, mapping, tell=_teller(now), at_their_due=True, until=until, enough=joined.enough
    )
    if joined.at is not None:
        now.record(entries[joined.at + 1 :], mapping)
    return _outcome(then, now, end if isinstance(end, Stuck) else None)


class _Joined:
    """Where the other version is back in the recorded state and comes to nothing changed any more: there the rest of
    the record is its way too."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._misses = 0
        self.at: int | None = None

    def enough(self, position: int, entry: Entry, case: Case) -> bool:
        if position <= self._last or self._misses >= MISSES:
            return False
        if case.digest() != entry.state_digest:
            self._misses += 1
            return False
        self.at = position
        return True


def _recorded(
    entries: Sequence[Entry], load: Loader, until: datetime | None, mapping: Mapping[str, str], moved: bool
) -> _Course:
    """The course of the record. A case that was moved to other versions is taken as if it had been on the last from
    the start, which is what its record says of it."""
    course = _Course()
    if moved:
        rerun(entries, load, entries[-1].bundle, tell=_teller(course, mapping), until=until)
        return course
    course.record(entries, mapping)
    return course


def _teller(course: _Course, rename: Mapping[str, str] = NO_MAPPING) -> Callable[[Did], None]:
    def tell(did: Did) -> None:
        if not isinstance(did.command, FireTimer):
            task = did.command.task if isinstance(did.command, SubmitTask) else ""
            course.begin(did.entry, renamed_text(task, rename))
        course.add(did.events, getattr, rename)

    return tell


def _outcome(then: _Course, now: _Course, stuck: Stuck | None) -> Outcome:
    last = stuck.seq if stuck is not None else 0
    step, reason, params = _first_difference(then, now, last)
    would = tuple(one for name, (_, one) in now.broken.items() if name not in then.broken)
    spared = tuple(
        one for name, (seq, one) in then.broken.items() if name not in now.broken and (not last or seq < last)
    )
    verdict: Verdict = "breach" if would else "stuck" if stuck else "other" if step else "same"
    return Outcome(verdict, step, reason, params, stuck, would, spared)


def _first_difference(then: _Course, now: _Course, last: int) -> tuple[int, str, Mapping[str, JSON]]:
    nothing = _Act()
    for seq in sorted({*then.acts, *now.acts}):
        if last and seq >= last:
            break
        before, after = then.acts.get(seq, nothing), now.acts.get(seq, nothing)
        if _others_asked(before.asked, after.asked):
            assert before.asked is not None and after.asked is not None
            sides = {"then": [*before.asked.groups], "now": [*after.asked.groups]}
            return seq, "people", {"element": element_of(after.asked.task), **sides}
        for element in {**before.decided, **after.decided}:
            old, new = before.decided.get(element), after.decided.get(element)
            if old != new and element in before.decided and element in after.decided:
                return seq, "decision", {"element": element, "then": old, "now": new}
        if before.ways != after.ways:
            return seq, *_why(before, after)
    return 0, "", {}


def _others_asked(then: _Asked | None, now: _Asked | None) -> bool:
    """Whether who submitted the task would not have been asked: it is offered to groups of which none was asked then.
    What groups he is in besides is not known here, so that a doubt counts for him. A task that is given to another
    person refuses him: there the case is stuck."""
    if then is None or now is None or then.assignee or now.assignee or not now.groups:
        return False
    return {*then.groups, *(f"user:{one}" for one in now.by)}.isdisjoint(now.groups)


def _why(before: _Act, after: _Act) -> tuple[str, Mapping[str, JSON]]:
    only_now, only_then = after.fired - before.fired, before.fired - after.fired
    if only_now:
        return "timer_only_there", {"element": next(iter(only_now))}
    if only_then:
        return "timer_not_there", {"element": next(iter(only_then))}
    came, went = after.ways - before.ways, before.ways - after.ways
    return "elsewhere", {"now": _elements(came), "then": _elements(went)}


def _elements(ways: Counter[tuple[str, str, str]]) -> list[str]:
    entered = [element for _, element, action in ways if action == "entered"]
    return list(dict.fromkeys(entered or [element for _, element, _ in ways]))[:NAMED_AT_MOST]


def as_json(outcome: Outcome) -> JSON:
    """The outcome as stored and told to machines; names as in `Outcome`."""
    stuck = outcome.stuck
    return {
        "verdict": outcome.verdict,
        "step": outcome.step,
        "reason": outcome.reason,
        "params": dict(outcome.params),
        "stuck": None if stuck is None else {"seq": stuck.seq, "key": stuck.key, "params": dict(stuck.params)},
        "would": [_broken(one) for one in outcome.would],
        "spared": [_broken(one) for one in outcome.spared],
        "carried_out": outcome.carried_out,
    }


def _broken(one: Broken) -> JSON:
    return {"limit": one.limit, "element": one.element, "unit": one.unit, "deadline": one.deadline}

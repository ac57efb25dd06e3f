"""A case's history run once more on another version of its bundle: what migration is made of.

The commands are those of the record; the clock is the record's, with every timer of the new version fired at its own
due instant, as a worker would have. What comes out is the case as it would stand had it been opened on that version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.domain.codec import JSON, from_json, instant_text
from engine.domain.commands import (
    COMMANDS,
    Command,
    FireTimer,
    MigrateCase,
    OpenCase,
    ResolveIncident,
    WithdrawSubmission,
)
from engine.domain.events import Event
from engine.domain.ids import TIMER_ACTOR
from engine.domain.rejection import Rejection

from .case import Case
from .decide import Turn, decide, missed, next_due
from .faults import KernelFault
from .record import Entry, Loader
from .renaming import NO_MAPPING, element_of, renamed, renamings
from .withdraw import withdraw

MAX_FIRINGS = 10_000
"""Timers fired between two entries of the record; more is a diagram that never comes to rest."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """Where the other version can't follow the record: entry `seq`, why (`key`, `params` for the catalogue)."""

    seq: int
    key: str
    params: Mapping[str, JSON] = field(default_factory=dict)


class _Refused(Exception):
    def __init__(self, stuck: Stuck) -> None:
        super().__init__(stuck.key)
        self.stuck = stuck


@dataclass(frozen=True, slots=True)
class Did:
    """One turn of the other version: `entry` of the record that led to it; `command` and `turn` as carried out there,
    which for a timer of the other version is another one than the entry's; `case` stands after it."""

    entry: Entry
    command: Command
    turn: Turn
    events: tuple[Event, ...]
    case: Case


Tell = Callable[[Did], None]
Enough = Callable[[int, Entry, Case], bool]
"""Asked after each entry, with its place and the case as it then stands: whether to stop there."""


def rerun(
    entries: Sequence[Entry],
    load: Loader,
    version: str,
    mapping: Mapping[str, str] = NO_MAPPING,
    *,
    tell: Tell | None = None,
    at_their_due: bool = False,
    until: datetime | None = None,
    enough: Enough | None = None,
) -> Case | Stuck:
    """The case after `entries` on bundle `version`, or where it gets stuck. Requires the entries from the first on.

    Migrations in the record are passed over: their case stands on `version` from the start. A command that ended in an
    incident changed nothing but that, and is passed over too. `mapping`: elements that bear another id on `version`, by
    their id on the version that the case is on. `tell` hears of every turn. Raises KeyError for an unknown version.

    A timer of the record fires again as late as it did. With `at_their_due` only where it is due at the same instant on
    both; else it fires when it is due, as a worker who is never late would have it. `until`: time goes on to there, if
    it was not `enough` before.
    """
    run = _Rerun(entries, load, version, mapping, tell, at_their_due)
    try:
        case = run.upto(len(entries), enough)
        if run.stopped:
            return case
        if until is not None and case.status == "open" and (case.last_at is None or until >= case.last_at):
            run.settle(case, entries[-1], until)
        return case
    except _Refused as refused:
        return refused.stuck


class _Rerun:
    """`upto(n)`: a fresh case after the first n entries."""

    def __init__(
        self,
        entries: Sequence[Entry],
        load: Loader,
        version: str,
        mapping: Mapping[str, str],
        tell: Tell | None,
        at_their_due: bool,
    ) -> None:
        self._entries = entries
        self._load = load
        self._version = version
        self._names = renamings(entries, mapping)
        self._tell = tell
        self._at_their_due = at_their_due
        self.stopped = False

    def upto(self, count: int, enough: Enough | None = None) -> Case:
        program, bundle = self._load(self._version)
        first: Command = from_json(COMMANDS, self._entries[0].command)
        assert isinstance(first, OpenCase)
        if first.process not in bundle.processes:
            raise _Refused(Stuck(self._entries[0].seq, "process.unknown", {"process": first.process}))
        case = Case(program, bundle, self._entries[0].case_id, first.process)
        for position, entry in enumerate(self._entries[:count]):
            command: Command = renamed(from_json(COMMANDS, entry.command), self._names[position])
            if isinstance(command, FireTimer):
                self.settle(case, entry, entry.at, until=command)
            elif not isinstance(command, OpenCase):
                self.settle(case, entry, entry.at)
            if not _passed_over(case, command, entry):
                case = self._carry_out(case, command, entry, position)
            case.seq, case.last_at = entry.seq, entry.at
            if enough is not None and enough(position, entry, case):
                self.stopped = True
                break
        return case

    def _carry_out(self, case: Case, command: Command, entry: Entry, position: int) -> Case:
        turn = Turn(entry.at, entry.actor, entry.on_behalf_of)
        try:
            if isinstance(command, WithdrawSubmission):
                silent, self._tell = self._tell, None
                prior = self.upto(command.seq - 1)
                self._tell = silent
                outcome: Any = withdraw(case, prior, self._entries[:position], command, turn)
                case = prior
            else:
                outcome = decide(case, command, turn)
        except KernelFault as fault:
            raise _Refused(_faulty(entry, fault)) from fault
        if isinstance(outcome, Rejection):
            facts = {"command": entry.command["kind"], "reason": outcome.key, "element": _element(command)}
            raise _Refused(Stuck(entry.seq, "migrate.refused", facts))
        self._told(entry, command, turn, outcome, case)
        return case

    def settle(self, case: Case, entry: Entry, at: datetime, until: FireTimer | None = None) -> None:
        """Fires what is due by `at`, each timer at its own instant; the one that the entry itself fired (`until`) at
        the instant of the record, as late and with as many rounds let pass, and no other after it."""
        for _ in range(MAX_FIRINGS):
            timer = next_due(case, at)
            if timer is None:
                return
            if until is not None and timer == until.timer and self._as_recorded(case, entry, timer):
                # Rounds of the other version: they may be longer or shorter.
                rounds = missed(case, timer, at) if until.missed else 0
                self._fire(case, FireTimer(timer, rounds, until.cause), at, entry)
                return
            self._fire(case, FireTimer(timer), _instant(case, timer), entry)
        raise _Refused(Stuck(entry.seq, "migrate.never_rests"))

    def _as_recorded(self, case: Case, entry: Entry, timer: str) -> bool:
        if not self._at_their_due:
            return True
        due = instant_text(case.timers[timer].due)
        return any(event["kind"] == "TimerFired" and event["due"] == due for event in entry.events)

    def _fire(self, case: Case, command: FireTimer, at: datetime, entry: Entry) -> None:
        turn = Turn(at, TIMER_ACTOR)
        try:
            outcome = decide(case, command, turn)
        except KernelFault as fault:
            raise _Refused(_faulty(entry, fault)) from fault
        assert not isinstance(outcome, Rejection), outcome
        self._told(entry, command, turn, outcome, case)

    def _told(self, entry: Entry, command: Command, turn: Turn, events: tuple[Event, ...], case: Case) -> None:
        if self._tell is not None:
            self._tell(Did(entry, command, turn, events, case))


def _passed_over(case: Case, command: Command, entry: Entry) -> bool:
    if isinstance(command, FireTimer | MigrateCase):
        return True
    if isinstance(command, ResolveIncident):
        return command.incident not in case.incidents
    return len(entry.events) == 1 and entry.events[0]["kind"] == "IncidentRaised"


def _element(command: Command) -> str:
    """Id of the element that a command is about; "" where it names none."""
    return element_of(str(getattr(command, "task", "")))


def _instant(case: Case, timer: str) -> datetime:
    due = case.timers[timer].due
    return due if case.last_at is None else max(due, case.last_at)


def _faulty(entry: Entry, fault: KernelFault) -> Stuck:
    return Stuck(entry.seq, "migrate.fault", {"element": fault.element, "reason": fault.key})

"""A case's history run once more on another version of its bundle: what migration is made of.

The commands are those of the record; the clock is the record's, with every timer of the new version fired at its own
due instant, as a worker would have. What comes out is the case as it would stand had it been opened on that version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.domain.codec import JSON, from_json
from engine.domain.commands import (
    COMMANDS,
    Command,
    FireTimer,
    MigrateCase,
    OpenCase,
    ResolveIncident,
    WithdrawSubmission,
)
from engine.domain.ids import TIMER_ACTOR
from engine.domain.rejection import Rejection

from .case import Case
from .decide import Turn, decide, missed, next_due
from .faults import KernelFault
from .record import Entry, Loader
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


def rerun(entries: Sequence[Entry], load: Loader, version: str) -> Case | Stuck:
    """The case after `entries` on bundle `version`, or where it gets stuck. Requires the entries from the first on.

    Migrations in the record are passed over: their case stands on `version` from the start. A command that ended in an
    incident changed nothing but that, and is passed over too. Raises KeyError for an unknown version.
    """
    try:
        return _run(entries, load, version)
    except _Refused as refused:
        return refused.stuck


def _run(entries: Sequence[Entry], load: Loader, version: str) -> Case:
    program, bundle = load(version)
    first: Command = from_json(COMMANDS, entries[0].command)
    assert isinstance(first, OpenCase)
    if first.process not in bundle.processes:
        raise _Refused(Stuck(entries[0].seq, "process.unknown", {"process": first.process}))
    case = Case(program, bundle, entries[0].case_id, first.process)
    for position, entry in enumerate(entries):
        command: Command = from_json(COMMANDS, entry.command)
        if isinstance(command, FireTimer):
            _settle(case, entry, until=command)
        elif not isinstance(command, OpenCase):
            _settle(case, entry)
        if not _passed_over(case, command, entry):
            case = _carry_out(case, command, entry, entries[:position], load, version)
        case.seq, case.last_at = entry.seq, entry.at
    return case


def _passed_over(case: Case, command: Command, entry: Entry) -> bool:
    if isinstance(command, FireTimer | MigrateCase):
        return True
    if isinstance(command, ResolveIncident):
        return command.incident not in case.incidents
    return len(entry.events) == 1 and entry.events[0]["kind"] == "IncidentRaised"


def _carry_out(case: Case, command: Command, entry: Entry, before: Sequence[Entry], load: Loader, version: str) -> Case:
    turn = Turn(entry.at, entry.actor, entry.on_behalf_of)
    try:
        if isinstance(command, WithdrawSubmission):
            prior = _run(before[: command.seq - 1], load, version)
            outcome: Any = withdraw(case, prior, before, command, turn)
            case = prior
        else:
            outcome = decide(case, command, turn)
    except KernelFault as fault:
        raise _Refused(_faulty(entry, fault)) from fault
    if isinstance(outcome, Rejection):
        raise _Refused(Stuck(entry.seq, "migrate.refused", {"command": entry.command["kind"], "reason": outcome.key}))
    return case


def _settle(case: Case, entry: Entry, until: FireTimer | None = None) -> None:
    """Fires what is due by the entry's instant, each timer at its own; the one that the entry itself fired (`until`)
    at the instant of the record, as late and with as many rounds let pass, and no other after it."""
    for _ in range(MAX_FIRINGS):
        timer = next_due(case, entry.at)
        if timer is None:
            return
        if until is not None and timer == until.timer:
            # Rounds of the other version: they may be longer or shorter.
            rounds = missed(case, timer, entry.at) if until.missed else 0
            _fire(case, FireTimer(timer, rounds, until.cause), entry.at, entry)
            return
        _fire(case, FireTimer(timer), _instant(case, timer), entry)
    raise _Refused(Stuck(entry.seq, "migrate.never_rests"))


def _instant(case: Case, timer: str) -> datetime:
    due = case.timers[timer].due
    return due if case.last_at is None else max(due, case.last_at)


def _fire(case: Case, command: FireTimer, at: datetime, entry: Entry) -> None:
    try:
        outcome = decide(case, command, Turn(at, TIMER_ACTOR))
    except KernelFault as fault:
        raise _Refused(_faulty(entry, fault)) from fault
    assert not isinstance(outcome, Rejection), outcome


def _faulty(entry: Entry, fault: KernelFault) -> Stuck:
    return Stuck(entry.seq, "migrate.fault", {"element": fault.element, "reason": fault.key})

"""Rebuilds a case from its entries by running the same `decide`, and checks every event and digest on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.domain.codec import JSON, canonical, from_json, to_json
from engine.domain.commands import COMMANDS, Command, MigrateCase, OpenCase, WithdrawSubmission
from engine.domain.events import EVENTS, IncidentRaised
from engine.domain.rejection import Rejection

from .case import Case
from .decide import Turn, decide
from .faults import KernelFault
from .migrate import migrated
from .record import Entry, Loader
from .withdraw import withdraw

UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError, AssertionError)
"""What reading a record raises that somebody has changed: fields gone, renamed, of other types."""
NEEDS_HISTORY: Final = frozenset({"WithdrawSubmission", "MigrateCase"})
"""Commands whose outcome depends on earlier entries, not on the state alone."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where a replay differs from the record.

    `what`: events, digest, bundle (the version it names is not the one the case was on), rejected, fault, or
    impossible (what is written there is no command that a case could have had).
    """

    case_id: str
    seq: int
    what: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Step:
    """The case after one entry; `divergence` is None when the replay equals the record."""

    entry: Entry
    case: Case
    divergence: Divergence | None


class Diverged(Exception):
    """A case can't be rebuilt as recorded."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(f"{divergence.case_id} #{divergence.seq}: {divergence.what}")
        self.divergence = divergence


def begin(entry: Entry, load: Loader) -> Case:
    """An empty case for a stream whose first entry is `entry`. Raises Diverged for one that opens no case."""
    try:
        command = from_json(COMMANDS, entry.command)
        assert isinstance(command, OpenCase), entry.command["kind"]
        program, bundle = load(entry.bundle)
        return Case(program, bundle, entry.case_id, command.process)
    except UNREADABLE as error:
        raise Diverged(impossible(entry, error)) from error


def impossible(entry: Entry, error: Exception) -> Divergence:
    """Where a record can't be read on."""
    return Divergence(entry.case_id, entry.seq, "impossible", "", repr(error))


def replay(entries: Sequence[Entry], load: Loader) -> Iterator[Step]:
    """Runs a stream from the start, entry by entry; stops after the first divergence.

    Raises Diverged where the first entry opens no case.
    """
    case: Case | None = None
    for position, entry in enumerate(entries):
        if case is None:
            case = begin(entry, load)
        case, divergence = advance(case, entry, entries[:position], load)
        yield Step(entry, case, divergence)
        if divergence is not None:
            return


def rebuild(entries: Sequence[Entry], load: Loader) -> Case:
    """The case after the last of `entries`. Raises Diverged when the record can't be reproduced."""
    case: Case | None = None
    for step in replay(entries, load):
        if step.divergence is not None:
            raise Diverged(step.divergence)
        case = step.case
    if case is None:
        raise ValueError("a case needs at least one entry")
    return case


def advance(case: Case, entry: Entry, before: Sequence[Entry], load: Loader) -> tuple[Case, Divergence | None]:
    """Applies one recorded entry to `case`. `before`: the entries already applied (a withdrawal goes back in them)."""
    try:
        return _advance(case, entry, before, load)
    except UNREADABLE as error:
        return case, impossible(entry, error)


def _advance(case: Case, entry: Entry, before: Sequence[Entry], load: Loader) -> tuple[Case, Divergence | None]:
    assert entry.seq == case.seq + 1, f"#{entry.seq} after #{case.seq}"
    command: Command = from_json(COMMANDS, entry.command)
    turn = Turn(entry.at, entry.actor, entry.on_behalf_of)
    if len(entry.events) == 1 and entry.events[0]["kind"] == IncidentRaised.kind:
        recorded = from_json(EVENTS, dict(entry.events[0]))
        assert isinstance(recorded, IncidentRaised)
        _incident(case, recorded, entry)
        return case, _compare_bundle(case, entry) or _compare_digest(case, entry)
    try:
        if isinstance(command, WithdrawSubmission):
            prior = rebuild(before[: command.seq - 1], load)
            outcome: Any = withdraw(case, prior, before, command, turn)
            case = prior
        elif isinstance(command, MigrateCase):
            moved = migrated(case, before, load, command, turn)
            if isinstance(moved, Rejection):
                return case, Divergence(entry.case_id, entry.seq, "rejected", "accepted", moved.key)
            case, outcome = moved
        else:
            outcome = decide(case, command, turn)
    except KernelFault as fault:
        return case, Divergence(entry.case_id, entry.seq, "fault", "no fault", f"{fault.key} at {fault.element}")
    if isinstance(outcome, Rejection):
        return case, Divergence(entry.case_id, entry.seq, "rejected", "accepted", outcome.key)
    case.seq = entry.seq
    differs = _compare_events(entry, [to_json(e) for e in outcome])
    return case, differs or _compare_bundle(case, entry) or _compare_digest(case, entry)


def _compare_events(entry: Entry, got: list[dict[str, JSON]]) -> Divergence | None:
    # By their bytes, all at once: the encoder is much faster than a comparison of trees in Python.
    if canonical(entry.events) == canonical(got):
        return None
    for wanted, have in zip(entry.events, got, strict=False):
        if canonical(wanted) != canonical(have):
            return Divergence(entry.case_id, entry.seq, "events", str(wanted)[:2000], str(have)[:2000])
    return Divergence(entry.case_id, entry.seq, "events", f"{len(entry.events)} events", f"{len(got)} events")


def _incident(case: Case, event: IncidentRaised, entry: Entry) -> None:
    """Incidents are taken as recorded: a turn ended by wall time would not end so again."""
    case.at = case.last_at = entry.at
    case.incident_count = event.incident
    case.incidents[event.incident] = event.key
    if event.timer:
        case.stuck[event.timer] = event.incident
    case.seq = entry.seq


def _compare_bundle(case: Case, entry: Entry) -> Divergence | None:
    """An entry names the version that its case is on after it, also where it was moved there by it."""
    got = case.bundle.version
    return None if got == entry.bundle else Divergence(entry.case_id, entry.seq, "bundle", entry.bundle, got)


def _compare_digest(case: Case, entry: Entry) -> Divergence | None:
    got = case.digest()
    if got == entry.state_digest:
        return None
    return Divergence(entry.case_id, entry.seq, "digest", entry.state_digest, got)

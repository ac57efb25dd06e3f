"""What one transaction does to one case: fires what is due, decides commands, records them, undoes a faulty turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine import VERSION
from engine.domain.clock import Clock
from engine.domain.codec import to_json
from engine.domain.commands import Command, FireTimer, MigrateCase, WithdrawSubmission
from engine.domain.events import Event
from engine.domain.ids import TIMER_ACTOR
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.journal.entry import GENESIS, StoredEntry, make_entry
from engine.journal.store import Behind, Transaction
from engine.kernel.case import Case
from engine.kernel.decide import Turn, decide, incident, missed, next_due
from engine.kernel.faults import KernelFault
from engine.kernel.migrate import migrated
from engine.kernel.replay import Diverged, rebuild
from engine.kernel.withdraw import withdraw
from engine.readmodels.sets import NotUnderstood

from .live_cases import LiveCases

TURN_SECONDS = 2.0
"""Wall time that one turn may use; a regulation step needs a hundredth of it."""
MAX_FIRINGS = 50
"""Timers fired for one case in one transaction; the rest stays due for the next one."""
LATE = timedelta(seconds=2)
"""A timer fired later than this says why."""
SYSTEM = Actor(TIMER_ACTOR, "系统", frozenset({"system"}), frozenset(), "", ())


@dataclass(frozen=True, slots=True)
class Means:
    """What work on cases takes from its surroundings. `cause`: why a timer that was due then fires so late, "" for no
    known reason. `algorithm`: of the hash chain."""

    clock: Clock
    live: LiveCases
    cause: Callable[[Any, datetime], str]
    algorithm: str


@dataclass(slots=True)
class CaseWork:
    """One transaction's work on one case. `entries`: those appended so far. `earlier`: whether it armed a timer that is
    due before everything else that waits."""

    means: Means
    tx: Transaction
    case: Case
    prev_hash: str = GENESIS
    entries: list[StoredEntry] = field(default_factory=list)
    earlier: bool = False

    def turn(self, actor: Actor, on_behalf_of: str = "") -> Turn:
        """A turn at the clock's instant; never before the case's last entry, whatever the clock does."""
        now = self.means.clock.now()
        if self.case.last_at is not None and now < self.case.last_at:
            now = self.case.last_at
        started = time.monotonic()
        return Turn(now, actor.user_id, on_behalf_of, lambda: time.monotonic() - started > TURN_SECONDS)

    def decide(self, command: Command, turn: Turn) -> Sequence[Event] | Rejection:
        """What the command does to the case. Raises KernelFault, after which only `fault` may follow."""
        if isinstance(command, WithdrawSubmission):
            return self._withdraw(command, turn)
        if isinstance(command, MigrateCase):
            return self._migrate(command, turn)
        return decide(self.case, command, turn)

    def fire_due(self, fresh: bool = False) -> int:
        """Fires what is due, each timer as an entry of its own; returns how many. `fresh`: the case was settled a
        moment ago, so that what is due now was armed since, and nobody is late with it."""
        fired = 0
        cause = ""
        waited = frozenset[str]() if fresh else frozenset(self.case.timers)
        while fired < MAX_FIRINGS:
            turn = self.turn(SYSTEM)
            timer = next_due(self.case, turn.at)
            if timer is None:
                break
            rounds = 0
            if timer in waited:
                due = self.case.timers[timer].due
                cause = self.means.cause(self.tx, due) if turn.at - due > LATE else ""
                rounds = missed(self.case, timer, turn.at)
            command = FireTimer(timer, rounds, cause)
            case = self.case
            command_id = f"{case.case_id}/{timer}/{case.timers[timer].due.isoformat()}/{case.seq}"
            try:
                outcome = decide(case, command, turn)
            except KernelFault as fault:
                self.fault(command, turn, command_id, fault)
                continue
            assert not isinstance(outcome, Rejection), outcome
            self.append(command, turn, command_id, outcome)
            fired += 1
        return fired

    def fault(self, command: Command, turn: Turn, command_id: str, fault: KernelFault) -> None:
        """The faulty turn is undone by building the case again; only the incident is recorded."""
        self.means.live.drop(self.case.case_id)
        self.case = rebuild(self.tx.read(self.case.case_id, 0, self.case.seq), self.means.live.loader(self.tx))
        self.append(command, turn, command_id, incident(self.case, fault, command, turn))

    def append(self, command: Command, turn: Turn, command_id: str, events: Sequence[Event]) -> StoredEntry:
        """Writes what was decided to the journal. Raises SequenceTaken, CommandSeen."""
        case = self.case
        case.seq += 1
        assert case.last_at is not None
        entry = make_entry(
            case_id=case.case_id,
            seq=case.seq,
            at=case.last_at,
            actor=turn.actor,
            on_behalf_of=turn.on_behalf_of,
            command_id=command_id,
            command=to_json(command),
            bundle=case.bundle.version,
            engine_version=VERSION,
            events=[to_json(e) for e in events],
            state_digest=case.digest(),
            prev_hash=self.prev_hash,
            algorithm=self.means.algorithm,
        )
        self.tx.append(entry)
        self.prev_hash = entry.hash
        self.entries.append(entry)
        return entry

    def _withdraw(self, command: WithdrawSubmission, turn: Turn) -> Sequence[Event] | Rejection:
        before = self.tx.read(self.case.case_id, 0, self.case.seq)
        if not 1 < command.seq <= len(before):
            return Rejection("not_found", "withdraw.no_submission", {"seq": command.seq})
        prior = rebuild(before[: command.seq - 1], self.means.live.loader(self.tx))
        outcome = withdraw(self.case, prior, before, command, turn)
        if not isinstance(outcome, Rejection):
            self.case = prior
        return outcome

    def _migrate(self, command: MigrateCase, turn: Turn) -> Sequence[Event] | Rejection:
        before = self.tx.read(self.case.case_id, 0, self.case.seq)
        outcome = migrated(self.case, before, self.means.live.loader(self.tx), command, turn)
        if isinstance(outcome, Rejection):
            return outcome
        self.case, events = outcome
        return events


def load(means: Means, tx: Transaction, case_id: str) -> CaseWork | None:
    """Work on a case of the journal; None for one that it does not know.

    Raises Behind where read models of this program's shape lack entries, NotUnderstood for entries of a newer program.
    """
    head = tx.head(case_id)
    if head is None or case_id.startswith("_"):
        return None
    if head.behind:
        raise Behind(case_id)
    try:
        case = means.live.get(tx, case_id, head.seq)
    except (KeyError, TypeError, ValueError, Diverged) as error:
        (newest,) = tx.read(case_id, head.seq - 1, head.seq)
        if newest.engine_version == VERSION:
            raise
        raise NotUnderstood(case_id) from error
    return CaseWork(means, tx, case, head.hash)

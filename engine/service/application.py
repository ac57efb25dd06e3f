"""The only writer: `handle(command, actor)` authorises, decides, records and projects in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.domain.clock import Clock
from engine.domain.codec import JSON
from engine.domain.commands import Command, MigrateCase, OpenCase, SendMessage, SubmitTask, TransferTask
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.journal.entry import StoredEntry
from engine.journal.store import Behind, CommandSeen, SequenceTaken, Transaction
from engine.kernel.case import Case
from engine.kernel.decide import form_of
from engine.kernel.faults import KernelFault
from engine.readmodels.sets import NotUnderstood

from .authorise import authorise, manages
from .case_work import SYSTEM, CaseWork, Means, load
from .live_cases import LiveCases
from .outages import connection_lost, is_outage
from .receivers import Receivers

ATTEMPTS = 3
"""At a command that loses races or the connection to the database."""
OWN_KNOWN = 20_000
"""Cases remembered as opened here, about 100 bytes each; for another one the database is asked again."""


@dataclass(frozen=True, slots=True)
class Done:
    """The command is in the journal. `seq` is the case's last entry, `events` those of the command's own entry."""

    case_id: str
    seq: int
    events: tuple[dict[str, JSON], ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What one transaction of the worker did: cases looked at, timers fired, cases that somebody else had in hand, and
    those that were claimed and had nothing to fire."""

    cases: int = 0
    fired: int = 0
    busy: int = 0
    idle: tuple[str, ...] = ()


class _Refused(Exception):
    """Undoes a transaction that has given out a case number for nothing."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.key)
        self.rejection = rejection


class Application:
    """Use cases over one journal. Safe to call from many threads and beside other processes."""

    def __init__(
        self,
        *,
        clock: Clock,
        writing: Callable[[], AbstractContextManager[Any]],
        reading: Callable[[], AbstractContextManager[Any]],
        live: LiveCases,
        project: Callable[[Any, Sequence[StoredEntry]], bool],
        new_case_id: Callable[[Any, Any], str],
        visible: Callable[[Any, str, Actor], bool],
        unknown: Callable[[Any, Sequence[str]], Sequence[str]],
        groups_of: Callable[[Any, str], Collection[str]],
        options: Callable[[Any, Any, str, Mapping[str, JSON]], Mapping[str, JSON]],
        imported: Callable[[Any, str], bool] = lambda tx, case_id: False,
        catch_up: Callable[[str], object] = lambda case_id: None,
        cause: Callable[[Any, datetime], str] = lambda tx, due: "",
        committed: Callable[[], None] = lambda: None,
        written: Callable[[Sequence[StoredEntry]], None] = lambda entries: None,
        algorithm: str = "sha256",
    ) -> None:
        self.clock = clock
        self.live = live
        self._means = Means(clock, live, cause, algorithm)
        self._receivers = Receivers(unknown, groups_of)
        self._writing = writing
        self._reading = reading
        self._project = project
        self._new_case_id = new_case_id
        self._visible = visible
        self._options = options
        self._imported = imported
        self._catch_up = catch_up
        self._own: dict[str, None] = {}
        """Cases known to have been opened here, which never changes; the last OWN_KNOWN that were asked for first."""
        self._committed = committed
        self._written = written

    def handle(self, command: Command, actor: Actor, *, case_id: str = "", command_id: str) -> Done | Rejection:
        """Carries a command out, or says why not.

        1. Fire every timer of the case that is due, in due order, each as an entry of its own.
        2. Decide the command on the state that leaves; append it.
        3. Fire what became due by it (a limit that had passed before it was armed).
        All in one transaction. The same `command_id` is carried out once; asking again gives the recorded answer.
        Rejections: not_found for a case the actor may not see, forbidden, invalid, conflict (also: races lost).
        Raises the error of an outage (outages.is_outage) that could not be got over: the same command may come again.
        """
        lost: Exception | None = None
        for _ in range(ATTEMPTS):
            lost = None
            try:
                if isinstance(command, OpenCase):
                    return self._open(command, actor, command_id)
                with self.live.lock(case_id):
                    return self._on_case(command, actor, case_id, command_id)
            except _Refused as refused:
                return refused.rejection
            except SequenceTaken:
                self.live.drop(case_id)
            except CommandSeen:
                self.live.drop(case_id)
                return self._recorded(command_id)
            except (Behind, NotUnderstood) as error:
                if isinstance(error, NotUnderstood) or not self._caught_up(case_id):
                    return Rejection("conflict", "case.newer_program", {"case": case_id})
            except Exception as error:
                if not is_outage(error):
                    raise
                self.live.drop(case_id)
                if (answer := self._after_outage(command_id)) is not None:
                    return answer
                if not connection_lost(error):
                    raise  # a full disk, a lock: trying again at once would only wait again
                lost = error
        if lost is not None:
            raise lost
        return Rejection("conflict", "case.busy", {"case": case_id})

    def _after_outage(self, command_id: str) -> Done | Rejection | None:
        """The answer to a command whose commit may have come through though its confirmation was lost; None where it
        did not, or the database can't say. Trying again is safe either way: a commit still under way holds the
        command's unique key."""
        try:
            with self._reading() as tx:
                return self._answer(tx, command_id) if self._seen(tx, command_id) else None
        except Exception as error:
            if not is_outage(error):
                raise
            return None

    def recorded(self, command_id: str) -> Done | None:
        """The outcome of a command that is in the journal; None for one that is not. For a page whose answer got
        lost: the same post comes again, and its task is done."""
        with self._reading() as tx:
            answer = self._answer(tx, command_id) if self._seen(tx, command_id) else None
        return answer if isinstance(answer, Done) else None

    def settle(self, case_id: str) -> int:
        """Fires every due timer of a case; returns how many. The worker's entry point."""
        for _ in range(3):
            try:
                with self.live.lock(case_id), self._writing() as tx:
                    work = self._load(tx, case_id)
                    if work is None or self._is_imported(tx, case_id):
                        return 0
                    fired = work.fire_due()
                    work.earlier = self._project(tx, work.entries)
                self._keep(work)
                return fired
            except (SequenceTaken, CommandSeen):
                self.live.drop(case_id)
            except Behind:
                if not self._caught_up(case_id):
                    return 0
        return 0

    def _caught_up(self, case_id: str) -> bool:
        """Brings this program's read models up to what others wrote; False where it can't read what they wrote."""
        try:
            self._catch_up(case_id)
        except NotUnderstood:
            return False
        return True

    def settle_due(self, claim: Callable[[Any], Sequence[str]], seconds: float) -> Settled:
        """Fires the due timers of the cases that `claim` gives out inside the transaction, all in one; begins no
        further case after `seconds`. The claim must pass over imported cases. Anything that goes wrong with one of them
        undoes it all: see TimerRunner."""
        tried: set[str] = set()
        while True:
            try:
                return self._settle_due(claim, seconds)
            except Behind as error:
                if error.case_id in tried or not self._caught_up(error.case_id):
                    raise
                tried.add(error.case_id)

    def _settle_due(self, claim: Callable[[Any], Sequence[str]], seconds: float) -> Settled:
        done: list[CaseWork] = []
        fired = busy = 0
        started = time.monotonic()
        with ExitStack() as held, self._writing() as tx:
            for case_id in claim(tx):
                if not held.enter_context(self.live.try_lock(case_id)):
                    busy += 1  # whoever has it in hand fires what is due first
                    continue
                work = self._load(tx, case_id)
                if work is None:
                    continue
                done.append(work)
                fired += work.fire_due()
                if time.monotonic() - started > seconds:
                    break
            earlier = self._project(tx, [entry for work in done for entry in work.entries])
        if done:
            done[-1].earlier = earlier
        for work in done:
            self._keep(work)
        idle = tuple(work.case.case_id for work in done if not work.entries)
        return Settled(len(done), fired, busy, idle)

    # -- one transaction ------------------------------------------------------------------------------------------
    def _open(self, command: OpenCase, actor: Actor, command_id: str) -> Done | Rejection:
        with self._writing() as tx:
            refusal = authorise(command, actor, None)
            if isinstance(refusal, Rejection):
                return refusal
            if (seen := tx.find_command(command_id)) is not None:
                return Done(seen.case_id, seen.seq, seen.events)
            now = self.clock.now()
            try:
                program, bundle = self.live.current(tx)
            except KeyError:
                return Rejection("conflict", "bundle.none_deployed")
            if command.process not in bundle.processes:
                return Rejection("not_found", "process.unknown", {"process": command.process})
            case_id = self._new_case_id(tx, now)
            work = CaseWork(self._means, tx, Case(program, bundle, case_id, command.process))
            form = bundle.start_form(command.process)
            command = replace(command, options=self._options(tx, bundle, form, command.values))
            turn = work.turn(actor)
            try:
                outcome = work.decide(command, turn)
            except KernelFault as fault:
                outcome = Rejection("unsound", "case.cannot_open", {"element": fault.element, "reason": fault.key})
            if isinstance(outcome, Rejection):
                raise _Refused(outcome)
            own = work.append(command, turn, command_id, outcome)
            work.fire_due(fresh=True)
            work.earlier = self._project(tx, work.entries)
        self._keep(work)
        return Done(case_id, work.case.seq, own.events)

    def _on_case(self, command: Command, actor: Actor, case_id: str, command_id: str) -> Done | Rejection:
        with self._writing() as tx:
            work = self._load(tx, case_id)
            # The process owner moves cases to a new version without reading them.
            unseen = actor is SYSTEM or isinstance(command, MigrateCase)
            if work is None or not (unseen or self._visible(tx, case_id, actor)):
                return Rejection("not_found", "case.unknown", {"case": case_id})
            if self._is_imported(tx, case_id):
                return Rejection("conflict", "case.imported", {"case": case_id})
            work.fire_due()
            allowed = authorise(command, actor, work.case)
            if isinstance(allowed, Rejection):
                answer: Done | Rejection = allowed if not self._seen(tx, command_id) else self._answer(tx, command_id)
            else:
                answer = self._carry_out(work, command, actor, allowed, command_id)
            work.earlier = self._project(tx, work.entries)
        self._keep(work)
        return answer

    def _carry_out(
        self, work: CaseWork, command: Command, actor: Actor, on_behalf_of: str, command_id: str
    ) -> Done | Rejection:
        case, turn = work.case, work.turn(actor, on_behalf_of)
        if (refused := self._receivers.refusal(work.tx, command, case)) is not None:
            return refused
        if isinstance(command, TransferTask):
            task = case.tasks.get(command.task)
            hands_on = task is not None and task.assignee not in ("", actor.user_id) and manages(task, actor)
            command = replace(command, by_manager=hands_on and not on_behalf_of)
        if isinstance(command, SubmitTask | SendMessage):
            form = form_of(case, command)
            command = replace(command, options=self._options(work.tx, case.bundle, form, command.values))
        try:
            outcome = work.decide(command, turn)
        except KernelFault as fault:
            work.fault(command, turn, command_id, fault)
            told = {"element": fault.element, "reason": fault.key, **fault.details}
            return Rejection("unsound", "case.incident", told)
        if isinstance(outcome, Rejection):
            # A repeated command finds its task done: its first answer is the right one.
            return self._answer(work.tx, command_id) if self._seen(work.tx, command_id) else outcome
        own = work.append(command, turn, command_id, outcome)
        work.fire_due(fresh=True)
        return Done(work.case.case_id, work.case.seq, own.events)

    def _load(self, tx: Transaction, case_id: str) -> CaseWork | None:
        return load(self._means, tx, case_id)

    def _is_imported(self, tx: Transaction, case_id: str) -> bool:
        """A case out of an archive package is there to be read: it is carried on where it came from, or nowhere."""
        if case_id in self._own:
            return False
        if self._imported(tx, case_id):
            return True
        if len(self._own) >= OWN_KNOWN:
            self._own.pop(next(iter(self._own)), None)
        self._own[case_id] = None
        return False

    def _keep(self, work: CaseWork) -> None:
        self.live.put(work.case.case_id, work.case)
        if work.entries:
            self._written(work.entries)
        if work.earlier:
            self._committed()

    def _seen(self, tx: Transaction, command_id: str) -> bool:
        return tx.find_command(command_id) is not None

    def _answer(self, tx: Transaction, command_id: str) -> Done | Rejection:
        entry = tx.find_command(command_id)
        assert entry is not None
        first: Mapping[str, Any] = entry.events[0] if entry.events else {}
        if first.get("kind") == "IncidentRaised":
            return Rejection("unsound", "case.incident", {"element": first["element"], "reason": first["key"]})
        return Done(entry.case_id, entry.seq, entry.events)

    def _recorded(self, command_id: str) -> Done | Rejection:
        with self._writing() as tx:
            return self._answer(tx, command_id)

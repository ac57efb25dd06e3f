"""Fires due timers: claims a few cases whose timers are due, settles them in one transaction, sleeps until the next."""

from __future__ import annotations

import itertools
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from engine.domain.clock import Clock
from engine.journal.store import CommandSeen, SequenceTaken
from engine.readmodels import timers
from engine.service.application import Settled
from engine.service.bootstrap import Services
from engine.service.system import SystemClock, steady
from engine.service.transactions import writing
from engine.service.wakers import Presence

from .backoff import Backoff
from .changes import Changes

LOOK_AGAIN_SECONDS = 30.0
"""Longest time without a look at the rows, in case that a call to wake up got lost."""
LOOK_AGAIN_SECONDS_TEST_CLOCK = 0.2
"""The same with a test clock: nothing wakes the worker when somebody writes another instant into its file."""
CONTENDED = ("55P03", "40P01", "40001")
"""PostgreSQL: lock not available, deadlock, serialization: another writer was there, nothing is wrong."""
CONTENDED_SECONDS = 0.05
"""Pause after a run in which others had everything in hand."""

log = logging.getLogger("opinion.worker")
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Config:
    """`batch`: due rows claimed at once. `seconds`: a transaction begins no further case after so long.
    `look_again`: longest time without a look at the rows."""

    batch: int = 50
    seconds: float = 0.2
    look_again: float = LOOK_AGAIN_SECONDS


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one run: cases settled, timers fired, cases that failed, cases that others had in hand."""

    cases: int = 0
    fired: int = 0
    failed: int = 0
    busy: int = 0


class TimerRunner:
    """One per process; any number of processes may run at once. The claim keeps them out of each other's way, the
    journal's unique key decides. `steady`: seconds of a clock that never jumps; the machine's own where the program
    runs on the machine's clock, none on a test's."""

    def __init__(
        self,
        services: Services,
        config: Config = Config(),
        on_error: Callable[[str, Exception], None] | None = None,
        steady_clock: Callable[[], float] | None = None,
    ) -> None:
        self.services = services
        self.clock: Clock = services.clock
        self.config = config
        self.on_error = on_error or (lambda case_id, error: None)
        real = steady if isinstance(services.clock, SystemClock) else None
        self.presence = Presence(f"{socket.gethostname()}:{os.getpid()}:{next(_NUMBERS)}", steady_clock or real)
        self.backoff = Backoff(steady_clock or steady)
        self._changes = Changes(services.engine)
        self._next: datetime | None = None
        self._looked_at = self.clock.now()
        self._sleeps = 0.0
        self._counts = Counts()

    def run_once(self) -> Counts:
        """Fires one batch of what is due now. A case that fails is reported, tried again later and later, and does not
        hold up the others. Raises what the database raises when it is not there: that is no case's fault."""
        now = self._looked_at = self.clock.now()
        self._say_so(now)
        self._changes.seen()
        held = self.backoff.held()
        self._counts = Counts()
        with self.services.journal.reading() as tx:
            self._next = timers.next_due(tx.connection, held)
        if self._next is not None and self._next <= now:
            self._counts = self._batch(now, held)
        return self._counts

    def seconds_to_next(self) -> float:
        """How long to sleep until there may be something to do, at most `Config.look_again`. No SQL: what `run_once`
        has found holds until `disturbed`, or until somebody calls."""
        self._sleeps = self._pause()
        return self._sleeps

    def _pause(self) -> float:
        if self._counts.fired or self._counts.failed:
            return 0.0  # there may be more, without those that failed
        until = [self.config.look_again]
        if self._next is not None:
            left = (self._next - self.clock.now()).total_seconds()
            until.append(left if left > 0 else CONTENDED_SECONDS if self._looked_at >= self._next else 0.0)
        if (again := self.backoff.seconds_to_next()) is not None:
            until.append(again)
        return min(until)

    def disturbed(self) -> bool:
        """Whether the sleep must end early: the clock was set, or another process wrote (SQLite). Costs no SQL."""
        now = self.clock.now()
        if self._next is not None and self._looked_at < self._next <= now:
            return True
        return self.presence.look(now, 2.0) is not None or self._changes.new()

    def _say_so(self, now: datetime) -> None:
        jump = self.presence.look(now, self._sleeps)
        if jump is not None:
            log.warning("the clock jumped", extra={"expected": str(jump.expected), "shown": str(jump.shown)})
        if self.presence.due(now, bool(self._counts.fired)):
            with writing(self.services.engine) as conn:
                self.presence.beat(conn, now)

    def _batch(self, now: datetime, held: frozenset[str]) -> Counts:
        claimed: list[str] = []

        def claim(tx: object, only: str = "") -> tuple[str, ...]:
            found = timers.claim(tx.connection, now, self.config.batch, held, only)  # type: ignore[attr-defined]
            claimed.extend(found)
            return found

        try:
            return self._settled(claim)
        except Exception as error:
            if _of_the_store(error):
                raise
            if len(claimed) == 1:
                return self._failed(claimed[0], error)
        total = Counts()
        for case_id in tuple(claimed):
            total = _sum(total, self._alone(case_id, partial(claim, only=case_id)))
        return total

    def _alone(self, case_id: str, claim: Callable[[object], tuple[str, ...]]) -> Counts:
        try:
            return self._settled(claim)
        except Exception as error:  # one broken case must not stop the clocks of all others
            if _of_the_store(error):
                raise
            return self._failed(case_id, error)

    def _settled(self, claim: Callable[[object], tuple[str, ...]]) -> Counts:
        settled: Settled = self.services.application.settle_due(claim, self.config.seconds)
        for case_id in settled.idle:
            # A row that the case knows nothing of: `verify` names it. Until it is mended it must not keep us busy.
            log.warning("due, but nothing to fire", extra={"case_id": case_id})
            self.backoff.failed(case_id)
        return Counts(settled.cases, settled.fired, len(settled.idle), settled.busy)

    def close(self) -> None:
        """Gives its connection back."""
        self._changes.close()

    def _failed(self, case_id: str, error: Exception) -> Counts:
        self.services.application.live.drop(case_id)
        if _contended(error):
            return Counts(busy=1)
        self.backoff.failed(case_id)
        self.on_error(case_id, error)
        return Counts(failed=1)


def _contended(error: Exception) -> bool:
    if isinstance(error, SequenceTaken | CommandSeen):
        return True
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in CONTENDED


def _of_the_store(error: Exception) -> bool:
    """Whether the database is the trouble, not the case: gone, full, locked by another program."""
    if not isinstance(error, DBAPIError) or _contended(error):
        return False
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(one.cases + other.cases, one.fired + other.fired, one.failed + other.failed, one.busy + other.busy)

"""Fires due timers: wakes at the earliest due instant, hands each case to `Application.settle`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.domain.clock import Clock
from engine.readmodels import timers
from engine.service.bootstrap import Services

LOOK_AGAIN_SECONDS = 30.0
"""Longest sleep: bounds how late a timer armed by another machine can be seen, and a jump of the system clock."""
LOOK_AGAIN_SECONDS_TEST_CLOCK = 0.2
"""The same with a test clock: nothing wakes the worker when somebody writes another instant into its file."""


@dataclass(frozen=True, slots=True)
class Config:
    """`batch`: due rows read at once. `look_again`: longest sleep in seconds."""

    batch: int = 200
    look_again: float = LOOK_AGAIN_SECONDS


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one run: rows seen due, cases settled, timers fired, cases that failed."""

    due: int = 0
    cases: int = 0
    fired: int = 0
    failed: int = 0


class TimerRunner:
    """One per process; several processes may run at once: the journal's unique key decides who fires."""

    def __init__(
        self, services: Services, config: Config = Config(), on_error: Callable[[str, Exception], None] | None = None
    ) -> None:
        self.services = services
        self.clock: Clock = services.clock
        self.config = config
        self.on_error = on_error or (lambda case_id, error: None)

    def run_once(self) -> Counts:
        """Fires what is due now. A case that fails is reported and does not hold up the others."""
        now = self.clock.now()
        with self.services.journal.reading() as tx:
            rows = timers.due_before(tx.connection, now, self.config.batch)
        fired = failed = 0
        cases = list(dict.fromkeys(row.case_id for row in rows))
        for case_id in cases:
            try:
                fired += self.services.application.settle(case_id)
            except Exception as error:  # one broken case must not stop the clocks of all others
                failed += 1
                self.on_error(case_id, error)
        return Counts(len(rows), len(cases), fired, failed)

    def seconds_to_next(self) -> float:
        """How long to sleep until the earliest due timer, at most `Config.look_again`."""
        with self.services.journal.reading() as tx:
            due: datetime | None = timers.next_due(tx.connection)
        if due is None:
            return self.config.look_again
        return min(self.config.look_again, max(0.0, (due - self.clock.now()).total_seconds()))

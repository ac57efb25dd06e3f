"""Background jobs: queued in the caller's transaction, carried out by a worker after its commit.

A job is only a wake-up: rows elsewhere decide what is to do, so one that is lost or run twice changes nothing.
docs/jobs.md says what is guaranteed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from engine.domain.codec import JSON, instant_text
from engine.journal.job_tables import job_faults

State = Literal["waiting", "running", "failed"]
STATES: tuple[State, ...] = ("waiting", "running", "failed")
"""`failed`: given up after its last attempt; it stays until somebody repeats or removes it."""
KEPT_DAYS = 90
"""How long a job that was given up is kept for somebody to look at."""
NO_SIGN_OF_LIFE = "the worker gave no sign of life"
"""Why a job was rescued."""
ERROR_LENGTH = 500
"""Characters kept of what a task said when it failed."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failing job is run and how long it rests between: `first_seconds`, then `factor` times as long."""

    attempts: int = 8
    first_seconds: float = 2.0
    factor: float = 3.0
    longest_seconds: float = 3600.0

    def rest(self, failures: int) -> timedelta | None:
        """How long to wait after the `failures`-th failure (1, 2 ...); None when it was the last attempt."""
        if failures >= self.attempts:
            return None
        return timedelta(seconds=min(self.longest_seconds, self.first_seconds * self.factor ** (failures - 1)))


NEVER = Retry(attempts=1)
"""For what comes again by itself."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the page of jobs shows it. `attempts`: runs that failed; `due`: not before, None for at once."""

    id: int
    task: str
    args: Mapping[str, JSON]
    lock: str
    state: State
    attempts: int
    due: datetime | None
    error: str = ""
    failed_at: str = ""


class Jobs(Protocol):
    """The queue of this database (JobsOnSqlite, JobsOnPostgres)."""

    def defer(
        self,
        conn: Connection,
        task: str,
        args: Mapping[str, JSON] = {},
        *,
        lock: str = "",
        once: str = "",
        at: datetime | None = None,
    ) -> None:
        """Queues in the caller's transaction: a rollback leaves no job, the commit hands it to a worker.

        `lock`: jobs of one lock run one after another, in the order in which they became due, and one that is to be
        tried again holds up those behind it. `once`: while a job of this name waits and is due no later, another is
        not queued; the one that waits is sure to start after this commit. `at`: not before (aware).
        """
        ...

    def counts(self, conn: Connection) -> Mapping[State, int]:
        """How many jobs are in each state."""
        ...

    def listed(self, conn: Connection, state: State, limit: int) -> tuple[Job, ...]:
        """Up to `limit` jobs of a state, oldest first."""
        ...

    def repeat(self, conn: Connection, job: int) -> bool:
        """A failed job waits again and is due at once; False when there is none of that number."""
        ...

    def remove(self, conn: Connection, job: int) -> bool:
        """Deletes a failed job; False when there is none of that number."""
        ...

    def tidy(self, conn: Connection) -> int:
        """Deletes jobs that failed more than KEPT_DAYS ago; returns how many."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker can do. `run(services, args)` opens its own transactions and may be run twice for one job.

    `every`: seconds from one period to the next for what is queued by the clock; None for what is only deferred.
    `long`: takes minutes: it has a worker to itself, so that nothing short waits behind it.
    """

    name: str
    run: Any = field(compare=False)
    retry: Retry = Retry()
    every: int | None = None
    long: bool = False


class Interrupted(Exception):
    """Raised by a task that stops because the program does: it waits again at once, and that is no failure."""


def note_fault(conn: Connection, job: int, error: str, now: datetime) -> None:
    """Keeps why a job failed the last time."""
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    row = {"at": instant_text(now), "error": error[:ERROR_LENGTH]}
    statement = dialect.insert(job_faults).values(job=job, **row)
    conn.execute(statement.on_conflict_do_update(index_elements=["job"], set_=row))


def forget_fault(conn: Connection, job: int) -> None:
    conn.execute(delete(job_faults).where(job_faults.c.job == job))


def faults(conn: Connection, jobs: list[int]) -> Mapping[int, tuple[str, str]]:
    """(instant as text, error) of those of the jobs that have failed."""
    wanted = job_faults.c.job.in_(bindparam("jobs", expanding=True))
    found = conn.execute(select(job_faults).where(wanted), {"jobs": jobs})
    return {row.job: (row.at, row.error) for row in found}


def words(error: BaseException) -> str:
    """An exception on one line, for a person who is to see why a job failed. Only its first line: SQLAlchemy puts the
    values of the statement, which may be somebody's data, on the others."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"[:ERROR_LENGTH]

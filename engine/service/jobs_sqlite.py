"""The queue of jobs on SQLite: one table. One transaction writes at a time there, which makes a claim exclusive."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from engine.domain.clock import Clock
from engine.domain.codec import JSON, canonical, instant_text, parse_instant
from engine.journal.job_tables import job_periods, jobs

from .jobs import KEPT_DAYS, NO_SIGN_OF_LIFE, STATES, Job, Retry, State, faults, forget_fault, note_fault, words

STALLED_SECONDS = 30.0
"""Without a sign of life for so long a job's worker counts as gone."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that a runner has taken."""

    id: int
    task: str
    args: Mapping[str, JSON]
    attempts: int


class JobsOnSqlite:
    """See `engine.service.jobs.Jobs`; the second half is for the runner."""

    def __init__(self, clock: Clock, stalled_seconds: float = STALLED_SECONDS) -> None:
        self.clock = clock
        self.stalled_seconds = stalled_seconds

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
        due = instant_text(at or self.clock.now())
        if once:
            waits = select(jobs.c.id).where(jobs.c.once == once, jobs.c.state == "waiting", jobs.c.due <= due)
            if conn.execute(waits.limit(1)).first() is not None:
                return
        conn.execute(
            insert(jobs).values(
                task=task,
                args=canonical(dict(args)).decode(),
                lock=lock,
                once=once,
                state="waiting",
                attempts=0,
                due=due,
                joined=due,
                worker="",
                beat="",
            )  # fmt: skip
        )

    def counts(self, conn: Connection) -> Mapping[State, int]:
        rows = conn.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state)).all()
        found = {row[0]: row[1] for row in rows}
        return {state: found.get(state, 0) for state in STATES}

    def listed(self, conn: Connection, state: State, limit: int) -> tuple[Job, ...]:
        rows = conn.execute(select(jobs).where(jobs.c.state == state).order_by(jobs.c.id).limit(limit)).all()
        known = faults(conn, [row.id for row in rows])
        return tuple(
            Job(
                row.id,
                row.task,
                json.loads(row.args),
                row.lock,
                state,
                row.attempts,
                parse_instant(row.due),
                *reversed(known.get(row.id, ("", ""))),
            )  # fmt: skip
            for row in rows
        )

    def repeat(self, conn: Connection, job: int) -> bool:
        now = instant_text(self.clock.now())
        again = update(jobs).where(jobs.c.id == job, jobs.c.state == "failed")
        return conn.execute(again.values(state="waiting", attempts=0, due=now, joined=now)).rowcount == 1

    def remove(self, conn: Connection, job: int) -> bool:
        gone = conn.execute(delete(jobs).where(jobs.c.id == job, jobs.c.state == "failed")).rowcount == 1
        if gone:
            forget_fault(conn, job)
        return gone

    # -- for the runner -------------------------------------------------------------------------------------------
    def next_due(self, conn: Connection, tasks: Collection[str]) -> datetime | None:
        """When the earliest job of these tasks that nothing holds up is due, past or to come; None when none waits."""
        now = instant_text(self.clock.now())
        waiting = select(func.min(jobs.c.due)).where(jobs.c.state == "waiting", jobs.c.task.in_(sorted(tasks)))
        due = conn.scalar(waiting.where(~_held_up(now)))
        return parse_instant(due) if due else None

    def claim(self, conn: Connection, tasks: Collection[str], worker: str) -> Claimed | None:
        """Takes the job that is to run next; None when none can. Requires a writing transaction."""
        now = instant_text(self.clock.now())
        wanted = select(jobs).where(
            jobs.c.state == "waiting", jobs.c.due <= now, jobs.c.task.in_(sorted(tasks)), ~_held_up(now)
        )
        row = conn.execute(wanted.order_by(jobs.c.due, jobs.c.id).limit(1)).first()
        if row is None:
            return None
        conn.execute(update(jobs).where(jobs.c.id == row.id).values(state="running", worker=worker, beat=now))
        return Claimed(row.id, row.task, json.loads(row.args), row.attempts)

    def beat(self, conn: Connection, job: int, worker: str) -> None:
        """A sign of life of who runs the job."""
        conn.execute(update(jobs).where(*_mine(job, worker)).values(beat=instant_text(self.clock.now())))

    def done(self, conn: Connection, job: Claimed, worker: str) -> None:
        """The job has succeeded and is deleted; nothing happens when it was taken for stalled meanwhile."""
        conn.execute(delete(jobs).where(*_mine(job.id, worker)))
        if job.attempts:
            forget_fault(conn, job.id)

    def handed_back(self, conn: Connection, job: Claimed, worker: str) -> None:
        """The job was interrupted by the end of the program and waits again."""
        conn.execute(update(jobs).where(*_mine(job.id, worker)).values(state="waiting", worker="", beat=""))

    def failed(self, conn: Connection, job: Claimed, worker: str, error: BaseException, retry: Retry) -> bool:
        """The job has failed and waits for its next attempt, or is given up; returns whether it is given up."""
        return self._failed(conn, _mine(job.id, worker), job.id, job.attempts, words(error), retry)

    def stalled(self, conn: Connection, worker: str) -> tuple[Claimed, ...]:
        """Jobs whose worker gives no sign of life. `worker` asks between two jobs: what it runs, it has lost."""
        before = instant_text(self.clock.now() - timedelta(seconds=self.stalled_seconds))
        gone = or_(jobs.c.worker == worker, jobs.c.beat < before)
        found = conn.execute(select(jobs).where(jobs.c.state == "running", gone))
        return tuple(Claimed(row.id, row.task, json.loads(row.args), row.attempts) for row in found)

    def rescue(self, conn: Connection, worker: str, retries: Mapping[str, Retry]) -> int:
        """Stalled jobs wait again, or are given up when that was their last attempt: a job that kills its worker does
        not go on for ever. Returns how many."""
        found = self.stalled(conn, worker)
        for job in found:
            retry = retries.get(job.task, Retry())
            self._failed(conn, (jobs.c.id == job.id,), job.id, job.attempts, NO_SIGN_OF_LIFE, retry, at_once=True)
        return len(found)

    def tidy(self, conn: Connection) -> int:
        before = instant_text(self.clock.now() - timedelta(days=KEPT_DAYS))
        old = conn.scalars(select(jobs.c.id).where(jobs.c.state == "failed", jobs.c.due < before)).all()
        return sum(self.remove(conn, job) for job in old)

    def begin_period(self, conn: Connection, task: str, period: int) -> bool:
        """Whether this period of a periodic task is to be queued: True once, to the first who asks."""
        statement = insert_or(job_periods).values(task=task, period=period)
        newer = job_periods.c.period < period
        changed = conn.execute(
            statement.on_conflict_do_update(index_elements=["task"], set_={"period": period}, where=newer)
        )
        return changed.rowcount == 1

    def _failed(
        self,
        conn: Connection,
        which: tuple[ColumnElement[bool], ...],
        job: int,
        attempts: int,
        error: str,
        retry: Retry,
        *,
        at_once: bool = False,
    ) -> bool:
        now = self.clock.now()
        rest = retry.rest(attempts + 1)
        values: dict[str, Any] = {"attempts": attempts + 1, "worker": "", "beat": ""}
        if rest is None:
            values |= {"state": "failed"}
        else:
            values |= {"state": "waiting", "due": instant_text(now if at_once else now + rest)}
        if conn.execute(update(jobs).where(*which).values(**values)).rowcount:
            note_fault(conn, job, error, now)
        return rest is None


def _mine(job: int, worker: str) -> tuple[ColumnElement[bool], ...]:
    return (jobs.c.id == job, jobs.c.state == "running", jobs.c.worker == worker)


def _held_up(now: str) -> ColumnElement[bool]:
    """Another job of the same lock runs, or stands before this one in the line."""
    other = jobs.alias("other")
    before = or_(other.c.joined < jobs.c.joined, and_(other.c.joined == jobs.c.joined, other.c.id < jobs.c.id))
    waits = and_(other.c.state == "waiting", other.c.joined <= now, before)
    held = and_(jobs.c.lock != "", other.c.lock == jobs.c.lock, or_(other.c.state == "running", waits))
    return exists().where(held)

"""The queue of jobs on PostgreSQL: Procrastinate's, written through the caller's own connection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from procrastinate import sql
from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job as QueuedJob
from procrastinate.manager import JobManager
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, text

from engine.domain.clock import Clock
from engine.domain.codec import JSON

from .jobs import KEPT_DAYS, NO_SIGN_OF_LIFE, STATES, Job, Retry, State, faults, forget_fault, note_fault

LATER = "later"
"""Task of ours that queues another one when its instant has come: until then that one must not stand in the line of
its lock, which Procrastinate keeps by the order of queueing."""
NAMES: Mapping[State, str] = {"waiting": "todo", "running": "doing", "failed": "failed"}
"""Our states in Procrastinate's words."""


class OnConnection(BaseConnector):
    """Procrastinate's statements on a SQLAlchemy connection: in its transaction, with SQLAlchemy's errors."""

    def get_sync_connector(self) -> BaseConnector:
        return self

    def execute_query_all_with_connection(
        self, connection: Connection, query: str, **arguments: Any
    ) -> list[dict[str, Any]]:
        found = connection.exec_driver_sql(query, {name: _adapted(value) for name, value in arguments.items()})
        return [dict(row) for row in found.mappings()]

    def execute_query_one_with_connection(self, connection: Connection, query: str, **arguments: Any) -> dict[str, Any]:
        return self.execute_query_all_with_connection(connection, query, **arguments)[0]


def _adapted(value: Any) -> Any:
    if isinstance(value, dict):
        return Jsonb(value)
    if isinstance(value, list | tuple):
        return type(value)([_adapted(one) for one in value]) if isinstance(value, list) else tuple(map(_adapted, value))
    return value


class JobsOnPostgres:
    """See `engine.service.jobs.Jobs`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.connector = OnConnection()
        self.manager = JobManager(self.connector)

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
        # In the database's time: the machines of a province need not agree to the second, and with a test clock the
        # job is due after as long as the caller says it is to wait.
        waits = at - self.clock.now() if at is not None else None
        due = None if waits is None or waits.total_seconds() <= 0 else conn.scalar(_NOW) + waits
        if once and _holds(conn, once) and _waits(conn, once, due):
            return
        kwargs: dict[str, JSON] = {"args": dict(args), "once": once}
        if due is not None and lock:
            queued = QueuedJob(
                id=None, queue=task, task_name=LATER, lock=None, queueing_lock=None, scheduled_at=due,
                task_kwargs={**kwargs, "lock": lock},
            )  # fmt: skip
        else:
            queued = QueuedJob(
                id=None, queue=task, task_name=task, lock=lock or None, queueing_lock=None, scheduled_at=due,
                task_kwargs=kwargs,
            )  # fmt: skip
        self.manager.defer_job(queued, connection=conn)

    def counts(self, conn: Connection) -> Mapping[State, int]:
        rows = self._all(conn, "count_jobs_status")
        found = {row["status"]: row["count"] for row in rows}
        return {state: found.get(NAMES[state], 0) for state in STATES}

    def listed(self, conn: Connection, state: State, limit: int) -> tuple[Job, ...]:
        rows = conn.execute(_LISTED, {"status": NAMES[state], "limit": limit}).all()
        known = faults(conn, [row.id for row in rows])
        return tuple(
            Job(
                row.id,
                row.queue_name,
                row.args.get("args", {}),
                row.lock or row.args.get("lock") or "",
                state,
                row.attempts,
                row.scheduled_at,
                *reversed(known.get(row.id, ("", ""))),
            )  # fmt: skip
            for row in rows
        )

    def repeat(self, conn: Connection, job: int) -> bool:
        if conn.execute(_FAILED, {"job": job}).first() is None:
            return False
        self._again(conn, job)
        conn.execute(_ANEW, {"job": job})
        return True

    def remove(self, conn: Connection, job: int) -> bool:
        gone = conn.execute(_REMOVE, {"job": job}).rowcount == 1
        if gone:
            forget_fault(conn, job)
        return gone

    def tidy(self, conn: Connection) -> int:
        old = conn.scalars(_OLD, {"days": KEPT_DAYS}).all()
        return sum(self.remove(conn, job) for job in old)

    # -- for the workers ------------------------------------------------------------------------------------------
    def rescue(self, conn: Connection, retries: Mapping[str, Retry], stalled_seconds: float) -> int:
        """Jobs of workers that gave no sign of life for so long wait again, or are given up when that was their last
        attempt: a job that kills its worker does not go on for ever. Returns how many."""
        if not conn.scalar(_RESCUING):
            return 0  # another machine is at it
        stalled = {"seconds_since_heartbeat": stalled_seconds, "queue": None, "task_name": None}
        found = self._all(conn, "select_stalled_jobs_by_heartbeat", **stalled)
        for row in found:
            if retries.get(row["queue_name"], Retry()).rest(row["attempts"] + 1) is None:
                self._all(conn, "finish_job", job_id=row["id"], status="failed", delete_job=False)
            else:
                self._again(conn, row["id"])
            note_fault(conn, row["id"], NO_SIGN_OF_LIFE, self.clock.now())
        self._all(conn, "prune_stalled_workers", seconds_since_heartbeat=stalled_seconds)
        return len(found)

    def _again(self, conn: Connection, job: int) -> None:
        fields = {"retry_at": conn.scalar(_NOW), "new_priority": None, "new_queue_name": None, "new_lock": None}
        self._all(conn, "retry_job", job_id=job, **fields)
        conn.execute(_WAKE, {"queue": f"procrastinate_queue_v1#{conn.scalar(_QUEUE, {'job': job})}", "job": job})

    def _all(self, conn: Connection, query: str, **arguments: Any) -> list[dict[str, Any]]:
        return self.connector.execute_query_all_with_connection(conn, sql.queries[query], **arguments)


_NOW = text("SELECT clock_timestamp()")
_SHARE = text("SELECT pg_try_advisory_xact_lock_shared(hashtextextended(:once, 5003))")
_BARRIER = text("SELECT pg_advisory_xact_lock(hashtextextended(:once, 5003))")
_WAITS = text(
    "SELECT 1 FROM procrastinate_jobs WHERE args->>'once' = :once AND status = 'todo' "
    "AND (scheduled_at IS NULL OR scheduled_at <= coalesce(:due, clock_timestamp())) LIMIT 1"
)
_LISTED = text(
    "SELECT id, queue_name, args, lock, attempts, scheduled_at FROM procrastinate_jobs "
    "WHERE status = CAST(:status AS procrastinate_job_status) ORDER BY id LIMIT :limit"
)
_QUEUE = text("SELECT queue_name FROM procrastinate_jobs WHERE id = :job")
_WAKE = text(
    "SELECT pg_notify(:queue, json_build_object('type', 'job_inserted', 'job_id', CAST(:job AS bigint))::text)"
)
_RESCUING = text("SELECT pg_try_advisory_xact_lock(5003002)")
_OLD = text(
    "SELECT id FROM procrastinate_jobs j WHERE status = 'failed' AND NOT EXISTS (SELECT 1 FROM procrastinate_events e "
    "WHERE e.job_id = j.id AND e.at > now() - make_interval(days => :days))"
)
_FAILED = text("SELECT id FROM procrastinate_jobs WHERE id = :job AND status = 'failed' FOR UPDATE")
_ANEW = text("UPDATE procrastinate_jobs SET attempts = 0 WHERE id = :job AND status = 'todo'")
_REMOVE = text("DELETE FROM procrastinate_jobs WHERE id = :job AND status = 'failed'")


def _holds(conn: Connection, once: str) -> bool:
    """Takes this transaction's share in the name: a job of that name that waits now will not start before the commit.
    False, without waiting, when one is just about to start."""
    return bool(conn.scalar(_SHARE, {"once": once}))


def _waits(conn: Connection, once: str, due: datetime | None) -> bool:
    # A statement of its own: it must see what was committed up to the moment the share was taken.
    return conn.execute(_WAITS, {"once": once, "due": due}).first() is not None


def await_writers(conn: Connection, once: str) -> None:
    """Called by a worker that has taken a job of this name, before running it: returns when every transaction that
    relied on the job has ended. Their rows are then there to be seen."""
    conn.execute(_BARRIER, {"once": once})

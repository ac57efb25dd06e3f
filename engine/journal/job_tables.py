"""Where background jobs wait: one table on SQLite; on PostgreSQL, where it stays empty, Procrastinate's own schema
(revision 0002 makes it). Beside both: why a job failed, and long jobs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from .schema import metadata

_LONG = BigInteger().with_variant(Integer(), "sqlite")

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True, comment="order of queueing"),
    Column("task", Text, nullable=False, comment="name of the task, see engine/worker/tasks.py"),
    Column("args", Text, nullable=False, comment="JSON object"),
    Column("lock", Text, nullable=False, comment="jobs of one lock run one after another; '' for none"),
    Column("once", Text, nullable=False, comment="while a job of this name waits no other is queued; '' for none"),
    Column("state", Text, nullable=False, comment="waiting, running, failed; a job that is done is deleted"),
    Column("attempts", Integer, nullable=False, comment="runs that ended without success"),
    Column("due", Text, nullable=False, comment="not before this instant, UTC; moves with each retry"),
    Column("joined", Text, nullable=False, comment="the first `due`: its place in the line of its lock"),
    Column("worker", Text, nullable=False, comment="who runs it; '' for nobody"),
    Column("beat", Text, nullable=False, comment="instant of the runner's last sign of life, UTC; '' before"),
    Index("jobs_due", "state", "due", "id"),
    Index("jobs_line", "lock", "state"),
    Index("jobs_once", "once", "state"),
    sqlite_autoincrement=True,
    comment="SQLite only: background jobs; wake-ups, and nothing else: rows elsewhere decide what is to do",
)

job_periods = Table(
    "job_periods",
    metadata,
    Column("task", Text, primary_key=True, comment="name of a periodic task"),
    Column("period", _LONG, nullable=False, comment="number of its last period that was queued: seconds / every"),
    comment="SQLite only: which period of a periodic task was queued last",
)

job_faults = Table(
    "job_faults",
    metadata,
    Column("job", _LONG, primary_key=True, autoincrement=False, comment="id of the job"),
    Column("at", Text, nullable=False, comment="instant of the last failure, UTC"),
    Column("error", Text, nullable=False, comment="what failed: class and words of the exception, cut"),
    comment="Why a job failed the last time; Procrastinate keeps no words. Deleted with the job",
)

long_jobs = Table(
    "long_jobs",
    metadata,
    Column("id", Text, primary_key=True, comment="random"),
    Column("kind", Text, nullable=False, comment="what is to be done, e.g. verify"),
    Column("args", Text, nullable=False, comment="JSON object"),
    Column("status", Text, nullable=False, comment="waiting, running, done, failed, cancelled"),
    Column("asked_by", Text, nullable=False, comment="login of who asked for it"),
    Column("asked_at", Text, nullable=False, comment="instant, UTC"),
    Column("heard_at", Text, nullable=False, comment="instant of the last progress, UTC"),
    Column("ended_at", Text, nullable=False, comment="instant, UTC; '' before"),
    Column("cancel", Integer, nullable=False, comment="1: somebody wants it to stop"),
    Column("done", Integer, nullable=False, comment="things done so far"),
    Column("total", Integer, nullable=False, comment="things there are, as far as known; 0 before it is known"),
    Column("result", Text, nullable=False, comment="JSON; '' before it is done"),
    Column("error", Text, nullable=False, comment="why it failed, one line"),
    Index("long_jobs_newest", "kind", "asked_at"),
    comment="Work that takes minutes, asked for on a page; kept for some months after its end",
)

"""Where background jobs wait: Procrastinate's own schema on PostgreSQL, one table on SQLite; faults beside both.

`install` makes what is missing. It is no part of `metadata`: the two databases have different tables.
"""

from __future__ import annotations

from typing import Any

from procrastinate.schema import SchemaManager
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, MetaData, Table, Text, text

queue = MetaData()
_LONG = BigInteger().with_variant(Integer(), "sqlite")

jobs = Table(
    "jobs",
    queue,
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
    queue,
    Column("task", Text, primary_key=True, comment="name of a periodic task"),
    Column("period", _LONG, nullable=False, comment="number of its last period that was queued: seconds / every"),
    comment="SQLite only: which period of a periodic task was queued last",
)

job_faults = Table(
    "job_faults",
    queue,
    Column("job", _LONG, primary_key=True, autoincrement=False, comment="id of the job"),
    Column("at", Text, nullable=False, comment="instant of the last failure, UTC"),
    Column("error", Text, nullable=False, comment="what failed: class and words of the exception, cut"),
    comment="Why a job failed the last time; Procrastinate keeps no words. Deleted with the job",
)

# Not Procrastinate's queueing lock: its unique index would make two writers wait for each other, would undo the
# caller's transaction when a job of that name waits, and would refuse the retry of one while another waits.
ONCE_INDEX = (
    "CREATE INDEX IF NOT EXISTS opinion_jobs_waiting_once ON procrastinate_jobs ((args->>'once')) WHERE status = 'todo'"
)
INSTALLING = 5_003_001
"""Key of the advisory lock under which the schema is made."""


def install(conn: Connection) -> None:
    """Makes the tables of the queue that are missing. Requires a writing transaction.

    A role without the right to create finds everything there and creates nothing.
    """
    if conn.dialect.name != "postgresql":
        queue.create_all(conn)
        return
    if _installed(conn):
        return
    conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": INSTALLING})
    if conn.scalar(text("SELECT to_regclass('procrastinate_jobs')")) is None:
        driver: Any = conn.connection.dbapi_connection
        driver.execute(SchemaManager.get_schema())  # many statements at once: only without parameters
    conn.exec_driver_sql(ONCE_INDEX)
    job_faults.create(conn, checkfirst=True)


def _installed(conn: Connection) -> bool:
    names = ("procrastinate_jobs", "opinion_jobs_waiting_once", job_faults.name)
    return all(conn.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None for name in names)

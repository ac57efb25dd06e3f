"""Background jobs: the queue of SQLite, Procrastinate's schema on PostgreSQL, and what stands beside both.

A release that comes with a newer Procrastinate adds a revision that runs that library's own statements, where the
function that they bring is missing yet.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        _procrastinate(connection)
    _tables()


def _procrastinate(connection: sa.Connection) -> None:
    if not sa.inspect(connection).has_table("procrastinate_jobs"):
        driver: Any = connection.connection.dbapi_connection
        driver.execute(SchemaManager.get_schema())  # many statements at once: only without parameters
    # By our own name for "once", not Procrastinate's queueing lock: its unique index would make two writers wait for
    # each other, would undo the caller's transaction when a job of that name waits, and would refuse the retry of one
    # job while another waits.
    op.execute(
        "CREATE INDEX IF NOT EXISTS opinion_jobs_waiting_once ON procrastinate_jobs ((args->>'once'))"
        " WHERE status = 'todo'"
    )


def _tables() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("lock", sa.Text(), nullable=False),
        sa.Column("once", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("joined", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("beat", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index("jobs_due", "jobs", ["state", "due", "id"], if_not_exists=True)
    op.create_index("jobs_line", "jobs", ["lock", "state"], if_not_exists=True)
    op.create_index("jobs_once", "jobs", ["once", "state"], if_not_exists=True)
    op.create_table(
        "job_periods",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("period", _LONG, nullable=False),
        sa.PrimaryKeyConstraint("task"),
        if_not_exists=True,
    )
    op.create_table(
        "job_faults",
        sa.Column("job", _LONG, autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job"),
        if_not_exists=True,
    )
    op.create_table(
        "long_jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=False),
        sa.Column("cancel", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index("long_jobs_newest", "long_jobs", ["kind", "asked_at"], if_not_exists=True)

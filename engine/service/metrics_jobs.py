"""The figures of background jobs for the monitoring system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from engine.journal.job_tables import jobs

from . import metrics
from .jobs_postgres import NAMES

_QUEUED = text(
    "SELECT queue_name, status::text, count(*) FROM procrastinate_jobs"
    " WHERE status IN ('todo', 'doing', 'failed') GROUP BY queue_name, status"
)


def _by_task(conn: Connection, now: datetime) -> Mapping[metrics.Labels, float]:
    """Few rows: a job that is done is deleted."""
    if conn.dialect.name == "postgresql":
        ours = {theirs: state for state, theirs in NAMES.items()}
        return {(task, ours[status]): float(number) for task, status, number in conn.execute(_QUEUED)}
    found = select(jobs.c.task, jobs.c.state, func.count()).group_by(jobs.c.task, jobs.c.state)
    return {(task, state): float(number) for task, state, number in conn.execute(found)}


metrics.gauge("opinion_jobs", "Background jobs; failed: given up, somebody must look", _by_task, ("task", "state"))

"""A queue of background jobs on either database, with tasks of a test's own and a clock that it moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from procrastinate import sql
from sqlalchemy import text

from engine.domain.clock import FixedClock
from engine.service.bootstrap import Services, build
from engine.service.jobs import NEVER, Job, Retry, State, Task
from engine.service.jobs_postgres import JobsOnPostgres
from engine.service.jobs_sqlite import JobsOnSqlite
from engine.service.settings import Settings
from engine.service.transactions import writing
from engine.worker import queue_postgres
from engine.worker.queue import QueueRunner
from engine.worker.queue_postgres import PostgresQueue
from tests.support.databases import with_tables

PATIENCE = 60.0
"""Seconds in which something must have happened, on a machine that has other things to do."""
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class Queued:
    """`ran`: what the tasks made by `task` were given, in order."""

    def __init__(self, folder: Path, url: str) -> None:
        self.clock = FixedClock(AT)
        self.url = url
        self.folder = folder
        self.services: Services = build(Settings(database_url=with_tables(url), data_dir=folder), self.clock)
        self.postgres = self.services.engine.dialect.name == "postgresql"
        self.ran: list[Any] = []
        self._guard = threading.Lock()
        self.tasks: dict[str, Task] = {}

    def task(
        self,
        name: str,
        do: Callable[[Mapping[str, Any]], None] = lambda args: None,
        retry: Retry = NEVER,
        every: int | None = None,
        long: bool = False,
    ) -> None:
        def run(services: Services, args: Mapping[str, Any]) -> None:
            with self._guard:
                self.ran.append((name, dict(args)) if args else name)
            do(args)

        self.tasks[name] = Task(name, run, retry, every, long)

    def defer(self, task: str, args: Mapping[str, Any] = {}, **how: Any) -> None:
        with writing(self.services.engine) as conn:
            self.services.jobs.defer(conn, task, args, **how)

    def jobs(self, state: State) -> tuple[Job, ...]:
        with self.services.engine.connect() as conn:
            return self.services.jobs.listed(conn, state, 10_000)

    def counts(self) -> tuple[int, int, int]:
        """Waiting, running, failed."""
        with self.services.engine.connect() as conn:
            found = self.services.jobs.counts(conn)
        return found["waiting"], found["running"], found["failed"]

    def drain(self) -> None:
        """Runs all that is due now."""
        if self.postgres:
            PostgresQueue(self.services, self.tasks, queue_postgres.Config()).drain()
            return
        runner = QueueRunner(self.services, self.tasks)
        while (counts := runner.run_once()).fired or counts.faults:
            pass

    def abandon(self) -> None:
        """A worker takes the next job and is never heard of again."""
        jobs = self.services.jobs
        with writing(self.services.engine) as conn:
            if isinstance(jobs, JobsOnSqlite):
                assert jobs.claim(conn, self.tasks, "dead") is not None
                return
            worker = conn.exec_driver_sql(sql.queries["register_worker"]).scalar_one()
            taken = {"queues": list(self.tasks), "worker_id": worker}
            assert conn.exec_driver_sql(sql.queries["fetch_job"], taken).one().id is not None

    def rescue(self) -> None:
        """What a worker does about others that are gone."""
        jobs, retries = self.services.jobs, {task.name: task.retry for task in self.tasks.values()}
        with writing(self.services.engine) as conn:
            if isinstance(jobs, JobsOnSqlite):
                jobs.rescue(conn, "living", retries)
            else:
                assert isinstance(jobs, JobsOnPostgres)
                jobs.rescue(conn, retries, 30.0)

    def wait(self, seconds: float) -> None:
        """Lets time pass: PostgreSQL's own can't be moved, so there the jobs come nearer instead."""
        self.clock.advance(seconds=seconds)
        if self.postgres:
            with self.services.engine.begin() as conn:
                for table, column in (("jobs", "scheduled_at"), ("workers", "last_heartbeat")):
                    moved = f"UPDATE procrastinate_{table} SET {column} = {column} - make_interval(secs => :seconds)"
                    conn.execute(text(moved), {"seconds": seconds})

    def empty(self) -> None:
        """PostgreSQL: throws away what an earlier test has left, which is quicker than another database."""
        with self.services.engine.begin() as conn:
            conn.exec_driver_sql("TRUNCATE procrastinate_jobs, procrastinate_workers, job_faults CASCADE")


def until(what: Callable[[], object]) -> None:
    """Waits for something that another thread or process does."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def queued(folder: Path, url: str) -> Iterator[Queued]:
    """The body of a fixture. The tests of a module share a PostgreSQL database, each finds its queue empty."""
    made = Queued(folder, url)
    if made.postgres:
        made.empty()
    yield made
    made.services.engine.dispose()

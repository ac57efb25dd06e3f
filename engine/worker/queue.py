"""Runs background jobs: on SQLite from the table of jobs, in this process; on PostgreSQL see queue_postgres."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from engine.service.bootstrap import Services
from engine.service.jobs import Interrupted, Task
from engine.service.jobs_sqlite import Claimed, JobsOnSqlite
from engine.service.system import new_id
from engine.service.transactions import writing

from .loop import Loop
from .queue_postgres import PostgresQueue
from .tasks import TASKS

log = logging.getLogger("opinion.jobs")


@dataclass(frozen=True, slots=True)
class Config:
    """`look_every`: longest sleep in seconds, one small query each: how late a job queued by another process can be
    seen. `beat_every`: seconds between two signs of life of a job that runs. `batch`: jobs of one run."""

    look_every: float = 1.0
    beat_every: float = 10.0
    batch: int = 100


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one run: jobs done; jobs that failed. The loop does not rest for those, each has its own rest."""

    fired: int = 0
    faults: int = 0
    failed: int = 0


class QueueRunner:
    """One job after another; several of them, in any number of processes, share one table."""

    def __init__(self, services: Services, tasks: Mapping[str, Task] = TASKS, config: Config = Config()) -> None:
        assert isinstance(services.jobs, JobsOnSqlite)
        self.services = services
        self.queue = services.jobs
        self.tasks = tasks
        self.config = config
        self.worker = new_id()
        self._retries = {task.name: task.retry for task in tasks.values()}
        self._begun: dict[str, int] = {}
        self._stop = threading.Event()

    def run_once(self) -> Counts:
        """Runs what is due now. A job that fails is tried again later and does not hold up the others."""
        self._rescue()
        self._begin_periods()
        done = faults = 0
        while done + faults < self.config.batch and not self._ending and self._anything_due():
            with writing(self.services.engine) as conn:
                job = self.queue.claim(conn, self.tasks, self.worker)
            if job is None:
                break
            if self._carry_out(job):
                done += 1
            else:
                faults += 1
        return Counts(done, faults)

    def seconds_to_next(self) -> float:
        """How long to sleep until the next job or period, at most `Config.look_every`."""
        now = self.services.clock.now()
        with self.services.engine.connect() as conn:
            due = self.queue.next_due(conn, self.tasks)
        waits = [] if due is None else [(due - now).total_seconds()]
        waits += [task.every - now.timestamp() % task.every for task in self.tasks.values() if task.every]
        return min(self.config.look_every, max(0.0, min(waits, default=self.config.look_every)))

    def stop(self) -> None:
        """Ends a run after the job under way."""
        self._stop.set()

    @property
    def _ending(self) -> bool:
        return self._stop.is_set() or self.services.stopping.is_set()

    def _anything_due(self) -> bool:
        with self.services.engine.connect() as conn:
            due = self.queue.next_due(conn, self.tasks)
        return due is not None and due <= self.services.clock.now()

    def _carry_out(self, job: Claimed) -> bool:
        task = self.tasks[job.task]
        try:
            with self._beating(job):
                task.run(self.services, job.args)
        except Interrupted:
            with writing(self.services.engine) as conn:
                self.queue.handed_back(conn, job, self.worker)
            return True
        except Exception as error:  # one broken task must not stop the others
            with writing(self.services.engine) as conn:
                given_up = self.queue.failed(conn, job, self.worker, error, task.retry)
            level = logging.ERROR if given_up else logging.WARNING
            log.log(level, "job failed", exc_info=error, extra={"task": job.task, "job": job.id, "given_up": given_up})
            return False
        with writing(self.services.engine) as conn:
            self.queue.done(conn, job, self.worker)
        return True

    @contextmanager
    def _beating(self, job: Claimed) -> Iterator[None]:
        """Gives signs of life while the job runs; only a job that takes long ever writes one."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.config.beat_every):
                try:
                    with writing(self.services.engine) as conn:
                        self.queue.beat(conn, job.id, self.worker)
                except Exception:  # the next one may get through
                    log.exception("no sign of life given", extra={"job": job.id})

        thread = threading.Thread(target=beat, name="beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _rescue(self) -> None:
        with self.services.engine.connect() as conn:
            if not self.queue.stalled(conn, self.worker):
                return
        with writing(self.services.engine) as conn:
            rescued = self.queue.rescue(conn, self.worker, self._retries)
        log.warning("stalled jobs rescued", extra={"rescued": rescued})

    def _begin_periods(self) -> None:
        now: datetime = self.services.clock.now()
        for task in self.tasks.values():
            if task.every is None:
                continue
            period = int(now.timestamp()) // task.every
            if self._begun.get(task.name) == period:
                continue
            self._begun[task.name] = period
            with writing(self.services.engine) as conn:
                if self.queue.begin_period(conn, task.name, period):
                    self.queue.defer(conn, task.name, once=f"every {task.name}")


class Queue:
    """The workers of one process for all background jobs, on either database."""

    def __init__(self, services: Services, tasks: Mapping[str, Task] = TASKS) -> None:
        self.services = services
        self._runners: list[QueueRunner] = []
        self._loops: list[Loop] = []
        self._postgres: PostgresQueue | None = None
        if services.engine.dialect.name == "postgresql":
            self._postgres = PostgresQueue(services, tasks)
            return
        for long, name in ((False, "jobs"), (True, "long jobs")):
            mine = {task.name: task for task in tasks.values() if task.long == long}
            if mine:
                self._runners.append(QueueRunner(services, mine))
                self._loops.append(Loop(self._runners[-1], name))

    def start(self) -> None:
        if self._postgres is not None:
            self._postgres.start()
        for loop in self._loops:
            loop.start()

    def wake(self) -> None:
        """Something was committed in this process: on SQLite nobody else says so."""
        for loop in self._loops:
            loop.wake()

    def ask_to_stop(self) -> None:
        """Takes no further job; does not wait for those under way."""
        self.services.stopping.set()
        for runner in self._runners:
            runner.stop()
        for loop in self._loops:
            loop.ask_to_stop()

    def stop(self, timeout_seconds: float = 10.0) -> bool:
        """Takes no further job and waits for those under way, at most so long; then they are handed to another worker
        (PostgreSQL), or rescued when this process has ended (SQLite). Whether nothing was left running."""
        self.ask_to_stop()
        ended = [loop.stop(timeout_seconds) for loop in self._loops]
        if self._postgres is not None:
            ended.append(self._postgres.stop(timeout_seconds))
        return all(ended)

"""Runs background jobs on PostgreSQL: Procrastinate's workers in a thread of their own.

Idle workers LISTEN. What becomes due by its instant (a retry, `at`) notifies nobody: for it they look every
`Config.look_every` seconds. Each task has a queue of its name, so that a process of an older release leaves alone what
it does not know.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import DeleteJobCondition
from procrastinate.jobs import Job as QueuedJob
from procrastinate.worker import Worker

from engine.domain.codec import JSON
from engine.journal import connections
from engine.service import logs
from engine.service.bootstrap import Services
from engine.service.jobs import Interrupted, Task, forget_fault, note_fault, words
from engine.service.jobs_postgres import LATER, JobsOnPostgres, await_writers
from engine.service.transactions import writing

log = logging.getLogger("opinion.jobs")


@dataclass(frozen=True, slots=True)
class Config:
    """Seconds, but `at_once`: short jobs that run at the same time. `stalled_after`: without a sign of life for so long
    a worker counts as gone. `pause`: before the workers are started again after they failed (connection lost)."""

    at_once: int = 4
    look_every: float = 2.0
    beat_every: float = 10.0
    stalled_after: float = 30.0
    tend_every: float = 10.0
    pause: float = 2.0


class _Rests(BaseRetryStrategy):
    """A task's `Retry` in Procrastinate's words."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision | None:
        if isinstance(exception, Interrupted | asyncio.CancelledError):
            # Not at once: this process, which is about to end, would take it again.
            return RetryDecision(retry_in={"seconds": 1})
        rest = self.task.retry.rest(job.attempts + 1)
        return None if rest is None else RetryDecision(retry_in={"milliseconds": round(rest.total_seconds() * 1000)})


class PostgresQueue:
    """The workers of one process: one for short jobs, one for long ones; any number of processes share the queue."""

    def __init__(self, services: Services, tasks: Mapping[str, Task], config: Config = Config()) -> None:
        assert isinstance(services.jobs, JobsOnPostgres)
        self.services = services
        self.queue = services.jobs
        self.tasks = tasks
        self.config = config
        self._retries = {task.name: task.retry for task in tasks.values()}
        self._runs = 0
        self._begun: dict[str, int] = {}
        self._workers: list[Worker] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        logger = logging.getLogger("procrastinate")
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)  # it tells of every job's beginning and end

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> bool:
        """Takes no further job and waits for those under way; what is not done in time goes back into the queue.
        Whether all has ended in time."""
        self._stop.set()
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._stop_workers, timeout_seconds * 0.8)
            except RuntimeError:  # the loop has ended already
                log.debug("nothing to stop")
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def drain(self) -> int:
        """Runs what is due now and waits for it; returns how many runs that were: for tests and benches."""
        before = self._runs
        while True:
            now = self._runs
            with ThreadPoolExecutor(1) as apart:  # the caller's thread may have an event loop of its own
                apart.submit(asyncio.run, self._work(wait=False)).result()
            if self._runs == now:  # jobs that stood in the line of a lock were left by the round before
                return self._runs - before

    def _stop_workers(self, grace_seconds: float) -> None:
        for worker in self._workers:
            worker.shutdown_graceful_timeout = grace_seconds
            worker.stop()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                asyncio.run(self._work(wait=True))
            except Exception:  # connection lost, server restarted: the jobs are still there afterwards
                log.exception("workers failed, they are started again")
            if not self._stop.is_set():
                self._stop.wait(self.config.pause)

    async def _work(self, wait: bool) -> None:
        url = self.services.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        app = App(
            connector=PsycopgConnector(
                conninfo=url, kwargs=_session(), min_size=1, max_size=self.config.at_once + 2, reconnect_timeout=5.0
            )
        )
        for task in self.tasks.values():
            app.task(name=task.name, queue=task.name, retry=_Rests(task), pass_context=True)(self._performer(task))
        app.task(name=LATER, pass_context=True, retry=_Rests(Task(LATER, None)))(self._later)
        async with app.open_async():
            self._loop = asyncio.get_running_loop()
            self._workers = [
                Worker(
                    app, queues=names, name=name, concurrency=at_once, wait=wait, install_signal_handlers=False,
                    fetch_job_polling_interval=self.config.look_every, abort_job_polling_interval=3600.0,
                    delete_jobs=DeleteJobCondition.SUCCESSFUL, update_heartbeat_interval=self.config.beat_every,
                    stalled_worker_timeout=self.config.stalled_after, listen_notify=wait,
                )
                for name, names, at_once in self._shares()
            ]  # fmt: skip
            if self._stop.is_set():
                return
            tending = asyncio.create_task(self._tend(app)) if wait else None
            try:
                if not wait:
                    await asyncio.to_thread(self._rescue)
                    await self._begin_periods(app)
                running = [asyncio.create_task(worker.run()) for worker in self._workers]
                await asyncio.sleep(0)
                if self._stop.is_set():  # said too early: a worker that begins forgets what it was told before
                    self._stop_workers(0.0)
                done, others = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                if wait:  # one has ended, told to or not: the others too, they are started again together
                    for worker in self._workers:
                        worker.stop()
                await asyncio.gather(*done, *others)
            finally:
                self._loop = None
                if tending is not None:
                    tending.cancel()
                    await asyncio.gather(tending, return_exceptions=True)

    def _shares(self) -> list[tuple[str, list[str], int]]:
        """(name, its queues, jobs at once) of each worker that has anything to do."""
        both = (("short", False, self.config.at_once), ("long", True, 1))
        shares = [(name, [t.name for t in self.tasks.values() if t.long == long], most) for name, long, most in both]
        return [share for share in shares if share[1]]

    def _performer(self, task: Task) -> Callable[..., Coroutine[Any, Any, None]]:
        async def perform(context: JobContext, args: Mapping[str, JSON], once: str = "", timestamp: int = 0) -> None:
            self._runs += 1

            def run() -> None:
                with logs.within():
                    self._perform(task, context.job, args, once)

            await _in_thread(run)

        return perform

    def _perform(self, task: Task, job: QueuedJob, args: Mapping[str, JSON], once: str) -> None:
        engine, number = self.services.engine, job.id or 0
        try:
            if once:
                with engine.begin() as conn:
                    await_writers(conn, once)
            task.run(self.services, args)
        except Interrupted:
            raise
        except Exception as error:
            given_up = task.retry.rest(job.attempts + 1) is None
            level = logging.ERROR if given_up else logging.WARNING
            log.log(level, "job failed", exc_info=error, extra={"task": task.name, "job": number, "given_up": given_up})
            with writing(engine) as conn:
                note_fault(conn, number, words(error), self.services.clock.now())
            raise
        if job.attempts:
            with writing(engine) as conn:
                forget_fault(conn, number)

    async def _later(self, context: JobContext, args: Mapping[str, JSON], once: str, lock: str) -> None:
        def queue() -> None:
            with writing(self.services.engine) as conn:
                self.queue.defer(conn, context.job.queue, args, lock=lock, once=once)

        await _in_thread(queue)

    async def _tend(self, app: App) -> None:
        """Rescues jobs of workers that are gone and queues what is due by the clock. Not jobs themselves: they must not
        wait for a worker to be free."""
        rescued_at = float("-inf")
        loop = asyncio.get_running_loop()
        while True:
            try:
                if loop.time() - rescued_at >= self.config.tend_every:
                    rescued_at = loop.time()
                    await asyncio.to_thread(self._rescue)
                await self._begin_periods(app)
            except Exception:  # tried again in a moment
                log.exception("jobs were not looked after")
            await asyncio.sleep(min(self.config.tend_every, self._seconds_to_next_period()))

    def _rescue(self) -> None:
        with writing(self.services.engine) as conn:
            rescued = self.queue.rescue(conn, self._retries, self.config.stalled_after)
        if rescued:
            log.warning("stalled jobs rescued", extra={"rescued": rescued})

    async def _begin_periods(self, app: App) -> None:
        now = int(self.services.clock.now().timestamp())
        for task in self.tasks.values():
            if task.every is None:
                continue
            at = now // task.every * task.every
            if self._begun.get(task.name) == at:
                continue
            kwargs: dict[str, JSON] = {"args": {}, "timestamp": at}
            job = QueuedJob(
                id=None, queue=task.name, task_name=task.name, lock=None, queueing_lock=None, task_kwargs=kwargs
            )
            await app.job_manager.defer_periodic_job(job, periodic_id="", defer_timestamp=at)
            self._begun[task.name] = at

    def _seconds_to_next_period(self) -> float:
        now = self.services.clock.now().timestamp()
        every = [task.every for task in self.tasks.values() if task.every]
        return min((seconds - now % seconds for seconds in every), default=self.config.tend_every) + 0.01


def _session() -> dict[str, Any]:
    """Of each connection of the workers: a machine that is cut off lets go of what it holds, and notices."""
    kept_alive = {name: value for name, value in connections.SESSION.items() if name.startswith("tcp_")}
    return {**connections.CLIENT, "options": " ".join(f"-c {name}={value}" for name, value in kept_alive.items())}


async def _in_thread(run: Callable[[], None]) -> None:
    """Runs it in a daemon thread: one that hangs can be left behind, and the program still ends."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if ended.done():
            return
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def call() -> None:
        found: BaseException | None = None
        try:
            run()
        except BaseException as error:
            found = error
        try:
            loop.call_soon_threadsafe(settle, found)
        except RuntimeError:  # nobody waits any more: the loop has ended
            log.warning("a job ended after its worker")

    threading.Thread(target=call, name="job", daemon=True).start()
    await ended

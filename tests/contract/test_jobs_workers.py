"""Real worker processes on one queue, on both databases: shared, killed in mid-job, stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from engine.service.transactions import writing
from engine.worker import queue_postgres
from engine.worker.queue import Queue
from engine.worker.queue_postgres import PostgresQueue
from tests.support.queues import PATIENCE, Queued, queued, until
from tests.support.world import ROOT

SHARED = 150
"""Jobs that three processes share in a quick run; a thousand in a long one."""


class Workers:
    """Worker processes on the queue of a test; none outlives it."""

    def __init__(self, queue: Queued) -> None:
        self.queue = queue
        self.processes: list[subprocess.Popen[str]] = []
        with writing(queue.services.engine) as conn:
            conn.exec_driver_sql("CREATE TABLE IF NOT EXISTS ran (worker TEXT, what TEXT, n INTEGER)")
            conn.exec_driver_sql("DELETE FROM ran")

    def start(self, name: str, stalled: float = 30.0) -> subprocess.Popen[str]:
        """`stalled`: seconds without a sign of life after which the others hold a worker to be dead. A busy machine may
        leave a living one without breath for a second."""
        command = [sys.executable, "-m", "tests.support.job_worker"]
        arguments = [*command, self.queue.url, self.queue.folder, name, str(stalled)]
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def ready(self) -> None:
        for process in self.processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

    def ran(self) -> list[tuple[str, str, int]]:
        with self.queue.services.engine.connect() as conn:
            return [tuple(row) for row in conn.execute(text("SELECT worker, what, n FROM ran"))]

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(PATIENCE)
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture(params=["sqlite", "postgres"])
def queue(request, tmp_path) -> Iterator[Queued]:
    url = f"sqlite:///{tmp_path}/q.db" if request.param == "sqlite" else request.getfixturevalue("one_database")
    yield from queued(tmp_path, url)


@pytest.fixture
def postgres_queue(tmp_path, one_database) -> Iterator[Queued]:
    yield from queued(tmp_path, one_database)


@pytest.fixture
def workers(queue: Queued) -> Iterator[Workers]:
    made = Workers(queue)
    yield made
    made.close()


def shared_by_three(queue: Queued, workers: Workers, jobs: int) -> list[tuple[str, str, int]]:
    for name in ("a", "b", "c"):
        workers.start(name)
    workers.ready()
    with writing(queue.services.engine) as conn:
        for number in range(jobs):
            queue.services.jobs.defer(conn, "mark", {"n": number})
    until(lambda: queue.counts() == (0, 0, 0))
    return workers.ran()


def test_three_processes_share_the_jobs_and_each_runs_exactly_once(queue: Queued, workers: Workers):
    ran = shared_by_three(queue, workers, SHARED)

    assert sorted(number for _, _, number in ran) == list(range(SHARED))
    assert len({worker for worker, _, _ in ran}) > 1, "one worker did it all: nothing was shared"


@pytest.mark.long
def test_three_processes_share_a_thousand_jobs_and_each_runs_exactly_once(queue: Queued, workers: Workers):
    ran = shared_by_three(queue, workers, 1000)

    assert sorted(number for _, _, number in ran) == list(range(1000))


def test_three_workers_that_do_not_claim_run_jobs_more_than_once(queue: Queued):
    """Negative control: what is shared above is shared by the claim, not by luck."""
    for number in range(20):
        queue.defer("mark", {"n": number})
    together, ran = threading.Barrier(3), []

    def naive() -> None:
        waiting = queue.jobs("waiting")
        together.wait(PATIENCE)
        ran.extend(job.args["n"] for job in waiting)

    threads = [threading.Thread(target=naive) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert set(Counter(ran).values()) == {3}


def test_a_worker_killed_in_mid_job_is_followed_by_another_that_does_it(queue: Queued, workers: Workers):
    queue.defer("slow", {"n": 1}, lock="WQ-1")
    killed = workers.start("killed", stalled=1.0)
    workers.ready()
    until(lambda: ("killed", "begun", 1) in workers.ran())

    killed.send_signal(signal.SIGKILL)
    killed.wait(PATIENCE)
    left = queue.counts()
    (queue.folder / "go").touch()
    workers.start("other", stalled=1.0)
    until(lambda: queue.counts() == (0, 0, 0))

    assert left == (0, 1, 0)
    assert workers.ran() == [("killed", "begun", 1), ("other", "begun", 1), ("other", "done", 1)]


def test_a_worker_that_is_told_to_stop_ends_the_job_under_way_and_begins_no_other(queue: Queued, workers: Workers):
    queue.defer("slow", {"n": 1}, lock="WQ-1")
    queue.defer("slow", {"n": 2}, lock="WQ-1")
    process = workers.start("a")
    workers.ready()
    until(lambda: ("a", "begun", 1) in workers.ran())

    process.send_signal(signal.SIGTERM)
    threading.Event().wait(0.3)
    running = queue.counts()
    (queue.folder / "go").touch()
    said = process.communicate(timeout=PATIENCE)[0]

    assert running == (1, 1, 0)
    assert (said, process.returncode) == ("stopped\n", 0)
    assert workers.ran() == [("a", "begun", 1), ("a", "done", 1)]
    assert queue.counts() == (1, 0, 0)


def test_a_stop_does_not_wait_for_a_job_that_hangs(queue: Queued):
    begun, go = threading.Event(), threading.Event()

    def hang(args) -> None:
        begun.set()
        go.wait(PATIENCE)

    queue.task("hang", hang)
    queue.defer("hang")
    workers = Queue(queue.services, queue.tasks)
    workers.start()
    assert begun.wait(PATIENCE)

    started = time.monotonic()
    workers.stop(1.0)
    took = time.monotonic() - started
    left = queue.counts()
    go.set()

    assert took < 10.0
    # PostgreSQL: handed back by the worker; SQLite: its process has yet to end, then it is rescued.
    assert left == ((1, 0, 0) if queue.postgres else (0, 1, 0))
    until(lambda: not [thread for thread in threading.enumerate() if thread.name in ("job", "jobs", "beat")])


def test_workers_whose_connections_are_cut_go_on_when_the_server_answers_again(postgres_queue: Queued):
    queue = postgres_queue
    queue.task("mark")
    workers = PostgresQueue(queue.services, queue.tasks, queue_postgres.Config(pause=0.1))
    workers.start()
    queue.defer("mark", {"n": 1})
    until(lambda: queue.ran == [("mark", {"n": 1})])

    with queue.services.engine.connect() as conn:
        cut = conn.exec_driver_sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).scalar_one()
    queue.services.engine.dispose()
    queue.defer("mark", {"n": 2})
    until(lambda: ("mark", {"n": 2}) in queue.ran)
    ended = workers.stop(PATIENCE)

    assert cut >= 2
    assert ended

"""Work that takes minutes, on both databases: progress, cancelling, result, and workers that end in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.service import long_jobs
from engine.service.jobs import Retry, Task
from engine.service.long_jobs import LongJob
from engine.service.transactions import writing
from tests.support.queues import Queued, queued


@pytest.fixture(scope="module")
def one_database(postgres_database) -> str:
    return postgres_database()


class Long:
    """Long jobs on a queue; `works` are what they can do."""

    def __init__(self, queue: Queued) -> None:
        self.queue = queue
        self.services = queue.services
        self.works: dict[str, long_jobs.Work] = {}
        task = Task(long_jobs.TASK, self.run, Retry(attempts=3, first_seconds=5.0), long=True)
        queue.tasks = {task.name: task}

    def run(self, services: Any, args: Any) -> None:
        long_jobs.run(services, args, self.works)

    def start(self, **how: Any) -> str:
        with writing(self.services.engine) as conn:
            return long_jobs.start(self.services, conn, "count", {"to": 3}, "zhaoming", **how)

    def cancel(self, job: str) -> bool:
        with writing(self.services.engine) as conn:
            return long_jobs.cancel(self.services, conn, job)

    def get(self, job: str) -> LongJob:
        with self.services.engine.connect() as conn:
            found = long_jobs.get(conn, job)
        assert found is not None
        return found


@pytest.fixture(params=["sqlite", "postgres"])
def long(request, tmp_path, monkeypatch) -> Iterator[Long]:
    monkeypatch.setattr(long_jobs, "TOLD_EVERY_SECONDS", 0.0)
    url = f"sqlite:///{tmp_path}/q.db" if request.param == "sqlite" else request.getfixturevalue("one_database")
    for queue in queued(tmp_path, url):
        yield Long(queue)


def test_the_progress_can_be_watched_and_the_result_stays(long: Long):
    seen: list[tuple[str, int, int]] = []

    def count(services, args, progress):
        for number in range(args["to"] + 1):
            progress(number, args["to"])
            row = long.get(job)
            seen.append((row.status, row.done, row.percent))
        return {"counted": args["to"]}

    long.works["count"] = count
    job = long.start()
    before = long.get(job)

    long.queue.drain()

    ended = long.get(job)
    assert (before.status, before.percent, before.asked_by) == ("waiting", 0, "zhaoming")
    assert seen == [("running", 0, 0), ("running", 1, 33), ("running", 2, 66), ("running", 3, 99)]
    assert (ended.status, ended.percent, ended.result) == ("done", 100, {"counted": 3})
    assert long.queue.counts() == (0, 0, 0)


def test_work_that_waits_is_cancelled_at_once_and_never_begun(long: Long):
    job = long.start()

    cancelled = long.cancel(job), long.cancel(job)
    long.queue.drain()

    assert cancelled == (True, False)
    assert long.get(job).status == "cancelled"
    assert long.queue.counts() == (0, 0, 0)


def test_work_that_runs_is_cancelled_when_it_next_tells_of_its_progress(long: Long):
    reached: list[int] = []

    def count(services, args, progress):
        for number in range(10):
            progress(number, 10)
            reached.append(number)
            if number == 2:
                long.cancel(job)

    long.works["count"] = count
    job = long.start()

    long.queue.drain()

    assert reached == [0, 1, 2]
    assert long.get(job).status == "cancelled"


def test_the_end_of_the_program_hands_the_work_to_the_next_one(long: Long):
    runs: list[int] = []

    def count(services, args, progress):
        runs.append(1)
        if len(runs) == 1:
            services.stopping.set()
        progress(1, 3)
        return "counted"

    long.works["count"] = count
    job = long.start()

    with pytest.MonkeyPatch.context() as patch:
        long.queue.drain()
        handed_back = long.get(job).status if len(runs) == 1 else "run again at once"
        patch.undo()
    long.services.stopping.clear()
    long.queue.drain()

    assert handed_back in ("waiting", "run again at once")
    assert (long.get(job).status, long.get(job).result) == ("done", "counted")


def test_work_that_fails_says_why_and_is_not_begun_again_by_itself(long: Long):
    runs: list[int] = []

    def count(services, args, progress):
        runs.append(1)
        raise ValueError("no disk\nmore")

    long.works["count"] = count
    job = long.start()

    long.queue.drain()
    long.queue.wait(10_000)
    long.queue.drain()

    assert runs == [1]
    assert (long.get(job).status, long.get(job).error) == ("failed", "ValueError: no disk")
    assert long.queue.counts() == (0, 0, 0)


def test_work_whose_worker_was_killed_is_begun_anew_by_another(long: Long):
    long.works["count"] = lambda services, args, progress: "counted"
    job = long.start()
    long.queue.abandon()

    long.queue.wait(31)
    long.queue.drain()

    assert (long.get(job).status, long.get(job).result) == ("done", "counted")


def test_of_work_that_is_to_be_alone_there_is_one_at_a_time(long: Long):
    long.works["count"] = lambda services, args, progress: "counted"
    first = long.start(alone=True)

    again = long.start(alone=True)
    long.queue.drain()
    later = long.start(alone=True)

    assert first == again
    assert later != first


def test_what_was_lost_is_ended_and_what_is_old_is_deleted(long: Long):
    long.works["count"] = lambda services, args, progress: "counted"
    job, lost = long.start(), long.start()
    long.queue.drain()
    with writing(long.services.engine) as conn:
        conn.exec_driver_sql(f"UPDATE long_jobs SET status = 'running', ended_at = '' WHERE id = '{lost}'")

    def tidy() -> list[str]:
        with writing(long.services.engine) as conn:
            long_jobs.tidy(long.services, conn)
            return [one.status for one in long_jobs.newest(conn, "count", 10) if one.id in (job, lost)]

    kept = tidy()
    long.queue.clock.advance(hours=2)
    ended = tidy()
    long.queue.clock.advance(days=89)
    still = tidy()
    long.queue.clock.advance(days=2)

    assert sorted(kept) == ["done", "running"]
    assert sorted(ended) == sorted(still) == ["done", "failed"]
    assert tidy() == []

"""One suite for both queues of background jobs: what is deferred in a transaction shares its fate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from engine.domain.clock import FixedClock
from engine.journal import job_tables
from engine.journal.database import create_tables, open_database
from engine.service.bootstrap import queue_for
from engine.service.jobs import Job, Jobs
from engine.service.transactions import writing

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@dataclass
class Queue:
    engine: Engine
    clock: FixedClock
    jobs: Jobs

    def defer(self, *args, **kwargs) -> None:
        with writing(self.engine) as conn:
            self.jobs.defer(conn, *args, **kwargs)

    def waiting(self) -> tuple[Job, ...]:
        with self.engine.connect() as conn:
            return self.jobs.listed(conn, "waiting", 1000)


@pytest.fixture(params=["sqlite", "postgres"])
def queue(request, tmp_path) -> Iterator[Queue]:
    url = f"sqlite:///{tmp_path}/q.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine, clock = open_database(url), FixedClock(AT)
    create_tables(engine)
    with writing(engine) as conn:
        job_tables.install(conn)
    yield Queue(engine, clock, queue_for(engine, clock))
    engine.dispose()


def test_a_commit_leaves_the_job_and_a_rollback_leaves_none(queue: Queue):
    queue.defer("mail", {"id": "a", "more": [1, {"x": None}]}, lock="WQ-1")
    with pytest.raises(ZeroDivisionError), writing(queue.engine) as conn:
        queue.jobs.defer(conn, "mail", {"id": "b"})
        raise ZeroDivisionError

    waiting = queue.waiting()

    assert [(job.task, job.args, job.lock, job.attempts) for job in waiting] == [
        ("mail", {"id": "a", "more": [1, {"x": None}]}, "WQ-1", 0)
    ]


def test_the_schema_is_there_already_for_who_installs_it_a_second_time(queue: Queue):
    queue.defer("mail")

    with writing(queue.engine) as conn:
        job_tables.install(conn)

    assert len(queue.waiting()) == 1


def test_while_a_job_of_a_name_waits_another_one_is_not_queued(queue: Queue):
    for _ in range(3):
        queue.defer("mail", {"n": 1}, once="mail")
    queue.defer("mail", {"n": 2}, once="other")
    queue.defer("mail", {"n": 3})

    assert [job.args["n"] for job in queue.waiting()] == [1, 2, 3]


def test_a_job_that_waits_for_later_does_not_stand_for_one_that_is_wanted_now(queue: Queue):
    queue.defer("mail", once="mail", at=AT + timedelta(hours=1))
    queue.defer("mail", once="mail", at=AT + timedelta(hours=2))

    queue.defer("mail", once="mail")

    assert len(queue.waiting()) == 2


def test_a_failed_job_is_repeated_or_removed_and_no_other_one_is(queue: Queue):
    queue.defer("mail")
    (job,) = queue.waiting()

    with writing(queue.engine) as conn:
        done = [queue.jobs.repeat(conn, job.id), queue.jobs.remove(conn, job.id), queue.jobs.remove(conn, 99)]

    assert done == [False, False, False]
    assert len(queue.waiting()) == 1

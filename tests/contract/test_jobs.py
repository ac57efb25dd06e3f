"""One suite for both queues of background jobs: what is deferred in a transaction shares its fate."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from engine.service.transactions import writing
from engine.worker import queue_postgres
from tests.support.queues import AT, Queued, queued, until


@pytest.fixture(params=["sqlite", "postgres"])
def queue(request, tmp_path) -> Iterator[Queued]:
    url = f"sqlite:///{tmp_path}/q.db" if request.param == "sqlite" else request.getfixturevalue("one_database")
    yield from queued(tmp_path, url)


@pytest.fixture
def postgres_queue(tmp_path, one_database) -> Iterator[Queued]:
    for made in queued(tmp_path, one_database):
        with made.services.engine.begin() as conn:
            conn.exec_driver_sql("CREATE TABLE IF NOT EXISTS mail (id INTEGER)")
            conn.exec_driver_sql("DELETE FROM mail")
        yield made


def test_a_commit_leaves_the_job_and_a_rollback_leaves_none(queue: Queued):
    queue.defer("mail", {"id": "a", "more": [1, {"x": None}]}, lock="WQ-1")
    with pytest.raises(ZeroDivisionError), writing(queue.services.engine) as conn:
        queue.services.jobs.defer(conn, "mail", {"id": "b"})
        raise ZeroDivisionError

    waiting = queue.jobs("waiting")

    assert [(job.task, job.args, job.lock, job.attempts) for job in waiting] == [
        ("mail", {"id": "a", "more": [1, {"x": None}]}, "WQ-1", 0)
    ]


def test_while_a_job_of_a_name_waits_another_one_is_not_queued(queue: Queued):
    for _ in range(3):
        queue.defer("mail", {"n": 1}, once="mail")
    queue.defer("mail", {"n": 2}, once="other")
    queue.defer("mail", {"n": 3})

    assert [job.args["n"] for job in queue.jobs("waiting")] == [1, 2, 3]


def test_a_job_that_waits_for_later_does_not_stand_for_one_that_is_wanted_now(queue: Queued):
    queue.defer("mail", once="mail", at=AT + timedelta(hours=1))
    queue.defer("mail", once="mail", at=AT + timedelta(hours=2))

    queue.defer("mail", once="mail")

    assert len(queue.jobs("waiting")) == 2


def test_a_failed_job_is_repeated_or_removed_and_no_other_one_is(queue: Queued):
    queue.defer("mail")
    (job,) = queue.jobs("waiting")

    with writing(queue.services.engine) as conn:
        done = [
            queue.services.jobs.repeat(conn, job.id),
            queue.services.jobs.remove(conn, job.id),
            queue.services.jobs.remove(conn, 99),
        ]

    assert done == [False, False, False]
    assert len(queue.jobs("waiting")) == 1


def lost_letters(queue: Queued) -> int:
    """A letter is written by a transaction that relies on a job that waits, and that a worker takes meanwhile: how many
    letters are left after the job, with nothing to wake a worker for them."""

    delivered = threading.Event()

    def deliver(args) -> None:
        with queue.services.engine.begin() as conn:
            conn.exec_driver_sql("DELETE FROM mail")
        delivered.set()

    queue.task("deliver", deliver)
    queue.defer("deliver", once="deliver")
    worker = threading.Thread(target=queue.drain)
    with queue.services.engine.begin() as conn:
        queue.services.jobs.defer(conn, "deliver", once="deliver")
        worker.start()
        until(lambda: delivered.is_set() or blocked(queue))
        conn.exec_driver_sql("INSERT INTO mail VALUES (1)")
    worker.join(60.0)
    with queue.services.engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM procrastinate_jobs").scalar_one() == 0
        return conn.exec_driver_sql("SELECT count(*) FROM mail").scalar_one()


def blocked(queue: Queued) -> int:
    with queue.services.engine.connect() as conn:
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return conn.exec_driver_sql(locks).scalar_one()


def test_the_job_that_waits_does_not_start_before_those_who_rely_on_it_have_committed(postgres_queue: Queued):
    assert lost_letters(postgres_queue) == 0


def test_without_that_wait_what_they_wrote_would_lie_unseen(postgres_queue: Queued, monkeypatch):
    """Negative control."""
    monkeypatch.setattr(queue_postgres, "await_writers", lambda conn, once: None)

    assert lost_letters(postgres_queue) == 1


def test_writers_that_queue_jobs_of_one_name_at_the_same_time_do_not_wait_for_each_other(postgres_queue: Queued):
    engine, jobs = postgres_queue.services.engine, postgres_queue.services.jobs
    with engine.begin() as first, engine.begin() as second:
        for conn in (first, second):
            conn.exec_driver_sql("SET LOCAL statement_timeout = '5s'")
            jobs.defer(conn, "deliver", once="deliver")

    assert 1 <= postgres_queue.counts()[0] <= 2


def test_a_name_that_waits_costs_nothing_but_two_questions_and_no_notification(postgres_queue: Queued):
    """A NOTIFY makes commits follow one another on the whole server."""
    postgres_queue.defer("deliver", once="deliver")
    seen: list[str] = []
    event.listen(
        postgres_queue.services.engine, "before_cursor_execute", lambda c, cursor, said, *rest: seen.append(said)
    )

    postgres_queue.defer("deliver", once="deliver")

    assert [said.split()[0] for said in seen] == ["SELECT", "SELECT"]
    assert not [said for said in seen if "defer" in said]
    assert postgres_queue.counts()[0] == 1

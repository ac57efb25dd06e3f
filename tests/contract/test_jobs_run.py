"""How background jobs run, on both databases: in the order of their lock, again after a failure, once a period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.service import metrics
from engine.service.jobs import NEVER, NO_SIGN_OF_LIFE, Interrupted, Retry
from engine.service.transactions import writing
from tests.support.queues import AT, Queued, queued

THRICE = Retry(attempts=3, first_seconds=10.0, factor=3.0)


@pytest.fixture(params=["sqlite", "postgres"])
def queue(request, tmp_path) -> Iterator[Queued]:
    url = f"sqlite:///{tmp_path}/q.db" if request.param == "sqlite" else request.getfixturevalue("one_database")
    yield from queued(tmp_path, url)


def fail(args) -> None:
    raise ValueError("no such server\nsecret")


def test_what_is_committed_runs_once_and_is_gone(queue: Queued):
    queue.task("mail")
    queue.defer("mail", {"id": "a"})
    with pytest.raises(ZeroDivisionError), writing(queue.services.engine) as conn:
        queue.services.jobs.defer(conn, "mail", {"id": "b"})
        raise ZeroDivisionError

    queue.drain()
    queue.drain()

    assert queue.ran == [("mail", {"id": "a"})]
    assert queue.counts() == (0, 0, 0)


def test_a_job_is_not_run_before_its_instant(queue: Queued):
    queue.task("mail")
    queue.defer("mail", at=AT + timedelta(hours=1))

    queue.drain()
    before = list(queue.ran)
    queue.wait(3599)
    queue.drain()
    just_before = list(queue.ran)
    queue.wait(1)
    queue.drain()

    assert (before, just_before, queue.ran) == ([], [], ["mail"])


def test_a_failing_job_is_tried_again_after_longer_and_longer_rests_and_then_given_up(queue: Queued):
    queue.task("mail", fail, THRICE)
    queue.defer("mail")

    queue.drain()
    queue.wait(9)
    queue.drain()
    first = (len(queue.ran), queue.counts())
    queue.wait(1)
    queue.drain()
    queue.wait(29)
    queue.drain()
    second = (len(queue.ran), queue.counts())
    queue.wait(1)
    queue.drain()

    assert first == (1, (1, 0, 0))
    assert second == (2, (1, 0, 0))
    (dead,) = queue.jobs("failed")
    assert len(queue.ran) == dead.attempts == 3
    assert dead.error == "ValueError: no such server"
    queue.wait(10**6)
    queue.drain()
    assert len(queue.ran) == 3


def test_a_job_given_up_is_repeated_from_the_beginning(queue: Queued):
    faults = [ValueError("x")]

    def once(args) -> None:
        if faults:
            raise faults.pop()

    queue.task("mail", once)
    queue.defer("mail", {"id": "a"}, lock="WQ-1")
    queue.drain()
    (dead,) = queue.jobs("failed")

    with writing(queue.services.engine) as conn:
        repeated = queue.services.jobs.repeat(conn, dead.id)
    (waiting,) = queue.jobs("waiting")
    queue.drain()

    assert repeated
    assert (waiting.attempts, waiting.lock, waiting.args) == (0, "WQ-1", {"id": "a"})
    assert len(queue.ran) == 2
    assert queue.counts() == (0, 0, 0)


def test_a_failing_task_does_not_hold_up_the_others(queue: Queued):
    queue.task("broken", fail, THRICE)
    queue.task("mail")
    for number in range(5):
        queue.defer("broken", {"n": number})
        queue.defer("mail", {"n": number})

    queue.drain()

    assert [args["n"] for name, args in queue.ran if name == "mail"] == list(range(5))
    assert queue.counts() == (5, 0, 0)


def test_jobs_of_one_lock_run_in_their_order_and_one_that_rests_holds_up_those_behind_it(queue: Queued):
    faults = [ValueError("x")]

    def first_fails(args) -> None:
        if args["n"] == 1 and faults:
            raise faults.pop()

    queue.task("settle", first_fails, THRICE)
    for number in (1, 2, 3):
        queue.defer("settle", {"n": number}, lock="WQ-1")
    queue.defer("settle", {"n": 4}, lock="WQ-2")

    queue.drain()
    before = sorted(args["n"] for _, args in queue.ran)
    queue.wait(10)
    queue.drain()

    assert before == [1, 4]
    assert [args["n"] for _, args in queue.ran if args["n"] != 4] == [1, 1, 2, 3]


def test_a_job_for_later_joins_the_line_of_its_lock_only_when_its_instant_has_come(queue: Queued):
    queue.task("settle")
    queue.defer("settle", {"n": 1}, lock="WQ-1", at=AT + timedelta(hours=1))
    queue.defer("settle", {"n": 2}, lock="WQ-1")

    queue.drain()
    before = [args["n"] for _, args in queue.ran]
    queue.wait(3600)
    queue.drain()
    queue.drain()

    assert before == [2]
    assert [args["n"] for _, args in queue.ran] == [2, 1]


def test_a_task_that_the_end_of_the_program_interrupts_waits_again_and_that_is_no_failure(queue: Queued):
    ends = [Interrupted()]

    def interrupted(args) -> None:
        if ends:
            raise ends.pop()

    queue.task("verify", interrupted, NEVER)
    queue.defer("verify")

    queue.drain()
    queue.wait(1)
    queue.drain()

    assert queue.ran == ["verify", "verify"]
    assert queue.counts() == (0, 0, 0)


def test_a_period_begins_once_however_many_workers_there_are(queue: Queued):
    queue.task("tidy", every=600)

    for _ in range(3):
        queue.drain()
    first = list(queue.ran)
    queue.wait(599)
    queue.drain()
    same = list(queue.ran)
    queue.wait(1)
    queue.drain()
    queue.drain()

    assert (first, same, queue.ran) == (["tidy"], ["tidy"], ["tidy", "tidy"])


def test_a_job_that_no_task_of_this_release_does_is_left_for_the_release_that_knows_it(queue: Queued):
    queue.task("mail")
    queue.defer("of the next release")

    queue.drain()

    assert queue.counts() == (1, 0, 0)
    queue.task("of the next release")
    queue.drain()
    assert queue.ran == ["of the next release"]


def test_what_was_given_up_is_deleted_after_ninety_days(queue: Queued):
    queue.task("mail", fail)
    queue.defer("mail")
    queue.drain()

    def tidy() -> int:
        with writing(queue.services.engine) as conn:
            return queue.services.jobs.tidy(conn)

    kept = tidy()
    queue.wait(91 * 86400)
    if queue.postgres:
        with queue.services.engine.begin() as conn:
            conn.exec_driver_sql("UPDATE procrastinate_events SET at = at - interval '91 days'")

    assert (kept, tidy()) == (0, 1)
    assert queue.counts() == (0, 0, 0)


def test_the_job_of_a_worker_that_is_gone_is_rescued_and_not_before_it_is_gone_for_sure(queue: Queued):
    queue.task("mail", retry=THRICE)
    queue.defer("mail")
    queue.abandon()

    queue.drain()
    early = (list(queue.ran), queue.counts())
    queue.wait(31)
    queue.drain()

    assert early == ([], (0, 1, 0))
    assert queue.ran == ["mail"]
    assert queue.counts() == (0, 0, 0)


def test_a_job_that_kills_its_worker_each_time_is_given_up(queue: Queued):
    queue.task("mail", retry=THRICE)
    queue.defer("mail", {"n": 1}, lock="WQ-1")
    queue.defer("mail", {"n": 2}, lock="WQ-1")

    for _ in range(3):
        queue.abandon()
        queue.wait(31)
        queue.rescue()

    (dead,) = queue.jobs("failed")
    assert (dead.args, dead.attempts, dead.error) == ({"n": 1}, 3, NO_SIGN_OF_LIFE)
    queue.drain()
    assert queue.ran == [("mail", {"n": 2})]


def test_monitoring_is_told_how_many_jobs_are_in_each_state(queue: Queued):
    queue.task("mail")
    queue.task("broken", fail)
    queue.defer("broken")
    queue.drain()
    queue.defer("mail", at=AT + timedelta(hours=1))

    told = metrics.render(queue.services).decode()

    assert 'opinion_jobs{state="failed",task="broken"} 1.0' in told
    assert 'opinion_jobs{state="waiting",task="mail"} 1.0' in told

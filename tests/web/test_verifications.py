"""Verifying the record from the page of checkpoints, and the page of background jobs."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from engine.journal.job_tables import long_jobs as table
from engine.readmodels.schema import tasks as task_rows
from engine.service import long_jobs
from engine.service.jobs import NEVER, Task
from engine.service.transactions import writing
from engine.worker.queue import QueueRunner
from engine.worker.tasks import TASKS
from tests.support.desk import Desk

BAR = re.compile(r'<progress class="progress" value="(\d+)"')


def work(desk: Desk, **more: Task) -> None:
    """A worker does what waits."""
    runner = QueueRunner(desk.world.services, {**TASKS, **more})
    while (counts := runner.run_once()).fired or counts.faults:
        pass


def begun(desk: Desk) -> str:
    """The address of a verification that the auditor has asked for."""
    location: str = desk.seat("zhaoming").post("/audit/verifications").location
    return location


def test_the_auditor_begins_a_verification_watches_the_bar_and_reads_what_it_found(own_desk: Desk, monkeypatch):
    own_desk.graded()
    seat = own_desk.seat("zhaoming")
    monkeypatch.setattr(long_jobs, "TOLD_EVERY_SECONDS", 0.0)
    told, seen = long_jobs.Progress._tell, []

    def tell_and_look(progress: long_jobs.Progress, done: int, total: int) -> None:
        told(progress, done, total)
        bar = BAR.search(seat.get(f"{address}/progress").text)
        assert bar is not None
        seen.append(int(bar[1]))

    monkeypatch.setattr(long_jobs.Progress, "_tell", tell_and_look)
    address = begun(own_desk)

    waiting = seat.get(address).text
    work(own_desk)
    page = seat.get(address).text

    assert "已排队" in waiting and 'hx-trigger="every 1s"' in waiting
    assert seen == sorted(seen)
    assert len(set(seen)) > 3, seen
    assert "完整，没有发现问题" in page and "记录链" in page
    assert "hx-trigger" not in page.partition('id="verification"')[2].partition(">")[0]
    assert "完整，没有发现问题" in seat.get("/audit/checkpoints").text


def test_a_verification_that_finds_a_fault_says_where(own_desk: Desk):
    own_desk.registered()
    with writing(own_desk.world.services.engine) as conn:
        conn.execute(update(task_rows).values(label="改过的"))
    address = begun(own_desk)

    work(own_desk)

    page = own_desk.seat("zhaoming").get(address).text
    assert re.search(r"发现 \d+ 处问题", page)
    assert "tasks" in page


def test_while_one_verification_is_under_way_another_is_not_begun(own_desk: Desk):
    assert begun(own_desk) == begun(own_desk)


def test_a_verification_is_cancelled_and_another_may_begin(own_desk: Desk):
    seat, address = own_desk.seat("zhaoming"), begun(own_desk)

    seat.post(f"{address}/cancel")
    work(own_desk)

    assert "已取消" in seat.get(address).text
    assert begun(own_desk) != address


def test_a_long_job_of_another_kind_is_not_shown_as_a_verification(own_desk: Desk):
    address = begun(own_desk)
    with writing(own_desk.world.services.engine) as conn:
        conn.execute(update(table).values(kind="what_if"))

    answers = [own_desk.seat("zhaoming").get(path) for path in (address, f"{address}/progress", f"{address}x")]

    assert [answer.status_code for answer in answers] == [404] * 3


@pytest.mark.parametrize("login", ["wangfang", "liuwei", "sunli", "qianjin", "wumin"])
def test_only_the_auditor_verifies(desk: Desk, login: str):
    address, seat = begun(desk), desk.seat(login)

    answers = [seat.post("/audit/verifications"), seat.get(address), seat.get(f"{address}/progress")]
    answers += [seat.post(f"{address}/cancel")]

    assert [answer.status_code for answer in answers] == [403] * 4


# --- the page of background jobs ---


def given_up(desk: Desk) -> int:
    def fail(services, args) -> None:
        raise ValueError("no such server")

    with writing(desk.world.services.engine) as conn:
        desk.world.services.jobs.defer(conn, "deliver", {"id": "x"})
    work(desk, deliver=Task("deliver", fail, NEVER))
    with desk.world.services.engine.connect() as conn:
        return desk.world.services.jobs.listed(conn, "failed", 10)[-1].id


def test_the_system_admin_sees_what_was_given_up_and_has_it_done_again(own_desk: Desk):
    number, seat = given_up(own_desk), own_desk.seat("qianjin")

    page = seat.get("/admin/jobs").text
    seat.post(f"/admin/jobs/{number}/repeat")
    done: list[str] = []
    work(own_desk, deliver=Task("deliver", lambda services, args: done.append(args["id"]), NEVER))

    assert "deliver" in page and "ValueError: no such server" in page
    assert done == ["x"]
    assert f"/admin/jobs/{number}/repeat" not in seat.get("/admin/jobs").text


def test_what_was_given_up_can_be_removed_once(own_desk: Desk):
    number, seat = given_up(own_desk), own_desk.seat("qianjin")

    seat.post(f"/admin/jobs/{number}/remove")
    first = seat.get("/admin/jobs").text
    seat.post(f"/admin/jobs/{number}/remove")
    second = seat.get("/admin/jobs").text

    assert "已移除" in first and "no such server" not in first
    assert "该任务已不在" in second


def test_the_auditor_sees_the_jobs_and_can_do_nothing_with_them(own_desk: Desk):
    number, seat = given_up(own_desk), own_desk.seat("zhaoming")

    page = seat.get("/admin/jobs")
    refused = [seat.post(f"/admin/jobs/{number}/{what}").status_code for what in ("repeat", "remove")]

    assert page.status_code == 200 and "no such server" in page.text
    assert f"/{number}/repeat" not in page.text
    assert refused == [403, 403]

"""R64: whoever is in a case's task force can open the case, whatever his unit, and the case says that there is one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from engine.service import people_admin, register_records, task_forces
from engine.service.register_records import Record
from engine.service.registers import ACCESS_TASK
from engine.service.transactions import writing
from engine.worker.queue import QueueRunner
from engine.worker.tasks import TASKS
from tests.support.desk import Browser, Desk
from tests.support.walks import away
from tests.support.world import CaseView

FORCE: dict[str, Any] = {
    "lead": "liuwei", "members": ["gaofeng", "zhouwei"], "task": "现场核实并回应", "began_at": "2026-03-02T08:30",
}  # fmt: skip
BADGE = 'href="/registers/task_force/'


def form(seat: Browser, case: CaseView, **over: Any) -> Any:
    return seat.post(f"/cases/{case.id}/registers/task_force", {**FORCE, **over})


def copied(case: CaseView) -> list[tuple[list[str], str]]:
    """Who got a copy in whose name, once for each time."""
    return [(list(event["groups"]), event["by"]) for event in case.kinds("CaseCopied")]


def test_a_member_of_another_unit_can_open_the_case_once_he_is_in_the_task_force(own_desk: Desk):
    case, office = own_desk.registered(), own_desk.seat("wangfang")
    member, other, lead = (own_desk.seat(login) for login in ("zhouwei", "chenjing", "liuwei"))
    before = member.get(f"/cases/{case.id}").status_code

    answered = form(office, case)

    after = member.get(f"/cases/{case.id}")
    assert (before, answered.status_code, after.status_code) == (404, 303, 200)
    assert BADGE in after.text and BADGE in lead.get(f"/cases/{case.id}").text
    assert case.id in member.get("/inbox?view=copies").text
    assert other.get(f"/cases/{case.id}").status_code == 404
    assert copied(case) == [(["user:gaofeng", "user:zhouwei"], "wangfang")], "the chief sees every case"
    told = [event for event in case.kinds("NotificationQueued") if event["message"] == "notice.copied"]
    assert [event["to"] for event in told] == [["user:gaofeng", "user:zhouwei"]]


def test_the_badge_goes_with_the_end_of_the_task_force_and_what_was_given_stays(own_desk: Desk):
    case, office = own_desk.registered(), own_desk.seat("wangfang")
    without = office.get(f"/cases/{case.id}").text
    form(office, case)
    link = f"{BADGE}1"

    with_badge = office.get(f"/cases/{case.id}/registers").text
    record = office.get("/registers/task_force/1")
    ended = office.post("/registers/task_force/1", {**FORCE, "ended_at": "2026-03-02T08:59"})
    page = office.get(f"/cases/{case.id}").text

    assert link in with_badge and "现场核实并回应" in record.text
    assert ended.status_code == 303
    assert link not in without + page
    assert own_desk.seat("zhouwei").get(f"/cases/{case.id}").status_code == 200


def test_who_joins_later_gets_access_and_nobody_is_told_twice(own_desk: Desk):
    case, office = own_desk.registered(), own_desk.seat("wangfang")
    form(office, case)

    office.post("/registers/task_force/1", {**FORCE, "members": ["zhouwei", "hanmei"]})

    assert copied(case)[1:] == [(["user:hanmei"], "wangfang")]


def test_a_task_force_that_has_ended_gives_nobody_access(own_desk: Desk):
    case = own_desk.registered()

    form(own_desk.seat("wangfang"), case, ended_at="2026-03-02T08:59")

    assert copied(case) == []
    assert own_desk.seat("zhouwei").get(f"/cases/{case.id}").status_code == 404


@pytest.mark.parametrize("wrong", ["nobody", "hanmei", "zhaoming"])
def test_an_unknown_a_locked_and_a_person_without_case_work_are_faults_of_their_field(own_desk: Desk, wrong: str):
    world, case, office = own_desk.world, own_desk.registered(), own_desk.seat("wangfang")
    with writing(world.services.engine) as conn:
        refused = people_admin.set_active(conn, world.actor("qianjin"), world.clock.now(), "hanmei", False)
    assert refused is None

    as_member = form(office, case, members=["zhouwei", wrong])
    as_lead = form(office, case, lead=wrong)

    for answered in (as_member, as_lead):
        assert answered.status_code == 422
        assert f"没有“{wrong}”这个在职人员" in answered.text and "现场核实并回应" in answered.text
    assert copied(case) == []


def test_who_only_stands_in_for_somebody_gets_a_copy_of_his_own(own_desk: Desk):
    """Else his access would end with the absence."""
    world, case = own_desk.world, own_desk.registered()
    away(world, "zhangmin", "zhouwei", hours=8)

    form(own_desk.seat("wangfang"), case)

    assert copied(case) == [(["user:gaofeng", "user:zhouwei"], "wangfang")]


def test_a_copy_that_was_not_sent_when_the_program_ended_is_sent_by_the_worker_once(own_desk: Desk):
    world, case = own_desk.world, own_desk.registered()
    typed = {**FORCE, "began_at": "2026-03-02T00:30:00Z"}
    made = register_records.add(world.services, world.actor("wangfang"), "task_force", typed, case_id=case.id)
    assert isinstance(made, Record)
    with world.services.engine.connect() as conn:
        waiting = [job.task for job in world.services.jobs.listed(conn, "waiting", 10)]
    before = copied(case)

    runner = QueueRunner(world.services, {ACCESS_TASK: TASKS[ACCESS_TASK]})
    counts = runner.run_once()
    again = task_forces.give(world.services, made.subject)

    assert (waiting, before, again) == ([ACCESS_TASK], [], None)
    assert (counts.fired, counts.faults) == (1, 0)
    assert copied(case) == [(["user:gaofeng", "user:zhouwei"], "wangfang")]


def test_a_record_whose_copies_cannot_be_sent_just_now_is_kept_and_said_so(own_desk: Desk, monkeypatch: Any):
    case = own_desk.registered()

    def away(*_: object, **__: object) -> None:
        raise OperationalError("x", {}, Exception("database is locked"), connection_invalidated=True)

    monkeypatch.setattr(own_desk.world.services.application, "handle", away)
    answer = form(own_desk.seat("wangfang"), case)
    monkeypatch.undo()
    page = own_desk.seat("wangfang").get(f"/cases/{case.id}/registers").text

    assert answer.status_code == 303 and "现场核实并回应" in page
    assert own_desk.seat("gaofeng").get(f"/cases/{case.id}").status_code == 404
    QueueRunner(own_desk.world.services, {ACCESS_TASK: TASKS[ACCESS_TASK]}).run_once()
    assert own_desk.seat("gaofeng").get(f"/cases/{case.id}").status_code == 200

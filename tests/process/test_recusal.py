"""Who handles a case does not supervise it (R38): people of a handling unit keep off the tasks that say so."""

import pytest
from sqlalchemy import update

from engine.domain.commands import ClaimTask, Command, DelegateTask, ReleaseTask, ReturnTask, TransferTask
from engine.domain.rejection import Rejection
from engine.kernel.faults import KernelFault
from engine.service import people_log
from engine.service.case_view import TaskView, task_view
from engine.service.people_admin import PersonForm, edit_person
from engine.service.people_tables import unit_posts
from engine.service.transactions import writing
from tests.support.walks import assign, away, graded
from tests.support.world import CaseView, World


def assigned(world: World, *units: str) -> CaseView:
    """A case in the hands of units; the supervision group may note down what it does."""
    case = graded(world)
    assign(case, *units)
    return case


def seen(case: CaseView, login: str, element: str) -> TaskView:
    view = task_view(case.world.services, case.id, case.task(element), case.world.actor(login))
    assert isinstance(view, TaskView)
    return view


def moved_to_gengbao(world: World, login: str, name: str) -> None:
    with writing(world.services.engine) as conn:
        refused = edit_person(conn, world.actor("qianjin"), world.clock.now(), PersonForm(login, name, "gengbao"))
    assert refused is None


def key(outcome: object) -> str:
    return outcome.key if isinstance(outcome, Rejection) else "done"


@pytest.mark.parametrize("units", [("ducha",), ("gengbao", "ducha")], ids=["leading", "beside another"])
def test_a_member_of_a_handling_unit_keeps_off_the_supervision(world, units):
    case = assigned(world, *units)
    task = case.task("Task_supervise")

    assert key(world.ask("zhaogang", ClaimTask(task), case.id)) == "access.recused"
    assert key(case.try_submit("fengxue", "Task_supervise", supervision_kind="urge")) == "access.recused"
    view = seen(case, "zhaogang", "Task_supervise")
    assert (view.may_work, view.kept_off) == (False, "access.recused")
    assert key(world.ask("wangfang", ClaimTask(task), case.id)) == "done", "the office has no part in handling"


def test_the_group_supervises_what_others_handle(world):
    case = assigned(world, "gengbao")

    view = seen(case, "zhaogang", "Task_supervise")
    assert (view.may_work, view.kept_off) == (True, "")
    case.fill("Task_supervise")


@pytest.mark.parametrize("hand_on", [TransferTask, DelegateTask])
def test_supervision_is_not_handed_to_somebody_who_handles_the_case(world, hand_on: type[Command]):
    case = assigned(world, "gengbao")
    task = case.task("Task_supervise")
    case.claim("wangfang", "Task_supervise")

    refused = world.ask("wangfang", hand_on(task, "liqiang", "请代为登记"), case.id)
    assert isinstance(refused, Rejection)
    assert [(fault.path, fault.key) for fault in refused.fields] == [("to", "person.recused")]
    assert key(world.ask("wangfang", hand_on(task, "xuli", "请代为登记"), case.id)) == "done"


def test_a_unit_that_gave_the_case_back_keeps_off_and_so_does_the_one_that_took_its_place(world):
    case = assigned(world, "dengji")
    task = case.task("Task_supervise")
    case.claim("wangfang", "Task_supervise")
    case.fill("Task_sign", "dengji", sign_decision="return", return_reason="不属本单位职责", sign_person=None)
    case.fill("Task_reassign", new_unit="ducha")

    assert key(world.ask("wangfang", TransferTask(task, "zhaogang", "请登记"), case.id)) == "form.refused"
    assert key(world.ask("wangfang", TransferTask(task, "zhouwei", "请登记"), case.id)) == "done"


def test_a_post_in_a_handling_unit_counts_as_much_as_employment(world):
    case = assigned(world, "gengbao")
    with writing(world.services.engine) as conn:
        conn.execute(update(unit_posts).where(unit_posts.c.unit_id == "gengbao").values(user_id="zhaogang"))
        people_log.record(conn, world.clock.now(), "qianjin", "unit_changed", "gengbao", {}, {})

    assert key(world.ask("zhaogang", ClaimTask(case.task("Task_supervise")), case.id)) == "access.recused"


def test_who_stands_in_for_somebody_of_a_handling_unit_keeps_off_meanwhile(world):
    case = assigned(world, "gengbao")
    away(world, "liqiang", "zhaogang", hours=4)

    assert key(world.ask("zhaogang", ClaimTask(case.task("Task_supervise")), case.id)) == "access.recused"
    world.wait(hours=5)
    assert key(world.ask("zhaogang", ClaimTask(case.task("Task_supervise")), case.id)) == "done"


def test_who_keeps_off_does_not_choose_who_does_it_instead(world):
    case = assigned(world, "ducha")

    refused = world.ask("zhaogang", TransferTask(case.task("Task_supervise"), "xuli", "请代为登记"), case.id)

    assert key(refused) == "access.recused"


def test_a_delegate_who_comes_to_keep_off_gives_the_task_back(world):
    case = assigned(world, "gengbao")
    task = case.task("Task_supervise")
    case.claim("wangfang", "Task_supervise")
    world.do("wangfang", DelegateTask(task, "fengxue", "请代为登记"), case.id)
    moved_to_gengbao(world, "fengxue", "冯雪")

    assert key(case.try_submit("fengxue", "Task_supervise", supervision_kind="urge")) == "access.recused"
    world.do("fengxue", ReturnTask(task, "须回避"), case.id)
    assert case.live.tasks[task].assignee == "wangfang"


def test_nobody_does_a_task_whose_recusal_cannot_be_worked_out_and_the_reason_is_said(world, monkeypatch, caplog):
    case = assigned(world, "gengbao")

    def fail(*_: object) -> None:
        raise KernelFault("Task_supervise", "incident.expression", {})

    monkeypatch.setattr("engine.service.authorise.recused_units", fail)

    assert key(world.ask("zhaogang", ClaimTask(case.task("Task_supervise")), case.id)) == "access.recusal_unclear"
    assert "Task_supervise" in caplog.text


def test_who_came_to_a_handling_unit_while_holding_the_task_gives_it_back(world):
    case = assigned(world, "gengbao")
    task = case.task("Task_supervise")
    case.claim("zhaogang", "Task_supervise")
    moved_to_gengbao(world, "zhaogang", "赵刚")

    assert key(case.try_submit("zhaogang", "Task_supervise", supervision_kind="urge")) == "access.recused"
    world.do("zhaogang", ReleaseTask(task), case.id)
    assert key(world.ask("zhaogang", ClaimTask(task), case.id)) == "access.recused"
    case.claim("fengxue", "Task_supervise")


def test_other_tasks_know_no_recusal(world):
    case = assigned(world, "ducha")

    case.fill_as("zhaogang", "Task_sign", "ducha")
    assert case.live.status == "open"

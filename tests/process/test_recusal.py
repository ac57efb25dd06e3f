"""Who handles a case does not supervise it (R38): people of a handling unit keep off the tasks that say so."""

import pytest

from engine.domain.commands import ClaimTask, Command, DelegateTask, ReleaseTask, TransferTask
from engine.domain.rejection import Rejection
from engine.service.case_view import TaskView, task_view
from engine.service.people_admin import PersonForm, edit_person
from engine.service.transactions import writing
from tests.support.walks import assign, graded
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


def key(outcome: object) -> str:
    return outcome.key if isinstance(outcome, Rejection) else "done"


@pytest.mark.parametrize("units", [("ducha",), ("gengbao", "ducha")], ids=["leading", "beside another"])
def test_a_member_of_a_handling_unit_keeps_off_the_supervision(world, units):
    case = assigned(world, *units)
    task = case.task("Task_supervise")

    assert key(world.ask("zhaogang", ClaimTask(task), case.id)) == "access.recused"
    assert key(case.try_submit("fengxue", "Task_supervise", supervision_kind="urge")) == "access.recused"
    view = seen(case, "zhaogang", "Task_supervise")
    assert (view.may_work, view.recused) == (False, True)
    assert key(world.ask("wangfang", ClaimTask(task), case.id)) == "done", "the office has no part in handling"


def test_the_group_supervises_what_others_handle(world):
    case = assigned(world, "gengbao")

    view = seen(case, "zhaogang", "Task_supervise")
    assert (view.may_work, view.recused) == (True, False)
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


def test_who_came_to_a_handling_unit_while_holding_the_task_gives_it_back(world):
    case = assigned(world, "gengbao")
    task = case.task("Task_supervise")
    case.claim("zhaogang", "Task_supervise")
    with writing(world.services.engine) as conn:
        moved = edit_person(conn, world.actor("qianjin"), world.clock.now(), PersonForm("zhaogang", "赵刚", "gengbao"))
    assert moved is None

    assert key(case.try_submit("zhaogang", "Task_supervise", supervision_kind="urge")) == "access.recused"
    world.do("zhaogang", ReleaseTask(task), case.id)
    assert key(world.ask("zhaogang", ClaimTask(task), case.id)) == "access.recused"
    case.claim("fengxue", "Task_supervise")


def test_other_tasks_know_no_recusal(world):
    case = assigned(world, "ducha")

    case.fill_as("zhaogang", "Task_sign", "ducha")
    assert case.live.status == "open"

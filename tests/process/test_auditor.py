"""三员分立 in a running case: the auditor and the two admins are handed nothing, and can do nothing that they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.domain.commands import (
    ClaimTask,
    CopyCase,
    DelegateTask,
    OpenCase,
    RequestCosign,
    SubmitTask,
    TransferTask,
)
from engine.domain.rejection import Rejection
from engine.service import case_view
from engine.service.application import Done
from engine.service.options import ChosenOptions, options
from tests.process.conftest import _replays
from tests.support.diagrams import Scope, document
from tests.support.walks import assign, graded
from tests.support.world import World, shipped_files

SEPARATED = ("zhaoming", "qianjin", "wumin")


def drawn_for_the_auditor() -> bytes:
    """A drawn mistake: one task offered to the auditors, one given to the auditor by name."""
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "both"))
    s.chain("both", s.user("offered", camunda_candidateGroups="auditor"), s.end("e1"))
    s.chain("both", s.user("given", camunda_candidateGroups="auditor", camunda_assignee="zhaoming"), s.end("e2"))
    return document(p=s)


@pytest.fixture
def misdrawn(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, files={**shipped_files(), "bpmn/misdrawn.bpmn": drawn_for_the_auditor()})
    yield made
    _replays(made)
    made.services.engine.dispose()


@pytest.mark.parametrize("login", SEPARATED)
def test_no_work_is_handed_to_who_holds_a_separated_role(world, login):
    case = graded(world)
    assign(case)
    task = case.task("Task_sign")
    before = len(case.events)
    handed = (
        TransferTask(task, login, "请办"), DelegateTask(task, login, "请办"), RequestCosign(task, (login,), ""),
        CopyCase((f"user:{login}",), ""), CopyCase(("auditor",), ""), CopyCase(("system_admin",), ""),
    )  # fmt: skip

    for command in handed:
        refused = world.ask("liqiang", command, case.id)
        assert isinstance(refused, Rejection), command
        assert refused.code == "invalid"
        assert [fault.key for fault in refused.fields] == ["person.unknown"]

    assert len(case.events) == before
    assert isinstance(world.ask("liqiang", DelegateTask(task, "yangyang", "请办"), case.id), Done)


def test_forms_offer_no_holder_of_a_separated_role(world):
    with world.services.journal.reading() as tx:
        bundle = world.services.deployments.bundle()
        offered = {one["value"] for one in options(tx.connection, bundle)["people_options"]}
        form = next(name for name, form in bundle.forms.items() if "people_options" in form.input_names())
        chosen = ChosenOptions()(
            tx, bundle, form, {str(place): who for place, who in enumerate((*SEPARATED, "liqiang"))}
        )

    assert "liqiang" in offered
    assert offered.isdisjoint(SEPARATED)
    assert [one["value"] for one in chosen["people_options"]] == ["liqiang"]


@pytest.mark.parametrize("element", ["offered", "given"])
def test_what_a_diagram_gives_to_the_auditor_he_sees_and_cannot_do(misdrawn, element):
    case = misdrawn.case(misdrawn.do("wangfang", OpenCase("p", {"title": "试图"})).case_id)
    task = case.task(element)
    assert (case.groups(element), case.live.tasks[task].assignee) in ((("auditor",), ""), (("auditor",), "zhaoming"))
    before = len(case.events)

    view = case_view.task_view(misdrawn.services, case.id, task, misdrawn.actor("zhaoming"))
    answers = [misdrawn.ask("zhaoming", command, case.id) for command in (ClaimTask(task), SubmitTask(task, {}))]

    assert isinstance(view, case_view.TaskView)
    assert not view.may_work
    assert [answer.code for answer in answers if isinstance(answer, Rejection)] == ["forbidden", "forbidden"]
    assert len(case.events) == before

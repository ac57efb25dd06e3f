"""What people do around a task without moving the flow."""

import pytest

from engine.domain.commands import (
    AcknowledgeCopy,
    AddComment,
    CancelCosign,
    ClaimTask,
    CopyCase,
    Cosign,
    DelegateTask,
    ReleaseTask,
    RequestCosign,
    ReturnTask,
    SubmitTask,
    TransferTask,
    UrgeTask,
)
from engine.kernel.decide import Turn, decide
from tests.support.diagrams import T0, Run, Scope, bundle_of


@pytest.fixture
def run() -> Run:
    s = Scope()
    s.chain(s.start(), s.user("a"), s.user("b"), s.end())
    return Run(*bundle_of(p=s))


def kinds(events) -> list[str]:
    return [e.kind for e in events if e.kind != "NotificationQueued"]


def test_a_claimed_task_is_held_against_everybody_else(run):
    assert kinds(run.do(ClaimTask("a#1"), "wangfang")) == ["TaskClaimed"]

    assert run.try_(ClaimTask("a#1"), "liqiang").key == "task.held"
    refusal = run.try_(SubmitTask("a#1", {}), "liqiang")
    assert (refusal.code, refusal.key, refusal.details) == ("conflict", "task.held", {"by": "wangfang"})
    run.do(SubmitTask("a#1", {}), "wangfang")
    assert run.open == ["b#1"]


def test_a_substitute_may_act_on_what_the_absent_person_holds(run):
    run.do(ClaimTask("a#1"), "zhangmin")

    outcome = decide(run.case, SubmitTask("a#1", {}), Turn(T0, "wangfang", on_behalf_of="zhangmin"))

    assert isinstance(outcome, tuple)


def test_released_task_can_be_claimed_by_somebody_else(run):
    run.do(ClaimTask("a#1"), "wangfang")
    assert run.try_(ReleaseTask("a#1"), "liqiang").key == "task.held"

    run.do(ReleaseTask("a#1"), "wangfang")
    run.do(ClaimTask("a#1"), "liqiang")

    assert run.try_(ReleaseTask("b#1"), "liqiang").key == "task.gone"


def test_transfer_needs_a_reason_and_can_be_returned_to_who_sent_it(run):
    run.do(ClaimTask("a#1"), "wangfang")
    refusal = run.try_(TransferTask("a#1", "liqiang", " "), "wangfang")
    assert (refusal.code, refusal.fields[0].path) == ("invalid", "reason")
    assert run.try_(TransferTask("a#1", "wangfang", "x"), "wangfang").fields[0].key == "task.to_self"

    run.do(TransferTask("a#1", "liqiang", "业务归口"), "wangfang")
    assert run.case.tasks["a#1"].assignee == "liqiang"

    run.do(ReturnTask("a#1", "不属本科"), "liqiang")
    assert run.case.tasks["a#1"].assignee == "wangfang"
    assert run.try_(ReturnTask("a#1", "又退"), "wangfang").key == "task.nobody_to_return"


def test_a_delegated_task_comes_back_with_proposed_values_and_only_then_moves_on(run):
    run.do(ClaimTask("a#1"), "liqiang")
    run.do(DelegateTask("a#1", "chenjing", "请先拟"), "liqiang")
    assert run.try_(SubmitTask("a#1", {}), "liqiang").key == "task.held"
    assert run.try_(DelegateTask("a#1", "zhoulei", "再转"), "chenjing").key == "task.delegated"

    assert kinds(run.do(SubmitTask("a#1", {}), "chenjing")) == ["TaskResolved"]

    assert run.open == ["a#1"]
    assert run.case.tasks["a#1"].assignee == "liqiang"
    run.do(SubmitTask("a#1", {}), "liqiang")
    assert run.open == ["b#1"]


def test_submission_waits_for_every_cosignature(run):
    run.do(ClaimTask("a#1"), "wangfang")
    run.do(RequestCosign("a#1", ("liqiang", "zhaogang", "wangfang")), "wangfang")
    assert run.case.tasks["a#1"].cosigns == {"liqiang": "", "zhaogang": ""}, "one does not ask oneself"
    assert run.try_(Cosign("a#1", True), "zhouwei").key == "task.not_asked"
    assert run.try_(Cosign("a#1", False), "liqiang").fields[0].path == "comment", "a no needs a reason"

    run.do(Cosign("a#1", False, "数据待核"), "liqiang")
    assert run.try_(Cosign("a#1", True), "liqiang").key == "task.already_signed"
    pending = run.try_(SubmitTask("a#1", {}), "wangfang")
    assert (pending.key, pending.details) == ("task.cosign_pending", {"users": "zhaogang"})

    run.do(CancelCosign("a#1", "zhaogang"), "wangfang")
    run.do(SubmitTask("a#1", {}), "wangfang")
    assert run.open == ["b#1"]


def test_urging_tells_the_holder_and_is_on_record(run):
    run.do(ClaimTask("a#1"), "liqiang")

    events = run.do(UrgeTask("a#1", "请抓紧"), "zhaogang")

    assert [e.kind for e in events] == ["TaskUrged", "NotificationQueued"]
    assert events[1].to == ("user:liqiang",)


def test_copy_and_read_receipt_and_comment_work_on_a_closed_case_too(run):
    run.do(SubmitTask("a#1", {}))
    run.do(SubmitTask("b#1", {}))
    assert run.case.status == "closed"

    run.do(CopyCase(("user:zhangmin",)))
    run.do(AcknowledgeCopy(), "zhangmin")
    run.do(AddComment("归档后回访"))

    assert run.try_(ClaimTask("a#1")).key == "case.closed"
    assert run.try_(AddComment("  ")).code == "invalid"
    assert run.try_(AddComment("x" * 5_001)).fields[0].key == "form.max_length"

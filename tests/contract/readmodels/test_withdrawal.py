"""撤回: a withdrawn submission leaves every list as it was before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select

from engine.domain.events import (
    CaseClosed,
    LimitBreached,
    LimitMet,
    MessageAwaited,
    MessageNoLongerAwaited,
    SubmissionWithdrawn,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskDelegated,
    TaskResolved,
    TimerCancelled,
    TimerFired,
    TokensMoved,
)
from engine.readmodels import cases, clocks, dossier, timers, trail
from engine.readmodels.schema import task_groups
from tests.contract.readmodels.asking import HEAD, OFFICE, UNIT, listed, names, tell, with_limit
from tests.unit.readmodels.story import START, Story, limit, task, warning


def test_a_withdrawn_submission_leaves_the_case_as_before(conn: Connection) -> None:
    story = Story()
    deadline = with_limit(story)
    story.entry(TaskClaimed("Task_verify#1", "liqiang"), actor="liqiang")
    tell(conn, story)
    before = state(conn, story.case_id)
    story.entry(
        TokensMoved((("", "Task_verify", "left"), ("", "Flow_1", "taken"), ("", "Task_reply", "entered"))),
        TaskCompleted("Task_verify#1", "liqiang", "Task_verify"),
        LimitMet("eight_hours", "Timer#1", "Timer", deadline, 0.0),
        *(TimerCancelled(timer, "Timer") for timer in ("Timer#1", "Timer#1!50%", "Timer#1!90%")),
        task("Task_reply#1", groups=("office",)),
        limit("Timer_reply#1", deadline, "Task_reply#1"),
        MessageAwaited("Catch#1", "regrade", "Catch"),
        actor="liqiang",
    )

    story.entry(
        SubmissionWithdrawn(3, "liqiang", "填错"),
        TokensMoved((("", "Task_reply", "cancelled"), ("", "Task_verify", "entered"))),
        TaskCancelled("Task_reply#1"),
        TimerCancelled("Timer_reply#1", "Timer_reply"),
        MessageNoLongerAwaited("Catch#1", "regrade"),
        task(due=deadline, assignee="liqiang"),
        limit("Timer#1", deadline, "Task_verify#1"),
        warning("Timer#1", "50%", (START + timedelta(hours=4)).isoformat(), deadline),
        warning("Timer#1", "90%", (START + timedelta(hours=7.2)).isoformat(), deadline),
        actor="liqiang",
    )
    tell(conn, story)

    assert state(conn, story.case_id) == before
    reopened = dossier.task(conn, story.case_id, "Task_verify#1")
    assert reopened is not None and (reopened.created_at, reopened.completed_seq) == (START, 0)
    assert names(listed(conn, "mine", UNIT, story)) == ["Task_verify#1"]
    assert names(listed(conn, "role", OFFICE, story)) == []
    assert listed(conn, "done", UNIT, story).total == 0


def test_a_case_that_the_withdrawn_submission_had_closed_is_open_again(conn: Connection) -> None:
    story = Story()
    story.opened(task())
    story.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"), CaseClosed("archived"))
    story.entry(SubmissionWithdrawn(2, "liqiang", "填错"), task())
    tell(conn, story)

    case = cases.get(conn, story.case_id)

    assert case is not None and (case.status, case.outcome, case.closed_at) == ("open", "", None)


def test_a_limit_met_late_by_the_withdrawn_submission_is_broken_and_running_again(conn: Connection) -> None:
    story = Story()
    deadline = with_limit(story)
    story.entry(
        TimerFired("Timer#1", "Timer", deadline, 0.0), LimitBreached("eight_hours", "Timer#1", "Timer", deadline)
    )
    story.entry(LimitMet("eight_hours", "Timer#1", "Timer", deadline, 60.0))
    story.entry(SubmissionWithdrawn(3, "liqiang", "填错"), task(due=deadline))
    tell(conn, story)

    (row,) = clocks.for_case(conn, story.case_id)

    assert (row.state, row.running, row.met_at, row.late_seconds) == ("breached", True, None, 0.0)
    task_again = dossier.task(conn, story.case_id, "Task_verify#1")
    assert task_again is not None and task_again.limit_timer == "Timer#1"


def test_the_visit_after_a_withdrawal_counts_from_its_own_time(conn: Connection) -> None:
    story = Story()
    story.opened(task("Task_reply#1"))
    story.entry(TaskCancelled("Task_reply#1"))
    story.entry(task("Task_reply#1"))
    tell(conn, story)

    (row,) = dossier.tasks_of(conn, story.case_id)

    assert (row.state, row.created_at) == ("open", story.at)


def test_a_task_that_comes_back_has_its_delegates_proposal_and_history(conn: Connection) -> None:
    story = Story()
    story.opened(task(assignee="liqiang"))
    story.entry(TaskDelegated("Task_verify#1", "liqiang", "chenjing", "代填"))
    story.entry(TaskResolved("Task_verify#1", "liqiang", "chenjing", {"facts": "属实"}))
    tell(conn, story)
    before = dossier.task(conn, story.case_id, "Task_verify#1")
    story.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"))

    story.entry(SubmissionWithdrawn(4, "liqiang", "填错"), task(assignee="liqiang"))
    tell(conn, story)

    assert dossier.task(conn, story.case_id, "Task_verify#1") == before


def test_taking_back_a_second_visit_leaves_the_broken_limit_of_the_first_running(conn: Connection) -> None:
    story = Story()
    deadline = with_limit(story)
    story.entry(
        TimerFired("Timer#1", "Timer", deadline, 0.0), LimitBreached("eight_hours", "Timer#1", "Timer", deadline)
    )
    story.entry(LimitMet("eight_hours", "Timer#1", "Timer", deadline, 60.0), task("Task_verify#2"))
    story.entry(
        SubmissionWithdrawn(3, "liqiang", "填错"),
        TokensMoved((("", "Task_verify", "cancelled"),)),
        TaskCancelled("Task_verify#2", "withdrawn"),
        task(due=deadline),
    )
    tell(conn, story)

    assert [(row.state, row.running) for row in clocks.for_case(conn, story.case_id)] == [("breached", True)]


def test_another_visit_under_the_same_timer_name_leaves_the_first_breach_on_record(conn: Connection) -> None:
    story = Story()
    deadline = with_limit(story)
    story.entry(
        TimerFired("Timer#1", "Timer", deadline, 0.0),
        LimitBreached("eight_hours", "Timer#1", "Timer", deadline),
        LimitMet("eight_hours", "Timer#1", "Timer", deadline, 60.0),
    )
    story.entry(limit("Timer#1", story.text(hours=20), "Task_verify#1"))
    story.entry(LimitMet("eight_hours", "Timer#1", "Timer", story.text(hours=20), 0.0))
    tell(conn, story)

    case = cases.get(conn, story.case_id)

    assert sorted(row.state for row in clocks.for_case(conn, story.case_id)) == ["met", "met_late"]
    assert case is not None and case.breaches == 1


def test_a_task_taken_back_and_offered_anew_is_in_the_new_groups_inbox_only(conn: Connection) -> None:
    story = Story()
    story.opened(task())
    story.entry(SubmissionWithdrawn(1, "wangfang", "填错"), TaskCancelled("Task_verify#1"), task(groups=("office",)))
    tell(conn, story)

    assert names(listed(conn, "unit", HEAD, story)) == []
    assert names(listed(conn, "role", OFFICE, story)) == ["Task_verify#1"]


def state(conn: Connection, case_id: str) -> dict[str, Any]:
    """What of a case depends on where it stands, not on how it got there."""
    return {
        "open": [(row.task, row.assignee, row.due) for row in dossier.tasks_of(conn, case_id, open_only=True)],
        "running": [(row.timer, row.state) for row in clocks.for_case(conn, case_id) if row.running],
        "timers": [row.timer for row in timers.due_before(conn, START + timedelta(days=9), 99)],
        "messages": dossier.messages_awaited_of(conn, case_id),
        "trail": trail.summary(conn, case_id),
        "inboxes": conn.execute(select(task_groups).order_by(*task_groups.primary_key)).all(),
        "next_due": getattr(cases.get(conn, case_id), "next_due", None),
    }

"""User tasks, and in whose inbox they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from engine.domain.events import (
    CaseCopied,
    CopyAcknowledged,
    CosignCancelled,
    Cosigned,
    CosignRequested,
    DataWritten,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskDelegated,
    TaskReleased,
    TaskResolved,
    TaskReturned,
    TaskTransferred,
)
from engine.readmodels import dossier, inbox
from engine.readmodels.schema import task_groups
from tests.contract.readmodels.asking import HEAD, OFFICE, STRANGER, UNIT, listed, names, tell
from tests.unit.readmodels.story import EIGHT_HOURS, START, Story, limit, task


def test_an_unclaimed_task_is_in_the_inbox_of_its_groups_only(conn: Connection) -> None:
    story = Story()
    story.opened(task(), task("Task_triage#1", groups=("office",), unit=""))
    tell(conn, story)

    assert names(listed(conn, "unit", HEAD, story)) == ["Task_verify#1"]
    assert names(listed(conn, "role", HEAD, story)) == []
    assert names(listed(conn, "role", OFFICE, story)) == ["Task_triage#1"]
    assert names(listed(conn, "unit", OFFICE, story)) == []
    assert names(listed(conn, "mine", HEAD, story)) == []
    assert names(listed(conn, "all", STRANGER, story)) == []
    (row,) = listed(conn, "unit", HEAD, story).rows
    assert row.claimable and row.candidates == ("unit:gengbao", "head:gengbao") and row.clauses == ("R31",)
    assert (row.title, row.label, row.form, row.unit, row.priority) == (
        "绿地被围挡施工", "核实情况", "verify", "gengbao", 50,
    )  # fmt: skip


def test_a_claimed_task_moves_to_its_holder_and_back_when_released(conn: Connection) -> None:
    story = Story()
    story.opened(task())
    story.entry(TaskClaimed("Task_verify#1", "liqiang"))
    tell(conn, story)

    assert names(listed(conn, "mine", UNIT, story)) == ["Task_verify#1"]
    assert names(listed(conn, "unit", HEAD, story)) == []
    assert names(listed(conn, "all", HEAD, story)) == ["Task_verify#1"]
    claimed = dossier.task(conn, story.case_id, "Task_verify#1")
    assert claimed is not None and (claimed.assignee, claimed.claimed_at) == ("liqiang", story.at)

    story.entry(TaskReleased("Task_verify#1"))
    tell(conn, story)

    assert names(listed(conn, "mine", UNIT, story)) == []
    assert names(listed(conn, "unit", UNIT, story)) == ["Task_verify#1"]
    released = dossier.task(conn, story.case_id, "Task_verify#1")
    assert released is not None and (released.assignee, released.claimed_at) == ("", None)


def test_a_task_with_an_assignee_is_his_from_the_start(conn: Connection) -> None:
    story = Story()
    story.opened(task(assignee="liqiang"), task("Task_named#1", groups=("user:liqiang", "office")))
    tell(conn, story)

    assert names(listed(conn, "mine", UNIT, story)) == ["Task_named#1", "Task_verify#1"]
    assert names(listed(conn, "role", OFFICE, story)) == ["Task_named#1"]
    assert names(listed(conn, "unit", HEAD, story)) == []


def test_a_substitute_finds_the_tasks_of_whom_he_substitutes(conn: Connection) -> None:
    story = Story()
    story.opened(task(assignee="liqiang"))
    tell(conn, story)

    page = listed(conn, "mine", frozenset({"staff", "user:chenjing"}) | {"user:liqiang"}, story)

    assert names(page) == ["Task_verify#1"]


def test_a_transferred_delegated_resolved_or_returned_task_says_from_whom_it_came(conn: Connection) -> None:
    story = Story()
    story.opened(task())
    name = "Task_verify#1"

    def after(event: Any) -> tuple[str, str, str, str, str]:
        story.entry(event)
        tell(conn, story)
        row = dossier.task(conn, story.case_id, name)
        assert row is not None
        holders = conn.execute(select(task_groups.c.grp).where(task_groups.c.state == "held")).scalars().all()
        assert holders == ([f"user:{row.assignee}"] if row.assignee else [])
        return row.assignee, row.owner, row.came_how, row.came_from, row.came_reason

    assert after(TaskClaimed(name, "liqiang")) == ("liqiang", "", "", "", "")
    assert after(TaskTransferred(name, "liqiang", "chenjing", "属地")) == (
        "chenjing", "", "transferred", "liqiang", "属地",
    )  # fmt: skip
    assert after(TaskDelegated(name, "chenjing", "zhaogang", "代填")) == (
        "zhaogang", "chenjing", "delegated", "chenjing", "代填",
    )  # fmt: skip
    assert after(TaskResolved(name, "chenjing", "zhaogang", {"facts": "属实"})) == (
        "chenjing", "", "resolved", "zhaogang", "",
    )  # fmt: skip
    assert after(TaskReturned(name, "chenjing", "", "非我科室")) == ("", "", "returned", "chenjing", "非我科室")
    row = dossier.task(conn, story.case_id, name)
    assert row is not None and row.proposed == {"facts": "属实"}
    assert names(listed(conn, "unit", UNIT, story)) == [name]


def test_a_completed_task_leaves_the_inbox_and_is_among_those_done(conn: Connection) -> None:
    story = Story()
    story.opened(task(), task("Task_verify#2"))
    story.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"), TaskCancelled("Task_verify#2", "Boundary"))
    tell(conn, story)

    done = listed(conn, "done", UNIT, story)

    assert names(done) == ["Task_verify#1"]
    assert (done.rows[0].completed_at, done.rows[0].completed_seq) == (story.at, 2)
    assert done.rows[0].remaining_seconds is None and not done.rows[0].overdue
    assert names(listed(conn, "all", HEAD, story)) == []
    assert conn.execute(select(task_groups)).all() == []
    states = {row.task: (row.state, row.cancelled_by) for row in dossier.tasks_of(conn, story.case_id)}
    assert states == {"Task_verify#1": ("done", ""), "Task_verify#2": ("cancelled", "Boundary")}


def test_a_task_made_and_ended_in_one_entry_was_in_no_inbox(conn: Connection) -> None:
    story = Story()
    story.opened(task(), TaskClaimed("Task_verify#1", "liqiang"), TaskCompleted("Task_verify#1", "liqiang", "x"))
    tell(conn, story)

    assert names(listed(conn, "all", HEAD, story)) == []
    (row,) = dossier.tasks_of(conn, story.case_id)
    assert (row.state, row.assignee, row.completed_by) == ("done", "liqiang", "liqiang")


def test_the_inbox_shows_overdue_first_then_by_due_instant_then_what_has_none(conn: Connection) -> None:
    story = Story()
    story.opened(
        task("Later#1", due=story.text(hours=5)),
        task("Never#1"),
        task("Late#1", due=story.text(hours=-1)),
        task("Soon#1", due=story.text(hours=1)),
    )
    tell(conn, story)

    page = listed(conn, "unit", UNIT, story)

    assert names(page) == ["Late#1", "Soon#1", "Later#1", "Never#1"]
    assert [row.remaining_seconds for row in page.rows] == [-3600.0, 3600.0, 18000.0, None]
    assert [row.overdue for row in page.rows] == [True, False, False, False]
    assert names(listed(conn, "unit", UNIT, story, overdue_only=True)) == ["Late#1"]
    assert names(listed(conn, "unit", UNIT, story, page=2, per_page=3)) == ["Never#1"]
    assert listed(conn, "unit", UNIT, story, page=2, per_page=3).total == 4


def test_a_task_is_due_with_the_earliest_limit_that_covers_it(conn: Connection) -> None:
    story = Story()
    story.opened(
        limit("Outer#1", story.text(hours=24), "Sub#1", limit="same_day", label="当日"),
        limit("Timer#1", story.text(hours=8), "Sub#1/Call#1"),
        limit("Timer#2", story.text(hours=1), "Sub#1/Call#10"),
    )
    story.entry(
        task("Sub#1/Call#1[0]/Task#1", due=story.text(hours=30)),
        task("Sub#1/Call#12/Task#1"),
        task("Sub#1/Task#1", due=story.text(hours=2)),
        task("Other#1"),
    )
    tell(conn, story)

    rows = {row.task: (row.limit_id, row.limit_label, row.due) for row in listed(conn, "unit", UNIT, story).rows}

    assert rows == {
        "Sub#1/Call#1[0]/Task#1": ("eight_hours", "8小时", START + EIGHT_HOURS),
        "Sub#1/Call#12/Task#1": ("same_day", "当日", START + timedelta(hours=24)),
        "Sub#1/Task#1": ("same_day", "当日", START + timedelta(hours=2)),
        "Other#1": ("", "", None),
    }


def test_the_inbox_is_filtered_by_grade_district_and_words(conn: Connection) -> None:
    for number, grade in enumerate(("positive", "major_negative")):
        story = Story(f"WQ-2026-00000{number}")
        story.opened(DataWritten({"grade": grade, "district": "禹州市", "body": f"第{number}号"}), task())
        tell(conn, story)

    def found(**query: Any) -> list[str]:
        return [row.case_id[-1] for row in listed(conn, "unit", HEAD, story, **query).rows]

    assert found() == ["0", "1"]
    assert found(grade="major_negative") == ["1"]
    assert found(district="禹州市", q="第0号") == ["0"]
    assert found(q="绿地 000001") == ["1"]
    assert found(district="长葛市") == []


def test_a_signature_asked_for_is_in_the_inbox_until_it_is_given(conn: Connection) -> None:
    story = Story()
    story.opened(task())
    story.entry(CosignRequested("Task_verify#1", ("zhaogang", "chenjing"), "请会签"), actor="liqiang")
    story.entry(CosignCancelled("Task_verify#1", "chenjing"))
    tell(conn, story)
    signer = frozenset({"staff", "user:zhaogang"})

    (row,) = listed(conn, "cosign", signer, story).rows

    assert (row.kind, row.task, row.note, row.came_from) == ("cosign", "Task_verify#1", "请会签", "liqiang")
    assert listed(conn, "cosign", frozenset({"user:chenjing"}), story).total == 0
    assert listed(conn, "all", signer, story).total == 0

    story.entry(Cosigned("Task_verify#1", "zhaogang", False, "数据不符"))
    tell(conn, story)

    assert listed(conn, "cosign", signer, story).total == 0
    answers = [(row.user_id, row.state, row.comment) for row in dossier.cosigns_of(conn, story.case_id)]
    assert answers == [("chenjing", "cancelled", ""), ("zhaogang", "disagreed", "数据不符")]


def test_signatures_of_a_task_that_has_ended_are_no_longer_asked_for(conn: Connection) -> None:
    story = Story()
    story.opened(task())
    story.entry(CosignRequested("Task_verify#1", ("zhaogang",)))
    story.entry(TaskCancelled("Task_verify#1"))
    tell(conn, story)

    assert listed(conn, "cosign", frozenset({"user:zhaogang"}), story).total == 0


def test_copies_are_unread_until_acknowledged_and_again_when_copied_anew(conn: Connection) -> None:
    story = Story()
    story.opened()
    story.entry(CaseCopied(("supervision", "user:zhaogang"), "wangfang", "请阅"))
    tell(conn, story)
    reader = frozenset({"supervision", "user:zhaogang"})

    def unread() -> int:
        return inbox.counts(conn, groups=reader, user_id="zhaogang", now=story.at).copies

    (row,) = listed(conn, "copies", reader, story).rows
    assert (row.kind, row.case_id, row.task, row.note, row.came_from) == (
        "copy", story.case_id, "", "请阅", "wangfang",
    )  # fmt: skip
    assert row.read_at is None and unread() == 1

    story.entry(CopyAcknowledged("zhaogang"))
    tell(conn, story)

    (row,) = listed(conn, "copies", reader, story).rows
    assert row.read_at == story.at and unread() == 0
    assert [one.user_id for one in dossier.reads_of(conn, story.case_id)] == ["zhaogang"]

    story.entry(CaseCopied(("supervision",), "zhangmin", "再阅"))
    tell(conn, story)

    (row,) = listed(conn, "copies", reader, story).rows
    assert (row.read_at, row.note) == (None, "再阅") and unread() == 1
    assert [one.grp for one in dossier.copies_of(conn, story.case_id)] == ["user:zhaogang", "supervision"]


def test_badges_count_what_the_views_list(conn: Connection) -> None:
    story = Story()
    story.opened(
        task(groups=("unit:gengbao", "head:gengbao", "staff")),
        task("Mine#1", assignee="liqiang", due=story.text(hours=-1)),
        task("Role#1", groups=("staff",)),
        task("Named#1", groups=("user:liqiang",)),
    )
    story.entry(CosignRequested("Role#1", ("liqiang",)), CaseCopied(("staff",), "wangfang"))
    tell(conn, story)

    counts = inbox.counts(conn, groups=HEAD, user_id="liqiang", now=story.at)

    assert counts == inbox.Counts(mine=2, unit=1, role=2, cosign=1, copies=1, overdue=1)
    for view in ("mine", "unit", "role", "cosign", "copies"):
        page = listed(conn, view, HEAD, story)  # type: ignore[arg-type]
        assert page.total == len(page.rows) == getattr(counts, view)
    assert listed(conn, "all", HEAD, story).total == 4


def test_of_what_somebody_did_the_newest_are_counted_and_listed(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST_DONE", 3)
    story = Story()
    story.opened(*(task(f"Task_verify#{number}") for number in range(1, 5)))
    for number in (1, 2, 3):
        story.entry(TaskCompleted(f"Task_verify#{number}", "liqiang", "Task_verify"))
    tell(conn, story)
    whole = listed(conn, "done", UNIT, story)
    story.entry(TaskCompleted("Task_verify#4", "liqiang", "Task_verify"))
    tell(conn, story)

    first, second, beyond = (listed(conn, "done", UNIT, story, page=page, per_page=2) for page in (1, 2, 3))

    assert (whole.total, whole.cut) == (3, False)
    assert (names(first), first.total, first.cut) == (["Task_verify#4", "Task_verify#3"], 3, True)
    assert (names(second), second.pages, second.cut) == (["Task_verify#2"], 2, True)
    assert (beyond.rows, beyond.total, beyond.cut) == ((), 3, True)

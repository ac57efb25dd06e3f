"""The read models, on every database: what each kind of event leaves behind, and that a rebuild gives the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, Engine, Table, select

from engine.domain.codec import instant_text, parse_instant
from engine.domain.events import (
    EVENTS,
    CaseClosed,
    CaseCopied,
    CaseStageChanged,
    CommentAdded,
    CopyAcknowledged,
    CosignCancelled,
    Cosigned,
    CosignRequested,
    DataWritten,
    DecisionMade,
    DocumentDrafted,
    FileAttached,
    IncidentRaised,
    IncidentResolved,
    LimitBreached,
    LimitMet,
    LimitWarned,
    MessageAwaited,
    MessageNoLongerAwaited,
    MessageReceived,
    NotificationQueued,
    SignalThrown,
    SubmissionWithdrawn,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskDelegated,
    TaskReleased,
    TaskResolved,
    TaskReturned,
    TaskTransferred,
    TaskUrged,
    TimerArmed,
    TimerCancelled,
    TimerFired,
    TokensMoved,
)
from engine.journal.database import create_tables, open_database
from engine.readmodels import cases, clocks, dossier, inbox, outbox, timers, trail
from engine.readmodels.projector import HANDLERS, project
from engine.readmodels.rebuild import rebuild
from engine.readmodels.schema import NO_DUE, READ_MODELS, task_groups
from engine.readmodels.schema import cases as case_table
from tests.unit.readmodels.offices import many_stories
from tests.unit.readmodels.story import EIGHT_HOURS, START, Story, limit, task, warning

UNIT = frozenset({"staff", "unit:gengbao", "user:liqiang"})
HEAD = UNIT | {"head:gengbao"}
OFFICE = frozenset({"staff", "office", "user:wangfang"})
STRANGER = frozenset({"staff", "unit:guihua", "user:zhouwei"})


@pytest.fixture(
    scope="module", params=["sqlite-file", "sqlite-memory", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_database")()
    elif request.param == "sqlite-file":
        url = f"sqlite:///{tmp_path_factory.mktemp('readmodels') / 'cases.db'}"
    else:
        url = "sqlite:///:memory:"
    engine = open_database(url)
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(writing=True) as conn:
        transaction = conn.begin()
        yield conn
        transaction.rollback()


def tell(conn: Connection, story: Story) -> None:
    """Projects what of the story has not been."""
    done = conn.execute(select(case_table.c.last_seq).where(case_table.c.case_id == story.case_id)).scalar() or 0
    for entry in story.entries[done:]:
        project(conn, entry)


def names(page: Any) -> list[str]:
    return [row.task or row.case_id for row in page.rows]


def listed(conn: Connection, view: inbox.View, groups: frozenset[str], story: Story, **more: Any) -> Any:
    user = next(group.removeprefix("user:") for group in groups if group.startswith("user:"))
    return inbox.list_tasks(conn, groups=groups, user_id=user, view=view, now=story.at, **more)


# --- the case ---------------------------------------------------------------------------------------------------------


def test_every_kind_of_event_has_a_handler() -> None:
    assert set(HANDLERS) == set(EVENTS)


def test_an_opened_case_is_listed_with_the_fields_that_lists_show(conn: Connection) -> None:
    story = Story()
    values = {
        "grade": "major_negative",
        "district": "禹州市",
        "source_type": "论坛",
        "discovered_at": "2026-03-02T08:30:00+08:00",
        "body": "现场无公示牌",
        "response_subject": ["市局", "县局"],
    }
    story.opened(DataWritten(values), CaseStageChanged("triage", "研判"))
    story.entry(DataWritten({"grade": "positive"}, scope="Call_units#1[0]"), DataWritten({"title": "新标题"}))
    tell(conn, story)

    case = cases.get(conn, story.case_id)

    assert case is not None
    assert (case.title, case.grade, case.district, case.source_type) == ("新标题", "major_negative", "禹州市", "论坛")
    assert (case.status, case.stage, case.stage_label, case.last_seq) == ("open", "triage", "研判", 2)
    assert (case.opened_at, case.updated_at) == (START, START + timedelta(minutes=1))
    assert case.discovered_at == parse_instant("2026-03-02T00:30:00Z")
    assert case.body == "现场无公示牌"
    assert (case.opened_by, case.next_due, case.closed_at) == ("wangfang", None, None)


def test_a_field_that_is_no_instant_leaves_the_column_empty(conn: Connection) -> None:
    story = Story()
    story.opened(DataWritten({"discovered_at": "昨天", "published_at": None}))
    tell(conn, story)

    case = cases.get(conn, story.case_id)

    assert case is not None and case.discovered_at is None and case.published_at is None


def test_a_closed_case_has_its_outcome_and_no_running_limit(conn: Connection) -> None:
    story = Story()
    story.opened(limit("Timer#1", story.text(hours=8), "Sub#1"))
    story.entry(TimerCancelled("Timer#1", "Timer"), CaseClosed("archived"))
    story.entry(limit("Other#1", story.text(hours=8), "Sub#2"))
    story.entry(CaseClosed("archived"))
    tell(conn, story)

    case = cases.get(conn, story.case_id)

    assert case is not None
    assert (case.status, case.outcome, case.closed_at, case.next_due) == ("closed", "archived", story.at, None)
    assert [one.state for one in clocks.for_case(conn, story.case_id)] == ["cancelled", "cancelled"]


def test_only_groups_that_were_involved_may_read_a_case(conn: Connection) -> None:
    story = Story()
    story.opened(task(), limit("Timer#1", story.text(hours=8), "Task_verify#1"))
    story.entry(TaskTransferred("Task_verify#1", "liqiang", "chenjing", "属地"))
    story.entry(CosignRequested("Task_verify#1", ("zhaogang",)), CaseCopied(("supervision",), "wangfang"))
    story.entry(MessageAwaited("Catch#1", "regrade", "Catch", "调整等级", "regrade", ("chief",)))
    tell(conn, story)

    readers = dossier.groups_of(conn, story.case_id)

    assert readers == {
        "user:wangfang", "unit:gengbao", "head:gengbao", "line:land", "user:chenjing", "user:zhaogang", "supervision",
        "chief",
    }  # fmt: skip
    assert cases.visible(conn, story.case_id, UNIT)
    assert not cases.visible(conn, story.case_id, STRANGER)
    assert not cases.visible(conn, "WQ-2026-999999", UNIT)
    assert cases.list_cases(conn, groups=UNIT).total == 1
    assert cases.list_cases(conn, groups=STRANGER).total == 0
    assert cases.list_cases(conn, groups=STRANGER, all_cases=True).total == 1


def test_the_case_list_is_filtered_searched_and_paged(conn: Connection) -> None:
    for number in range(5):
        story = Story(f"WQ-2026-00000{number}", START + timedelta(hours=number))
        grade = "major_negative" if number == 3 else "ordinary_negative"
        values = {"grade": grade, "district": "禹州市", "body": "Garden 100% 公示" if number < 2 else "a_b"}
        story.opened(DataWritten(values), CaseStageChanged("triage", "研判"), title=f"绿地 {number}")
        tell(conn, story)

    def found(**query: Any) -> list[str]:
        return [row.case_id[-1] for row in cases.list_cases(conn, groups=OFFICE, **query).rows]

    assert found() == ["4", "3", "2", "1", "0"]
    assert found(per_page=2, page=2) == ["2", "1"]
    assert cases.list_cases(conn, groups=OFFICE, per_page=2).pages == 3
    assert found(grade="major_negative") == ["3"]
    assert found(grade="major_negative", district="长葛市") == []
    assert found(status="closed") == []
    assert found(stage="triage", q="绿地 4") == ["4"]
    assert found(q="gArDeN 公示") == ["1", "0"]
    assert found(q="100%") == ["1", "0"]
    assert found(q="%") == ["1", "0"]
    assert found(q="a_b") == ["4", "3", "2"]
    assert found(q="axb") == []
    assert found(q="000002") == ["2"]
    assert found(q=" ") == ["4", "3", "2", "1", "0"]


def test_facets_count_what_the_list_can_be_filtered_by(conn: Connection) -> None:
    for number, district in enumerate(("禹州市", "长葛市", "禹州市")):
        story = Story(f"WQ-2026-00000{number}")
        story.opened(DataWritten({"district": district}), CaseStageChanged("triage", "研判"))
        tell(conn, story)

    found = cases.facets(conn, groups=OFFICE)

    assert found == cases.Facets((), (("禹州市", 2), ("长葛市", 1)), (("triage", "研判", 3),))
    assert cases.facets(conn, groups=STRANGER) == cases.Facets((), (), ())


# --- tasks and the inbox ----------------------------------------------------------------------------------------------


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
        task("Sub#1/Task#1", due=story.text(hours=2)),
        task("Other#1"),
    )
    tell(conn, story)

    rows = {row.task: (row.limit_id, row.limit_label, row.due) for row in listed(conn, "unit", UNIT, story).rows}

    assert rows == {
        "Sub#1/Call#1[0]/Task#1": ("eight_hours", "8小时", START + EIGHT_HOURS),
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


# --- limits and timers ------------------------------------------------------------------------------------------------


def with_limit(story: Story) -> str:
    """A running limit of eight hours with two warnings over a task; returns its deadline."""
    deadline = story.text(hours=8)
    story.opened(
        limit("Timer#1", deadline, "Task_verify#1"),
        warning("Timer#1", "50%", story.text(hours=4), deadline),
        warning("Timer#1", "90%", story.text(hours=7.2), deadline),
        task(due=deadline),
    )
    return deadline


def test_a_running_limit_is_on_the_board_with_who_has_to_act(conn: Connection) -> None:
    story = Story()
    deadline = with_limit(story)
    tell(conn, story)

    page = clocks.running(conn, groups=UNIT, now=story.at)

    (row,) = page.rows
    assert page.total == 1
    assert (row.limit.limit_id, row.limit.state, row.limit.deadline) == (
        "eight_hours", "running", parse_instant(deadline),
    )  # fmt: skip
    assert row.limit.explanation == ({"key": "limit.explain.due", "params": {"at": deadline}},)
    assert (row.title, row.remaining_seconds, row.overdue) == ("绿地被围挡施工", 28800.0, False)
    assert [(holder.task, holder.candidates) for holder in row.holders] == [
        ("Task_verify#1", ("unit:gengbao", "head:gengbao"))
    ]
    assert row.limit.elapsed_share(START + timedelta(hours=2)) == 0.25
    assert clocks.running(conn, groups=STRANGER, now=story.at).total == 0
    assert clocks.running(conn, groups=STRANGER, all_cases=True, now=story.at).total == 1
    assert clocks.running(conn, groups=UNIT, now=story.at, overdue_only=True).total == 0
    assert clocks.running(conn, groups=UNIT, now=story.at, unit="gengbao", limit_id="eight_hours", q="绿地").total == 1
    assert clocks.running(conn, groups=UNIT, now=story.at, unit="guihua").total == 0


def test_a_limit_met_in_time_is_off_the_board_with_its_evidence(conn: Connection) -> None:
    story = Story()
    deadline = with_limit(story)
    met = LimitMet("eight_hours", "Timer#1", "Timer", deadline, 0.0)
    cancelled = [TimerCancelled(timer, "Timer") for timer in ("Timer#1", "Timer#1!50%", "Timer#1!90%")]
    story.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"), met, *cancelled)
    tell(conn, story)

    (row,) = clocks.for_case(conn, story.case_id)

    assert (row.state, row.met_at, row.finished_at, row.late_seconds) == ("met", story.at, story.at, 0.0)
    assert not row.running
    assert clocks.running(conn, groups=UNIT, now=story.at).total == 0
    assert timers.next_due(conn) is None
    case = cases.get(conn, story.case_id)
    assert case is not None and (case.next_due, case.breaches) == (None, 0)


def test_a_broken_limit_stays_on_the_board_until_it_is_met_late(conn: Connection) -> None:
    story = Story()
    deadline = with_limit(story)
    story.entry(
        TimerFired("Timer#1!50%", "Timer", story.text(hours=4), 0.0),
        LimitWarned("eight_hours", "Timer#1", "50%", deadline, ("line:land",)),
        after=timedelta(hours=4),
    )
    story.entry(
        TimerFired("Timer#1!90%", "Timer", story.text(hours=3.2), 0.0),
        LimitWarned("eight_hours", "Timer#1", "90%", deadline),
        after=timedelta(hours=3.2),
    )
    story.entry(
        TimerFired("Timer#1", "Timer", deadline, 0.0),
        LimitBreached("eight_hours", "Timer#1", "Timer", deadline, cause="limit.cause.server_down"),
        after=timedelta(hours=1),
    )
    tell(conn, story)
    breached_at = story.at

    (board,) = clocks.running(conn, groups=UNIT, now=story.at).rows
    case = cases.get(conn, story.case_id)

    assert board.overdue and board.limit.state == "breached" and board.limit.cause == "limit.cause.server_down"
    assert board.limit.warnings == (
        ("50%", START + timedelta(hours=4)), ("90%", START + timedelta(hours=7.2)),
    )  # fmt: skip
    assert case is not None and case.breaches == 1 and case.next_due == parse_instant(deadline)
    assert [row.overdue for row in listed(conn, "unit", UNIT, story).rows] == [True]

    story.entry(LimitMet("eight_hours", "Timer#1", "Timer", deadline, 900.0))
    tell(conn, story)

    (row,) = clocks.for_case(conn, story.case_id)
    assert (row.state, row.late_seconds, row.breached_at, row.met_at) == ("met_late", 900.0, breached_at, story.at)
    assert clocks.running(conn, groups=UNIT, now=story.at).total == 0


def test_a_limit_whose_activity_is_interrupted_is_cancelled_or_stays_broken(conn: Connection) -> None:
    story = Story()
    deadline = story.text(hours=8)
    story.opened(
        limit("Timer#1", deadline, "Sub#1"),
        limit("Timer#2", deadline, "Call#1/Sub#1"),
        limit("Timer#3", deadline, "Other#1"),
    )
    story.entry(TimerFired("Timer#2", "Timer", deadline, 0.0), LimitBreached("eight_hours", "Timer#2", "T", deadline))
    story.entry(
        TokensMoved((("", "Sub", "cancelled"), ("Call#1", "Sub", "cancelled"), ("Call#1", "Other", "cancelled"))),
        TimerCancelled("Timer#1", "Timer"),
        limit("Timer#4", deadline, "Sub#2"),
    )
    tell(conn, story)

    states = {row.timer: (row.state, row.running) for row in clocks.for_case(conn, story.case_id)}

    assert states == {
        "Timer#1": ("cancelled", False),
        "Timer#2": ("breached", False),
        "Timer#3": ("running", True),
        "Timer#4": ("running", True),
    }


def test_limits_are_counted_by_the_time_that_is_left(conn: Connection) -> None:
    story = Story()
    hours = (-1, 0, 0.5, 1, 3, 24, 25)
    story.opened(*(limit(f"Timer#{n}", story.text(hours=left), f"Sub#{n}") for n, left in enumerate(hours)))
    tell(conn, story)

    counts = clocks.counts(conn, groups=OFFICE, now=story.at)

    assert counts == clocks.Counts(overdue=2, soon=2, today=2, later=1)
    assert counts.total == clocks.running(conn, groups=OFFICE, now=story.at).total == 7
    assert clocks.counts(conn, groups=STRANGER, now=story.at).total == 0
    assert [row.timer for row in clocks.for_case(conn, story.case_id)][:2] == ["Timer#0", "Timer#1"]


def test_the_worker_sees_armed_timers_by_due_instant(conn: Connection) -> None:
    story = Story()
    story.opened(
        TimerArmed("B#1", "B", story.text(hours=2)), TimerArmed("A#1", "A", story.text(hours=1)),
        TimerArmed("C#1", "C", story.text(hours=3)),
    )  # fmt: skip
    tell(conn, story)
    at = START + timedelta(hours=2)

    assert [row.timer for row in timers.due_before(conn, at, 10)] == ["A#1", "B#1"]
    assert [row.timer for row in timers.due_before(conn, at, 1)] == ["A#1"]
    assert timers.next_due(conn) == START + timedelta(hours=1)

    story.entry(TimerFired("A#1", "A", story.text(), 0.0), TimerArmed("A#1", "A", story.text(hours=5), cycle=1))
    story.entry(TimerFired("B#1", "B", story.text(), 0.0), TimerCancelled("C#1", "C"))
    tell(conn, story)

    assert [row.timer for row in timers.due_before(conn, START + timedelta(days=1), 10)] == ["A#1"]


def test_a_timer_that_caused_an_incident_waits_for_its_resolution(conn: Connection) -> None:
    story = Story()
    story.opened(TimerArmed("A#1", "A", story.text()))
    story.entry(IncidentRaised(1, "A", "incident.timer_instant", {"got": "?"}, "A#1"), actor="system:timer")
    tell(conn, story)

    (incident,) = dossier.incidents_of(conn, story.case_id, open_only=True)
    case = cases.get(conn, story.case_id)

    assert (incident.message, incident.details, incident.timer) == ("incident.timer_instant", {"got": "?"}, "A#1")
    assert case is not None and case.open_incidents == 1
    assert timers.due_before(conn, story.at, 10) == () and timers.next_due(conn) is None

    story.entry(IncidentResolved(1, "qianjin", "已修正"))
    tell(conn, story)

    (incident,) = dossier.incidents_of(conn, story.case_id)
    case = cases.get(conn, story.case_id)
    assert (incident.state, incident.resolved_by, incident.reason) == ("resolved", "qianjin", "已修正")
    assert case is not None and case.open_incidents == 0
    assert [row.timer for row in timers.due_before(conn, story.at, 10)] == ["A#1"]


# --- a submission withdrawn -------------------------------------------------------------------------------------------


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


# --- papers -----------------------------------------------------------------------------------------------------------


def test_comments_files_and_documents_are_kept_in_order(conn: Connection) -> None:
    story = Story()
    file = {"id": "f1", "name": "截图.png", "size": 12, "sha256": "ab" * 32, "media_type": "image/png"}
    story.opened(FileAttached(file, "wangfang", path="evidence.0"))
    story.entry(CommentAdded("已电话核实", "liqiang", "Task_verify#1"), CommentAdded("好", "zhangmin"))
    story.entry(DocumentDrafted("late_report", "late_report_no_1", "Svc", "迟报", {"unit": "gengbao"}))
    tell(conn, story)

    comments = [(row.author, row.text, row.task, row.at) for row in dossier.comments_of(conn, story.case_id)]
    (attached,) = dossier.files_of(conn, story.case_id)
    (document,) = dossier.documents_of(conn, story.case_id)

    said_at = START + timedelta(minutes=1)
    assert comments == [("liqiang", "已电话核实", "Task_verify#1", said_at), ("zhangmin", "好", "", said_at)]
    assert (attached.name, attached.size, attached.path, attached.author) == ("截图.png", 12, "evidence.0", "wangfang")
    assert dossier.file(conn, "f1") == (attached,)
    assert (document.document, document.title, document.content) == ("late_report", "迟报", {"unit": "gengbao"})


def test_urging_is_counted_at_the_task_and_kept_as_evidence(conn: Connection) -> None:
    story = Story()
    story.opened(task())
    story.entry(TaskUrged("Task_verify#1", "wangfang", "请抓紧"))
    story.entry(TaskUrged("Task_verify#1", "zhangmin"))
    tell(conn, story)

    assert [(row.author, row.note) for row in dossier.urges_of(conn, story.case_id)] == [
        ("wangfang", "请抓紧"), ("zhangmin", ""),
    ]  # fmt: skip
    assert listed(conn, "unit", UNIT, story).rows[0].urged == 2


def test_a_message_with_a_label_is_a_button_for_its_groups(conn: Connection) -> None:
    story = Story()
    story.opened(
        MessageAwaited("Catch#1", "regrade", "Catch", "调整等级", "regrade", ("office", "chief")),
        MessageAwaited("Catch#2", "county_named", "Catch2"),
    )
    tell(conn, story)

    assert len(dossier.messages_awaited_of(conn, story.case_id)) == 2
    (button,) = dossier.messages_awaited_of(conn, story.case_id, OFFICE)
    assert (button.message, button.label, button.form) == ("regrade", "调整等级", "regrade")
    assert dossier.messages_awaited_of(conn, story.case_id, UNIT) == ()

    story.entry(MessageReceived("regrade", "wangfang", 1), MessageNoLongerAwaited("Catch#1", "regrade"))
    tell(conn, story)

    assert [row.message for row in dossier.messages_awaited_of(conn, story.case_id)] == ["county_named"]


def test_the_outbox_holds_what_was_not_sent_and_a_rebuild_sends_nothing_twice(conn: Connection) -> None:
    story = Story()
    story.opened(NotificationQueued(("unit:gengbao", "user:liqiang"), "notice.task", "T#1", {"label": "核实"}))
    story.entry(NotificationQueued(("office",), "notice.info"))
    tell(conn, story)

    first, second, third = outbox.unsent(conn, 10)
    assert (first.grp, first.message, first.params) == ("unit:gengbao", "notice.task", {"label": "核实"})
    assert outbox.mark_sent(conn, [first.id, third.id], story.at) == 2
    assert outbox.mark_sent(conn, [first.id], story.at) == 0
    assert outbox.unsent(conn, 10) == (second,)
    assert [row.id for row in outbox.latest(conn, OFFICE | UNIT, 2)] == [third.id, second.id]

    rebuild(conn, story.entries)

    assert outbox.unsent(conn, 10) == (second,)
    assert [row.sent_at for row in outbox.latest(conn, frozenset({"office"}), 1)] == [story.at]


def test_the_trail_counts_visits_by_scope_and_says_where_tokens_are(conn: Connection) -> None:
    story = Story()
    story.opened(
        TokensMoved((("", "Start", "entered"), ("", "Start", "left"), ("", "F1", "taken"), ("", "Call", "entered")))
    )
    story.entry(
        TokensMoved(
            (("Call#1[0]", "Task", "entered"), ("Call#1[1]", "Task", "entered"), ("Call#1[0]", "Task", "left"),
             ("Call#1[0]", "F9", "taken"), ("Call#1[0]", "Task", "entered"), ("Call#1[1]", "Task", "cancelled"))
        ),
        SignalThrown("stop", "Throw", 0),
        DecisionMade("Rule", "grading", ({"decision": "grading", "rule": 1},), {}, "positive"),
    )  # fmt: skip
    tell(conn, story)

    main, first, second = trail.summary(conn, story.case_id)

    assert main.scope == "" and main.flows == {"F1": 1}
    assert main.elements == {"Call": trail.ElementTrail(1, 1, 0), "Start": trail.ElementTrail(1, 0, 0)}
    assert first.elements == {"Task": trail.ElementTrail(2, 1, 0)} and first.flows == {"F9": 1}
    assert second.elements == {"Task": trail.ElementTrail(1, 0, 1)}
    assert trail.merged([first, second]).elements == {"Task": trail.ElementTrail(3, 1, 1)}


def test_participants_are_those_who_acted_or_have_to(conn: Connection) -> None:
    story = Story()
    story.opened(task(), task("Task_reply#1", assignee="zhangmin"))
    story.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"))
    story.entry(CommentAdded("好", "liqiang"), CaseCopied(("office",), "system:process"))
    tell(conn, story)

    people = dossier.participants_of(conn, story.case_id)

    assert [(one.user_id, one.did, one.last_at) for one in people] == [
        ("liqiang", {"completed": 1, "commented": 1}, story.at),
        ("wangfang", {"opened": 1}, START),
        ("zhangmin", {"holds": 1}, None),
    ]


# --- rebuild ----------------------------------------------------------------------------------------------------------


def rows(conn: Connection, table: Table) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in conn.execute(select(table).order_by(*table.primary_key))]


def everything(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {table.name: rows(conn, table) for table in READ_MODELS}


def test_streams_that_are_no_cases_are_passed_over(conn: Connection) -> None:
    story = Story("_deployments")
    story.opened()

    project(conn, story.entries[0])

    assert not any(everything(conn).values())


def test_an_event_of_a_later_release_is_refused_before_anything_is_written(conn: Connection) -> None:
    story = Story()
    entry = story.opened()
    object.__setattr__(entry, "events", ({"kind": "CaseTeleported"},))

    with pytest.raises(KeyError, match="CaseTeleported"):
        project(conn, entry)

    assert not any(everything(conn).values())


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stories=many_stories())
def test_a_rebuild_gives_the_rows_that_live_projection_gave(engine: Engine, stories: list[Story]) -> None:
    with engine.connect().execution_options(writing=True) as conn:
        transaction = conn.begin()
        entries = sorted((entry for story in stories for entry in story.entries), key=lambda e: (e.at, e.case_id))
        for entry in entries:
            project(conn, entry)
        live = everything(conn)

        # Case by case, where live they came mixed.
        count = rebuild(conn, (entry for story in stories for entry in story.entries))

        assert count == len(entries)
        assert everything(conn) == live
        check_agreement(conn, stories)
        transaction.rollback()


def check_agreement(conn: Connection, stories: list[Story]) -> None:
    """What is kept in two places says the same in both."""
    for story in stories:
        case = cases.get(conn, story.case_id)
        assert case is not None and case.last_seq == len(story.entries)
        limits = clocks.for_case(conn, story.case_id)
        assert case.next_due == min((one.deadline for one in limits if one.running), default=None)
        assert case.breaches == sum(one.breached_at is not None for one in limits)
        expected = set()
        for one in dossier.tasks_of(conn, story.case_id, open_only=True):
            free = "taken" if one.assignee else "offered"
            expected |= {(one.task, group, free) for group in one.candidates if group != f"user:{one.assignee}"}
            expected |= {(one.task, f"user:{one.assignee}", "held")} if one.assignee else set()
            readers = dossier.groups_of(conn, story.case_id)
            assert readers >= {group for _, group, _ in expected}
        found = conn.execute(
            select(task_groups.c.task, task_groups.c.grp, task_groups.c.state).where(
                task_groups.c.case_id == story.case_id
            )
        )
        assert {tuple(row) for row in found} == expected


def test_every_table_and_column_says_what_it_is() -> None:
    for table in READ_MODELS:
        assert table.comment, table.name
        for column in table.c:
            assert column.comment, f"{table.name}.{column.name}"


def test_what_has_no_due_instant_sorts_after_all_that_have() -> None:
    assert instant_text(datetime.max.replace(tzinfo=UTC)) == NO_DUE

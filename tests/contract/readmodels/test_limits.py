"""Running limits (时限), the board of clocks, and the timers that the worker reads."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from engine.domain.codec import parse_instant
from engine.domain.events import (
    IncidentRaised,
    IncidentResolved,
    LimitBreached,
    LimitMet,
    LimitWarned,
    TaskCompleted,
    TimerArmed,
    TimerCancelled,
    TimerFired,
    TokensMoved,
)
from engine.readmodels import cases, clocks, dossier, timers
from tests.contract.readmodels.asking import OFFICE, STRANGER, UNIT, listed, tell, with_limit
from tests.unit.readmodels.story import START, Story, limit


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

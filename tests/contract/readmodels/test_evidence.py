"""The evidence of limits, the ledgers and the counts by clause, on each database."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, Engine, select

from engine.domain.codec import instant_text
from engine.domain.events import (
    CaseOpened,
    DataWritten,
    DocumentDrafted,
    LimitBreached,
    LimitMet,
    LimitWarned,
    SubmissionWithdrawn,
    TaskCancelled,
    TaskCompleted,
    TimerFired,
    TokensMoved,
)
from engine.readmodels import clause_counts, evidence, registrations
from engine.readmodels.projector import project
from engine.readmodels.schema import limits, tasks, trail
from tests.contract.readmodels.asking import tell
from tests.unit.readmodels.offices import many_stories
from tests.unit.readmodels.story import START, Story, limit, task

EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
LATE_SCOPE = "Call_late#1"


def registered(story: Story, **values: object) -> None:
    """The first entry, with what the registration form said."""
    story.opened(
        DataWritten({"register_late": False, "discovered_at": story.text(minutes=-5), **values}, by="register")
    )


def broken(story: Story, unit: str = "gengbao") -> None:
    """A limit of eight hours over a task, warned of, broken, with its late report."""
    deadline = story.text(hours=8)
    story.opened(limit("Timer#1", deadline, "Task_verify#1", unit=unit), task(unit=unit))
    warned = LimitWarned("eight_hours", "Timer#1", "50%", deadline, ("line:land", f"unit:{unit}"))
    story.entry(TimerFired("Timer#1!50%", "Timer", deadline, 0.0), warned, after=timedelta(hours=4))
    content = {"limit": "eight_hours", "unit": unit, "deadline": deadline, "cause": "limit.cause.recorded_late"}
    story.entry(
        TimerFired("Timer#1", "Timer", deadline, 0.0),
        LimitBreached("eight_hours", "Timer#1", "Timer", deadline, ("R50",), unit, cause="limit.cause.recorded_late"),
        DocumentDrafted("late_report", "late_report_no_1", "Service_draft", "报告", content),
        task(f"{LATE_SCOPE}/Task_late_explain#1", scope=LATE_SCOPE, clauses=("R39",), unit=unit),
        after=timedelta(hours=4),
        actor="system:timer",
    )


def filed(story: Story, element: str, **fields: object) -> None:
    """A submission about the late report."""
    name = f"{LATE_SCOPE}/{element}#1"
    story.entry(TaskCompleted(name, "liqiang", element), DataWritten(fields, by=name), actor="liqiang")


def asked(**more: str) -> evidence.Asked:
    return evidence.Asked(*EVER, **more)


def test_a_limit_carries_the_entries_of_all_that_happened_to_it(conn: Connection) -> None:
    story = Story()
    broken(story)
    met = LimitMet("eight_hours", "Timer#1", "Timer", story.text(), 7200.0)
    story.entry(
        TaskCompleted("Task_verify#1", "liqiang", "Task_verify"), met, after=timedelta(hours=2), actor="liqiang"
    )
    tell(conn, story)

    (one,) = evidence.of_case(conn, story.case_id)

    assert (one.state, one.armed_seq, one.breached_seq, one.finished_seq) == ("met_late", 1, 3, 4)
    assert (one.stopped_by, one.stop_task, one.stop_label) == ("liqiang", "Task_verify#1", "核实情况")
    assert (one.late_seconds, one.cause) == (7200.0, "limit.cause.recorded_late")
    assert [(w.mark, w.at, w.seq, w.to) for w in one.warnings] == [
        ("50%", START + timedelta(hours=4), 2, ("line:land", "unit:gengbao"))
    ]
    assert (one.bundle, one.title) == ("b" * 64, "绿地被围挡施工")


def test_a_late_report_gathers_what_was_filed_about_it_until_nothing_is_left(conn: Connection) -> None:
    story = Story()
    broken(story)
    steps: list[tuple[str, dict[str, object]]] = [
        ("assess", {"late_explanation": "现场勘测耗时", "late_reason": "complex"}),
        ("dispose", {"late_cause": "未提前报告", "late_impact": "negative"}),
        ("follow_up", {"disposal_decision": "notify", "disposal_text": "通报"}),
        ("followed_up", {"followup_text": "已通报"}),
    ]
    tell(conn, story)
    states = [evidence.reports_of(conn, story.case_id)[0].state]
    for number, (_, fields) in enumerate(steps):
        filed(story, f"Task_{number}", **fields)
        tell(conn, story)
        states.append(evidence.reports_of(conn, story.case_id)[0].state)

    (report,) = evidence.reports_of(conn, story.case_id)

    assert states == ["explain", *(state for state, _ in steps)]
    assert (report.timer, report.seq, report.limit_id) == ("Timer#1", 3, "eight_hours")
    assert [answer.seq for answer in report.answers] == [4, 5, 6, 7]
    assert (report.said("late_reason"), report.said("disposal_text"), report.said("escalation_text")) == (
        "complex", "通报", None,
    )  # fmt: skip
    page = evidence.reports(conn, *EVER)
    assert page.rows == (report,) and page.total == 1
    assert evidence.reports(conn, *EVER, "guihua").total == 0
    assert evidence.reports_by_unit(conn, *EVER) == (("gengbao", 1),)


def test_a_report_without_bad_effects_ends_in_the_ledger(conn: Connection) -> None:
    story = Story()
    broken(story)
    filed(story, "Task_late_explain", late_explanation="耗时")
    filed(story, "Task_late_assess", late_impact="none")
    tell(conn, story)

    assert evidence.reports_of(conn, story.case_id)[0].state == "ledger"


def test_what_was_filed_and_taken_back_is_no_longer_said(conn: Connection) -> None:
    story = Story()
    broken(story)
    filed(story, "Task_late_explain", late_explanation="写错了")
    back = DataWritten({"late_explanation": None}, by="withdraw:4")
    story.entry(SubmissionWithdrawn(4, "liqiang", "写错"), back, task(f"{LATE_SCOPE}/Task_late_explain#1"))
    tell(conn, story)

    (report,) = evidence.reports_of(conn, story.case_id)

    assert (report.answers, report.state) == ((), "explain")


def test_the_limits_of_a_period_are_paged_filtered_and_counted(conn: Connection) -> None:
    stories = [Story(f"WQ-2026-{number:06}", START + timedelta(days=number)) for number in range(4)]
    broken(stories[0])
    broken(stories[1], "guihua")
    for story in stories[2:]:
        story.opened(limit("Timer#1", story.text(hours=8), "Task_verify#1"), task(), DataWritten({"grade": "positive"}))
    met = LimitMet("eight_hours", "Timer#1", "Timer", stories[2].text(), 0.0)
    stories[2].entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"), met)
    for story in stories:
        tell(conn, story)

    (totals,) = evidence.totals(conn, asked())
    first = evidence.page(conn, asked(), totals.ran, per_page=3)
    second = evidence.page(conn, asked(), totals.ran, number=2, per_page=3)

    assert (totals.ran, totals.met, totals.broken, totals.unmet, totals.running, totals.warned) == (4, 1, 2, 2, 3, 2)
    assert [one.case_id[-1] for one in (*first.rows, *second.rows)] == ["3", "2", "1", "0"]
    assert (first.pages, second.total) == (2, 4)
    assert [one.case_id for one in evidence.every(conn, asked(), 2)] == ["WQ-2026-000000", "WQ-2026-000001"]
    days = evidence.Asked(START + timedelta(days=1), START + timedelta(days=3))
    wanted = {
        days: 2,
        asked(unit="guihua"): 1,
        asked(grade="positive"): 2,
        asked(limit="same_day"): 0,
        asked(state="broken"): 2,
        asked(state="warned"): 2,
        asked(state="met"): 1,
        asked(state="running"): 1,
        asked(state="breached", unit="gengbao"): 1,
    }
    assert {question: sum(row.ran for row in evidence.totals(conn, question)) for question in wanted} == wanted
    assert {question: len(list(evidence.every(conn, question, 9))) for question in wanted} == wanted


def test_the_limits_of_a_regraded_case_are_found_under_its_new_grade(conn: Connection) -> None:
    story = Story()
    story.opened(limit("Timer#1", story.text(hours=8), "T#1"), DataWritten({"grade": "ordinary_negative"}))
    story.entry(DataWritten({"grade": "major_negative"}))
    tell(conn, story)

    assert evidence.totals(conn, asked(grade="ordinary_negative")) == ()
    assert evidence.totals(conn, asked(grade="major_negative"))[0].ran == 1


@pytest.mark.parametrize(
    ("values", "missed", "ahead"),
    [
        ({"discovered_by": "leader", "source_type": "weibo", "published_at": -95}, "published", 5400.0),
        ({"discovered_by": "hotline", "source_type": "other", "captured_at": -65}, "captured", 3600.0),
        (
            {"discovered_by": "media", "source_type": "weibo", "published_at": -95, "captured_at": -15},
            "captured",
            600.0,
        ),
        ({"discovered_by": "patrol", "source_type": "weibo", "captured_at": -95}, "", 0.0),
        ({"discovered_by": "alert", "source_type": "weibo", "captured_at": -95}, "", 0.0),
        ({"discovered_by": "hotline", "source_type": "hotline", "published_at": -95}, "", 0.0),
        ({"discovered_by": "superior", "source_type": "superior", "published_at": -95}, "", 0.0),
        ({"discovered_by": "leader", "source_type": "weibo"}, "", 0.0),
        ({"discovered_by": "leader", "source_type": "weibo", "published_at": 5}, "", 0.0),
    ],
)
def test_an_item_is_missed_when_another_route_brought_what_a_source_had(
    conn: Connection, values: dict[str, object], missed: str, ahead: float
) -> None:
    story = Story()
    told = {name: story.text(minutes=value) if isinstance(value, int) else value for name, value in values.items()}
    registered(story, **told)
    tell(conn, story)

    one = registrations.of_case(conn, story.case_id)

    assert one is not None
    assert (one.missed, one.ahead_seconds, one.lag_seconds) == (missed, ahead, 300.0)


def test_late_and_missed_registrations_are_listed_and_counted_by_who_registered(conn: Connection) -> None:
    facts: list[dict[str, object]] = [
        {"register_late": True, "discovered_at": START - timedelta(hours=1)},
        {"discovered_by": "leader", "source_type": "weibo", "published_at": START - timedelta(hours=2)},
        {"discovered_by": "leader", "source_type": "weibo", "published_at": START - timedelta(minutes=25)},
        {},
    ]
    for number, values in enumerate(facts):
        story = Story(f"WQ-2026-{number:06}")
        told = {key: instant_text(value) if isinstance(value, datetime) else value for key, value in values.items()}
        registered(story, **told)
        tell(conn, story)
    unjudged = Story("WQ-2026-000009")
    unjudged.opened(DataWritten({"discovered_at": unjudged.text(hours=-3)}))
    tell(conn, unjudged)

    page = registrations.page(conn, *EVER, 1800)

    assert [one.case_id[-1] for one in page.rows] == ["1", "0"] and page.total == 2
    assert [one.case_id[-1] for one in registrations.page(conn, *EVER, 1800, kind="late").rows] == ["0"]
    assert [one.case_id[-1] for one in registrations.page(conn, *EVER, 1800, kind="missed").rows] == ["1"]
    assert [one.case_id[-1] for one in registrations.page(conn, *EVER, 60, kind="missed").rows] == ["2", "1"]
    assert registrations.page(conn, *EVER, 1800, authors=frozenset({"liqiang"})).total == 0
    assert registrations.page(conn, EVER[0], START, 1800).total == 0
    (counts,) = registrations.counts(conn, *EVER, 1800)
    assert (counts.author, counts.registered, counts.late, counts.missed, counts.unjudged) == ("wangfang", 5, 1, 1, 1)


def test_what_was_said_at_registration_does_not_change_when_the_case_is_reopened(conn: Connection) -> None:
    story = Story()
    registered(story, discovered_by="patrol")
    before = story.text(minutes=-5)
    story.entry(DataWritten({"discovered_at": story.text(days=3), "register_late": True}))
    tell(conn, story)

    one = registrations.of_case(conn, story.case_id)

    assert one is not None and one.discovered_at is not None
    assert (instant_text(one.discovered_at), one.late) == (before, 0)


def verdicts(conn: Connection, clause: str) -> dict[str, int]:
    fared = clause_counts.by_clause(conn, *EVER).get(clause, clause_counts.Fared())
    return {name: number for name in clause_counts.VERDICTS if (number := getattr(fared, name))}


def test_a_clause_is_open_then_held_and_stays_broken_once_a_limit_of_it_was(conn: Connection) -> None:
    held, late, off = Story("WQ-2026-000001"), Story("WQ-2026-000002"), Story("WQ-2026-000003")
    held.opened(task())
    broken(late)
    off.opened(task())
    for story in (held, late, off):
        tell(conn, story)
    at_first = verdicts(conn, "R31"), verdicts(conn, "R50")
    held.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"))
    met = LimitMet("eight_hours", "Timer#1", "Timer", late.text(), 60.0)
    late.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"), met)
    off.entry(TaskCancelled("Task_verify#1", "Boundary"))
    for story in (held, late, off):
        tell(conn, story)

    assert at_first == ({"open": 3}, {"broken": 1})
    assert verdicts(conn, "R31") == {"held": 2, "dropped": 1}
    assert verdicts(conn, "R50") == {"broken": 1}
    assert [one.case_id for one in clause_counts.cases_of(conn, "R50", *EVER).rows] == ["WQ-2026-000002"]
    found = clause_counts.cases_of(conn, "R31", *EVER, verdict="held", per_page=1)
    assert (found.total, found.pages, found.rows[0].case_id) == (2, 2, "WQ-2026-000002")
    assert clause_counts.cases_of(conn, "R31", EVER[0], START, verdict="held").total == 0


def test_a_withdrawal_takes_back_the_elements_it_undoes(conn: Connection) -> None:
    story = Story()
    story.entry(CaseOpened("case", "b" * 64, "x", "wangfang"), TokensMoved((("", "A", "entered"),)), task())
    done = TaskCompleted("Task_verify#1", "liqiang", "Task_verify")
    story.entry(done, TokensMoved((("", "A", "left"), ("", "B", "entered"))))
    tell(conn, story)
    before = clause_counts.reached(conn, {"a": ["A"], "b": ["B"], "either": ["A", "B"], "c": ["C"]}, *EVER)
    story.entry(SubmissionWithdrawn(2, "liqiang", "x"), TokensMoved((("", "B", "cancelled"),)), task())
    tell(conn, story)

    assert before == {"a": 1, "b": 1, "either": 1, "c": 0}
    assert clause_counts.reached(conn, {"a": ["A"], "b": ["B"]}, *EVER) == {"a": 1, "b": 0}
    assert verdicts(conn, "R31") == {"open": 1}
    assert [one.verdict for one in clause_counts.cases_reaching(conn, ["A"], *EVER).rows] == ["reached"]
    assert clause_counts.cases_reaching(conn, ["B"], *EVER).total == 0


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stories=many_stories())
def test_the_counts_by_clause_are_those_of_the_rows_they_sum_up(engine: Engine, stories: list[Story]) -> None:
    with engine.connect().execution_options(writing=True) as conn:
        transaction = conn.begin()
        for story in stories:
            for entry in story.entries:
                project(conn, entry)

        fared = clause_counts.by_clause(conn, *EVER)

        assert {clause: one.tasks for clause, one in fared.items() if one.tasks} == expected(conn, "tasks")
        assert {clause: one.limits for clause, one in fared.items() if one.limits} == expected(conn, "limits")
        assert all(one.cases == one.broken + one.open + one.held + one.dropped for one in fared.values())
        entered = select(trail.c.element, trail.c.case_id).where(trail.c.action == "entered").distinct()
        by_element = dict(Counter(element for element, _ in conn.execute(entered)))
        assert clause_counts.reached(conn, {name: [name] for name in by_element}, *EVER) == by_element
        assert clause_counts.cases_opened(conn, *EVER) == len(stories)
        transaction.rollback()


def expected(conn: Connection, table: str) -> dict[str, int]:
    """Rows of the table by clause, counted one by one."""
    column = tasks.c.clauses if table == "tasks" else limits.c.clauses
    listed = [text.strip("[]").replace('"', "").split(",") for text in conn.execute(select(column)).scalars()]
    return dict(Counter(clause for one in listed for clause in one if clause))

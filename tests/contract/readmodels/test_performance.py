"""The performance view's figures are those of the journal, on every database and after any history."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, Engine, select

from engine.domain.events import DataWritten, SubmissionWithdrawn, TaskClaimed, TaskCompleted, TokensMoved
from engine.readmodels import performance
from engine.readmodels.chosen import Choice
from engine.readmodels.projector import project
from engine.readmodels.rebuild import rebuild
from engine.readmodels.schema import passages, task_times
from tests.contract.readmodels.asking import tell
from tests.support import tally
from tests.unit.readmodels.offices import many_stories
from tests.unit.readmodels.story import Story, limit, task

ENTERED = ("Call_a#1/Task_verify#1", "Task_verify", "entered")


def counted(conn: Connection) -> Counter[tuple[str, ...]]:
    # Rows differ in `part` too, which says nothing of the cases.
    found: Counter[tuple[str, ...]] = Counter()
    for row in conn.execute(select(passages)):
        found[(*row[:4], *row[5:-1])] += row[-1]
    return found


def times(conn: Connection) -> dict[tuple[str, str], tuple[str, int, int | None]]:
    found = select(task_times.c.case_id, task_times.c.task, task_times.c.unit, task_times.c.waited, task_times.c.worked)
    return {
        (case_id, name): (unit, waited, None if worked < 0 else worked)
        for case_id, name, unit, waited, worked in conn.execute(found)
    }


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stories=many_stories())
def test_passages_and_times_are_those_of_the_journal(engine: Engine, stories: list[Story]) -> None:
    with engine.connect().execution_options(writing=True) as conn:
        transaction = conn.begin()
        for entry in sorted((entry for story in stories for entry in story.entries), key=lambda e: (e.at, e.case_id)):
            project(conn, entry)
        told = {story.case_id: tally.told(story.entries) for story in stories}

        assert counted(conn) == sum((one.passages() for one in told.values()), Counter())
        # Who takes a submission back does nothing else with the same command; these stories do, and then the row of
        # the task keeps the older of two beginnings.
        plain = {story.case_id for story in stories if not _takes_back(story)}
        assert {key: took for key, took in times(conn).items() if key[0] in plain} == {
            (case_id, name): took
            for case_id, one in told.items()
            if case_id in plain
            for name, took in one.took.items()
        }
        live = (counted(conn), times(conn))
        rebuild(conn, (entry for story in stories for entry in story.entries))
        assert (counted(conn), times(conn)) == live
        transaction.rollback()


def _takes_back(story: Story) -> bool:
    return any(event["kind"] == "SubmissionWithdrawn" for entry in story.entries for event in entry.events)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stories=many_stories())
def test_entries_of_one_transaction_count_as_they_do_one_by_one(engine: Engine, stories: list[Story]) -> None:
    with engine.connect().execution_options(writing=True) as conn:
        transaction = conn.begin()
        for story in stories:
            project(conn, *story.entries)
        together = [tuple(row) for row in conn.execute(select(passages).order_by(*passages.primary_key))]

        rebuild(conn, (entry for story in stories for entry in story.entries))

        alone = [tuple(row) for row in conn.execute(select(passages).order_by(*passages.primary_key))]
        assert together == alone
        transaction.rollback()


def test_a_case_that_is_regraded_is_counted_under_its_new_grade_alone(conn: Connection) -> None:
    story = Story()
    story.opened(DataWritten({"grade": "ordinary_negative"}), TokensMoved((("", "Start", "entered"),)))
    story.entry(TokensMoved((ENTERED,)))
    tell(conn, story)
    story.entry(DataWritten({"grade": "major_negative"}), TokensMoved((("", "End", "entered"),)))

    tell(conn, story)

    grades = {row.grade for row in conn.execute(select(passages))}
    assert grades == {"major_negative"}
    found = performance.passed(conn, Choice(grade="major_negative"))
    assert {element: one.times for (_, _, element), one in found.items()} == {"Start": 1, "Task_verify": 1, "End": 1}
    assert performance.passed(conn, Choice(grade="ordinary_negative")) == {}


def test_a_submission_taken_back_took_no_time_and_passed_nothing(conn: Connection) -> None:
    story = Story()
    made = task()
    story.opened(made, TokensMoved((("", "Task_verify", "entered"),)))
    story.entry(TaskClaimed(made.task, "liqiang"))
    story.entry(
        TaskCompleted(made.task, "liqiang", made.element),
        TokensMoved((("", "Flow_on", "taken"), ("", "Next", "entered"))),
    )
    tell(conn, story)
    before = performance.took(conn, Choice())["Task_verify"]
    story.entry(SubmissionWithdrawn(3, "liqiang", "填错了"), task(assignee="liqiang"))

    tell(conn, story)

    assert (before.done, before.waited.median, before.worked and before.worked.median) == (1, 60, 60)
    assert performance.took(conn, Choice()) == {}
    assert {element for _, _, element in performance.passed(conn, Choice())} == {"Task_verify"}


def test_the_spread_of_times_goes_by_nearest_rank() -> None:
    for size in range(1, 40):
        numbers = [(7 * n) % 41 for n in range(size)]

        found = performance.spread(numbers)

        assert found.median == tally.nearest_rank(numbers, 0.5)
        assert found.p90 == tally.nearest_rank(numbers, 0.9)
        assert found.longest == max(numbers)


def test_tasks_of_one_unit_alone_are_counted_for_it(conn: Connection) -> None:
    story = Story()
    one, other = task(), task("Task_reply#1", unit="guihua")
    story.opened(one, other)
    story.entry(TaskCompleted(one.task, "liqiang", one.element))
    story.entry(TaskCompleted(other.task, "xuli", other.element))

    tell(conn, story)

    assert set(performance.took(conn, Choice())) == {"Task_verify", "Task_reply"}
    assert set(performance.took(conn, Choice(unit="guihua"))) == {"Task_reply"}
    assert performance.took(conn, Choice(unit="guihua"))["Task_reply"].worked is None


def test_limits_are_counted_by_what_became_of_them(conn: Connection) -> None:
    story = Story()
    story.opened(limit("Timer#1", story.text(hours=8), "Task_verify#1"), limit("Other#1", story.text(hours=9), "X#1"))

    tell(conn, story)

    found = performance.broken_limits(conn, Choice())
    assert [(one.element, one.total, one.running, one.broken, one.held) for one in found] == [
        ("Other", 1, 1, 0, None),
        ("Timer", 1, 1, 0, None),
    ]
    assert performance.broken_limits(conn, Choice(unit="guihua")) == ()

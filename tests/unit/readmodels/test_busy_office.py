"""Queries against 10,000 open cases: statements, plans and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from engine.journal.database import create_tables, open_database
from engine.readmodels import cases, clocks, inbox, version
from tests.unit.readmodels.crowd import NOW, UNITS, crowd

OPEN_CASES = 10_000
BOUND_SECONDS = 0.1
"""p95 of what the inbox page asks (issue 2)."""
CLERK = frozenset({"staff", "office", "unit:office", "user:wangfang"})
OFFICER = frozenset({"staff", f"unit:{UNITS[4]}", f"head:{UNITS[4]}", "user:liqiang"})


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('busy') / 'cases.db'}")
    create_tables(engine)
    version.bring_up(engine)
    with engine.connect().execution_options(writing=True) as seeding, seeding.begin():
        crowd(seeding, OPEN_CASES)
    with engine.connect() as conn:
        yield conn
    engine.dispose()


def inbox_page(conn: Connection, groups: frozenset[str], view: inbox.View = "all", **query: Any) -> inbox.Counts:
    """What the inbox page asks: a list and the badges."""
    user = next(group.removeprefix("user:") for group in groups if group.startswith("user:"))
    inbox.list_tasks(conn, groups=groups, user_id=user, view=view, now=NOW, **query)
    return inbox.counts(conn, groups=groups, user_id=user, now=NOW)


def statements(conn: Connection, ask: Callable[[], object]) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        seen.append((statement, parameters))

    event.listen(conn, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(conn, "before_cursor_execute", note)
    return seen


def processor_seconds(ask: Callable[[], object], times: int) -> float:
    """p95 of the processor time, which other programs of the machine do not lengthen."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        ask()
        taken.append(time.process_time() - begun)
    return sorted(taken)[int(0.95 * (times - 1))]


@pytest.mark.parametrize("view", inbox.VIEWS)
@pytest.mark.parametrize("groups", [CLERK, OFFICER], ids=["clerk", "officer"])
def test_a_page_of_the_inbox_takes_under_100_ms(conn: Connection, groups: frozenset[str], view: inbox.View) -> None:
    taken = processor_seconds(lambda: inbox_page(conn, groups, view), 20)

    print(f"inbox {view}: p95 {taken * 1000:.1f} ms")  # noqa: T201 - pytest -s shows it
    assert taken < BOUND_SECONDS


@pytest.mark.parametrize("query", [{"q": "围挡 公示牌"}, {"district": "禹州市"}, {"page": 250}], ids=str)
def test_filters_search_and_late_pages_stay_under_100_ms(conn: Connection, query: dict[str, Any]) -> None:
    taken = processor_seconds(lambda: inbox_page(conn, CLERK, **query), 10)

    print(f"inbox {query}: p95 {taken * 1000:.1f} ms")  # noqa: T201 - pytest -s shows it
    assert taken < BOUND_SECONDS


@pytest.mark.parametrize("per_page", [1, 100])
def test_a_list_takes_as_many_statements_for_one_row_as_for_a_hundred(conn: Connection, per_page: int) -> None:
    assert len(statements(conn, lambda: inbox_page(conn, CLERK, per_page=per_page))) == 2
    assert len(statements(conn, lambda: cases.list_cases(conn, groups=CLERK, per_page=per_page))) == 1
    assert len(statements(conn, lambda: clocks.running(conn, groups=CLERK, now=NOW, per_page=per_page))) == 2
    assert len(statements(conn, lambda: clocks.counts(conn, groups=CLERK, now=NOW))) == 1


@pytest.mark.parametrize("view", inbox.VIEWS)
def test_no_view_of_the_inbox_reads_through_all_tasks_or_cases(conn: Connection, view: inbox.View) -> None:
    for statement, parameters in statements(conn, lambda: inbox_page(conn, CLERK, view)):
        plan = [row.detail for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]

        print(*plan, sep="\n")  # noqa: T201 - pytest -s shows it
        for table in ("task_groups", "tasks", "cases", "copies", "cosigns"):
            assert not [line for line in plan if line == f"SCAN {table}" or line.startswith(f"SCAN {table} USING")]


def test_the_board_of_clocks_walks_the_running_limits_in_order(conn: Connection) -> None:
    page, _ = statements(conn, lambda: clocks.running(conn, groups=CLERK, all_cases=True, now=NOW))

    plan = [row.detail for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {page[0]}", page[1])]

    assert any("limits_running_by_deadline" in line for line in plan), plan


def test_pages_follow_one_another_without_gap_or_overlap(conn: Connection) -> None:
    def page(number: int, per_page: int) -> list[str]:
        found = inbox.list_tasks(
            conn, groups=OFFICER, user_id="liqiang", view="unit", now=NOW, page=number, per_page=per_page
        )
        return [row.case_id for row in found.rows]

    assert page(1, 300) + page(2, 300) == [one for number in range(1, 18) for one in page(number, 20)]

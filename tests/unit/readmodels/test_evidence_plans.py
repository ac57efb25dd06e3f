"""The lists of evidence are answered from indexes, not by reading every row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from engine.journal.database import create_tables, open_database
from engine.readmodels import clause_counts, evidence, registrations, version

PERIOD = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
NARROW = evidence.Asked(*PERIOD, unit="gengbao", grade="positive", limit="eight_hours", state="broken")


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = open_database("sqlite:///:memory:")
    create_tables(made)
    version.bring_up(made)
    yield made
    made.dispose()


def plans(engine: Engine, ask: Callable[[Connection], Any]) -> str:
    """How SQLite would carry out what `ask` asks."""
    statements: list[tuple[str, Any]] = []

    def keep(conn: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", keep)
    with engine.connect() as conn:
        ask(conn)
        event.remove(engine, "before_cursor_execute", keep)
        lines = [
            str(line[3])
            for statement, parameters in statements
            for line in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert lines
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda conn: evidence.totals(conn, evidence.Asked(*PERIOD)), "COVERING INDEX limits_by_start (armed_at>"),
        (lambda conn: evidence.totals(conn, NARROW), "COVERING INDEX limits_by_start (armed_at>"),
        (lambda conn: evidence.page(conn, NARROW, 0), "COVERING INDEX limits_by_start (armed_at>"),
        (lambda conn: evidence._by_key(conn, [("WQ-2026-000001", "T#1", 1)]), "SEARCH limits USING"),
        (lambda conn: evidence.reports(conn, *PERIOD), "INDEX late_reports_by_time (at>"),
        (lambda conn: registrations.counts(conn, *PERIOD, 60), "COVERING INDEX registrations_by_time (at>"),
        (lambda conn: registrations.page(conn, *PERIOD, 60), "INDEX registrations_by_time (at>"),
        (lambda conn: clause_counts.by_clause(conn, *PERIOD), "COVERING INDEX case_marks_by_opening (opened_at>"),
        (lambda conn: clause_counts.reached(conn, {"a": ["A"]}, *PERIOD), "COVERING INDEX case_marks_by_opening"),
        (lambda conn: clause_counts.cases_opened(conn, *PERIOD), "COVERING INDEX case_marks_by_opening"),
    ],
)
def test_the_period_is_looked_up_in_an_index(engine: Engine, ask: Callable[[Connection], Any], index: str) -> None:
    plan = plans(engine, ask)

    assert index in plan
    assert "SCAN limits" not in plan and "SCAN case_marks" not in plan and "SCAN registrations" not in plan

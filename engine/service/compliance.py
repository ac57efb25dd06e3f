"""The compliance page: what implements each clause, and how often it applied, held and was broken in a period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection

from engine import feel
from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON
from engine.feel.temporal import parse_duration
from engine.readmodels import clause_counts, registrations
from engine.readmodels.clause_counts import Fared
from engine.readmodels.page import Page

from .clauses import ALL, Clause, clauses

__all__ = ["ALL", "Row", "cases_of", "margin_seconds", "rows"]

DEFAULT_MARGIN: Final = 30 * 60.0
"""Seconds from discovery to registration after which a report counts as late where the profile names none (R20)."""
LEDGER_CLAUSE: Final = "R20"
Measure = Literal["cases", "reached", "ledger", "none"]


@dataclass(frozen=True, slots=True)
class Row:
    """`measure`: how it was counted: by tasks and limits of each case (`cases`), by cases that came to one of its
    elements, which the program carries out itself (`reached`), by the ledger of registrations (`ledger`), or not at
    all (`none`: nothing of it is recorded)."""

    clause: Clause
    measure: Measure
    fared: Fared


def rows(conn: Connection, bundle: Bundle, since: datetime, until: datetime) -> tuple[Row, ...]:
    """A row for every clause, over the cases opened from `since` on and before `until`. Aggregate queries only."""
    known = clauses(bundle)
    by_clause = clause_counts.by_clause(conn, since, until)
    alone = {one.number: one.element_ids for one in known if _measure(one, by_clause) == "reached"}
    counted = clause_counts.reached(conn, alone, since, until)
    found = []
    for one in known:
        measure = _measure(one, by_clause)
        fared = by_clause.get(one.number, Fared())
        if measure == "reached":
            fared = Fared(cases=counted[one.number], held=counted[one.number])
        elif measure == "ledger":
            fared = _registered(conn, since, until, margin_seconds(bundle))
        found.append(Row(one, measure, fared))
    return tuple(found)


def cases_of(
    conn: Connection,
    bundle: Bundle,
    number: str,
    since: datetime,
    until: datetime,
    *,
    verdict: str = "",
    page: int = 1,
    per_page: int = 50,
) -> Page[clause_counts.ClauseCase]:
    """The cases behind a row's figures. Raises KeyError for an unknown clause."""
    clause = next((one for one in clauses(bundle) if one.number == number), None)
    if clause is None:
        raise KeyError(number)
    if number != LEDGER_CLAUSE and not clause.by_case and clause.elements:
        ids = clause.element_ids
        return clause_counts.cases_reaching(conn, ids, since, until, number=page, per_page=per_page)
    return clause_counts.cases_of(conn, number, since, until, verdict=verdict, number=page, per_page=per_page)


def margin_seconds(bundle: Bundle) -> float:
    """Parameter `report_limit` of the profile in seconds (R20); 30 minutes when there is none that can be read."""
    return duration_seconds(bundle.parameters.get("report_limit"))


def duration_seconds(value: JSON) -> float:
    """Seconds of an ISO duration of days and time; `DEFAULT_MARGIN` for anything else."""
    try:
        found = parse_duration(value) if isinstance(value, str) else None
    except (ValueError, feel.FeelEvaluationError):
        found = None
    seconds = getattr(found, "total_seconds", None)
    return float(seconds()) if seconds is not None else DEFAULT_MARGIN


def _measure(clause: Clause, by_clause: Mapping[str, Fared]) -> Measure:
    if clause.number == LEDGER_CLAUSE:
        return "ledger"
    if clause.by_case or (clause.number in by_clause and not clause.reached):
        return "cases"
    return "reached" if clause.elements else "none"


def _registered(conn: Connection, since: datetime, until: datetime, margin: float) -> Fared:
    """R20 over the registrations: held where neither late nor missed."""
    whole = sum(one.registered for one in registrations.counts(conn, since, until, margin))
    wrong = registrations.page(conn, since, until, margin, per_page=1).total
    return Fared(cases=whole, broken=wrong, held=whole - wrong)

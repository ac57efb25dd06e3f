"""统计: cases, lead times and limits of a period as tables and charts; what came back; all of it as CSV and Excel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from flask import Blueprint, abort, make_response, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.readmodels.figures import Repeated
from engine.readmodels.page import Page
from engine.service import case_decisions, case_facts, statistics
from engine.service.statistics import Unit

from . import period
from .catalogue import t
from .downloads import csv_answer, xlsx_answer
from .figure_tables import TABLES, Figures, cause_words, tables
from .formats import minute
from .guards import reading, requires, services
from .names import Names
from .period import Period

blueprint = Blueprint("statistics", __name__)

PER_PAGE: Final = 50
REPEATED_COLUMNS: Final = ("business_line", "district", "times", "case", "title", "grade", "root_cause", "closed_at")


@dataclass(frozen=True, slots=True)
class Asked:
    """`unit`: of the trend, "" for what suits the period."""

    period: Period
    unit: str

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        return Asked(period.read(args, services().clock.now()), args.get("by", "").strip()[:20])

    @property
    def faults(self) -> dict[str, str]:
        known = not self.unit or self.unit in statistics.UNITS
        return {**self.period.faults, **({} if known else {"by": t("evidence.unknown_choice")})}

    @property
    def values(self) -> dict[str, Any]:
        return {**self.period.values, **({"by": self.unit} if self.unit else {})}


@blueprint.get("/statistics")
@requires("view_performance")
def index() -> Response:
    asked = Asked.of(request.args)
    with reading() as conn:
        found = () if asked.faults else _tables(conn, asked)
    body = render_template(
        "statistics/index.html", asked=asked, faults=asked.faults, units=statistics.UNITS, found=found
    )
    return make_response(body, 422 if asked.faults else 200)


@blueprint.post("/statistics.csv")
@requires("view_performance")
def csv() -> Response:
    """One table, that of the button."""
    asked, name = Asked.of(request.form), request.form.get("table", "")
    if asked.faults or name not in TABLES:
        return make_response(t("period.no_file"), 422)
    with reading() as conn:
        table = next(one for one in _tables(conn, asked) if one.name == name)
    subject = " ".join(("statistics", name, *asked.values.values()))
    return csv_answer("csv", subject, f"{table.title}.csv", table.header, table.rows)


@blueprint.post("/statistics.xlsx")
@requires("view_performance")
def xlsx() -> Response:
    """All tables, a sheet each."""
    asked = Asked.of(request.form)
    if asked.faults:
        return make_response(t("period.no_file"), 422)
    with reading() as conn:
        found = _tables(conn, asked)
    name = f"{t('statistics.title')} {asked.period.first} {asked.period.last}.xlsx"
    parts = [(one.title, one.header, one.rows) for one in found]
    return xlsx_answer("xlsx", " ".join(("statistics", *asked.values.values())), name, parts)


@blueprint.get("/statistics/repeated")
@requires("view_evidence")
def repeated() -> str:
    """Closed cases whose business line and district had more than one of late (R67)."""
    number = min(max(1, request.args.get("page", 1, type=int)), 10**6)
    with reading() as conn:
        rows, words = _repeated(conn)
    begin = (number - 1) * PER_PAGE
    found = Page(rows[begin : begin + PER_PAGE], len(rows), number, PER_PAGE)
    return render_template(
        "statistics/repeated.html", found=found, words=words, days=statistics.REPEAT_DAYS,
        cause=lambda value: cause_words(value, words),
        cut=len(rows) == statistics.MOST_REPEATED, page_url=lambda page: url_for("statistics.repeated", page=page),
    )  # fmt: skip


@blueprint.post("/statistics/repeated.csv")
@requires("view_evidence")
def repeated_csv() -> Response:
    with reading() as conn:
        rows, words = _repeated(conn)
    lines = [
        (
            words.get(one.business_line, one.business_line), words.get(one.district, one.district), one.times,
            one.case_id, one.title, t(f"grade.{one.grade or 'none'}"),
            cause_words(one.root_cause, words), minute(one.closed_at),
        )
        for one in rows
    ]  # fmt: skip
    header = [t(f"statistics.column.{name}") for name in REPEATED_COLUMNS]
    return csv_answer("csv", "statistics repeated", f"{t('statistics.repeated')}.csv", header, lines)


def _repeated(conn: Connection) -> tuple[tuple[Repeated, ...], dict[str, str]]:
    return statistics.repeated(conn, services().clock.now()), _words(conn)


def _tables(conn: Connection, asked: Asked) -> tuple[Figures, ...]:
    if asked.faults:
        abort(422)
    unit = cast(Unit, asked.unit) if asked.unit else None
    found = statistics.of_period(conn, asked.period.since, asked.period.until, unit)
    return tables(found, Names(conn), _words(conn))


def _words(conn: Connection) -> dict[str, str]:
    """What people call the values of the forms of the live bundle."""
    try:
        bundle = services().deployments.bundle()
    except KeyError:
        return {}
    return {**case_decisions.value_notes(bundle), **case_facts.value_words(conn, bundle)}

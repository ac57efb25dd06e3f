"""制度落实: every clause R01 to R74: what implements it, how often it applied, held and was broken, in which cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, abort, make_response, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.readmodels import clause_counts
from engine.service import clauses, compliance, settled_points
from engine.service.compliance import Row
from engine.service.csv_file import Cell

from . import period
from .catalogue import language, t
from .downloads import csv_answer
from .guards import reading, requires, services
from .names import Names
from .period import Period

blueprint = Blueprint("compliance", __name__)

PER_PAGE: Final = 50
COLUMNS: Final = (
    "clause", "title", "quote", "status", "elements", "tables", "forms", "limits", "guards", "program", "reason",
    "measure", "cases", "held", "broken", "open", "dropped", "tasks", "tasks_done", "limits_ran", "limits_met",
    "limits_broken",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a clause's list of cases asks for."""

    period: Period
    verdict: str
    page: int

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        number = min(max(1, args.get("page", 1, type=int)), 10**6)
        verdict = args.get("verdict", "").strip()[:20]
        return Asked(period.read(args, services().clock.now(), whole_year=True), verdict, number)


@blueprint.get("/compliance")
@requires("view_evidence")
def index() -> Response:
    bundle = _live()
    asked = period.read(request.args, services().clock.now(), whole_year=True)
    with reading() as conn:
        rows = () if asked.faults else compliance.rows(conn, bundle, asked.since, asked.until)
        opened = 0 if asked.faults else clause_counts.cases_opened(conn, asked.since, asked.until)
        points = settled_points.standing(conn, bundle)
        names = Names(conn).load({one.record.by_user for one in points if one.record})
    body = render_template(
        "compliance/index.html",
        period=asked,
        rows=rows,
        opened=opened,
        points=points,
        names=names,
        profile=bundle.regulation.get("profile") or {},
        version=bundle.version,
        english=language() == "en",
        summary=_summary(rows),
    )
    return make_response(body, 422 if asked.faults else 200)


@blueprint.get("/compliance/<clause>")
@requires("view_evidence")
def cases(clause: str) -> Response:
    """The cases behind the figures of one clause."""
    if clause not in compliance.ALL:
        abort(404)
    bundle, asked = _live(), Asked.of(request.args)
    known = next(one for one in clauses.clauses(bundle) if one.number == clause)
    verdict = asked.verdict if asked.verdict in clause_counts.VERDICTS else ""
    since, until = asked.period.since, asked.period.until
    with reading() as conn:
        found = None
        if not asked.period.faults:
            found = compliance.cases_of(
                conn, bundle, clause, since, until, verdict=verdict, page=asked.page, per_page=PER_PAGE
            )

    def page_url(number: int) -> str:
        more: dict[str, Any] = {"verdict": verdict} if verdict else {}
        return url_for("compliance.cases", clause=clause, **asked.period.values, **more, page=number)

    body = render_template(
        "compliance/cases.html", clause=known, period=asked.period, verdict=verdict, found=found, page_url=page_url
    )
    return make_response(body, 422 if asked.period.faults else 200)


@blueprint.post("/compliance.csv")
@requires("view_evidence")
def csv() -> Response:
    asked = period.read(request.form, services().clock.now(), whole_year=True)
    if asked.faults:
        return make_response(t("period.no_file"), 422)
    with reading() as conn:
        rows = [_cells(row) for row in compliance.rows(conn, _live(), asked.since, asked.until)]
    header = [t(f"compliance.column.{name}") for name in COLUMNS]
    return csv_answer("csv", " ".join(asked.values.values()), f"{t('compliance.title')}.csv", header, rows)


def _cells(row: Row) -> list[Cell]:
    one, fared = row.clause, row.fared
    english = language() == "en"
    return [
        one.number,
        one.title,
        one.quote,
        t(f"compliance.status.{one.status}"),
        "；".join(f"{element.process_name}/{element.label}（{element.id}）" for element in one.elements),
        "；".join(f"{rules.label} {'、'.join(map(str, rules.rows))}" for rules in one.rules),
        "；".join(one.forms),
        "；".join(one.limits),
        "；".join(guard.says_en if english else guard.says for guard in one.guards),
        "；".join(f"{feature.en if english else feature.what}（{feature.at}）" for feature in one.program),
        one.reason,
        t(f"compliance.measure.{row.measure}"),
        *(
            (fared.cases, fared.held, fared.broken, fared.open, fared.dropped)
            if row.measure != "none"
            else (None, None, None, None, None)
        ),
        fared.tasks,
        fared.tasks_done,
        fared.limits,
        fared.limits_met,
        fared.limits_broken,
    ]


def _summary(rows: tuple[Row, ...]) -> dict[str, int]:
    """status -> clauses, in the order of the page."""
    order = ("diagram", "system", "manual", "later", "gone")
    counted = {status: sum(row.clause.status == status for row in rows) for status in order}
    return {status: number for status, number in counted.items() if number}


def _live() -> Any:
    """The live bundle; 404 while nothing is deployed."""
    try:
        return services().deployments.bundle()
    except KeyError:
        abort(404)

"""单位评分: each unit's points in each month, what was counted, and the rules of the table that gave them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, make_response, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.domain.rejection import Rejection
from engine.service import unit_scores
from engine.service.unit_scores import Scores

from . import period
from .catalogue import t
from .downloads import csv_answer, xlsx_answer
from .figure_tables import Figures, gave, refused, score_table
from .guards import reading, requires, services
from .names import Names
from .period import Period

blueprint = Blueprint("unit_scores", __name__)

LONGEST: Final = timedelta(days=366)
"""Of the period: the table is asked once for each unit and month."""


def _asked(args: MultiDict[str, str]) -> tuple[Period, dict[str, str]]:
    found = period.read(args, services().clock.now())
    faults = dict(found.faults)
    if not faults and found.until - found.since > LONGEST:
        faults["to"] = t("score.too_long")
    return found, faults


@blueprint.get("/statistics/scores")
@requires("view_performance")
def index() -> Response:
    asked, faults = _asked(request.args)
    found = None if faults else unit_scores.scores(services(), asked.since, asked.until)
    with reading() as conn:
        body = render_template(
            "statistics/scores.html", asked=asked, faults=faults, found=found, counts=unit_scores.COUNTS,
            why=refused(found) if found is not None else "", names=Names(conn), gave=gave,
        )  # fmt: skip
    return make_response(body, 422 if faults else 200)


@blueprint.post("/statistics/scores.csv")
@requires("view_performance")
def csv() -> Response:
    table, subject = _table()
    if table is None:
        return make_response(subject, 422)
    return csv_answer("csv", subject, f"{table.title}.csv", table.header, table.rows)


@blueprint.post("/statistics/scores.xlsx")
@requires("view_performance")
def xlsx() -> Response:
    table, subject = _table()
    if table is None:
        return make_response(subject, 422)
    return xlsx_answer("xlsx", subject, f"{table.title}.xlsx", [(table.title, table.header, table.rows)])


def _table() -> tuple[Figures | None, str]:
    """The table and what the export is of; or None and why there is none."""
    asked, faults = _asked(request.form)
    if faults:
        return None, t("period.no_file")
    found: Scores | Rejection = unit_scores.scores(services(), asked.since, asked.until)
    if isinstance(found, Rejection):
        return None, refused(found)
    with reading() as conn:
        table = score_table(found, Names(conn))
    return table, f"scores {asked.first} {asked.last} {found.version[:12]}"

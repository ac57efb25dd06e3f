"""值班表: who is on duty, week by week (R23). The office keeps it; everybody who works on cases reads it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from flask import Blueprint, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import people, people_units
from engine.service.csv_file import Cell
from engine.service.people import DutyRow

from . import period
from .admin import done, faults_of
from .catalogue import t
from .downloads import csv_answer, up_to
from .formats import local, parse_day
from .guards import allowed, current_actor, reading, requires, services, writing
from .period import Period

blueprint = Blueprint("duty", __name__)

MOST_ROWS: Final = 20_000
FIRST: Final = date(2000, 1, 3)
LAST: Final = date(2099, 12, 31)
"""Weeks before or after are not turned to."""


@blueprint.get("/admin/duty", alias=True)  # where it was while the admins alone kept it: leads to the address below
@blueprint.get("/duty")
@requires("view_duty")
def index() -> Response:
    return _page()


@blueprint.post("/duty")
@requires("edit_duty")
def add() -> Response:
    typed = request.form.get
    with writing() as conn:
        refused = people_units.add_duty(
            conn,
            current_actor(),
            services().clock.now(),
            on_date=parse_day(typed("on_date", "")),
            shift=typed("shift", ""),
            part=typed("part", ""),
            user_id=typed("user_id", ""),
        )
    if refused is not None and refused.code != "forbidden":
        return _page(refused)
    return done(refused, url_for("duty.index", day=typed("on_date", "")))


@blueprint.post("/duty/<int:duty_id>/remove")
@requires("edit_duty")
def remove(duty_id: int) -> Response:
    with writing() as conn:
        refused = people_units.remove_duty(conn, current_actor(), services().clock.now(), duty_id)
    return done(refused, url_for("duty.index", day=request.form.get("day") or None))


@blueprint.post("/duty/export.csv")
@requires("view_duty")
def csv() -> Response:
    """The roster of a period as a file; what the form leaves out is this month up to today."""
    asked = period.read(request.form, services().clock.now())
    if asked.faults:
        return _page(asked=asked)
    with reading() as conn:
        rows = people.duty(conn, local(asked.since).date(), _last(asked), MOST_ROWS + 1)
    header = [t(f"people.{name}") for name in ("day", "weekday", "shift", "part", "name")]
    title = t("nav.duty")
    return csv_answer("csv", f"duty {asked.first} {asked.last}", f"{title}.csv", header, up_to(rows, MOST_ROWS, _cells))


def _cells(row: DutyRow) -> list[Cell]:
    weekday = t(f"weekday.{date.fromisoformat(row.on_date).weekday()}")
    return [row.on_date, weekday, t(f"shift.{row.shift}"), t(f"duty_part.{row.part}"), row.name]


def _last(asked: Period) -> date:
    return local(asked.until).date() - timedelta(days=1)


def _page(refused: Rejection | None = None, asked: Period | None = None) -> Response:
    """The week that holds the day asked for, Monday first. `asked`: a period for the file that can't be read."""
    now = services().clock.now()
    today = local(now).date()
    chosen = parse_day(request.args.get("day", "") or request.form.get("on_date", "")) or today
    chosen = min(max(chosen, FIRST), LAST)
    monday = chosen - timedelta(days=chosen.weekday())
    week = [monday + timedelta(days=n) for n in range(7)]
    with reading() as conn:
        rows = people.duty(conn, week[0], week[-1])
        directory = people.directory(conn) if allowed("edit_duty") else None
    body = render_template(
        "duty/index.html",
        week=week,
        today=today,
        rows=rows,
        directory=directory,
        shifts=people_units.SHIFTS,
        parts=people_units.PARTS,
        faults=faults_of(refused),
        said=t(refused.key, **refused.details) if refused is not None and not refused.fields else "",
        typed=request.form if refused else {"on_date": chosen.isoformat()},
        before=monday - timedelta(days=7),
        after=monday + timedelta(days=7),
        period=asked or Period(week[0].isoformat(), week[-1].isoformat(), now, now, {}),
    )
    return make_response(body, HTTP_STATUS[refused.code] if refused else 422 if asked else 200)

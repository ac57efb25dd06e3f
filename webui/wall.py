"""值班看板: for a screen in the duty room: running limits, major cases under way, who is on duty. Nobody touches it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, render_template

from engine.domain.calendar import start_of_day
from engine.readmodels import cases
from engine.readmodels.cases import CaseRow
from engine.service import case_snapshot, people

from .clocks import Asked, board_of
from .formats import local
from .guards import current_actor, reading, requires, services

blueprint = Blueprint("wall", __name__)

MOST_MAJORS: Final = 12


@blueprint.get("/board/wall")
@requires("view_clocks_board")
def index() -> str:
    return render_template("clocks/wall.html", **_today(), **board_of(Asked(wall=True)))


@blueprint.get("/board/wall/today")
@requires("view_clocks_board", keeps_alive=False)
def today() -> str:
    """The majors and the duty alone, as the open page asks for them every half minute."""
    return render_template("clocks/today.html", **_today())


def new_today(rows: Iterable[CaseRow], now: datetime) -> set[str]:
    """The numbers of those registered on the day of `now` (aware), all discovered that day among them."""
    begun = start_of_day(now)
    return {row.case_id for row in rows if row.opened_at is not None and row.opened_at >= begun}


def _today() -> dict[str, Any]:
    actor, now = current_actor(), services().clock.now()
    day = local(now).date()
    with reading() as conn:
        majors = cases.list_cases(
            conn,
            groups=actor.groups,
            all_cases=case_snapshot.sees_all(actor),
            status="open",
            grade="major_negative",
            order="opened",
            per_page=MOST_MAJORS,
        )
        roster = people.duty(conn, day - timedelta(days=1), day)
    return {"majors": majors, "new": new_today(majors.rows, now), "duty": roster, "today": day.isoformat()}

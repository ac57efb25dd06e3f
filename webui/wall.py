"""值班看板: for a screen in the duty room: running limits, major cases under way, who is on duty. Nobody touches it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, render_template

from engine.domain.calendar import midnight
from engine.readmodels import cases
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
    begun = midnight(day)
    new = {row.case_id for row in majors.rows if row.opened_at is not None and row.opened_at >= begun}
    return {"majors": majors, "new": new, "duty": roster, "today": day.isoformat()}

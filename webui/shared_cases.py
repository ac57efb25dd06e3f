"""R22: what the office shares with units: a summary and how the case stands, nothing else of it."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, request, url_for

from engine.domain.access import may
from engine.readmodels import cases
from engine.service import case_snapshot, register_records

from .formats import local
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("shared_cases", __name__)

MOST: Final = 5_000
"""Records looked through, newest first. The office shares some hundred cases a year."""
PER_PAGE: Final = 30


@blueprint.get("/shared")
@requires("view_registers")
def index() -> str:
    """The sharings that still hold, of the person's unit or of all units, newest first."""
    actor, today = current_actor(), local(services().clock.now()).date().isoformat()
    whole = bool(may(actor, "view_all_cases"))
    page = max(1, request.args.get("page", 1, type=int))
    with reading() as conn:
        # Filtered before it is cut into pages: what still holds may be older than many that do not concern the unit.
        mine = [
            one
            for one in register_records.every(conn, "sharing", MOST)
            if one.values.get("until_date", today) >= today and (whole or actor.unit in one.values["units"])
        ]
        pages = max(1, -(-len(mine) // PER_PAGE))
        page = min(page, pages)
        records = mine[(page - 1) * PER_PAGE : page * PER_PAGE]
        shown = {one.case_id for one in records}
        found = cases.several(conn, shown)
        seen = case_snapshot.seen_of(conn, shown, actor)
        names = Names(conn).load({one.by_user for one in records})
    return render_template(
        "registers/shared.html",
        rows=[(one, found[one.case_id]) for one in records if one.case_id in found],
        seen=seen,
        names=names,
        page=page,
        pages=pages,
        page_url=lambda number: url_for("shared_cases.index", page=number),
    )

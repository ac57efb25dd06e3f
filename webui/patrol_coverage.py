"""R23: which unit looked at which sources, day by day, and where nobody looked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from flask import Blueprint, render_template, request

from engine.domain.calendar import midnight
from engine.service import people, register_records
from engine.service.items_tables import SOURCE_TYPES

from .formats import local, parse_day
from .guards import reading, requires, services

blueprint = Blueprint("patrol_coverage", __name__)

DAYS: Final = 7
"""Days of the page."""
WRITTEN_EARLY: Final = timedelta(days=1)
WRITTEN_LATE: Final = timedelta(days=31)
"""Records are found by when they were written, and a patrol counts on the day on which it began: one of 23:30 is
written after midnight, one of a Friday on Monday. One written later still is in the list and not in the table."""


@blueprint.get("/registers/patrol/coverage")
@requires("view_registers")
def index() -> str:
    today = local(services().clock.now()).date()
    last = parse_day(request.args.get("day", "")) or today
    days = [last - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    with reading() as conn:
        records = register_records.between(
            conn, "patrol", midnight(days[0]) - WRITTEN_EARLY, midnight(last) + WRITTEN_LATE
        )
        units = [unit for unit in people.all_units(conn) if unit.active]
    by_unit: Counter[tuple[str, str]] = Counter()
    by_source: Counter[tuple[str, str]] = Counter()
    for one in records:
        day = local(one.values["began_at"]).date().isoformat()
        by_unit[one.unit_id, day] += 1
        by_source.update((source, day) for source in one.values["sources"])
    return render_template(
        "registers/coverage.html",
        days=[day.isoformat() for day in days],
        units=units,
        sources=SOURCE_TYPES,
        by_unit=by_unit,
        by_source=by_source,
        before=last - timedelta(days=DAYS),
        after=last + timedelta(days=DAYS) if last < today else None,
        planned=_planned(),
    )


def _planned() -> Sequence[str]:
    """Times of day at which the office patrols, from the profile (R18)."""
    try:
        found = services().deployments.bundle().regulation.get("patrol_times")
    except KeyError:
        return ()
    return [str(one) for one in found] if isinstance(found, list) else ()

"""时限看板: every running limit that a person may see, the most pressing first; also for a screen on the wall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from engine.readmodels import clocks
from engine.readmodels.clocks import BoardRow
from engine.readmodels.page import Page
from engine.service import case_snapshot, people

from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("clocks", __name__)

PER_PAGE: Final = 60
GRADES: Final = ("major_negative", "ordinary_negative", "positive")
LIMITS: Final = ("same_day", "eight_hours", "triage", "backstop_48h")
"""Limits of the shipped regulation, for the filter; others are shown and named by their label."""
BUCKETS: Final = ("overdue", "soon", "today", "later")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `wall`: without menu and filters, for a screen that nobody touches."""

    q: str = ""
    limit: str = ""
    unit: str = ""
    grade: str = ""
    overdue: bool = False
    wall: bool = False
    page: int = 1

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        q, limit, unit, grade = (args.get(name, "").strip()[:100] for name in ("q", "limit", "unit", "grade"))
        overdue, wall = bool(args.get("overdue")), bool(args.get("wall"))
        return Asked(q, limit, unit, grade, overdue, wall, max(1, args.get("page", 1, type=int)))

    @property
    def narrowed(self) -> bool:
        return bool(self.values)

    @property
    def values(self) -> dict[str, str]:
        """What narrows the board."""
        texts = {"q": self.q, "limit": self.limit, "unit": self.unit, "grade": self.grade}
        return {**{name: text for name, text in texts.items() if text}, **({"overdue": "1"} if self.overdue else {})}

    def url(self, endpoint: str = "clocks.index", **changed: Any) -> str:
        values = asdict(replace(self, **changed))
        return url_for(endpoint, **{name: value for name, value in values.items() if value not in ("", False, 1)})

    def page_url(self, page: int) -> str:
        return self.url(page=page)


@blueprint.get("/clocks")
@requires("view_clocks_board")
def index() -> str:
    asked = Asked.of(request.args)
    with reading() as conn:
        units = [(unit.unit_id, unit.name) for unit in people.all_units(conn) if unit.active]
    return render_template("clocks/index.html", grades=GRADES, limits=LIMITS, units=units, **board_of(asked))


@blueprint.get("/clocks/board")
@requires("view_clocks_board", keeps_alive=False)
def board() -> str:
    """The board alone, as the open page asks for it every half minute."""
    return render_template("clocks/board.html", **board_of(Asked.of(request.args)))


def board_of(asked: Asked) -> dict[str, Any]:
    """What board.html needs: the limits that the person may see."""
    actor, now = current_actor(), services().clock.now()
    whole = case_snapshot.sees_all(actor)
    with reading() as conn:
        counts = clocks.counts(conn, groups=actor.groups, all_cases=whole, now=now)
        found = running(conn, asked, now, PER_PAGE)
        names = named(Names(conn), found.rows)
    return {
        "asked": asked,
        "counts": counts,
        "found": found,
        "buckets": in_buckets(found.rows, now),
        "names": names,
        "at": now,
    }


def running(conn: Connection, asked: Asked, now: datetime, per_page: int) -> Page[BoardRow]:
    """The running limits asked for that the person may see."""
    actor = current_actor()
    return clocks.running(
        conn,
        groups=actor.groups,
        all_cases=case_snapshot.sees_all(actor),
        now=now,
        q=asked.q,
        limit_id=asked.limit,
        unit=asked.unit,
        grade=asked.grade,
        overdue_only=asked.overdue,
        page=asked.page,
        per_page=per_page,
    )


def in_buckets(rows: Iterable[BoardRow], now: datetime) -> Mapping[str, list[BoardRow]]:
    """The rows by time left, in the order of BUCKETS; buckets without a row are left out."""
    found: dict[str, list[BoardRow]] = {name: [] for name in BUCKETS}
    for row in rows:
        left = row.limit.deadline - now
        name = (
            "overdue"
            if row.overdue
            else "soon"
            if left <= clocks.SOON
            else "today"
            if left <= clocks.TODAY
            else "later"
        )
        found[name].append(row)
    return {name: some for name, some in found.items() if some}


def named(names: Names, rows: Iterable[BoardRow]) -> Names:
    """`names` with everybody and every unit that the rows name."""
    rows = tuple(rows)
    holders = [holder for row in rows for holder in row.holders]
    groups = {group for holder in holders for group in holder.candidates}
    groups |= {f"unit:{unit}" for row in rows for unit in (row.limit.unit, *(one.unit for one in row.holders)) if unit}
    return names.load({holder.assignee for holder in holders}, groups)

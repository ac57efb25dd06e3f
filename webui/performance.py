"""办理效率: how often each step of a process was taken and how long it took, on its diagram and as a table."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from flask import Blueprint, abort, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.readmodels.chosen import Choice
from engine.readmodels.performance import Spread
from engine.service import exports, mining, people, performance_view
from engine.service.csv_file import guarded_text as guarded
from engine.service.performance_view import COLOURS, NoProcess, Row, View

from .catalogue import t
from .clock_text import span
from .guards import current_actor, reading, requires, services

blueprint = Blueprint("performance", __name__)

GRADES: Final = ("major_negative", "ordinary_negative", "positive")
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def _longest(spread: Spread | None) -> tuple[int, int, int]:
    return (0, 0, 0) if spread is None else (spread.median, spread.p90, spread.longest)


ORDERS: Final[Mapping[str, Callable[[Row], Any]]] = {
    "label": lambda row: row.label,
    "times": lambda row: row.times,
    "done": lambda row: row.done,
    "waited": lambda row: _longest(row.waited)[0],
    "waited_p90": lambda row: _longest(row.waited)[1],
    "waited_max": lambda row: _longest(row.waited)[2],
    "worked": lambda row: _longest(row.worked)[0],
    "worked_p90": lambda row: _longest(row.worked)[1],
    "worked_max": lambda row: _longest(row.worked)[2],
}
"""Columns that the table can be sorted by, the highest first but for the name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `since`, `until`: months, both included; `only`: only cases of this version."""

    process: str = ""
    version: str = ""
    only: bool = False
    grade: str = ""
    unit: str = ""
    since: str = ""
    until: str = ""
    colour: str = "waited"
    order: str = "waited"

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        texts = {name: args.get(name, "").strip()[:100] for name in ("process", "version", "grade", "unit")}
        since, until = (
            month if _MONTH.fullmatch(month := args.get(name, "").strip()) else "" for name in ("since", "until")
        )
        colour, order = args.get("colour", ""), args.get("order", "")
        return Asked(
            **texts,
            only=bool(args.get("only")),
            since=since,
            until=until,
            colour=colour if colour in COLOURS else "waited",
            order=order if order in ORDERS else "waited",
        )

    def choice(self) -> Choice:
        """Requires nothing: a period that ends before it begins holds no case."""
        since = mining.period(f"{self.since}..")[0] if self.since else None
        until = mining.period(f"..{self.until}")[1] if self.until else None
        return Choice(since, until, self.grade, self.unit)

    def url(self, **changed: Any) -> str:
        values = asdict(replace(self, **changed))
        return url_for("performance.index", **{name: value for name, value in values.items() if value})


@blueprint.get("/performance")
@requires("view_performance")
def index() -> str:
    asked = Asked.of(request.args)
    shown = _view(asked)
    with reading() as conn:
        units = [(unit.unit_id, unit.name) for unit in people.all_units(conn)]
    history = services().deployments.history()
    versions = {one.version: t("performance.version", number=one.number, version=one.version[:8]) for one in history}
    return render_template(
        "performance/index.html",
        asked=asked,
        shown=shown,
        rows=_sorted(shown, asked.order),
        units=units,
        grades=GRADES,
        versions=list(versions.items()),
        colours=COLOURS,
        drawn=drawing(shown, asked) if shown is not None else None,
    )


@blueprint.post("/performance")
@requires("view_performance")
def table() -> Response:
    """The table as a file. Logged and marked like every other thing that is taken out (R71)."""
    asked = Asked.of(request.form)
    shown = _view(asked)
    if shown is None:
        abort(404)
    subject = " ".join(part for part in (shown.process, asked.since, asked.until, asked.grade, asked.unit) if part)
    mark = exports.begin(services(), current_actor(), "performance", subject, request.remote_addr or "")
    body = as_csv(shown, asked, mark.text)
    exports.made(services(), mark.number, hashlib.sha256(body).hexdigest(), len(body))
    name = f"performance-{mark.number}.csv"
    return Response(
        body, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _view(asked: Asked) -> View | None:
    """None when nothing has ever been deployed; 404 for a process or version that is not there."""
    try:
        return performance_view.view(
            services(),
            asked.choice(),
            process=asked.process,
            version=asked.version,
            only=asked.only,
            colour=asked.colour,
        )
    except NoProcess:
        if asked.process or asked.version:
            abort(404)
        return None


def _sorted(shown: View | None, order: str) -> list[Row]:
    if shown is None:
        return []
    return sorted(shown.rows, key=ORDERS[order], reverse=order != "label")


def drawing(shown: View, asked: Asked) -> Mapping[str, Any]:
    """What assets/diagram.js reads: heat as marks, numbers as notes, all in words as the line about an element."""
    notes, about = [], {}
    for row in shown.rows:
        said = [t("performance.times", count=row.times)] if row.times else []
        brief = [str(row.times)] if row.times else []
        one = row.worked if asked.colour == "worked" else row.waited
        if one is not None:
            brief.append(span(one.median))
        for name, spread in (("waited", row.waited), ("worked", row.worked)):
            if spread is not None:
                words = {"median": span(spread.median), "p90": span(spread.p90), "longest": span(spread.longest)}
                said.append(t(f"performance.said_{name}", **words))
        about[row.element] = " · ".join(said)
        if row.took is not None or row.kind in ("callActivity", "subProcess"):
            notes.append({"element": row.element, "text": " · ".join(brief)})
    for flow in shown.flows:
        about[flow.flow] = t("performance.taken", count=flow.times)
        notes.append({"element": flow.flow, "text": str(flow.times)})
    flows = {flow.flow for flow in shown.flows}
    marks = {element: [f"{'flow' if element in flows else 'heat'}-{level}"] for element, level in shown.heat.items()}
    return {"xml": shown.xml, "name": shown.name, "marks": marks, "notes": notes, "about": about}


def as_csv(shown: View, asked: Asked, watermark: str) -> bytes:
    """The table, one line an element, then flows, then limits; seconds as numbers, to be reckoned with."""
    held = io.StringIO(newline="")
    writer = csv.writer(held)
    head = ("part", "element", "label", "times", "cancelled", "done", "waited", "waited_p90", "waited_max",
            "worked_count", "worked", "worked_p90", "worked_max")  # fmt: skip
    writer.writerow([*(t(f"performance.column.{name}") for name in head), guarded(watermark)])
    for row in _sorted(shown, asked.order):
        waited = _cells(row.waited)
        worked = [row.worked.count if row.worked else 0, *_cells(row.worked)]
        names = [guarded(row.element), guarded(row.label)]
        writer.writerow([t("performance.part.element"), *names, row.times, row.cancelled, row.done, *waited, *worked])
    for flow in shown.flows:
        label = flow.label or f"{flow.source} → {flow.target}"
        writer.writerow([t("performance.part.flow"), guarded(flow.flow), guarded(label), flow.times])
    for limit in shown.limits:
        names = [guarded(limit.element), guarded(limit.label or limit.limit)]
        writer.writerow([t("performance.part.limit"), *names, limit.total, limit.cancelled, limit.met, limit.broken])
    return b"\xef\xbb\xbf" + held.getvalue().encode()


def _cells(spread: Spread | None) -> list[Any]:
    return ["", "", ""] if spread is None else [spread.median, spread.p90, spread.longest]

"""待明确事项: the gaps of the regulation, the default chosen for each, who approved it and since when."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import register_records
from engine.service.clauses import OpenPoint, open_points
from engine.service.register_records import Record

from . import errors
from .admin import faults_of
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("points", __name__)

REGISTER: Final = "point"


@blueprint.get("/points")
@requires("view_registers", "view_bundles")
def index() -> Response:
    return _page()


@blueprint.post("/points/<ident>")
@requires("settle_points")
def settle(ident: str) -> Response:
    """Approves the default that the live version chooses, or opens the point again."""
    point = next((one for one in _points() if one.id == ident), None)
    if point is None:
        abort(404)
    state = "approved" if request.form.get("state") == "approved" else "open"
    note = request.form.get("note", "").strip()[:1001]
    # What was read is what is approved: a new version may have chosen otherwise while the page was open.
    if request.form.get("chosen", "") != point.chosen:
        return _page(ident, note, Rejection("conflict", "point.changed"))
    typed = {"point": ident, "chosen": point.chosen, "state": state, "note": note}
    made = register_records.add(services(), current_actor(), REGISTER, typed)
    if isinstance(made, Rejection):
        return _page(ident, note, made) if made.fields else make_response(errors.rejected(made))
    flash(t("register.kept"), "success")
    return redirect(url_for("points.index", _anchor=ident), 303)


def _points() -> tuple[OpenPoint, ...]:
    try:
        return open_points(services().deployments.bundle())
    except KeyError:
        return ()


def _page(wrong: str = "", note: str = "", refused: Rejection | None = None) -> Response:
    with reading() as conn:
        records = register_records.newest_by(conn, REGISTER, "point")
        names = Names(conn).load({one.by_user for one in records.values()})
    points = [(one, records.get(one.id), _stands(one, records.get(one.id))) for one in _points()]
    body = render_template(
        "registers/points.html",
        points=points,
        names=names,
        wrong=wrong,
        note=note,
        faults=faults_of(refused),
        said=t(refused.key, **refused.details) if refused is not None and not refused.fields else "",
    )
    return make_response(body, HTTP_STATUS[refused.code] if refused else 200)


def _stands(point: OpenPoint, record: Record | None) -> str:
    """approved, changed (another default was approved than the live version's) or open."""
    if record is None or record.values["state"] == "open":
        return "open"
    return "approved" if record.values["chosen"] == point.chosen else "changed"

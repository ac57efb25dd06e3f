"""待明确事项: the gaps of the regulation, the default chosen for each, who approved it and since when."""

from __future__ import annotations

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import register_records, settled_points
from engine.service.settled_points import REGISTER, Standing

from . import errors
from .admin import faults_of
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("points", __name__)


@blueprint.get("/points")
@requires("view_registers", "view_bundles")
def index() -> Response:
    return _page()


@blueprint.post("/points/<ident>")
@requires("settle_points")
def settle(ident: str) -> Response:
    """Approves the default that the live version chooses, or opens the point again."""
    with reading() as conn:
        point = next((one.point for one in _points(conn) if one.point.id == ident), None)
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


def _points(conn: Connection) -> tuple[Standing, ...]:
    try:
        return settled_points.standing(conn, services().deployments.bundle())
    except KeyError:
        return ()


def _page(wrong: str = "", note: str = "", refused: Rejection | None = None) -> Response:
    with reading() as conn:
        points = _points(conn)
        names = Names(conn).load({one.record.by_user for one in points if one.record})
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

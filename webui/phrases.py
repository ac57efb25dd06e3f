"""常用批示: the words that leaders send in one tap, kept by the office; one a line, in the order they are shown."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import phrases, register_records
from engine.service.registers import MOST_LINES, REGISTERS

from . import errors
from .admin import faults_of, page_number
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("phrases", __name__)

LONGEST_TEXT = 5000
"""Characters taken of what is sent: far more than all lines may have."""


@blueprint.get("/phrases")
@requires("view_templates")
def index() -> Response:
    return _page()


@blueprint.post("/phrases")
@requires("edit_templates")
def keep() -> Response:
    typed = request.form.get("phrases", "")[:LONGEST_TEXT]
    after = request.form.get("after", 0, type=int)
    if request.form.get("action") == "default":
        made = phrases.go_back(services(), current_actor(), after)
    else:
        made = phrases.keep(services(), current_actor(), typed, after)
    if isinstance(made, Rejection):
        return _page(typed, made) if made.fields or made.code == "conflict" else make_response(errors.rejected(made))
    flash(t("phrase.kept"), "success")
    return redirect(url_for("phrases.index"), 303)


def _page(typed: str | None = None, refused: Rejection | None = None) -> Response:
    try:
        shipped = phrases.shipped(services().deployments.bundle())
    except KeyError:
        shipped = []
    page = max(1, page_number())
    with reading() as conn:
        last = register_records.latest(conn, phrases.REGISTER)
        rows, pages = register_records.listed(conn, phrases.REGISTER, page)
        names = Names(conn).load({one.by_user for one in rows})
    own = phrases.of(last)
    field = REGISTERS[phrases.REGISTER].field(phrases.REGISTER)
    body = render_template(
        "registers/phrases.html", own=own, shipped=shipped, rows=[(one, phrases.of(one)) for one in rows], page=page,
        pages=pages, page_url=lambda number: url_for("phrases.index", page=number), names=names,
        after=register_records.number_of(last), typed="\n".join(own or shipped) if typed is None else typed,
        faults=faults_of(refused), most=MOST_LINES, longest=field.most,
        said=t(refused.key, **refused.details) if refused is not None and not refused.fields else "",
    )  # fmt: skip
    return make_response(body, HTTP_STATUS[refused.code] if refused else 200)

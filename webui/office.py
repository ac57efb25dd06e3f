"""The bureau as the system admin keeps it: units, lines of responsibility, absences."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.domain.organisation import DISTRICTS, POSTS, UNIT_KINDS, units_without
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import people, people_units
from engine.service.people_units import UnitForm

from .admin import done, faults_of
from .formats import parse_local
from .guards import current_actor, reading, requires, services, writing

blueprint = Blueprint("office", __name__, url_prefix="/admin")


@blueprint.get("/units")
@requires("view_people")
def units() -> str:
    with reading() as conn:
        rows = people.all_units(conn)
        directory = people.directory(conn)
    active = [unit.unit_id for unit in rows if unit.active]
    holders = {(unit.unit_id, post): user_id for unit in rows for post, user_id in unit.posts.items()}
    missing = {post: units_without(post, active, holders) for post in ("head", "monitor", "reply")}
    return render_template("admin/units.html", rows=rows, directory=directory, missing=missing)


@blueprint.get("/units/new")
@requires("admin_people")
def unit_new() -> str:
    return _unit_form(UnitForm("", "", "section", "市本级"), None, new=True)


@blueprint.post("/units/new")
@requires("admin_people")
def unit_create() -> str | AnyResponse:
    return _save_unit(request.form.get("unit_id", "").strip().lower(), new=True)


@blueprint.get("/units/<unit_id>")
@requires("view_people")
def unit(unit_id: str) -> str:
    with reading() as conn:
        found = next((unit for unit in people.all_units(conn) if unit.unit_id == unit_id), None)
    if found is None:
        abort(404)
    form = UnitForm(
        unit_id, found.name, found.kind, found.district, found.line_id, found.active, found.position, found.posts
    )
    return _unit_form(form, None, new=False)


@blueprint.post("/units/<unit_id>")
@requires("admin_people")
def unit_save(unit_id: str) -> str | AnyResponse:
    return _save_unit(unit_id, new=False)


def _save_unit(unit_id: str, *, new: bool) -> str | AnyResponse:
    typed = request.form.get
    form = UnitForm(
        unit_id=unit_id,
        name=typed("name", ""),
        kind=typed("kind", ""),
        district=typed("district", ""),
        line_id=typed("line_id", ""),
        active=typed("active", "") == "yes",
        position=min(max(typed("position", 0, type=int), 0), 9999),
        posts={post: typed(post, "") for post in POSTS},
    )
    with writing() as conn:
        refused = people_units.save_unit(conn, current_actor(), services().clock.now(), form, new=new)
    if refused is not None and refused.fields:
        return make_response(_unit_form(form, refused, new=new), HTTP_STATUS[refused.code])
    return done(refused, url_for("office.units"))


def _unit_form(form: UnitForm, refused: Rejection | None, *, new: bool) -> str:
    with reading() as conn:
        directory = people.directory(conn)
    return render_template(
        "admin/unit.html",
        form=form,
        new=new,
        directory=directory,
        kinds=UNIT_KINDS,
        districts=DISTRICTS,
        posts=POSTS,
        faults=faults_of(refused),
    )


@blueprint.get("/lines")
@requires("view_people")
def lines() -> str:
    return _lines(None, "")


@blueprint.post("/lines")
@requires("admin_people")
def line_create() -> str | AnyResponse:
    return _save_line(request.form.get("line_id", "").strip().lower(), new=True)


@blueprint.post("/lines/<line_id>")
@requires("admin_people")
def line_save(line_id: str) -> str | AnyResponse:
    return _save_line(line_id, new=False)


def _save_line(line_id: str, *, new: bool) -> str | AnyResponse:
    name, leader = request.form.get("name", ""), request.form.get("leader", "")
    with writing() as conn:
        refused = people_units.save_line(conn, current_actor(), services().clock.now(), line_id, name, leader, new=new)
    if refused is not None and refused.fields:
        return make_response(_lines(refused, "" if new else line_id), HTTP_STATUS[refused.code])
    return done(refused, url_for("office.lines"))


def _lines(refused: Rejection | None, line_id: str) -> str:
    """`line_id`: the row whose entries were refused, '' for the form of a new line."""
    with reading() as conn:
        directory = people.directory(conn)
    leaders = [(person.user_id, person.name) for person in directory.persons if "leader" in person.roles]
    return render_template(
        "admin/lines.html", directory=directory, leaders=leaders, faults=faults_of(refused), refused_line=line_id
    )


@blueprint.get("/absences")
@requires("view_people")
def absences() -> str:
    return _absences(None)


@blueprint.post("/absences")
@requires("admin_people")
def absence_add() -> str | AnyResponse:
    typed = request.form.get
    with writing() as conn:
        refused = people_units.add_absence(
            conn,
            current_actor(),
            services().clock.now(),
            user_id=typed("user_id", ""),
            substitute=typed("substitute", ""),
            start_at=parse_local(typed("start_at", "")),
            end_at=parse_local(typed("end_at", "")),
            reason=typed("reason", ""),
        )
    if refused is not None and refused.fields:
        return make_response(_absences(refused), HTTP_STATUS[refused.code])
    return done(refused, url_for("office.absences"))


@blueprint.post("/absences/<int:absence_id>/cancel")
@requires("admin_people")
def absence_cancel(absence_id: int) -> AnyResponse:
    with writing() as conn:
        refused = people_units.cancel_absence(conn, current_actor(), services().clock.now(), absence_id)
    return done(refused, url_for("office.absences"))


def _absences(refused: Rejection | None) -> str:
    with reading() as conn:
        rows = people.standing_absences(conn, services().clock.now())
        directory = people.directory(conn)
    typed = request.form if refused else {}
    return render_template(
        "admin/absences.html", rows=rows, directory=directory, typed=typed, faults=faults_of(refused)
    )

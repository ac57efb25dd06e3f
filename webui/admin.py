"""Pages of the three admins: persons (system admin), roles and locks (security admin), the two logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.domain.organisation import ROLES, SEPARATED_ROLES
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import contacts, people, people_admin, people_log, people_sessions
from engine.service.outbox_lookup import described
from engine.service.outbox_tables import CHANNELS
from engine.service.people_admin import PersonForm

from . import errors
from .catalogue import t
from .guards import current_actor, reading, requires, services, writing

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


def faults_of(rejection: Rejection | None) -> dict[str, str]:
    """Field -> sentence, for templates."""
    return {} if rejection is None else {fault.path: t(fault.key, **fault.params) for fault in rejection.fields}


def page_number() -> int:
    return request.args.get("page", 1, type=int)


@blueprint.get("/persons")
@requires("view_people")
def persons() -> str:
    query, unit_id = request.args.get("q", "")[:64], request.args.get("unit", "")
    with reading() as conn:
        rows, pages = people.people_page(conn, query, unit_id, page_number())
        units = people.all_units(conn)
    return render_template(
        "admin/persons.html", rows=rows, pages=pages, page=page_number(), q=query, unit=unit_id, units=units
    )


@blueprint.get("/persons/new")
@requires("admin_people")
def person_new() -> str:
    return person_page(PersonForm("", "", ""), None)


@blueprint.post("/persons/new")
@requires("admin_people")
def person_create() -> str | AnyResponse:
    form = _typed(request.form.get("user_id", "").strip().lower())
    with writing() as conn:
        outcome = people_admin.create_person(conn, current_actor(), services().clock.now(), form)
    if isinstance(outcome, Rejection):
        return make_response(person_page(form, outcome), HTTP_STATUS[outcome.code])
    return _handed_over(form.user_id, form.name, outcome)


@blueprint.get("/persons/<user_id>")
@requires("view_people")
def person(user_id: str) -> str:
    with reading() as conn:
        found = people.person(conn, user_id)
    if found is None:
        abort(404)
    return person_page(PersonForm(user_id, found.name, found.unit_id, found.title, found.phone), None, found)


@blueprint.post("/persons/<user_id>")
@requires("admin_people")
def person_save(user_id: str) -> str | AnyResponse:
    form = _typed(user_id)
    with writing() as conn:
        refused = people_admin.edit_person(conn, current_actor(), services().clock.now(), form)
        found = people.person(conn, user_id)
    if refused is not None and refused.fields:
        return make_response(person_page(form, refused, found), HTTP_STATUS[refused.code])
    return done(refused, url_for("admin.person", user_id=user_id))


@blueprint.post("/persons/<user_id>/active")
@requires("admin_people")
def person_active(user_id: str) -> AnyResponse:
    wanted = request.form.get("active") == "yes"
    with writing() as conn:
        refused = people_admin.set_active(conn, current_actor(), services().clock.now(), user_id, wanted)
    return done(refused, url_for("admin.person", user_id=user_id))


@blueprint.post("/persons/<user_id>/password")
@requires("reset_password")
def person_password(user_id: str) -> str | AnyResponse:
    with writing() as conn:
        outcome = people_admin.reset_password(conn, current_actor(), services().clock.now(), user_id)
        name = people.names(conn, [user_id]).get(user_id, user_id)
    if isinstance(outcome, Rejection):
        return errors.rejected(outcome)
    return _handed_over(user_id, name, outcome)


@blueprint.get("/roles")
@requires("view_roles")
def roles() -> str:
    query = request.args.get("q", "")[:64]
    with reading() as conn:
        rows, pages = people.people_page(conn, query, "", page_number())
    return render_template("admin/roles.html", rows=rows, pages=pages, page=page_number(), q=query)


@blueprint.get("/roles/<user_id>")
@requires("view_roles")
def role_sheet(user_id: str) -> str:
    return _role_sheet(user_id, None)


@blueprint.post("/roles/<user_id>")
@requires("admin_roles")
def role_save(user_id: str) -> str | AnyResponse:
    wanted = request.form.getlist("role")
    with writing() as conn:
        refused = people_admin.set_roles(conn, current_actor(), services().clock.now(), user_id, wanted)
    if refused is not None and refused.code == "invalid":
        return make_response(_role_sheet(user_id, refused), 422)
    return done(refused, url_for("admin.role_sheet", user_id=user_id))


@blueprint.post("/roles/<user_id>/unlock")
@requires("unlock_account")
def role_unlock(user_id: str) -> AnyResponse:
    with writing() as conn:
        known = people.person(conn, user_id) is not None
        if known:
            now = services().clock.now()
            people_sessions.unlock(conn, current_actor(), user_id, now, request.remote_addr or "")
    return done(None if known else Rejection("not_found", "people.no_person"), url_for("admin.roles"))


@blueprint.get("/changes")
@requires("view_people_log")
def people_changes() -> str:
    query = request.args.get("q", "")[:64]
    with reading() as conn:
        log = people_log.people_changes(conn, query, page_number())
    return render_template("admin/log.html", log=log, q=query, title_key="nav.people_log", here="admin.people_changes")


@blueprint.get("/security")
@requires("view_security_log")
def security_events() -> str:
    query = request.args.get("q", "")[:64]
    with reading() as conn:
        log = people_log.security_events(conn, query, page_number())
    return render_template(
        "admin/log.html", log=log, q=query, title_key="nav.security_log", here="admin.security_events"
    )


def done(refused: Rejection | None, target: str) -> AnyResponse:
    """Back to `target` with a note that it was saved, or the page of the refusal."""
    if refused is not None:
        return errors.rejected(refused)
    flash(t("app.saved"), "success")
    return redirect(target, 303)


def _typed(user_id: str) -> PersonForm:
    typed = {name: request.form.get(name, "") for name in ("name", "unit_id", "title", "phone")}
    return PersonForm(user_id, **typed)


def person_page(
    form: PersonForm,
    refused: Rejection | None,
    found: people.Person | None = None,
    typed: Mapping[str, str] | None = None,
) -> str:
    """`typed`: addresses for notifications as just typed; the stored ones if left out."""
    with reading() as conn:
        units = [unit for unit in people.all_units(conn) if unit.active or unit.unit_id == form.unit_id]
        held = contacts.addresses(conn, form.user_id) if typed is None else typed
    return render_template(
        "admin/person.html",
        form=form,
        found=found,
        units=units,
        faults=faults_of(refused),
        contacts=held,
        channels=CHANNELS,
        set_up=described(services().settings.notices),
    )


def _handed_over(user_id: str, name: str, first: str) -> Response:
    """Shows a first password once; it is stored nowhere, and the page is never cached."""
    return make_response(render_template("admin/first_password.html", user_id=user_id, name=name, first=first))


def _role_sheet(user_id: str, refused: Rejection | None) -> str:
    with reading() as conn:
        found = people.person(conn, user_id)
        locked = people_sessions.is_locked(conn, user_id, services().clock.now())
    if found is None:
        abort(404)
    details: dict[str, Any] = {} if refused is None else dict(refused.details)
    named = {key: t(f"role.{value}") for key, value in details.items()}
    return render_template(
        "admin/role_sheet.html",
        found=found,
        held=request.form.getlist("role") if refused else found.roles,
        locked=locked,
        roles=ROLES,
        separated=SEPARATED_ROLES,
        refused=t(refused.key, **named) if refused else "",
    )

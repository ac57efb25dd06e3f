"""Where people want to be told: on one's own account page, and on the system admin's page of a person."""

from __future__ import annotations

from flask import Blueprint, make_response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import contacts, people
from engine.service.outbox_tables import CHANNELS
from engine.service.people_admin import PersonForm

from . import admin, auth
from .guards import current_actor, requires, services, signed_in, writing

blueprint = Blueprint("contacts", __name__)


@blueprint.post("/account/contacts")
@signed_in
def save_own() -> AnyResponse:
    typed = _typed()
    refused = _save(current_actor().user_id, typed)
    if refused is not None and refused.fields:
        return make_response(auth.account_page(typed, admin.faults_of(refused)), HTTP_STATUS[refused.code])
    return admin.done(refused, url_for("auth.account"))


@blueprint.post("/admin/persons/<user_id>/contacts")
@requires("admin_people")
def save(user_id: str) -> AnyResponse:
    typed = _typed()
    refused = _save(user_id, typed)
    if refused is not None and refused.fields:
        with services().engine.connect() as conn:
            found = people.person(conn, user_id)
        assert found is not None
        form = PersonForm(user_id, found.name, found.unit_id, found.title, found.phone)
        return make_response(admin.person_page(form, refused, found, typed), HTTP_STATUS[refused.code])
    return admin.done(refused, url_for("admin.person", user_id=user_id))


def _typed() -> dict[str, str]:
    return {channel: request.form.get(channel, "") for channel in CHANNELS}


def _save(user_id: str, typed: dict[str, str]) -> Rejection | None:
    with writing() as conn:
        return contacts.save(conn, current_actor(), services().clock.now(), user_id, typed)

"""登记舆情: the start form of a case."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine.domain.codec import JSON
from engine.domain.commands import OpenCase
from engine.domain.rejection import Rejection
from engine.service import case_view
from engine.service.application import Done
from engine.service.case_view import FormView
from engine.service.drafts import start_form

from . import form_pages, submissions
from .form_pages import FormPage
from .formats import local
from .guards import current_actor, requires, services

blueprint = Blueprint("register", __name__)

DISCOVERED_AT: Final = "discovered_at"
"""Field of the instant of discovery: the start form comes with the present minute in it."""


@blueprint.get("/register")
@requires("open_case")
def index() -> Response:
    view = _view(process := _process())
    if isinstance(view, Rejection):
        return form_pages.refused(view)
    autosave = url_for("register.draft", process=process)
    return _page(process, view, form_pages.fresh(view.schema, _prefilled(view), start_form(process), autosave))


@blueprint.post("/register")
@requires("open_case")
def submit() -> Response:
    actor = current_actor()
    view = _view(process := _process())
    if isinstance(view, Rejection):
        return form_pages.refused(view)
    sent = submissions.read(request, services().files, actor.user_id)
    outcome = sent.rejection or services().application.handle(
        OpenCase(process, sent.values, sent.files), actor, command_id=sent.command_id
    )
    if isinstance(outcome, Done):
        services().drafts.delete(actor.user_id, start_form(process))
        flash(Markup(render_template("register/opened.html", case_id=outcome.case_id)), "success")
        return redirect(url_for("cases.show", case_id=outcome.case_id), 303)
    if outcome.code != "invalid":
        return form_pages.refused(outcome, kept=form_pages.keep_as_draft(start_form(process), sent))
    autosave = url_for("register.draft", process=process)
    return _page(process, view, form_pages.again(view.schema, _prefilled(view), sent, outcome, autosave), 422)


@blueprint.post("/drafts/register")
@requires("open_case", keeps_alive=False)
def draft() -> Response:
    return form_pages.save_draft(start_form(_process()))


@blueprint.post("/drafts/register/discard")
@requires("open_case")
def discard() -> Response:
    process = _process()
    services().drafts.delete(current_actor().user_id, start_form(process))
    return redirect(url_for("register.index", process=process), 303)


def _process() -> str:
    """The process asked for, else the first that people may open a case of; '' when nothing is deployed."""
    offered = [process for process, _ in case_view.start_processes(services())]
    asked = request.args.get("process", "")
    return asked if asked in offered else next(iter(offered), "")


def _view(process: str) -> FormView | Rejection:
    if not process:
        return Rejection("conflict", "bundle.none_deployed")
    return case_view.start_view(services(), process)


def _prefilled(view: FormView) -> dict[str, JSON]:
    """The form's data with the present minute as the instant of discovery, where the form asks for it."""
    keys = {component.get("key") for component in form_pages.components(view.schema)}
    now = local(services().clock.now()).replace(second=0, microsecond=0).isoformat(timespec="minutes")
    return {**view.data, **({DISCOVERED_AT: now} if DISCOVERED_AT in keys else {})}


def _page(process: str, view: FormView, shown: FormPage, status: int = 200) -> Response:
    offered = case_view.start_processes(services())
    body = render_template("register/index.html", view=view, shown=shown, process=process, offered=offered)
    return make_response(body, status)

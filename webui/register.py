"""登记舆情: the start form of a case."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine.domain.codec import JSON
from engine.domain.commands import OpenCase
from engine.domain.rejection import Rejection
from engine.service import case_view, item_decisions
from engine.service.application import Done
from engine.service.case_view import FormView
from engine.service.drafts import start_form
from engine.service.items import Item

from . import form_pages, item_words, submissions
from . import items as item_pages
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
    if (item := _item()) is not None:
        return _page(process, view, _from_item(view, item), item=item)
    autosave = url_for("register.draft", process=process)
    return _page(process, view, form_pages.fresh(view.schema, _prefilled(view), start_form(process), autosave))


@blueprint.post("/register")
@requires("open_case")
def submit() -> Response:
    actor = current_actor()
    view = _view(process := _process())
    if isinstance(view, Rejection):
        return form_pages.refused(view)
    item = _item()
    sent = submissions.read(request, services().files, actor.user_id)
    outcome = sent.rejection or _open(item, OpenCase(process, sent.values, sent.files), sent.command_id)
    if isinstance(outcome, Done):
        services().drafts.delete(actor.user_id, start_form(process))
        flash(Markup(render_template("register/opened.html", case_id=outcome.case_id)), "success")
        return redirect(url_for("cases.show", case_id=outcome.case_id), 303)
    if outcome.code != "invalid":
        return form_pages.refused(outcome, kept=form_pages.keep_as_draft(start_form(process), sent))
    autosave = "" if item is not None else url_for("register.draft", process=process)
    return _page(process, view, form_pages.again(view.schema, _prefilled(view), sent, outcome, autosave), 422, item)


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


def _item() -> Item | None:
    """The item that the case is opened of, as the address says; the request ends for one that may not be seen."""
    number = request.args.get("item", 0, type=int)
    return item_pages.opened_from(number) if number else None


def _from_item(view: FormView, item: Item) -> FormPage:
    """The form as an item fills it in. No draft: what was typed for another case must not get into this one."""
    known = frozenset(str(component.get("key")) for component in form_pages.components(view.schema))
    typed = item_words.registration(item, known)
    files = item_words.attachment_files(item) if "attachments" in known else {}
    if files:
        typed["attachments"] = next(iter(files))
    return form_pages.filled(view.schema, _prefilled(view), typed, files)


def _open(item: Item | None, command: OpenCase, command_id: str) -> Done | Rejection:
    if item is not None:
        return item_decisions.open_case(services(), current_actor(), item.item_id, command, command_id)
    outcome: Done | Rejection = services().application.handle(command, current_actor(), command_id=command_id)
    return outcome


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


def _page(process: str, view: FormView, shown: FormPage, status: int = 200, item: Item | None = None) -> Response:
    offered = case_view.start_processes(services()) if item is None else ()
    body = render_template("register/index.html", view=view, shown=shown, process=process, offered=offered, item=item)
    return make_response(body, status)

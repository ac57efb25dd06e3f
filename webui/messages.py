"""Actions that a case waits for besides its tasks (BPMN messages), e.g. 提请调整等级: their form and their sending."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.commands import SendMessage
from engine.domain.rejection import Rejection
from engine.service import case_view
from engine.service.application import Done
from engine.service.case_view import FormView
from engine.service.drafts import message_form

from . import case_items, form_pages, submissions
from .catalogue import t
from .form_pages import FormPage
from .guards import current_actor, requires, services

blueprint = Blueprint("messages", __name__)


@blueprint.get("/cases/<case_id>/messages/<message>")
@requires("send_message")
def show(case_id: str, message: str) -> Response:
    view = case_view.message_view(services(), case_id, message, current_actor())
    if isinstance(view, Rejection):
        return form_pages.refused(view, case_id=case_id)
    autosave = url_for("messages.draft", case_id=case_id, message=message)
    data = {**view.data, **case_items.proposed(case_id, message, request.args.get("topic", 0, type=int))}
    shown = form_pages.fresh(view.schema, data, message_form(case_id, message), autosave)
    return _page(case_id, message, view, shown)


@blueprint.post("/cases/<case_id>/messages/<message>")
@requires("send_message")
def submit(case_id: str, message: str) -> Response:
    actor = current_actor()
    view = case_view.message_view(services(), case_id, message, actor)
    if isinstance(view, Rejection):
        return form_pages.refused(view, case_id=case_id)
    sent = submissions.read(request, services().files, actor.user_id)
    outcome = sent.rejection or services().application.handle(
        SendMessage(message, sent.values, sent.files), actor, case_id=case_id, command_id=sent.command_id
    )
    if isinstance(outcome, Done):
        services().drafts.delete(actor.user_id, message_form(case_id, message))
        flash(t("message.sent", label=view.label, case=case_id), "success")
        return redirect(url_for("cases.show", case_id=case_id), 303)
    if outcome.code != "invalid":
        kept = form_pages.keep_as_draft(message_form(case_id, message), sent)
        return form_pages.refused(outcome, case_id=case_id, kept=kept)
    autosave = url_for("messages.draft", case_id=case_id, message=message)
    return _page(case_id, message, view, form_pages.again(view.schema, view.data, sent, outcome, autosave), 422)


@blueprint.post("/drafts/cases/<case_id>/messages/<message>")
@requires("send_message", keeps_alive=False)
def draft(case_id: str, message: str) -> Response:
    """Keeps what is typed; only for who may send the message now."""
    view = case_view.message_view(services(), case_id, message, current_actor())
    if isinstance(view, Rejection):
        return make_response("", 404)
    return form_pages.save_draft(message_form(case_id, message))


@blueprint.post("/drafts/cases/<case_id>/messages/<message>/discard")
@requires("send_message")
def discard(case_id: str, message: str) -> Response:
    services().drafts.delete(current_actor().user_id, message_form(case_id, message))
    return redirect(url_for("messages.show", case_id=case_id, message=message), 303)


def _page(case_id: str, message: str, view: FormView, shown: FormPage, status: int = 200) -> Response:
    body = render_template("messages/show.html", case_id=case_id, message=message, view=view, shown=shown)
    return make_response(body, status)

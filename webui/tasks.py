"""A task (待办): what to do, until when, what was said before, and its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine.domain.commands import SubmitTask
from engine.domain.rejection import FieldFault, Rejection
from engine.readmodels import cases, clocks, dossier
from engine.service import case_view, phrases, withdrawal
from engine.service.application import Done
from engine.service.case_facts import CaseData
from engine.service.case_view import TaskView
from engine.service.drafts import task_form

from . import form_pages, submissions, task_options
from .catalogue import t
from .form_pages import FormPage
from .formats import minute
from .guards import current_actor, reading, requires, services
from .names import Names
from .submissions import Sent

blueprint = Blueprint("tasks", __name__)

INSTRUCTION: Final = "instruction"
"""Form of a leader's 批示: its usual words (engine.service.phrases) are sent in one tap."""
LONGEST_SHOWN: Final = 60
"""Characters of a phrase that is no longer offered, in the sentence that says so."""


@dataclass(frozen=True, slots=True)
class Around:
    """What stands beside the form. `limits`: those that cover the task. `earlier`: comments, first said first."""

    case: cases.CaseRow
    limits: tuple[clocks.LimitRow, ...]
    earlier: tuple[dossier.CommentRow, ...]
    cosigns: tuple[dossier.CosignRow, ...]
    files: tuple[dossier.FileRow, ...]
    options: task_options.Options
    names: Names
    data: CaseData | None


@blueprint.get("/tasks/<case_id>/<path:task>")
@requires("view_task")
def show(case_id: str, task: str) -> Response:
    view = case_view.task_view(services(), case_id, task, current_actor(), written=True)
    if isinstance(view, Rejection):
        return _refused(view, case_id, task)
    if view.may_work:
        autosave = url_for("tasks.draft", case_id=case_id, task=task)
        return _page(view, form_pages.fresh(view.schema, view.data, task_form(case_id, task), autosave))
    draft = task_form(case_id, task) if view.task.assignee and _is_asked_to_sign(view) else ""
    return _page(view, form_pages.fresh(view.schema, view.data, draft, "", of=view.task.assignee))


@blueprint.post("/tasks/<case_id>/<path:task>")
@requires("work_task")
def submit(case_id: str, task: str) -> Response:
    actor = current_actor()
    view = case_view.task_view(services(), case_id, task, actor)
    if isinstance(view, Rejection):
        again = submissions.read(request, None, actor.user_id, uploads=False)
        if services().application.recorded(again.command_id) is not None:
            return redirect(url_for("inbox.index"), 303)
        return _refused(view, case_id, task, again)
    sent = submissions.read(request, services().files, actor.user_id)
    gone = _take_phrase(view, sent)
    outcome = (
        sent.rejection
        or gone
        or services().application.handle(
            SubmitTask(task, sent.values, sent.files), actor, case_id=case_id, command_id=sent.command_id
        )
    )
    if isinstance(outcome, Done):
        services().drafts.delete(actor.user_id, task_form(case_id, task))
        flash(_done(view, outcome), "success")
        return redirect(url_for("inbox.index"), 303)
    if outcome.code == "invalid":
        autosave = url_for("tasks.draft", case_id=case_id, task=task)
        return _page(view, form_pages.again(view.schema, view.data, sent, outcome, autosave), 422)
    return _refused(outcome, case_id, task, sent)


@blueprint.post("/drafts/tasks/<case_id>/<path:task>")
@requires("work_task", keeps_alive=False)
def draft(case_id: str, task: str) -> Response:
    """Keeps what is typed; only for who may work on the task now."""
    view = case_view.task_view(services(), case_id, task, current_actor())
    if isinstance(view, Rejection) or not view.may_work:
        return make_response("", 404)
    return form_pages.save_draft(task_form(case_id, task))


@blueprint.post("/drafts/tasks/<case_id>/<path:task>/discard")
@requires("work_task")
def discard(case_id: str, task: str) -> Response:
    services().drafts.delete(current_actor().user_id, task_form(case_id, task))
    return redirect(url_for("tasks.show", case_id=case_id, task=task), 303)


def _page(view: TaskView, shown: FormPage, status: int = 200) -> Response:
    around = _around(view)
    body = render_template(
        "tasks/show.html",
        view=view,
        task=view.task,
        shown=shown,
        around=around,
        names=around.names,
        options=around.options,
        phrases=_phrases(view),
        at=services().clock.now(),
        minutes=withdrawal.MINUTES,
    )
    return make_response(body, status)


def _is_asked_to_sign(view: TaskView) -> bool:
    """Who is asked to sign sees what he signs: the draft of who will submit it. Nobody else does."""
    actor = current_actor()
    with reading() as conn:
        signs = dossier.cosigns_of(conn, view.task.case_id, view.task.task)
    return any(sign.state != "cancelled" and sign.user_id in (actor.user_id, *actor.substitutes_for) for sign in signs)


def _around(view: TaskView) -> Around:
    task, actor = view.task, current_actor()
    data = view.written or case_view.case_data(services(), task.case_id, actor)
    with reading() as conn:
        row = cases.get(conn, task.case_id)
        assert row is not None, "a task has a case"
        every = clocks.for_case(conn, task.case_id)
        limits = tuple(limit for limit in every if limit.running and clocks.covers(limit.host, task.task))
        comments = dossier.comments_of(conn, task.case_id)
        signs = dossier.cosigns_of(conn, task.case_id, task.task)
        files = dossier.files_of(conn, task.case_id)
        logins = {task.assignee, task.owner, task.came_from, row.opened_by, *(c.author for c in comments)}
        logins |= {login for sign in signs for login in (sign.user_id, sign.asked_by)} | {file.author for file in files}
        responsible = {group for limit in limits for group in limit.responsible}
        names = Names(conn).load(logins, {*task.candidates, *responsible, f"unit:{task.unit}"})
    return Around(row, limits, comments, signs, files, task_options.of(view, row, signs, actor), names, data)


def _phrases(view: TaskView) -> list[str]:
    """The usual words of an instruction: the office's, or those of the case's bundle; none for other forms."""
    if view.task.form != INSTRUCTION or not view.may_work or _phrase_field(view) is None:
        return []
    with reading() as conn:
        return phrases.offered(conn, services().deployments.bundle(view.bundle))


def _phrase_field(view: TaskView) -> str | None:
    """The key of the form's text: the first textarea that must be filled in."""
    areas = (one for one in form_pages.components(view.schema) if one.get("type") == "textarea")
    return next((str(one["key"]) for one in areas if (one.get("validate") or {}).get("required")), None)


def _take_phrase(view: TaskView, sent: Sent) -> Rejection | None:
    """A tap on a phrase sends it as the text, whatever stood there; what was filled in beside it goes along.

    Refused for one that is not offered any more: then it stands in the text, unless something was typed there, and the
    person decides again."""
    phrase, field = request.form.get("phrase", "").strip(), _phrase_field(view)
    if not phrase or field is None or view.task.form != INSTRUCTION or not view.may_work:
        return None
    if phrase in _phrases(view):
        sent.values = {**sent.values, field: phrase}
        return None
    sent.values = {**sent.values, field: sent.values.get(field) or phrase}
    fault = FieldFault(field, "phrase.gone", {"phrase": phrase[:LONGEST_SHOWN]})
    return Rejection("invalid", "form.refused", {"count": 1}, (fault,))


def _done(view: TaskView, outcome: Done) -> str:
    """The sentence shown after the inbox has come back, with the way back while there is one."""
    task = view.task
    with reading() as conn:
        row = cases.get(conn, task.case_id)
        now = dossier.task(conn, task.case_id, task.task)
    assert row is not None and now is not None
    seq = now.completed_seq if row.status == "open" and now.state == "done" else 0
    key = "task.submitted" if now.state == "done" else "task.resolved_to_owner"
    text = t(key, label=task.label, case=task.case_id, title=row.title)
    return Markup(render_template("tasks/submitted.html", text=text, task=task, seq=seq, minutes=withdrawal.MINUTES))


def _refused(rejection: Rejection, case_id: str, task: str, sent: Sent | None = None) -> Response:
    """Says who did what when the task is not to be had any more; keeps what was typed. 404 for one that never was."""
    explained = _who_did_it(case_id, task) if rejection.key == "task.gone" else ""
    typed = sent if rejection.code == "conflict" else None
    kept = typed is not None and form_pages.keep_as_draft(task_form(case_id, task), typed)
    back = url_for("tasks.show", case_id=case_id, task=task) if rejection.key == "task.cosign_pending" else ""
    return form_pages.refused(rejection, case_id=case_id, back=back, explained=explained, kept=kept)


def _who_did_it(case_id: str, task: str) -> str:
    with reading() as conn:
        row = dossier.task(conn, case_id, task)
        if row is None:
            abort(404)
        names = Names(conn).load([row.completed_by])
    if row.state == "done":
        return t("task.done_by", label=row.label, by=names.person(row.completed_by), at=minute(row.completed_at))
    return t("task.cancelled", label=row.label, at=minute(row.completed_at))

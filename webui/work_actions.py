"""What people do around a task or a case without moving the flow: 签收 转办 委派 退回 会签 抄送 催办 撤回 意见.

One table says what each asks for and which command it is; each is a page of its own (shown in a dialog where scripts
run), so that a refused entry comes back with what was typed and the reason at its field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from engine.domain import commands as cmd
from engine.domain.commands import Command
from engine.domain.rejection import FieldFault
from engine.readmodels import cases, dossier
from engine.service import case_view
from engine.service.application import Done
from engine.service.system import new_id

from . import form_pages, submissions
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .pickers import Picker, picker

blueprint = Blueprint("work_actions", __name__)

Build = Callable[[MultiDict[str, str]], Command]
TO_TASK, TO_INBOX, TO_CASE = "task", "inbox", "case"


@dataclass(frozen=True, slots=True)
class Act:
    """`fields`: names of inputs of templates/work/act.html, in order; none: a button that posts at once.

    `needs`: of them, those that must be filled in. `then`: where the person goes after it.
    """

    name: str
    action: str
    build: Build
    then: str
    fields: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()


def _task(form: MultiDict[str, str]) -> str:
    return form.get("task", "")


def _text(form: MultiDict[str, str], name: str) -> str:
    return form.get(name, "").replace("\r\n", "\n").strip()


def _seq(form: MultiDict[str, str]) -> int:
    return form.get("seq", 0, type=int)


ACTS: Final = (
    Act("claim", "work_task", lambda form: cmd.ClaimTask(_task(form)), TO_TASK),
    Act("release", "work_task", lambda form: cmd.ReleaseTask(_task(form)), TO_INBOX),
    Act(
        "transfer", "work_task", lambda form: cmd.TransferTask(_task(form), _text(form, "to"), _text(form, "reason")),
        TO_INBOX, ("to", "reason"), frozenset({"to", "reason"}),
    ),
    Act(
        "delegate", "work_task", lambda form: cmd.DelegateTask(_task(form), _text(form, "to"), _text(form, "reason")),
        TO_INBOX, ("to", "reason"), frozenset({"to", "reason"}),
    ),
    Act(
        "give_back", "work_task", lambda form: cmd.ReturnTask(_task(form), _text(form, "reason")),
        TO_INBOX, ("reason",), frozenset({"reason"}),
    ),
    Act(
        "request_cosign", "work_task",
        lambda form: cmd.RequestCosign(_task(form), tuple(form.getlist("users")), _text(form, "note")),
        TO_TASK, ("users", "note"), frozenset({"users"}),
    ),
    Act("cancel_cosign", "work_task", lambda form: cmd.CancelCosign(_task(form), _text(form, "user")), TO_TASK),
    Act(
        "cosign", "work_task",
        lambda form: cmd.Cosign(_task(form), form.get("agree") == "yes", _text(form, "comment")),
        TO_INBOX, ("comment", "agree"),
    ),
    Act(
        "copy", "copy_case", lambda form: cmd.CopyCase(tuple(form.getlist("groups")), _text(form, "note")),
        TO_CASE, ("groups", "note"), frozenset({"groups"}),
    ),
    Act("acknowledge", "work_task", lambda form: cmd.AcknowledgeCopy(), TO_INBOX),
    Act("urge", "urge_task", lambda form: cmd.UrgeTask(_task(form), _text(form, "note")), TO_CASE, ("note",)),
    Act(
        "withdraw", "work_task", lambda form: cmd.WithdrawSubmission(_seq(form), _text(form, "reason")),
        TO_TASK, ("reason",), frozenset({"reason"}),
    ),
    Act(
        "comment", "comment", lambda form: cmd.AddComment(_text(form, "text"), _task(form)),
        TO_CASE, ("text",), frozenset({"text"}),
    ),
)  # fmt: skip


def _view(act: Act) -> Any:
    """The view of one action: GET shows its form, POST carries it out."""

    def view(case_id: str) -> AnyResponse:
        row, task = _subject(case_id, request.values.get("task", ""))
        if request.method == "GET":
            return _page(act, row, task, MultiDict(request.args), {})
        with reading() as conn:
            faults = _faults(act, request.form, picker(conn, current_actor().user_id))
        if faults:
            return _page(act, row, task, request.form, faults)
        command_id = submissions.command_id(request, current_actor().user_id)
        outcome = services().application.handle(
            act.build(request.form), current_actor(), case_id=case_id, command_id=command_id
        )
        if isinstance(outcome, Done):
            flash(t(f"work.done.{act.name}", case=case_id), "success")
            return redirect(_after(act, case_id, task), 303)
        if outcome.code == "invalid" and outcome.fields:
            return _page(act, row, task, request.form, _sentences(outcome.fields))
        return form_pages.refused(outcome, case_id=case_id)

    return view


def _subject(case_id: str, name: str) -> tuple[cases.CaseRow, dossier.TaskRow | None]:
    """The case, and the task when one is named; 404 unless the person may read the case."""
    with reading() as conn:
        row = cases.get(conn, case_id) if case_view.sees(conn, case_id, current_actor()) else None
        task = dossier.task(conn, case_id, name) if row is not None and name else None
    if row is None or (name and task is None):
        abort(404)
    return row, task


def _page(
    act: Act, row: cases.CaseRow, task: dossier.TaskRow | None, typed: MultiDict[str, str], faults: Mapping[str, str]
) -> Response:
    with reading() as conn:
        chosen = picker(conn, current_actor().user_id)
    body = render_template(
        "work/act.html", act=act, case=row, task=task, typed=typed, faults=faults, picker=chosen, command_id=new_id()
    )
    return make_response(body, 422 if faults else 200)


def _faults(act: Act, form: MultiDict[str, str], known: Picker) -> dict[str, str]:
    """What can be said before the case is asked: empty fields, and people whom nobody offered."""
    faults = {name: t("form.required") for name in act.needs if not any(one.strip() for one in form.getlist(name))}
    if "to" in act.fields and "to" not in faults and _text(form, "to") not in known.logins:
        faults["to"] = t("work.unknown_person")
    if "users" in act.fields and not set(form.getlist("users")) <= known.logins:
        faults["users"] = t("work.unknown_person")
    if "groups" in act.fields and not set(form.getlist("groups")) <= known.as_groups:
        faults["groups"] = t("work.unknown_person")
    return faults


def _sentences(fields: tuple[FieldFault, ...]) -> dict[str, str]:
    return {fault.path: t(fault.key, **fault.params) for fault in fields}


def _after(act: Act, case_id: str, task: dossier.TaskRow | None) -> str:
    if act.then == TO_TASK and task is not None:
        return url_for("tasks.show", case_id=case_id, task=task.task)
    return url_for("inbox.index") if act.then == TO_INBOX else url_for("cases.show", case_id=case_id)


for _act in ACTS:
    blueprint.add_url_rule(
        f"/cases/<case_id>/{_act.name.replace('_', '-')}",
        endpoint=_act.name,
        view_func=requires(_act.action)(_view(_act)),
        methods=["GET", "POST"] if _act.fields else ["POST"],
    )

"""试运行: any version or draft stepped through with its real forms, as anybody, on a clock that the reader moves."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.codec import JSON, instant_text, parse_instant
from engine.domain.rejection import Rejection
from engine.service import bundle_names, case_facts, case_view, people, trial
from engine.service.case_decisions import names as decision_names
from engine.service.case_decisions import value_notes
from engine.service.deployments import Checked
from engine.service.files import FileStore
from engine.service.options import ChosenOptions
from engine.service.replays import Replay, diagrams, moved_in
from engine.service.sample_answer import sample
from engine.service.trial import Step, Trial

from . import form_pages, replay, submissions, timeline_text
from .catalogue import t
from .form_pages import FormPage
from .formats import parse_local
from .guards import current_actor, reading, requires, services
from .names import Names
from .submissions import Sent

blueprint = Blueprint("play", __name__)

MOVES: Final = {"hour": "PT1H", "eight": "PT8H", "day": "P1D", "week": "P7D"}
"""Buttons of the clock -> how far they move it."""
SHOWN: Final = 12
"""Latest happenings on the page; the rest unfolds."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tried. `name`: as asked for; `label`: as people call it."""

    name: str
    label: str
    checked: Checked

    @property
    def bundle(self) -> Any:
        return self.checked.bundle


@dataclass(frozen=True, slots=True)
class Kept:
    """A person's trial of a bundle as it is kept. `version`: of the bundle when the last step was taken."""

    process: str
    at: datetime
    version: str
    steps: tuple[Step, ...]


@blueprint.get("/play")
@requires("deploy_bundle")
def index() -> Response:
    return _page(_subject())


@blueprint.post("/play/start")
@requires("deploy_bundle")
def start() -> Response:
    """Another process, another beginning of the clock; the steps taken so far are forgotten."""
    subject = _subject()
    process = request.form.get("process", "")
    if process not in subject.bundle.processes:
        abort(404)
    at = parse_local(request.form.get("at", ""))
    if at is None:
        return _page(subject, said=t("play.bad_instant"), status=422)
    _keep(subject, Kept(process, at, subject.bundle.version, ()))
    return _back(subject)


@blueprint.post("/play/forget")
@requires("deploy_bundle")
def forget() -> Response:
    services().drafts.delete(current_actor().user_id, _draft(_subject().name))
    return _back(_subject())


@blueprint.post("/play/step")
@requires("deploy_bundle")
def step() -> Response:
    """A form sent: the start form, a task's, or a message's."""
    subject = _subject()
    kept = _kept(subject)
    task, message = request.args.get("task", ""), request.args.get("message", "")
    with tempfile.TemporaryDirectory() as nowhere:  # the facts of a file are kept in the step, its content is not
        store = FileStore(Path(nowhere), services().settings)
        sent = submissions.read(request, store, current_actor().user_id)
    if sent.rejection is not None:
        return _page(subject, sent=sent, refused=sent.rejection, status=422)
    before = _carried_out(subject, kept)
    form = _form_of(before, task, message)
    with services().journal.reading() as tx:
        chosen = ChosenOptions()(tx, subject.bundle, form, sent.values)
    facts: dict[str, Any] = {
        "files": sent.files,
        "options": dict(chosen),
        "by": request.form.get("by") or current_actor().user_id,
    }
    if task:
        made: Step = {"complete": task, "fields": dict(sent.values), **facts}
    elif message:
        made = {"message": message, "fields": dict(sent.values), **facts}
    else:
        made = {"open": dict(sent.values), **facts}
    return _taken(subject, kept, before, made, sent)


@blueprint.post("/play/clock")
@requires("deploy_bundle")
def clock() -> Response:
    """Moves the clock: to the next limit or timer, by a button's length, or to an instant typed."""
    subject = _subject()
    kept = _kept(subject)
    before = _carried_out(subject, kept)
    move = request.form.get("move", "")
    if move == "next":
        if before.next_due is None:
            flash(t("play.nothing_due"), "warning")
            return _back(subject)
        return _taken(subject, kept, before, {"until": instant_text(max(before.next_due, before.at))})
    if move in MOVES:
        return _taken(subject, kept, before, {"wait": MOVES[move]})
    at = parse_local(request.form.get("at", ""))
    if at is None or at < before.at:
        return _page(subject, said=t("play.bad_instant" if at is None else "play.backward"), status=422)
    return _taken(subject, kept, before, {"until": instant_text(at)})


@blueprint.post("/play/back")
@requires("deploy_bundle")
def back() -> Response:
    """Forgets the steps after the first `to`."""
    subject = _subject()
    kept = _kept(subject)
    to = request.form.get("to", "")
    left = int(to) if to.isascii() and to.isdigit() and len(to) < 6 else max(0, len(kept.steps) - 1)
    _keep(subject, Kept(kept.process, kept.at, subject.bundle.version, kept.steps[:left]))
    return _back(subject)


# -- what is kept -------------------------------------------------------------------------------------------------
def _subject() -> Subject:
    name = request.args.get("of", "live")
    found = bundle_names.resolve(services(), name)
    if found is None:
        abort(404)
    return Subject(name, found[0], services().deployments.checked(found[1]))


def _draft(name: str) -> str:
    return f"play:{name}"


def _kept(subject: Subject) -> Kept:
    draft = services().drafts.get(current_actor().user_id, _draft(subject.name))
    values: Mapping[str, Any] = draft.values if draft is not None else {}
    offered = _processes(subject.bundle)
    process = str(values.get("process", ""))
    if process not in subject.bundle.processes:
        return Kept(offered[0][0] if offered else "", services().clock.now(), subject.bundle.version, ())
    return Kept(process, parse_instant(values["at"]), str(values["version"]), tuple(values["steps"]))


def _keep(subject: Subject, kept: Kept) -> Rejection | None:
    values: dict[str, JSON] = {
        "process": kept.process,
        "at": instant_text(kept.at),
        "version": kept.version,
        "steps": [dict(one) for one in kept.steps],
    }
    outcome = services().drafts.put(current_actor().user_id, _draft(subject.name), values)
    return outcome if isinstance(outcome, Rejection) else None


def _processes(bundle: Any) -> list[tuple[str, str]]:
    """(id, name) of what can be tried: processes that no other calls come first."""
    called = {node.called for process in bundle.processes.values() for _, node in process.walk() if node.called}
    ordered = sorted(bundle.processes.values(), key=lambda one: (one.id in called, one.name or one.id))
    return [(one.id, one.name or one.id) for one in ordered]


def _carried_out(subject: Subject, kept: Kept) -> Trial:
    if subject.checked.blocked or not kept.process:
        abort(409)
    return trial.carry_out(subject.checked.program, subject.bundle, kept.process, kept.at, kept.steps)


def _taken(subject: Subject, kept: Kept, before: Trial, made: Step, sent: Sent | None = None) -> Response:
    """Takes one more step, after those that could be taken before; kept only if it could be."""
    steps = (*kept.steps[: before.taken], made)
    refusal = before.take(made)
    if refusal is not None:
        return _page(subject, sent=sent, refused=refusal, status=422)
    too_much = _keep(subject, Kept(kept.process, kept.at, subject.bundle.version, steps))
    if too_much is not None:
        return _page(subject, sent=sent, refused=too_much, status=422)
    return _back(subject)


def _back(subject: Subject) -> Response:
    return redirect(url_for("play.index", of=subject.name), 303)


# -- the page -----------------------------------------------------------------------------------------------------
def _form_of(carried: Trial, task: str, message: str) -> str:
    """Id of the form a step fills in; 409 for a task or a message that does not wait any more, 404 for no process."""
    case = carried.case
    if task:
        if task not in case.tasks:
            abort(409)
        return str(case.tasks[task].node.form)
    if message:
        waiting = next((one for one in case.messages.values() if one.node.event.name == message), None)
        if waiting is None:
            abort(409)
        return str(waiting.node.properties.get("form", ""))
    return case.bundle.start_form(carried.play.process)


def _page(
    subject: Subject, *, sent: Sent | None = None, refused: Rejection | None = None, said: str = "", status: int = 200
) -> Response:
    if subject.checked.blocked:
        errors = sum(finding.severity == "error" for finding in subject.checked.findings)
        return make_response(render_template("play/blocked.html", subject=subject, errors=errors), 409)
    kept = _kept(subject)
    carried = _carried_out(subject, kept)
    shown: dict[str, Any] = {}
    with reading() as conn:
        names = Names(conn)
        if carried.entries:
            shown = _standing(conn, carried, names)
        shown["speakers"] = _speakers(conn, carried, names)
        words = {
            **value_notes(subject.bundle),
            **case_facts.value_words(conn, subject.bundle),
            **decision_names(subject.bundle),
        }
        form = _form(conn, carried, sent, refused)
    body = render_template(
        "play/index.html",
        subject=subject,
        kept=kept,
        carried=carried,
        processes=_processes(subject.bundle),
        task=request.args.get("task", ""),
        message=request.args.get("message", ""),
        form=form,
        names=names,
        words=words,
        said=said or _refused(kept, carried, refused, form),
        moved_on=kept.steps and kept.version != subject.bundle.version,
        at=carried.at,
        moves=MOVES,
        few=SHOWN,
        loud=replay.LOUD,
        **shown,
    )
    return make_response(body, status)


def _refused(kept: Kept, carried: Trial, refused: Rejection | None, form: FormPage | None) -> str:
    """What the page says at its head: of a step just refused that no form shows, or of a kept one that fails now."""
    if refused is not None:
        return "" if form is not None and form.faults else t(refused.key, **refused.details)
    if carried.refusal is None:
        return ""
    return t("play.step_fails", number=carried.taken + 1, why=t(carried.refusal.key, **carried.refusal.details))


def _standing(conn: Any, carried: Trial, names: Names) -> dict[str, Any]:
    """Diagram, tasks, limits and happenings as the replay's pages show them."""
    made: Replay = carried.replay()
    step = len(made.frames)
    frame = made.frames[-1]
    names.load(
        {task.assignee for task in frame.tasks} - {""}, {group for task in frame.tasks for group in task.candidates}
    )
    drawn = diagrams(made, step)
    _ = [names.unit(one.unit) for one in drawn if one.unit]
    pinned = request.args.get("scope")
    moved = moved_in(drawn, frame)
    chosen = next((one for one in drawn if one.scope == pinned), None) or next(o for o in drawn if o.scope == moved)
    return {
        "frame": frame,
        "drawn": drawn,
        "chosen": chosen,
        "told": timeline_text.told([one.entry for one in made.frames], names)[::-1],
        "drawing": replay.drawing(chosen, frame, names, lambda scope: _here(scope=scope)),
    }


def _here(**more: str) -> str:
    asked: dict[str, Any] = {"of": request.args.get("of", "live"), **more}
    return url_for("play.index", **asked)


def _speakers(conn: Any, carried: Trial, names: Names) -> dict[str, list[tuple[str, str]]]:
    """For each open task, (login, name) of those who might do it; the first is who is taken if nobody else is."""
    groups = {group for task in carried.case.tasks.values() for group in task.groups}
    heard = people.speakers(conn, groups, services().clock.now()) if groups else {}
    names.load({login for logins in heard.values() for login in logins}, groups)
    found = {}
    for name, task in carried.case.tasks.items():
        logins = dict.fromkeys(login for group in task.groups for login in heard.get(group, ()))
        found[name] = [(login, names.person(login)) for login in logins]
    return found


def _form(conn: Any, carried: Trial, sent: Sent | None, refused: Rejection | None) -> FormPage | None:
    """The form that is asked for: of a task, of a message, or the start form while nothing has begun."""
    task, message = request.args.get("task", ""), request.args.get("message", "")
    case, bundle = carried.case, carried.case.bundle
    if not (task or message or not carried.entries):
        return None
    waits = any(one.node.event.name == message for one in case.messages.values())
    if (task and task not in case.tasks) or (message and not waits):
        return None
    form = bundle.forms.get(_form_of(carried, task, message))
    known: Mapping[str, JSON] = bundle.parameters
    if task:
        open_task = case.tasks[task]
        known = {**case.variables(open_task.token.scope), **(open_task.proposed or {})}
    elif message:
        known = dict(case.data)
    data: Mapping[str, JSON] = {} if form is None else case_view.form_data(conn, bundle, form, known)
    schema = None if form is None else form.schema
    if sent is not None and refused is not None:
        return form_pages.again(schema, data, sent, refused, "")
    if form is not None and request.args.get("sample"):
        element = case.tasks[task].node.id if task else ""
        data = {**data, **sample(form, element, carried.at, data)}
    return form_pages.fresh(schema, data, "", "")

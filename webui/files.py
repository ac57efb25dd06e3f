"""Files of a case: down only for who may read the case, always as an attachment; up as an entry of the case."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from engine.domain.commands import AttachFile
from engine.domain.rejection import Rejection
from engine.readmodels import cases, dossier
from engine.service import case_view
from engine.service.system import new_id

from . import form_pages, submissions
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("files", __name__)


@blueprint.get("/cases/<case_id>/files/<file_id>")
@requires("view_case")
def download(case_id: str, file_id: str) -> AnyResponse:
    """The content as it was uploaded. Never shown by the browser within this site: it was typed by strangers."""
    with reading() as conn:
        seen = case_view.sees(conn, case_id, current_actor())
        found = [file for file in dossier.file(conn, file_id) if seen and file.case_id == case_id]
    if not found:
        abort(404)
    content = services().files.open(found[0].sha256)
    return send_file(
        content, found[0].media_type, as_attachment=True, download_name=found[0].name, etag=found[0].sha256
    )


@blueprint.route("/cases/<case_id>/files", methods=["GET", "POST"])
@requires("attach_file")
def attach(case_id: str) -> AnyResponse:
    with reading() as conn:
        row = cases.get(conn, case_id) if case_view.sees(conn, case_id, current_actor()) else None
    if row is None:
        abort(404)
    if request.method == "GET":
        return _page(row, [])
    refused = _store(case_id)
    if isinstance(refused, Rejection):
        return form_pages.refused(refused, case_id=case_id)
    if refused:
        return _page(row, refused)
    flash(t("file.attached", case=case_id), "success")
    return redirect(url_for("cases.show", case_id=case_id), 303)


def _store(case_id: str) -> Rejection | list[str]:
    """Keeps the chosen files and attaches each; nothing is attached when one is refused. Returns what was refused."""
    chosen = [upload for upload in request.files.getlist("files") if upload.filename]
    if not chosen or len(chosen) > submissions.MAX_UPLOADS:
        return [t("file.choose", limit=submissions.MAX_UPLOADS)]
    saved = [services().files.save(upload.stream, upload.filename) for upload in chosen]
    refused = [t(fact.key, **fact.details) for fact in saved if isinstance(fact, Rejection)]
    if refused:
        return refused
    actor = current_actor()
    command_id = submissions.command_id(request, actor.user_id)
    note, task = request.form.get("note", "").strip()[:1000], _task_of(case_id, request.form.get("task", ""))
    for number, fact in enumerate(saved):
        outcome = services().application.handle(
            AttachFile(fact, note, task), actor, case_id=case_id, command_id=f"{command_id}.{number}"
        )
        if isinstance(outcome, Rejection):
            return outcome
    return []


def _task_of(case_id: str, name: str) -> str:
    """The name when the case has such a task, else ''."""
    with reading() as conn:
        return name if name and dossier.task(conn, case_id, name) is not None else ""


def _page(row: cases.CaseRow, faults: list[str]) -> Response:
    with reading() as conn:
        found = dossier.files_of(conn, row.case_id)
        names = Names(conn).load(file.author for file in found)
    body = render_template(
        "work/attach.html", case=row, found=found, names=names, faults=faults, command_id=new_id(),
        types=sorted(services().settings.upload_types), megabytes=services().settings.upload_max_bytes // 1024 // 1024,
    )  # fmt: skip
    return make_response(body, 422 if faults else 200)

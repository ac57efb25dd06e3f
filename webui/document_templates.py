"""文书模板: the template of each kind of document, a changed one put in its place after a check, every version."""

from __future__ import annotations

import hashlib
import io
from typing import Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import document_layouts, document_templates, exports
from engine.service.document_kinds import GENERAL, KINDS, OF_CASE
from engine.service.document_lookup import TYPES
from engine.service.docx_package import MAX_PACKED, TemplateFault

from .case_words import said
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("document_templates", __name__)

FAULTS_SHOWN: Final = 30


@blueprint.get("/documents/templates")
@requires("view_templates")
def index() -> str:
    with reading() as conn:
        in_use = document_templates.in_use(conn)
        names = Names(conn).load(one.made_by for one in in_use.values())
    return render_template("documents/templates.html", in_use=in_use, names=names)


@blueprint.get("/documents/templates/<kind>")
@requires("view_templates")
def show(kind: str) -> Response:
    return _page(kind)


@blueprint.get("/documents/templates/<kind>/<int:number>")
@requires("view_templates")
def download(kind: str, number: int) -> Response:
    """One version as it was put there: nothing of a case is in it, so it carries no mark; logged like every export."""
    with reading() as conn:
        versions = document_templates.history(conn, kind) if kind in KINDS else ()
    found = next((one for one in versions if one.number == number), None)
    if found is None:
        abort(404)
    subject = f"{kind} {number}"
    mark = exports.begin(services(), current_actor(), "document_template", subject, request.remote_addr or "")
    content = document_templates.content(services(), found)
    exports.made(services(), mark.number, hashlib.sha256(content).hexdigest(), len(content))
    name = found.name or f"{t(f'document.title.{kind}')}.docx"
    return send_file(io.BytesIO(content), TYPES["docx"], as_attachment=True, download_name=name, max_age=0)


@blueprint.post("/documents/templates/<kind>")
@requires("edit_templates")
def replace(kind: str) -> Response:
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _page(kind, fault=t("document.template.choose"))
    content = upload.stream.read(MAX_PACKED + 1)
    outcome = document_templates.replace(
        services(), current_actor(), kind, content, upload.filename, request.form.get("reason", "")
    )
    return _answered(kind, outcome)


@blueprint.post("/documents/templates/<kind>/restore")
@requires("edit_templates")
def restore(kind: str) -> Response:
    number, reason = request.form.get("number", -1, type=int), request.form.get("reason", "")
    return _answered(kind, document_templates.restore(services(), current_actor(), kind, number, reason))


def _answered(kind: str, outcome: document_templates.Template | Rejection | tuple[TemplateFault, ...]) -> Response:
    if isinstance(outcome, Rejection):
        fields = "；".join(t(one.key, **one.params) for one in outcome.fields)
        fault = t("document.template.reason_needed") if fields else said(outcome.key, outcome.details)
        return _page(kind, fault=fault, status=HTTP_STATUS[outcome.code])
    if isinstance(outcome, tuple):
        return _page(kind, found=outcome, status=422)
    flash(t("document.template.taken", title=t(f"document.title.{kind}")), "success")
    return redirect(url_for("document_templates.show", kind=kind), 303)


def _page(kind: str, *, fault: str = "", found: tuple[TemplateFault, ...] = (), status: int = 0) -> Response:
    if kind not in KINDS:
        abort(404)
    with reading() as conn:
        versions = document_templates.history(conn, kind)
        names = Names(conn).load(one.made_by for one in versions)
    asked = KINDS[kind]
    body = render_template(
        "documents/template.html", kind=kind, versions=versions, names=names, fault=fault,
        found=[said(one.key, one.params) for one in found[:FAULTS_SHOWN]], more=max(0, len(found) - FAULTS_SHOWN),
        general=GENERAL, of_case=OF_CASE if asked.of_case else (), fields=asked.fields, lists=asked.lists,
        reason=request.form.get("reason", ""), shipped=document_templates.SHIPPED,
        megabytes=MAX_PACKED // 1024 // 1024, fonts=document_layouts.FONTS,
    )  # fmt: skip
    return make_response(body, status or (422 if fault else 200))

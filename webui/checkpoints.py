"""校验点: signed states of the whole record, to be printed, kept by a witness, and compared later."""

from __future__ import annotations

import io

import segno
from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, send_file, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine.domain.rejection import Rejection
from engine.service import long_jobs, proof_state, verify_job
from engine.service import witness_comparison as witness
from engine.service.system import new_id

from .catalogue import t
from .guards import current_actor, reading, requires, services

blueprint = Blueprint("checkpoints", __name__)
VERIFICATIONS = 5
"""Verifications shown, newest first."""


@blueprint.get("/audit/checkpoints")
@requires("audit")
def index() -> Response:
    return _page()


@blueprint.get("/audit/checkpoints/<int:number>")
@requires("audit")
def show(number: int) -> str:
    with reading() as conn:
        shown = proof_state.one_checkpoint(conn, number)
    if shown is None:
        abort(404)
    code = segno.make(shown.checkpoint.note, error="m", micro=False, encoding="utf-8")
    # Drawn with attributes only: a style in it would be refused by our own policy.
    picture = Markup(code.svg_inline(scale=3, border=4))
    return render_template("audit/checkpoint.html", shown=shown, one=shown.checkpoint, picture=picture)


@blueprint.post("/audit/checkpoints/witness")
@requires("audit")
def take_out() -> Response:
    """The witness file: logged as an export."""
    content = witness.witness_bytes(services(), current_actor(), request.remote_addr or "")
    if content is None:
        flash(t("checkpoints.none_yet"), "warning")
        return redirect(url_for("checkpoints.index"), 303)
    name = f"{t('checkpoints.file_name')}-{new_id()[:8]}.json"
    return send_file(io.BytesIO(content), "application/json", as_attachment=True, download_name=name)


@blueprint.post("/audit/checkpoints/compare")
@requires("audit")
def compare() -> Response:
    upload = request.files.get("file")
    typed = request.form.get("note", "")[: witness.MOST_BYTES]
    data = typed.encode()
    if upload is not None and upload.filename:
        with upload.stream:
            data = upload.stream.read(witness.MOST_BYTES + 1)
    if not data.strip():
        return _page(refused=t("checkpoints.nothing_sent"))
    kept = witness.read_witness(data)
    if isinstance(kept, Rejection):
        return _page(refused=t(kept.key, **kept.details), typed=typed)
    with reading() as conn:
        answer = witness.compare(conn, kept)
    return _page(answer=answer, typed=typed)


def _page(answer: witness.Comparison | None = None, refused: str = "", typed: str = "") -> Response:
    with reading() as conn:
        page = proof_state.checkpoint_page(conn, request.args.get("before", type=int))
        proof = proof_state.proof_state(conn)
        verifications = long_jobs.newest(conn, verify_job.KIND, VERIFICATIONS)
    body = render_template(
        "audit/checkpoints.html",
        page=page,
        proof=proof,
        answer=answer,
        refused=refused,
        typed=typed,
        verifications=verifications,
    )
    return make_response(body, 422 if refused else 200)

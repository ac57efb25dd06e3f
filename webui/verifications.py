"""Verifying the whole record from the page of checkpoints: begun by the auditor, watched, cancelled, read."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from engine.service import long_jobs, verify_job

from .guards import current_actor, reading, requires, services, writing

blueprint = Blueprint("verifications", __name__, url_prefix="/audit/verifications")


@blueprint.post("")
@requires("audit")
def start() -> Response:
    """Begins one; while one is under way, that one is shown: it would say the same."""
    with writing() as conn:
        job = long_jobs.start(services(), conn, verify_job.KIND, {}, current_actor().user_id, alone=True)
    return redirect(url_for("verifications.show", job=job), 303)


@blueprint.get("/<job>")
@requires("audit")
def show(job: str) -> str:
    return render_template("audit/verification.html", job=_found(job))


@blueprint.get("/<job>/progress")
@requires("audit", keeps_alive=False)
def progress(job: str) -> str:
    """The part of the page that changes; the page asks for it every second while the work goes on."""
    return render_template("audit/verification_state.html", job=_found(job))


@blueprint.post("/<job>/cancel")
@requires("audit")
def cancel(job: str) -> Response:
    with writing() as conn:
        long_jobs.cancel(services(), conn, job)
    return redirect(url_for("verifications.show", job=job), 303)


def _found(job: str) -> long_jobs.LongJob:
    with reading() as conn:
        found = long_jobs.get(conn, job)
    if found is None or found.kind != verify_job.KIND:
        abort(404)
    return found

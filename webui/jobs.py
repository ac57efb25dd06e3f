"""后台任务: what the program does by itself, what waits, and what it has given up, to be repeated or removed."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from engine.service.jobs import STATES

from .catalogue import t
from .guards import reading, requires, services, writing

blueprint = Blueprint("jobs", __name__, url_prefix="/admin/jobs")

SHOWN: Final = 50
"""Jobs of a state on the page; those given up come first, they want somebody."""
TASKS: Final = {
    "case_access": "jobs.task.case_access",
    "feed": "jobs.task.feed",
    "feeds": "jobs.task.feeds",
    "item_to_case": "jobs.task.item_to_case",
    "items": "jobs.task.items",
    "long": "jobs.task.long",
    "search": "jobs.task.search",
    "tidy": "jobs.task.tidy",
    "triage_items": "jobs.task.triage_items",
}
"""Names of tasks for people; one that is not here is shown as the program calls it."""


@blueprint.get("")
@requires("view_jobs")
def index() -> str:
    queue = services().jobs
    with reading() as conn:
        counts = queue.counts(conn)
        listed = {state: queue.listed(conn, state, SHOWN) for state in reversed(STATES)}
    return render_template("admin/jobs.html", counts=counts, listed=listed, tasks=TASKS)


@blueprint.post("/<int:number>/repeat")
@requires("admin_jobs")
def repeat(number: int) -> Response:
    with writing() as conn:
        found = services().jobs.repeat(conn, number)
    return _back(found, "jobs.repeated")


@blueprint.post("/<int:number>/remove")
@requires("admin_jobs")
def remove(number: int) -> Response:
    with writing() as conn:
        found = services().jobs.remove(conn, number)
    return _back(found, "jobs.removed")


def _back(found: bool, done: str) -> Response:
    flash(t(done) if found else t("jobs.not_there"), "success" if found else "warning")
    return redirect(url_for("jobs.index"), 303)

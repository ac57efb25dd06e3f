"""案件迁移: running cases looked at for another version, moved in the background, moved back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.readmodels import bundle_counts
from engine.service import long_jobs, migration_jobs, migrations, people
from engine.service.migration_tables import STATES, VERDICTS

from . import sample
from .case_words import said
from .catalogue import t
from .guards import current_actor, reading, requires, services, writing
from .names import Names

blueprint = Blueprint("migrations", __name__, url_prefix="/migrations")
MOST_CHOSEN: Final = 500


@blueprint.get("")
@requires("migrate_case")
def index() -> Response:
    return _index(sample.read(request.args, {}), {})


@blueprint.post("")
@requires("migrate_case")
def look() -> Response:
    """Begins a dry run."""
    versions = _versions()
    with reading() as conn:
        units = {unit.unit_id for unit in people.all_units(conn)}
        counted = bundle_counts.by_bundle(conn)
    known = {"grade": sample.GRADES, "unit": units, "from_version": counted}
    asked = sample.read(request.form, known)
    to = request.form.get("to", "")
    faults = {**asked.faults, **({} if to in versions else {"to": t("migrations.choose_version")})}
    if faults:
        return _index(asked, faults, 422)
    with writing() as conn:
        batch = migrations.look(services(), conn, current_actor().user_id, to, asked.filters)
    return redirect(url_for("migrations.show", batch=batch), 303)


@blueprint.get("/<batch>")
@requires("migrate_case")
def show(batch: str) -> Response:
    return _show(batch)


@blueprint.get("/<batch>/progress")
@requires("migrate_case", keeps_alive=False)
def progress(batch: str) -> Response:
    """The bar; the page asks for it every second, and is loaded anew when the work is over."""
    found = _batch(batch)
    response = make_response(render_template("migrations/progress.html", batch=found, job=found.job, typed=None))
    if not found.under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@blueprint.post("/<batch>/move")
@requires("migrate_case")
def move(batch: str) -> Response:
    with writing() as conn:
        answer = migrations.move(
            services(), conn, batch, current_actor().user_id, request.form.get("reason", ""), _chosen()
        )
    return _answered(batch, answer)


@blueprint.post("/<batch>/back")
@requires("migrate_case")
def back(batch: str) -> Response:
    """Moves back all that were moved, or the one case whose button was pressed."""
    one = request.form.get("case", "")
    with writing() as conn:
        answer = migrations.back(services(), conn, batch, current_actor().user_id, [one] if one else None)
    return _answered(batch, answer)


@blueprint.post("/<batch>/map")
@requires("migrate_case")
def map_elements(batch: str) -> Response:
    """Another dry run of the same cases, with what has become of elements that are gone."""
    found = _batch(batch)
    with reading() as conn:
        missing = migrations.missing_elements(conn, batch)
    typed = {one["element"]: request.form.get(f"map-{one['element']}", "") for one in missing if one["candidates"]}
    faults = _mapping_faults(missing, typed, found.mapping)
    if faults:
        return _show(batch, faults, 422)
    given = {old: new for old, new in typed.items() if new}
    mapping = {**found.mapping, **given}
    with writing() as conn:
        fresh = migrations.look(services(), conn, current_actor().user_id, found.version, found.filters, mapping)
    return redirect(url_for("migrations.show", batch=fresh), 303)


@blueprint.post("/<batch>/cancel")
@requires("migrate_case")
def cancel(batch: str) -> Response:
    """Stops the work under way; cases that were moved stay moved."""
    found = _batch(batch)
    if found.job is not None:
        with writing() as conn:
            long_jobs.cancel(services(), conn, found.job.id)
    return redirect(url_for("migrations.show", batch=batch), 303)


def _chosen() -> list[str] | None:
    """The ticked cases; None for all, which the button says."""
    return None if request.form.get("which") == "all" else request.form.getlist("case")[:MOST_CHOSEN]


def _mapping_faults(
    missing: Sequence[Mapping[str, Any]], typed: Mapping[str, str], mapped: Mapping[str, str]
) -> dict[str, str]:
    """Field -> what is wrong with what was chosen there, each sentence with the element's label.

    `typed`: old element -> new one, "" for none; `mapped`: what is settled by earlier dry runs.
    """
    asked = [one for one in missing if one["element"] in typed]
    if not any(typed.values()):
        choose = {f"map-{one['element']}": t("migrations.choose_element_for", element=one["label"]) for one in asked}
        return choose or {"map": t("migrations.map_nothing")}
    faults: dict[str, str] = {}
    taken = {new: old for old, new in mapped.items()}
    for one in asked:
        element, new, offered = one["element"], typed[one["element"]], dict(one["candidates"])
        if new and new not in offered:
            faults[f"map-{element}"] = t("migrations.element_unknown", element=one["label"])
        elif new in taken:
            faults[f"map-{element}"] = t(
                "migrations.element_taken", element=one["label"], new=offered[new], other=taken[new]
            )
        elif new:
            taken[new] = one["label"]
    return faults


def _answered(batch: str, answer: str | Rejection) -> Response:
    if not isinstance(answer, Rejection):
        return redirect(url_for("migrations.show", batch=batch), 303)
    if answer.code == "not_found":
        abort(404)
    faults = {fault.path: t(fault.key, **fault.params) for fault in answer.fields}
    return _show(batch, faults or {"": said(answer.key, answer.details)}, HTTP_STATUS[answer.code])


def _batch(batch: str) -> migrations.Batch:
    with reading() as conn:
        found = migrations.get(conn, batch)
    if found is None:
        abort(404)
    return found


def _versions() -> dict[str, str]:
    """Deployed versions, the live one first -> what they are called."""
    history = services().deployments.history()
    found: dict[str, str] = {}
    for one in history:
        found.setdefault(one.version, t("performance.version", number=one.number, version=one.version[:8]))
    return found


def _index(asked: sample.Sample, faults: Mapping[str, str], status: int = 200) -> Response:
    versions = _versions()
    to = request.values.get("to", "")
    wanted = next((one for one in versions if to and one.startswith(to)), next(iter(versions), ""))
    with reading() as conn:
        counted = bundle_counts.by_bundle(conn)
        units = [(unit.unit_id, unit.name) for unit in people.all_units(conn)]
        done = migrations.newest(conn)
        names = Names(conn).load(batch.actor for batch, _ in done)
        waiting = migration_jobs.waiting(conn, wanted) if wanted else 0
    running = [
        (one, versions.get(one, one[:8]), count.open) for one, count in counted.items() if count.open and one != wanted
    ]
    body = render_template(
        "migrations/index.html",
        versions=versions,
        wanted=wanted,
        running=running,
        waiting=waiting,
        units=units,
        grades=sample.GRADES,
        asked=asked.typed,
        faults=faults,
        done=done,
        names=names,
    )
    return make_response(body, status)


def _show(batch_id: str, faults: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """The batch's page. With `faults`, the answer to a refused post: what was typed and chosen stands as it was; the
    addresses of the forms carry page and filters."""
    found = _batch(batch_id)
    verdict, state = request.args.get("verdict", ""), request.args.get("state", "")
    page = request.args.get("page", "1")
    number = int(page) if page.isdecimal() and len(page) < 6 else 1
    with reading() as conn:
        verdicts, states = migrations.counts(conn, batch_id)
        rows, pages = migrations.listed(
            conn,
            batch_id,
            verdict if verdict in VERDICTS else "",
            state if state in STATES else "",
            number,
        )
        missing = migrations.missing_elements(conn, batch_id) if verdicts.get("mapping") else []
        overdue = migrations.overdue(conn, batch_id)
        tasks = [task for row in rows for side in row.judgement["tasks"].values() for task in side]
        groups = {group for task in tasks for group in task["candidates"]} | {"unit:x"}
        names = Names(conn).load({task["assignee"] for task in tasks} | {found.actor}, groups)
    number = min(max(number, 1), pages)
    kept: dict[str, Any] = {name: value for name, value in (("verdict", verdict), ("state", state)) if value}
    body = render_template(
        "migrations/show.html",
        batch=found,
        job=found.job,
        verdicts=verdicts,
        states=states,
        rows=rows,
        pages=pages,
        page=number,
        paged=lambda to: url_for("migrations.show", batch=batch_id, **kept, page=to),
        sent_to=lambda view: url_for(f"migrations.{view}", batch=batch_id, **kept, page=number),
        missing=missing,
        overdue=overdue,
        asked={"verdict": verdict, "state": state},
        names=names,
        version=_versions().get(found.version, found.version[:8]),
        versions=_versions(),
        why=_why,
        faults=faults or {},
        typed=request.form if faults else None,
        ticked=frozenset(request.form.getlist("case")) if faults else frozenset(),
    )
    return make_response(body, status)


def _why(row: migrations.BatchCase) -> str:
    """Why a case does not move, did not move or did not come back; "" where nothing is to be said."""
    if row.note:
        return said(row.note["key"], row.note["params"])
    return said(row.judgement["key"], row.judgement["params"]) if row.judgement["key"] else ""

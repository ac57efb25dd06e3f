"""测试情形: the scenarios of a draft run on it; a recorded case made into one."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from engine.domain.access import may
from engine.domain.codec import JSON, parse_instant
from engine.domain.rejection import Rejection
from engine.service import exports, scenario_reader, scenario_record, scenario_refresh, scenarios, trial
from engine.service.bundle_folder import TESTS
from engine.service.deployments import Checked
from engine.service.replay_frames import labels_of

from . import case_page
from .catalogue import t
from .errors import page as error_page
from .errors import rejected
from .findings import lines
from .formats import minute
from .guards import current_actor, reading, require, requires, services
from .names import Names
from .studio import wanted

blueprint = Blueprint("studio_tests", __name__)


@blueprint.get("/studio/<draft_id>/tests")
@requires("view_bundles")
def show(draft_id: str) -> str:
    """Runs every scenario of the draft; each with the step that did not go as it says, and what was different."""
    draft = wanted(draft_id)
    checked = services().deployments.checked(services().bundle_drafts.files(draft_id))
    results = scenarios.results(checked)
    failing = [one for one in results if one.fault is not None]
    return render_template(
        "studio/tests.html",
        draft=draft,
        blocked=checked.blocked,
        failing=[(one, lines([one.fault])[0], _changes(checked, one.file)) for one in failing],
        passing=[one for one in results if one.fault is None],
        editor=bool(may(current_actor(), "edit_bundle")) and draft.state == "open",
        deployer=bool(may(current_actor(), "deploy_bundle")) and draft.state == "open",
        trial=_trial(draft_id) is not None,
    )


@blueprint.post("/studio/<draft_id>/tests/accept")
@requires("edit_bundle")
def accept(draft_id: str) -> Response:
    """Writes what the draft does now into a scenario as what is expected, because the change is meant."""
    wanted(draft_id)
    path = request.form.get("path", "")
    files = services().bundle_drafts.files(draft_id)
    checked = services().deployments.checked(files)
    if path not in scenario_reader.files_of(files) or checked.blocked:
        abort(404)
    made = _now(checked, path)
    if made is None:
        flash(t("studio.not_accepted", file=path), "warning")
        return redirect(url_for("studio_tests.show", draft_id=draft_id), 303)
    outcome = services().bundle_drafts.add(draft_id, {path: made.content}, current_actor(), whole=False)
    if isinstance(outcome, Rejection):
        return rejected(outcome)
    flash(t("studio.accepted", file=path), "success")
    return redirect(url_for("studio_tests.show", draft_id=draft_id), 303)


@blueprint.post("/studio/<draft_id>/tests/trial")
@requires("edit_bundle")
def from_trial(draft_id: str) -> Response:
    """The trial of this draft that the person has under way, laid into it as a scenario."""
    draft = wanted(draft_id)
    title, kept = request.form.get("title", "").strip()[:100], _trial(draft_id)
    if kept is None or not title:
        flash(t("studio.no_trial"), "warning")
        return redirect(url_for("studio_tests.show", draft_id=draft_id), 303)
    checked = services().deployments.checked(services().bundle_drafts.files(draft_id))
    if checked.blocked:
        return rejected(Rejection("unsound", "bundle.blocked", {"errors": 1}))
    played = trial.carry_out(
        checked.program, checked.bundle, str(kept["process"]), parse_instant(kept["at"]), kept["steps"]
    )
    try:
        made = scenario_record.record_trial(checked.program, checked.bundle, played.entries, title)
    except scenario_record.NotRecordable as error:
        return error_page(409, t(str(error)))
    taken = services().bundle_drafts.files(draft_id)
    path = next(one for n in range(1, 1000) if (one := f"{TESTS}/trial-{n}.scenario.toml") not in taken)
    outcome = services().bundle_drafts.add(draft.draft_id, {path: made.content}, current_actor(), whole=False)
    if isinstance(outcome, Rejection):
        return rejected(outcome)
    flash(t("studio.recorded" if made.faithful else "studio.recorded_part", file=path), "success")
    return redirect(url_for("studio_tests.show", draft_id=draft_id), 303)


def _changes(checked: Checked, path: str) -> list[tuple[scenario_refresh.Change, str, str]] | None:
    """What a scenario expects otherwise than the draft does now, each with both in words; None where it has to be
    mended by hand."""
    made = _now(checked, path)
    if made is None:
        return None
    with reading() as conn:
        names = Names(conn).load((), ["unit:"])

        def words(one: scenario_refresh.Change, value: JSON) -> str:
            return _words(one.what, value, checked.bundle, names)

        return [(one, words(one, one.expected), words(one, one.got)) for one in made.changes]


def _words(what: str, value: JSON, bundle: Any, names: Names) -> str:
    """A value of an expectation as people say it: elements and limits by their names in the diagram."""
    if what == "limits" and isinstance(value, list):
        nodes = [node for process in bundle.processes.values() for _, node in process.walk()]
        known = {node.properties.get("limit", ""): node.label for node in nodes}
        rows: list[Any] = value
        if not all(isinstance(row, dict) and {"limit", "due", "state"} <= row.keys() for row in rows):
            return scenarios.shown(value)
        return "；".join(
            t(
                "studio.limit_then",
                limit=known.get(row["limit"], row["limit"]),
                unit=names.unit(str(row.get("unit", ""))),
                at=minute(row["due"]),
                state=t(f"scenario.state.{row['state']}"),
            )
            for row in rows
        )
    if what in ("open", "passed", "not_passed") and isinstance(value, list):
        labels = labels_of(bundle)
        return "、".join(labels.get(str(one), str(one)) for one in value) or "-"
    return scenarios.shown(value)


def _now(checked: Checked, path: str) -> scenario_refresh.Refreshed | None:
    """What a scenario would be by what the draft does now; None where it has to be mended by hand."""
    content = checked.bundle.files[path]
    try:
        scenario = scenario_reader.read(path, content)
    except scenario_reader.Unreadable:
        return None
    return scenario_refresh.refreshed(scenario, content, checked.program, checked.bundle)


def _trial(draft_id: str) -> Any:
    """What the person's trial of the draft consists of (webui/play.py keeps it), None when there is none."""
    kept = services().drafts.get(current_actor().user_id, f"play:draft:{draft_id}")
    return kept.values if kept is not None and kept.values.get("steps") else None


@blueprint.get("/cases/<case_id>/scenario")
@requires("replay_case", "edit_bundle")
def ask(case_id: str) -> str:
    """What the scenario of a case is to hold, and where it goes."""
    with reading() as conn:
        row = case_page.visible(conn, case_id)
    return render_template("studio/record.html", case=row, drafts=drafts_to_record())


@blueprint.post("/cases/<case_id>/scenario")
@requires("replay_case", "edit_bundle")
def record(case_id: str) -> Response:
    """A case as a scenario: handed out as a file, or laid into a draft; what people wrote is replaced by placeholders
    unless `keep` was chosen by one who may replay the case. Numbered and logged like every export."""
    with reading() as conn:
        case_page.visible(conn, case_id)
    keep = request.form.get("keep") == "yes"
    if keep:
        require("replay_case")
    draft_id = request.form.get("draft", "")
    if draft_id:
        require("edit_bundle")
        wanted(draft_id)
    try:
        made = scenario_record.record(services(), case_id, keep=keep)
    except scenario_record.NotRecordable as error:
        return error_page(409, t(str(error)))
    except KeyError:
        abort(404)
    path = f"{TESTS}/{case_id.lower()}.scenario.toml"
    mark = exports.begin(services(), current_actor(), "scenario", case_id, request.remote_addr or "")
    content = f"# {mark.text}\n".encode() + made.content
    exports.made(services(), mark.number, hashlib.sha256(content).hexdigest(), len(content))
    if not draft_id:
        return send_file(io.BytesIO(content), "text/plain", as_attachment=True, download_name=path.rpartition("/")[2])
    outcome = services().bundle_drafts.add(draft_id, {path: content}, current_actor(), whole=False)
    if isinstance(outcome, Rejection):
        return rejected(outcome)
    flash(t("studio.recorded" if made.faithful else "studio.recorded_part", file=path), "success")
    return redirect(url_for("studio.show", draft_id=draft_id), 303)


def drafts_to_record() -> list[tuple[str, str]]:
    """(id, title) of the drafts that a case may be recorded into by who asks; none when he may not edit."""
    if not may(current_actor(), "edit_bundle"):
        return []
    return [(one.draft_id, one.title) for one in services().bundle_drafts.all() if one.state == "open"]

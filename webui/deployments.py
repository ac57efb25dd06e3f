"""流程发布: upload a bundle or single changed files, see what is wrong, give a reason, deploy; every version again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from engine.domain.access import may
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.readmodels import bundle_counts
from engine.service import bundle_folder, exports
from engine.service.deployments import Deployment
from engine.service.system import new_id

from . import submissions
from .case_words import said
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("deployments", __name__)

SEVERITIES: Final = ("error", "warning", "info")
MAX_UPLOADS: Final = 200
WAY: Final = " → "
"""Between the steps of a counter-example (blank `way` of a finding)."""
OCTETS: Final = "application/octet-stream"
CAUSES: Final = frozenset({"bpmn.unsupported", "bpmn.no_id", "bpmn.duplicate_id"})
"""An element that is not read leaves a hole; what hangs on it is then found fault with too:"""
EFFECTS: Final = frozenset({"bpmn.unreachable", "bpmn.flow_end", "bpmn.dead_end", "bpmn.boundary_host"})


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding as shown. `name`: of the element, "" if it has none. `todo`: what to do, "" if nothing is known.

    `path`: the steps by which a case gets there, by name. `follows`: most likely gone once the other findings of its
    file are mended.
    """

    severity: str
    file: str
    line: int
    element: str
    name: str
    text: str
    todo: str
    path: tuple[str, ...] = ()
    follows: bool = False


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The findings about one file, the worst first. `counts`: severity -> how many, without those that are none."""

    file: str
    lines: tuple[FindingLine, ...]
    counts: Mapping[str, int]

    @property
    def size(self) -> int:
        return len(self.lines)


@blueprint.get("/deployments")
@requires("view_bundles")
def index() -> Response:
    return _page()


@blueprint.post("/deployments/upload")
@requires("deploy_bundle")
def upload() -> Response:
    chosen = [one for one in request.files.getlist("files") if one.filename][:MAX_UPLOADS]
    refused = services().pending.add(
        current_actor().user_id, [(str(one.filename), one.stream.read()) for one in chosen]
    )
    if refused is not None:
        return _page({"files": said(refused.key, refused.details)}, HTTP_STATUS[refused.code])
    return redirect(url_for("deployments.index", _anchor="pending"), 303)


@blueprint.post("/deployments/discard")
@requires("deploy_bundle")
def discard() -> Response:
    services().pending.discard(current_actor().user_id)
    flash(t("deploy.discarded"), "success")
    return redirect(url_for("deployments.index"), 303)


@blueprint.post("/deployments/deploy")
@requires("deploy_bundle")
def deploy() -> Response:
    actor, reason = current_actor(), request.form.get("reason", "").strip()[:2000]
    waiting = services().pending.get(actor.user_id)
    if waiting is None:
        flash(t("deploy.nothing_waits"), "warning")
        return redirect(url_for("deployments.index"), 303)
    outcome = services().deployments.deploy(
        waiting.files, actor.user_id, reason, submissions.command_id(request, actor.user_id)
    )
    if isinstance(outcome, Rejection):
        faults = {fault.path: t(fault.key, **fault.params) for fault in outcome.fields}
        return _page(faults or {"": said(outcome.key, outcome.details)}, HTTP_STATUS[outcome.code], reason)
    services().pending.discard(actor.user_id)
    flash(t("deploy.done", version=outcome[1].version[:12]), "success")
    return redirect(url_for("deployments.index"), 303)


@blueprint.get("/deployments/<version>")
@requires("view_bundles")
def version(version: str) -> str:
    files = _files(version)
    bundle = services().deployments.bundle(version)
    made = [one for one in services().deployments.history() if one.version == version]
    with reading() as conn:
        counts = bundle_counts.by_bundle(conn)
        names = Names(conn).load(one.actor for one in made)
    return render_template(
        "deployments/version.html",
        version=version,
        files=[(path, len(files[path])) for path in sorted(files)],
        processes=[(process.name or process.id, process.file) for process in bundle.processes.values()],
        made=made,
        **_folded(lines(made[-1].findings if made else ()), asked=False),
        count=counts.get(version, bundle_counts.BundleCount()),
        names=names,
    )


@blueprint.get("/deployments/<version>/bundle.zip")
@requires("view_bundles")
def download(version: str) -> Response:
    files = _files(version)
    content = _handed_out("bundle", version, lambda watermark: bundle_folder.to_zip(files, watermark))
    name = f"{t('deploy.zip_name')}-{version[:12]}.zip"
    return send_file(io.BytesIO(content), "application/zip", as_attachment=True, download_name=name)


@blueprint.get("/deployments/<version>/files/<path:path>")
@requires("view_bundles")
def file(version: str, path: str) -> Response:
    """One file, byte for byte as it was uploaded: numbered and logged like every export, but with no mark in it."""
    stored = _files(version).get(path)
    if stored is None:
        abort(404)
    content = _handed_out("bundle_file", f"{version}/{path}", lambda _: stored)
    return send_file(io.BytesIO(content), OCTETS, as_attachment=True, download_name=PurePosixPath(path).name)


def _handed_out(kind: str, subject: str, make: Callable[[str], bytes]) -> bytes:
    """What `make` gives for the text of the watermark; the log says before and after it who took out what (R71)."""
    watermark = exports.begin(services(), current_actor(), kind, subject, request.remote_addr or "")
    content = make(watermark.text)
    exports.made(services(), watermark.number, hashlib.sha256(content).hexdigest(), len(content))
    return content


def lines(findings: Iterable[Any]) -> list[FindingLine]:
    """Findings, fresh ones or as a deployment kept them, in words."""
    facts: list[Mapping[str, Any]] = [
        asdict(one) if is_dataclass(one) and not isinstance(one, type) else one for one in findings
    ]
    holed = {fact["file"] for fact in facts if fact["key"] in CAUSES}
    found = []
    for fact in facts:
        key, details = str(fact["key"]), dict(fact.get("details") or {})
        path = tuple(str(details["way"]).split(WAY)) if details.get("way", "-") != "-" else ()
        if path:
            details["way"] = t("deploy.way_below")
        todo = said(f"{key}.todo", details)
        found.append(
            FindingLine(
                str(fact["severity"]),
                str(fact["file"]),
                int(fact.get("line") or 0),
                str(fact["element"]),
                str(fact["name"]),
                said(key, details),
                "" if todo == f"{key}.todo" else todo,
                path,
                key in EFFECTS and fact["file"] in holed,
            )
        )
    return found


def grouped(shown: Iterable[FindingLine]) -> list[FindingGroup]:
    """By file: those with errors first, then by path; what concerns the whole bundle before all."""
    by_file: dict[str, list[FindingLine]] = {}
    for one in shown:
        by_file.setdefault(one.file, []).append(one)
    found = []
    for file, rows in by_file.items():
        rows.sort(key=lambda one: (SEVERITIES.index(one.severity), one.line, one.element))
        counted = {name: sum(one.severity == name for one in rows) for name in SEVERITIES}
        found.append(FindingGroup(file, tuple(rows), {name: count for name, count in counted.items() if count}))
    return sorted(found, key=lambda group: (group.file != "", "error" not in group.counts, group.file))


def _files(version: str) -> Mapping[str, bytes]:
    try:
        found: Mapping[str, bytes] = services().deployments.files(version)
    except KeyError:
        abort(404)
    return found


def _page(faults: Mapping[str, str] | None = None, status: int = 200, reason: str = "") -> Response:
    actor, history = current_actor(), services().deployments.history()
    owner = bool(may(actor, "deploy_bundle"))
    waiting = services().pending.get(actor.user_id) if owner else None
    findings = lines(services().deployments.checked(waiting.files).findings) if waiting is not None else []
    with reading() as conn:
        counts = bundle_counts.by_bundle(conn)
        names = Names(conn).load(one.actor for one in history)
    body = render_template(
        "deployments/index.html",
        history=history,
        versions=_versions(history, counts),
        waiting=waiting,
        findings=findings,
        **_folded(_filtered(findings), asked=request.args.get("severity", "") == "info"),
        severities={name: sum(one.severity == name for one in findings) for name in SEVERITIES},
        asked=request.args.get("severity", ""),
        asked_file=request.args.get("file", ""),
        owner=owner,
        names=names,
        faults=faults or {},
        reason=reason,
        command_id=new_id(),
    )
    return make_response(body, status)


def _filtered(findings: Sequence[FindingLine]) -> list[FindingLine]:
    severity, path = request.args.get("severity", ""), request.args.get("file", "")
    return [one for one in findings if severity in ("", one.severity) and path in ("", one.file)]


def _folded(findings: Iterable[FindingLine], asked: bool) -> dict[str, list[FindingGroup]]:
    """For the template: what matters in `shown`; `following` and `notes` (unless `asked` for) are folded below it."""
    found = list(findings)
    notes = [] if asked else [one for one in found if one.severity == "info" and not one.follows]
    following = [one for one in found if one.follows]
    rest = [one for one in found if one not in notes and not one.follows]
    return {"shown": grouped(rest), "following": grouped(following), "notes": grouped(notes)}


def _versions(
    history: Sequence[Deployment], counts: Mapping[str, bundle_counts.BundleCount]
) -> list[tuple[str, bool, bundle_counts.BundleCount]]:
    """Versions side by side: (version, whether it is live, its cases); those without any case only while live."""
    live = history[0].version if history else ""
    known = dict.fromkeys([*(one.version for one in history), *counts])
    none = bundle_counts.BundleCount()
    rows = [(one, one == live, counts.get(one, none)) for one in known]
    return [row for row in rows if row[1] or row[2].open or row[2].closed]

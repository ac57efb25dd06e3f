"""流程发布: what was deployed, by whom and why; every version again, byte for byte; back to an earlier one."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from engine.domain.access import may
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.readmodels import bundle_counts
from engine.service import bundle_approval, bundle_folder, exports, whatif
from engine.service.bundle_drafts import Draft
from engine.service.deployments import Checked, Deployment
from engine.service.system import new_id

from . import submissions
from .case_words import said
from .catalogue import t
from .findings import folded, lines
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("deployments", __name__)

OCTETS: Final = "application/octet-stream"


@blueprint.get("/deployments")
@requires("view_bundles")
def index() -> Response:
    return _page()


@blueprint.post("/deployments/<version>/again")
@requires("deploy_bundle")
def again(version: str) -> Response:
    """Back to an earlier version: deployed once more, with a reason; where two must agree, as a draft that is proposed.

    Running cases stay where they are, as with every deployment.
    """
    actor, reason = current_actor(), request.form.get("reason", "").strip()[:2000]
    files = _files(version)
    outcome: Draft | tuple[Checked, Deployment] | Rejection
    if services().deployments.two_approvers:
        outcome = _proposed_again(version, files, reason)
    else:
        outcome = services().deployments.deploy(
            files, actor.user_id, reason, submissions.command_id(request, actor.user_id)
        )
    if isinstance(outcome, Rejection):
        faults = {"again": t("deploy.reason_needed") if outcome.fields else said(outcome.key, outcome.details)}
        return _page(faults, HTTP_STATUS[outcome.code], reason, version)
    if isinstance(outcome, Draft):
        flash(t("studio.proposed"), "success")
        return redirect(url_for("studio.show", draft_id=outcome.draft_id), 303)
    flash(t("deploy.done", version=version[:12]), "success")
    return redirect(url_for("deployments.index"), 303)


def _proposed_again(version: str, files: Mapping[str, bytes], reason: str) -> Draft | Rejection:
    if not reason:
        return bundle_approval.NO_REASON
    title = t("deploy.again_title", version=version[:12])
    draft: Draft | Rejection = services().bundle_drafts.create(current_actor(), title, "", files)
    if isinstance(draft, Rejection):
        return draft
    outcome = bundle_approval.propose(services(), draft.draft_id, current_actor(), reason)
    if isinstance(outcome, Rejection):
        services().bundle_drafts.discard(draft.draft_id)
    return outcome


@blueprint.get("/deployments/<version>")
@requires("view_bundles")
def version(version: str) -> str:
    files = _files(version)
    bundle = services().deployments.bundle(version)
    history = services().deployments.history()
    made = [one for one in history if one.version == version]
    with reading() as conn:
        counts = bundle_counts.by_bundle(conn)
        tried = whatif.newest(conn, version)
        names = Names(conn).load(one.actor for one in (*made, *tried))
    return render_template(
        "deployments/version.html",
        tried=tried,
        version=version,
        before=_before(history, version),
        files=[(path, len(files[path])) for path in sorted(files)],
        processes=[(process.name or process.id, process.file) for process in bundle.processes.values()],
        made=made,
        **folded(lines(made[-1].findings if made else ()), asked=False),
        count=counts.get(version, bundle_counts.BundleCount()),
        names=names,
    )


def _before(history: Sequence[Deployment], version: str) -> str:
    """The version that was live before this one was first deployed, "" for the first."""
    first = next((place for place in range(len(history) - 1, -1, -1) if history[place].version == version), None)
    return history[first + 1].version if first is not None and first + 1 < len(history) else ""


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


def _files(version: str) -> Mapping[str, bytes]:
    try:
        found: Mapping[str, bytes] = services().deployments.files(version)
    except KeyError:
        abort(404)
    return found


def _page(faults: Mapping[str, str] | None = None, status: int = 200, reason: str = "", chosen: str = "") -> Response:
    """`chosen`: the version that was to be deployed again; `reason`: as typed."""
    history = services().deployments.history()
    with reading() as conn:
        counts = bundle_counts.by_bundle(conn)
        names = Names(conn).load(login for one in history for login in (one.actor, one.approved_by))
    body = render_template(
        "deployments/index.html",
        history=history,
        versions=_versions(history, counts),
        drafts=services().bundle_drafts.all(),
        owner=bool(may(current_actor(), "deploy_bundle")),
        names=names,
        faults=faults or {},
        reason=reason,
        chosen=chosen,
        command_id=new_id(),
    )
    return make_response(body, status)


def _versions(
    history: Sequence[Deployment], counts: Mapping[str, bundle_counts.BundleCount]
) -> list[tuple[str, bool, bundle_counts.BundleCount]]:
    """Versions side by side: (version, whether it is live, its cases); those without any case only while live."""
    live = history[0].version if history else ""
    known = dict.fromkeys([*(one.version for one in history), *counts])
    none = bundle_counts.BundleCount()
    rows = [(one, one == live, counts.get(one, none)) for one in known]
    return [row for row in rows if row[1] or row[2].open or row[2].closed]

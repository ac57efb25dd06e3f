"""What is done to a draft from its page: files added, renamed, left out, taken out; deployed, approved, given up."""

from __future__ import annotations

import hashlib
import io
from typing import Final

from flask import Blueprint, flash, redirect, request, send_file, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import Rejection
from engine.service import bundle_approval, bundle_folder, bundle_skeletons, bundle_upload, exports

from . import submissions
from .catalogue import t
from .guards import current_actor, requires, services
from .studio import answered, page, uploaded, wanted

blueprint = Blueprint("studio_changes", __name__)

MAX_REASON: Final = 2000


@blueprint.post("/studio/<draft_id>/upload")
@requires("edit_bundle")
def upload(draft_id: str) -> Response:
    """Files over those of the draft; a zip replaces them all."""
    wanted(draft_id)
    sent = bundle_upload.read(uploaded(), services().bundle_drafts.files(draft_id))
    if isinstance(sent, Rejection):
        return page(draft_id, sent)
    outcome = services().bundle_drafts.add(draft_id, sent.files, current_actor(), whole=sent.whole)
    return answered(draft_id, outcome, "studio.added", count=len(sent.files))


@blueprint.post("/studio/<draft_id>/new")
@requires("edit_bundle")
def new(draft_id: str) -> Response:
    """A new file of a kind, with as much in it as makes it readable."""
    wanted(draft_id)
    name, kind = request.form.get("name", "").strip(), request.form.get("kind", "")
    made = bundle_skeletons.made(kind, name)
    if isinstance(made, Rejection):
        return page(draft_id, made)
    path, content = made
    if services().bundle_drafts.file(draft_id, path) is not None:
        return page(draft_id, Rejection("conflict", "draft.name_taken", {"file": path}))
    outcome = services().bundle_drafts.add(draft_id, {path: content}, current_actor(), whole=False)
    return answered(draft_id, outcome, "studio.made", file=path)


@blueprint.post("/studio/<draft_id>/remove")
@requires("edit_bundle")
def remove(draft_id: str) -> Response:
    wanted(draft_id)
    path = request.form.get("path", "")
    outcome = services().bundle_drafts.remove(draft_id, path, current_actor(), _revision())
    return answered(draft_id, outcome, "studio.removed", file=path)


@blueprint.post("/studio/<draft_id>/rename")
@requires("edit_bundle")
def rename(draft_id: str) -> Response:
    wanted(draft_id)
    path, to = request.form.get("path", ""), request.form.get("to", "").strip()
    outcome = services().bundle_drafts.rename(draft_id, path, to, current_actor(), _revision())
    return answered(draft_id, outcome, "studio.renamed", file=to)


@blueprint.post("/studio/<draft_id>/restore")
@requires("edit_bundle")
def restore(draft_id: str) -> Response:
    wanted(draft_id)
    path = request.form.get("path", "")
    return answered(
        draft_id, services().bundle_drafts.restore(draft_id, path, current_actor()), "studio.restored", file=path
    )


@blueprint.post("/studio/<draft_id>/title")
@requires("edit_bundle")
def title(draft_id: str) -> Response:
    wanted(draft_id)
    return answered(draft_id, services().bundle_drafts.rename_draft(draft_id, request.form.get("title", "")))


@blueprint.post("/studio/<draft_id>/rebase")
@requires("edit_bundle")
def rebase(draft_id: str) -> Response:
    wanted(draft_id)
    return answered(draft_id, services().bundle_drafts.rebase(draft_id, current_actor()), "studio.rebased")


@blueprint.post("/studio/<draft_id>/discard")
@requires("edit_bundle")
def discard(draft_id: str) -> Response:
    wanted(draft_id)
    refused = services().bundle_drafts.discard(draft_id)
    if refused is not None:
        return page(draft_id, refused)
    flash(t("studio.discarded"), "success")
    return redirect(url_for("studio.index"), 303)


@blueprint.get("/studio/<draft_id>/bundle.zip")
@requires("view_bundles")
def download(draft_id: str) -> Response:
    """The whole bundle as it stands; numbered and logged like every export."""
    draft = wanted(draft_id)
    files = services().bundle_drafts.files(draft_id)
    mark = exports.begin(services(), current_actor(), "bundle", f"draft:{draft_id}", request.remote_addr or "")
    content = bundle_folder.to_zip(files, mark.text)
    exports.made(services(), mark.number, hashlib.sha256(content).hexdigest(), len(content))
    name = f"{t('deploy.zip_name')}-{draft.title[:40]}.zip"
    return send_file(io.BytesIO(content), "application/zip", as_attachment=True, download_name=name)


@blueprint.post("/studio/<draft_id>/deploy")
@requires("deploy_bundle")
def deploy(draft_id: str) -> Response:
    """Deploys; where two must agree and nobody else has yet, proposes."""
    draft, actor, reason = wanted(draft_id), current_actor(), _reason()
    if services().deployments.two_approvers and draft.state == "open" and services().deployments.live():
        return answered(draft_id, bundle_approval.propose(services(), draft_id, actor, reason), "studio.proposed")
    command_id = submissions.command_id(request, actor.user_id)
    outcome = bundle_approval.deploy(services(), draft_id, actor, reason, command_id)
    if isinstance(outcome, Rejection):
        return page(draft_id, outcome)
    flash(t("deploy.done", version=outcome[1].version[:12]), "success")
    return redirect(url_for("deployments.index"), 303)


@blueprint.post("/studio/<draft_id>/approve")
@requires("approve_bundle")
def approve(draft_id: str) -> Response:
    wanted(draft_id)
    return answered(draft_id, bundle_approval.approve(services(), draft_id, current_actor()), "studio.approved")


@blueprint.post("/studio/<draft_id>/send-back")
@requires("approve_bundle", "edit_bundle")
def send_back(draft_id: str) -> Response:
    """Opens a proposed draft again: by who was to approve it, or by the proposer himself."""
    wanted(draft_id)
    outcome = bundle_approval.send_back(services(), draft_id, current_actor(), _reason())
    return answered(draft_id, outcome, "studio.sent_back")


def _reason() -> str:
    return request.form.get("reason", "").strip()[:MAX_REASON]


def _revision() -> int:
    given = request.form.get("revision", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else -1

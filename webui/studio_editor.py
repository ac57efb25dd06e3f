"""流程编辑：one file of a draft in its editor. Reading and writing the file are the draft's own routes; this is the page."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from flask import Blueprint, abort, render_template, url_for

from .guards import requires, services

blueprint = Blueprint("studio_editor", __name__)

EDITORS: Final = {".bpmn": "bpmn", ".bpmn2": "bpmn", ".dmn": "dmn", ".form": "form"}
"""Suffix -> editor; everything else is edited as text."""


@blueprint.get("/studio/<draft_id>/edit/<path:path>")
@requires("edit_bundle", "deploy_bundle")
def edit(draft_id: str, path: str) -> str:
    """The editor of one file; 404 without such a draft or file. A draft that is closed is shown, not changed."""
    draft = services().bundle_drafts.get(draft_id)
    if draft is None or path not in (files := services().bundle_drafts.files(draft_id)):
        abort(404)
    kind = EDITORS.get(PurePosixPath(path).suffix.lower(), "text")
    return render_template(
        "studio/editor.html",
        draft=draft,
        path=path,
        kind=kind,
        beside=sorted(one for one in files if PurePosixPath(one).suffix == PurePosixPath(path).suffix),
        readonly=draft.state != "open",
        file_url=url_for("studio_files.read", draft_id=draft_id, path=path),
        here_url=url_for("studio_files.here", draft_id=draft_id),
        findings_url=url_for("studio_files.findings", draft_id=draft_id, file=path),
        back_url=url_for("studio.show", draft_id=draft_id),
    )

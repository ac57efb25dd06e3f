"""The editors of a draft's files: the page. Reading and writing a file are the draft's own routes (studio_files)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from flask import Blueprint, abort, render_template, request, url_for

from .guards import requires, services

blueprint = Blueprint("studio_editor", __name__)

EDITORS: Final = {".bpmn": "bpmn", ".bpmn2": "bpmn", ".dmn": "dmn", ".form": "form"}
"""Suffix -> editor; everything else is edited as text."""


@blueprint.get("/studio/<draft_id>/edit/<path:path>")
@requires("edit_bundle", "deploy_bundle")
def edit(draft_id: str, path: str) -> str:
    """The editor of one file; 404 without such a draft or file. A draft that is closed is shown, not changed.

    `?as=text`: as text, whatever it is; for what its own editor cannot open.
    """
    draft = services().bundle_drafts.get(draft_id)
    if draft is None or path not in services().bundle_drafts.files(draft_id):
        abort(404)
    kind = "text" if request.args.get("as") == "text" else EDITORS.get(PurePosixPath(path).suffix.lower(), "text")
    return render_template(
        "studio/editor.html",
        draft=draft,
        path=path,
        kind=kind,
        readonly=draft.state != "open",
        file_url=url_for("studio_files.read", draft_id=draft_id, path=path),
        here_url=url_for("studio_files.here", draft_id=draft_id),
        findings_url=url_for("studio_files.findings", draft_id=draft_id),
        back_url=url_for("studio.show", draft_id=draft_id),
    )

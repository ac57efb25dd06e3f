"""The files of a draft, as the editors read and save them: bytes and JSON, every file with its revision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, abort, jsonify, make_response, render_template, request
from werkzeug.wrappers import Response

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import bundle_presence

from .catalogue import t
from .findings import FindingLine, lines
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("studio_files", __name__)

OCTETS: Final = "application/octet-stream"
_REVISION: Final = re.compile(r'(?:W/)?"?(\d{1,9})"?')


@blueprint.get("/studio/<draft_id>/files/<path:path>")
@requires("view_bundles")
def read(draft_id: str, path: str) -> Response:
    """A file of the draft, byte for byte; its revision is the ETag."""
    found = services().bundle_drafts.file(draft_id, path)
    if found is None:
        abort(404)
    answer = make_response(found[0])
    answer.mimetype = OCTETS
    answer.headers["ETag"] = f'"{found[1]}"'
    answer.headers["Content-Disposition"] = "attachment"
    return answer


@blueprint.put("/studio/<draft_id>/files/<path:path>")
@requires("edit_bundle")
def save(draft_id: str, path: str) -> Response:
    """Saves the body as the file. 409 says who saved it since the revision in `If-Match`; 428: it was not named.

    Answers with the findings about the draft, or with `?check=later` at once, without them."""
    seen = _REVISION.fullmatch(request.headers.get("If-Match", "").strip())
    if seen is None:
        return make_response(jsonify(text=t("draft.no_revision")), 428)
    if services().bundle_drafts.get(draft_id) is None:
        abort(404)
    outcome = services().bundle_drafts.save(draft_id, path, request.get_data(), current_actor(), int(seen[1]))
    if isinstance(outcome, Rejection):
        return refused(outcome)
    if request.args.get("check") == "later":
        return jsonify(revision=outcome.revision)
    return jsonify(revision=outcome.revision, findings=told(_found(draft_id), path))


@blueprint.get("/studio/<draft_id>/findings")
@requires("view_bundles")
def findings(draft_id: str) -> Response:
    """All findings about the draft, or with `?file=` those about that file."""
    if services().bundle_drafts.get(draft_id) is None:
        abort(404)
    return jsonify(findings=told(_found(draft_id), request.args.get("file", ""), only=True))


@blueprint.post("/studio/<draft_id>/here")
@requires("edit_bundle", keeps_alive=False)
def here(draft_id: str) -> Response:
    """A sign of life of an open page, every 20 seconds; answers who else has the draft open, and where: as a piece of
    the page for htmx, else as JSON."""
    if services().bundle_drafts.get(draft_id) is None:
        abort(404)
    others = bundle_presence.here(services(), draft_id, current_actor().user_id, request.form.get("path", "")[:200])
    with reading() as conn:
        names = Names(conn).load(one.user_id for one in others)
    if request.headers.get("HX-Request"):
        return make_response(render_template("studio/here.html", others=others, names=names))
    return jsonify(others=[{"name": names.person(one.user_id), "path": one.path} for one in others])


def refused(rejection: Rejection) -> Response:
    """A rejection as JSON: `text` to show; of a conflict also `by` (name), `at` and `revision`."""
    with reading() as conn:
        names = Names(conn)
        body: dict[str, Any] = {"text": names.sentence(rejection)}
        if rejection.key == "draft.conflict":
            body |= {**rejection.details, "by": names.person(str(rejection.details["by"]))}
    return make_response(jsonify(body), HTTP_STATUS[rejection.code])


def told(found: Iterable[FindingLine], path: str = "", *, only: bool = False) -> list[Mapping[str, Any]]:
    """Findings as the editors read them: those about `path` first ("" for all alike); `only`: no others."""
    rows = [one for one in found if not (only and path) or one.file == path]
    return [asdict(one) for one in sorted(rows, key=lambda one: one.file != path)]


def _found(draft_id: str) -> list[FindingLine]:
    return lines(services().deployments.checked(services().bundle_drafts.files(draft_id)).findings)

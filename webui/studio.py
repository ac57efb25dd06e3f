"""流程工作室: the drafts, and the page of one: its files, what is wrong with them, what can be done next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from flask import Blueprint, abort, current_app, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from engine.domain.access import may
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import bundle_presence, bundle_titles, bundle_upload, scenarios, whatif
from engine.service.bundle_drafts import Draft, DraftFile
from engine.service.bundle_rebase import both_sides
from engine.service.system import new_id

from .catalogue import t
from .findings import SEVERITIES, FindingLine, folded, lines
from .guards import allowed, current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("studio", __name__)

MAX_UPLOADS: Final = 200
MAX_SOUGHT: Final = 80
MAX_TRIED: Final = 3
"""Runs of what-if shown with a draft."""
KINDS: Final = (".bpmn", ".dmn", ".form", ".scenario.toml", ".toml")
"""Endings of the files of a bundle, in the order of the page; `studio.kind.<ending>` names them."""


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files of one kind; `changed`: how many differ from the base."""

    kind: str
    files: tuple[DraftFile, ...]
    changed: int


@blueprint.get("/studio")
@requires("view_bundles")
def index() -> Response:
    return _list()


@blueprint.post("/studio")
@requires("edit_bundle")
def create() -> Response:
    """A new draft of the chosen version."""
    made = services().bundle_drafts.create(
        current_actor(), request.form.get("title", ""), request.form.get("version", "")
    )
    if isinstance(made, Rejection):
        faults = {fault.path: t(fault.key, **fault.params) for fault in made.fields}
        return _list(faults or {"": t(made.key, **made.details)}, HTTP_STATUS[made.code])
    return redirect(url_for("studio.show", draft_id=made.draft_id), 303)


@blueprint.post("/studio/upload")
@requires("edit_bundle")
def upload() -> Response:
    """A new draft from what was uploaded: a whole bundle, or files laid over the live one."""
    sent = bundle_upload.read(uploaded(), bundle_upload.live_files(services()))
    if isinstance(sent, Rejection):
        return _list({"files": t(sent.key, **sent.details)}, HTTP_STATUS[sent.code])
    title = request.form.get("title", "").strip() or t("studio.uploaded", name=sent.name)
    files = sent.files if sent.whole else {**bundle_upload.live_files(services()), **sent.files}
    made = services().bundle_drafts.create(current_actor(), title, "", files)
    if isinstance(made, Rejection):
        return _list({"files": t(made.key, **made.details)}, HTTP_STATUS[made.code])
    return redirect(url_for("studio.show", draft_id=made.draft_id), 303)


@blueprint.get("/studio/<draft_id>")
@requires("view_bundles")
def show(draft_id: str) -> Response:
    return page(draft_id)


def uploaded() -> list[tuple[str, bytes]]:
    """(file name, content) of what a form sent as `files`."""
    chosen = [one for one in request.files.getlist("files") if one.filename][:MAX_UPLOADS]
    return [(str(one.filename), one.stream.read()) for one in chosen]


def wanted(draft_id: str) -> Draft:
    """The draft of an address; 404 when there is none."""
    found: Draft | None = services().bundle_drafts.get(draft_id)
    if found is None:
        abort(404)
    return found


def answered(draft_id: str, outcome: object, done: str = "", **blanks: object) -> Response:
    """Back to the draft's page with the sentence `done`, or the page with what was refused."""
    if isinstance(outcome, Rejection):
        return page(draft_id, outcome)
    if done:
        flash(t(done, **blanks), "success")
    return redirect(url_for("studio.show", draft_id=draft_id), 303)


def page(draft_id: str, refused: Rejection | None = None) -> Response:
    """The page of a draft. `refused`: said at the top, or at the field it is about; what was typed is still there."""
    draft = wanted(draft_id)
    kept, actor = services().bundle_drafts, current_actor()
    files = [one for one in kept.listing(draft_id) if one.how != "gone"]
    checked = services().deployments.checked(kept.files(draft_id))
    found = lines(checked.findings)
    results = scenarios.known(checked.bundle.version)
    sought = request.args.get("q", "").strip()[:MAX_SOUGHT]
    places = bundle_titles.said_in(checked.bundle, sought) if sought else {}
    live = services().deployments.live()
    now = services().clock.now()
    with reading() as conn:
        others = bundle_presence.others(conn, draft_id, actor.user_id, now)
        people = {draft.owner, draft.proposed_by, draft.approved_by, *(one.by for one in files)}
        names = Names(conn).load([*people, *(one.user_id for one in others)])
        said = "" if refused is None or refused.fields else names.sentence(refused)
        tried = whatif.of_draft(conn, draft_id, MAX_TRIED)
    body = render_template(
        "studio/draft.html",
        draft=draft,
        groups=_groups([one for one in files if not sought or one.path in places]),
        titles=bundle_titles.titles(checked.bundle),
        sought=sought,
        places=places,
        changes=[one for one in files if one.how != "same"],
        findings=found,
        **folded(_filtered(found), asked=request.args.get("severity", "") == "info"),
        severities={name: sum(one.severity == name for one in found) for name in SEVERITIES},
        asked=request.args.get("severity", ""),
        asked_file=request.args.get("file", ""),
        by_file={one.path: sum(f.file == one.path and f.severity == "error" for f in found) for one in files},
        moved=both_sides(services(), draft) if draft.base_version != live else None,
        others=others,
        editor=bool(may(actor, "edit_bundle")) and draft.state == "open",
        deployer=bool(may(actor, "deploy_bundle")),
        approver=bool(may(actor, "approve_bundle")) and actor.user_id != draft.proposed_by,
        two=services().deployments.two_approvers,
        names=names,
        said=said,
        failing=refused is not None and refused.key == scenarios.FAILING,
        results=results,
        failed=sum(one.fault is not None for one in results or ()),
        tried=[(one, services().deployments.alike(one.version, checked.bundle.files)) for one in tried],
        faults={} if refused is None else {fault.path: t(fault.key, **fault.params) for fault in refused.fields},
        typed=request.form,
        links=_links(draft),
        edit_url=_edit_url(draft),
        every=bundle_presence.EVERY,
        command_id=new_id(),
    )
    return make_response(body, 200 if refused is None else HTTP_STATUS[refused.code])


def _links(draft: Draft) -> list[tuple[str, str]]:
    """(key, address) of what else can be done with a draft, as far as this program has pages for it."""
    name = f"draft:{draft.draft_id}"
    pages: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("studio.compare", "/compare", {"from": draft.base_version, "to": name}),
        ("studio.whatif", "/whatif", {"to": name}),
        ("studio.play", "/play", {"of": name}),
        ("studio.tests", url_for("studio_tests.show", draft_id=draft.draft_id), {}),
    )
    offered = [one for one in pages if _served(one[1]) and (one[0] != "studio.play" or allowed("deploy_bundle"))]
    return [(key, f"{path}?{urlencode(args)}" if args else path) for key, path, args in offered]


def _edit_url(draft: Draft) -> Callable[[str], str] | None:
    """Address of the editor of a file; None where the program has no editor."""
    place = f"/studio/{draft.draft_id}/edit/"
    return (lambda path: place + quote(path)) if _served(f"{place}x") else None


def _served(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(path)
    except HTTPException:
        return False
    return True


def _list(faults: Mapping[str, str] | None = None, status: int = 200) -> Response:
    drafts = services().bundle_drafts.all()
    changed = services().bundle_drafts.counts()
    history = services().deployments.history()
    with reading() as conn:
        names = Names(conn).load(one.owner for one in drafts)
    body = render_template(
        "studio/index.html",
        drafts=drafts,
        changed=changed,
        versions=list(dict.fromkeys(one.version for one in history)),
        live=history[0].version if history else "",
        editor=bool(may(current_actor(), "edit_bundle")),
        names=names,
        faults=faults or {},
        typed=request.form,
    )
    return make_response(body, status)


def _groups(files: Sequence[DraftFile]) -> list[FileGroup]:
    by_kind: dict[str, list[DraftFile]] = {kind: [] for kind in KINDS}
    for one in files:
        by_kind[next((kind for kind in KINDS if one.path.endswith(kind)), ".toml")].append(one)
    return [
        FileGroup(
            kind, tuple(sorted(found, key=lambda one: one.how == "same")), sum(one.how != "same" for one in found)
        )
        for kind, found in by_kind.items()
        if found
    ]


def _filtered(findings: Sequence[FindingLine]) -> list[FindingLine]:
    severity, path = request.args.get("severity", ""), request.args.get("file", "")
    return [one for one in findings if severity in ("", one.severity) and path in ("", one.file)]
